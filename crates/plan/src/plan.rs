//! The validated test plan.

use crate::error::{PlanError, Problem, Warning};
use crate::options::Options;
use crate::reader::Reader;
use crate::scenario::Executor;
use crate::segment::{ExecutionSegment, SegmentSequence};
use crate::{RunOptions, Scenario, Slots, scenario_layer, shortcuts};

/// Everything a run goes by; nothing in it can fail to validate any more.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Options that hold for the whole run, with defaults filled in.
    pub options: RunOptions,
    /// At least one scenario, sorted by start time, then by name.
    pub scenarios: Vec<Scenario>,
    /// Which virtual users, iteration indices and planned starts this instance runs.
    pub slots: Slots,
}

impl Plan {
    /// Validates merged options. All problems are reported at once; warnings come with the plan.
    pub fn new(options: &Options) -> Result<(Self, Vec<Warning>), PlanError> {
        let mut at = Reader::default();
        let (scenarios, mut warnings) = shortcuts::derive(options)?;
        let run_options = RunOptions::validate(options, &mut at, &mut warnings);
        let scenarios = if options.scenarios.as_ref() == Some(&scenarios) {
            at.member("scenarios", |at| scenario_layer::validate(&scenarios, at))
        } else {
            let mut shortcuts = Reader::default();
            let scenarios = scenario_layer::validate(&scenarios, &mut shortcuts);
            at.absorb(shortcuts.finish(scenarios).map_err(shortcuts::in_terms_of_shortcuts))
                .unwrap_or_default()
        };
        let slots = slots(options).or_else(|problem| at.problem(problem).ok_or(())).unwrap_or(Slots::whole());
        warnings.extend(scenarios.iter().filter_map(idle));
        at.finish((Self { options: run_options, scenarios, slots }, warnings))
    }

    /// Checks that every scenario's function is one that the script exports.
    pub fn check_exports(&self, is_exported: impl Fn(&str) -> bool) -> Result<(), PlanError> {
        let missing = self.scenarios.iter().filter(|scenario| !is_exported(&scenario.exec));
        let problem = |scenario: &Scenario| Problem::Invalid {
            path: format!("scenarios.{}.exec", scenario.name),
            value: format!("{:?}", scenario.exec),
            expected: "a function that the script exports".to_owned(),
        };
        let problems: Vec<Problem> = missing.map(problem).collect();
        if problems.is_empty() { Ok(()) } else { Err(PlanError { problems }) }
    }
}

fn slots(options: &Options) -> Result<Slots, Problem> {
    let segment = options.execution_segment.unwrap_or(ExecutionSegment::WHOLE);
    let sequence = match &options.execution_segment_sequence {
        Some(sequence) => sequence.clone(),
        None => SegmentSequence::new(vec![segment])?,
    };
    Ok(Slots::of(&segment, &sequence.filled())?)
}

/// k6 runs nothing for such a scenario and says nothing.
fn idle(scenario: &Scenario) -> Option<Warning> {
    let why = match &scenario.executor {
        Executor::ConstantArrivalRate { max_vus: 0, .. }
        | Executor::RampingArrivalRate { max_vus: 0, .. }
        | Executor::ExternallyControlled { max_vus: 0, .. } => "it has no virtual users (maxVUs is 0)",
        Executor::RampingArrivalRate { start_rate: 0, stages, .. }
            if stages.iter().all(|s| s.target == 0) =>
        {
            "its rate is always 0"
        }
        _ => return None,
    };
    Some(Warning::IdleScenario(scenario.name.clone(), why))
}
