//! The short way to say what runs: `vus`, `duration`, `iterations` and `stages` become one scenario named
//! `default`.

use std::collections::BTreeMap;

use crate::error::{PlanError, Problem, Warning};
use crate::options::Options;
use crate::scenario_layer::{ExecutorKind, ScenarioLayer, Scenarios};
use crate::value::stages::Stages;

/// The name of the scenario that shortcuts make.
pub const DEFAULT: &str = "default";

/// The scenarios of merged options: those given, or the one that the shortcuts stand for.
pub fn derive(options: &Options) -> Result<(Scenarios, Vec<Warning>), Problem> {
    // Stages without a duration are dropped here, and only here: observed on k6 1.1.
    let stages = options
        .stages
        .as_ref()
        .map(|stages| Stages(stages.0.iter().filter(|stage| stage.duration.is_some()).cloned().collect()));
    let has_stages = stages.as_ref().is_some_and(|stages| !stages.0.is_empty());
    let set = [
        ("iterations", options.iterations.is_some()),
        ("duration", options.duration.is_some()),
        ("stages", has_stages),
        ("scenarios", options.scenarios.is_some()),
    ];
    // Iterations may go with a duration, which then limits them; nothing else goes together.
    let mut conflicting =
        set.iter().filter(|(name, set)| *set && !(*name == "duration" && set_iterations(options)));
    if let (Some((first, _)), Some((second, _))) = (conflicting.next(), conflicting.next()) {
        return Err(Problem::Conflict { first, second });
    }

    // Not the default of 1: what the user did not set shows as null in `exec.test.options`, as in k6.
    let vus = options.vus;
    let alone = |layer: ScenarioLayer| Scenarios(BTreeMap::from([(DEFAULT.to_owned(), layer)]));
    let layer = |kind| ScenarioLayer { vus, ..ScenarioLayer::new(kind) };
    if let Some(iterations) = options.iterations {
        let shared = layer(ExecutorKind::SharedIterations);
        let shared = ScenarioLayer { iterations: Some(iterations), max_duration: options.duration, ..shared };
        return Ok((alone(shared), vec![]));
    }
    if let Some(duration) = options.duration {
        if duration.to_duration().is_none_or(|duration| duration.is_zero()) {
            let expected =
                "above 0 (for a test without end use the externally-controlled executor)".to_owned();
            return Err(Problem::Invalid { path: "duration".into(), value: duration.to_string(), expected });
        }
        let constant = ScenarioLayer { duration: Some(duration), ..layer(ExecutorKind::ConstantVus) };
        return Ok((alone(constant), vec![]));
    }
    if has_stages {
        let ramping = ScenarioLayer::new(ExecutorKind::RampingVus);
        return Ok((alone(ScenarioLayer { start_vus: vus, stages, ..ramping }), vec![]));
    }
    if let Some(scenarios) = options.scenarios.as_ref().filter(|scenarios| !scenarios.0.is_empty()) {
        return Ok((scenarios.clone(), vec![]));
    }

    let once = ScenarioLayer::new(ExecutorKind::PerVuIterations);
    let warning = match (options.vus, &options.scenarios, &options.stages) {
        (_, Some(_), _) => Some(Warning::NothingToRun("scenarios")),
        (_, _, Some(_)) => Some(Warning::NothingToRun("stages")),
        (None | Some(1), None, None) => None,
        (Some(vus), None, None) => Some(Warning::VusIgnored(vus)),
    };
    Ok((alone(once), warning.into_iter().collect()))
}

/// Names problems of the derived scenario after the options that it was derived from.
pub(crate) fn in_terms_of_shortcuts(mut error: PlanError) -> PlanError {
    for problem in &mut error.problems {
        if let Problem::Invalid { path, .. } | Problem::Missing { path, .. } = problem {
            let setting = path.strip_prefix(&format!("{DEFAULT}.")).unwrap_or(path);
            *path = setting.replace("startVUs", "vus").replace("maxDuration", "duration");
        }
    }
    error
}

fn set_iterations(options: &Options) -> bool {
    options.iterations.is_some()
}
