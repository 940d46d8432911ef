//! Engages the crew that a run asks for: threads, worker processes of this machine, or workers that join.

use throng_cluster::{Controller, ControllerConfig, CountedWork, NetError, StateDir, Token};
use throng_engine::{ScenarioIndex, Time};
use throng_plan::{Executor, Scenario};

use super::bundle;
use super::conductor::CREW_SOURCES;
use super::crew::{Children, Crew, Local, Moves, Remote, RemoteConfig};
use super::descriptors;
use super::prepare::{Prepared, processors};
use super::raw::Raw;
use super::stage::Stage;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::spec::{RunSpec, Workforce};

/// How the header calls it.
pub(super) fn describe(workforce: &Workforce) -> String {
    match workforce {
        Workforce::Threads => "local".to_owned(),
        Workforce::Spawned { workers, .. } => format!("local, {}", counted(*workers)),
        Workforce::Joining { config, .. } => counted(config.expected),
    }
}

fn counted(workers: u32) -> String {
    if workers == 1 { "1 worker".to_owned() } else { format!("{workers} workers") }
}

/// The crew, at work on getting ready.
pub(super) fn engage(
    spec: &RunSpec,
    prepared: &Prepared,
    stage: &Stage,
    raw: &Raw,
) -> Result<Box<dyn Crew>, Failure> {
    match &spec.workforce {
        Workforce::Threads => {
            descriptors::prepare(&spec.log, prepared.max_vus());
            let crew = Local::spawn(prepared, stage, CREW_SOURCES).map_err(Failure::other)?;
            Ok(Box::new(crew))
        }
        Workforce::Spawned { workers, on_loss } => {
            let token = Token::random().map_err(|error| Failure::other(error.to_string()))?;
            let config = ControllerConfig {
                on_worker_loss: *on_loss,
                ..ControllerConfig::loopback(*workers, token.clone())
            };
            remote(spec, prepared, raw, config, None, |address, _| {
                let children = Children::start(*workers, processors()?, address, &token);
                children
                    .map(Some)
                    .map_err(|error| Failure::other(format!("cannot start a worker process: {error}")))
            })
        }
        Workforce::Joining { config, state } => {
            remote(spec, prepared, raw, (**config).clone(), state.as_ref(), |address, goes_on| {
                let workers = counted(config.expected);
                let whom =
                    if goes_on { format!("{workers} to come back") } else { format!("{workers} to join") };
                spec.log.info(&format!("waiting for {whom} at {address}"));
                Ok(None)
            })
        }
    }
}

/// What of the test moves to others when a worker goes.
fn moves(prepared: &Prepared) -> Moves {
    let scenarios = &prepared.plan.scenarios;
    let planned = |index| prepared.engine.planned_starts(ScenarioIndex::new(index));
    let counted = |(position, scenario): (usize, &Scenario)| {
        let (vus, iterations, is_each) = match scenario.executor {
            Executor::SharedIterations { vus, iterations, .. } => (vus, iterations, false),
            Executor::PerVuIterations { vus, iterations, .. } => (vus, iterations, true),
            _ => return None,
        };
        Some(CountedWork { scenario: ScenarioIndex::new(position), vus, iterations, is_each })
    };
    Moves {
        names: scenarios.iter().map(|scenario| scenario.name.clone()).collect(),
        counted: scenarios.iter().enumerate().filter_map(counted).collect(),
        planned_starts: (0..scenarios.len()).map(planned).collect(),
    }
}

fn remote(
    spec: &RunSpec,
    prepared: &Prepared,
    raw: &Raw,
    config: ControllerConfig,
    state: Option<&StateDir>,
    helpers: impl FnOnce(std::net::SocketAddr, bool) -> Result<Option<Children>, Failure>,
) -> Result<Box<dyn Crew>, Failure> {
    if !prepared.plan.slots.is_whole() {
        return Err(Failure::other(
            "an execution segment together with workers is not supported yet: workers are dealt the whole test",
        ));
    }
    if state.is_some() && !prepared.thresholds.windowed().is_empty() {
        return Err(Failure::new(
            Exit::InvalidConfig,
            "thresholds on parts of a run (`by peak`, `within 10m of end`) together with --state-dir are not supported yet: \
             a controller that goes on knows what was measured before, but not when",
        ));
    }
    let on_loss = config.on_worker_loss;
    let samples = raw.inlet();
    let bundle = bundle::pack(spec, prepared, samples.is_some())?;
    let bound = match state {
        None => Controller::bind(config).map(|(controller, happenings)| (controller, happenings, None)),
        Some(state) => Controller::bind_kept(config, state, &bundle),
    };
    let (controller, happenings, went) = bound.map_err(|error| match error {
        NetError::State(_) => Failure::new(Exit::InvalidConfig, error.to_string()),
        _ => Failure::other(error.to_string()),
    })?;
    let children = helpers(controller.address(), went.is_some())?;
    let config = RemoteConfig {
        bundle,
        nothing_done: prepared.engine.progress(Time::ZERO),
        log: spec.log.clone(),
        console: spec.console.clone(),
        samples,
        children,
        moves: moves(prepared),
        on_loss,
    };
    let mut remote = Remote::new(controller, happenings, config);
    if let Some(went) = went {
        remote.go_on(went);
    }
    Ok(Box::new(remote))
}
