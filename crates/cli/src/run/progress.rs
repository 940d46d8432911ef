//! From the engine's counters to what the progress display shows.

use std::time::Duration;

use throng_engine::{Detail, Progress, State};
use throng_plan::{Executor, Plan, Stage};

use crate::progress::{Phase, ScenarioProgress, Snapshot, Status, Work};

/// A snapshot while scenarios run.
pub(super) fn running(plan: &Plan, progress: &Progress, elapsed: Duration, max_vus: u64) -> Snapshot {
    Snapshot {
        phase: Phase::Running {
            elapsed,
            active: progress.active_vus,
            initialised: progress.initialised_vus,
            complete: progress.complete,
            interrupted: progress.interrupted,
        },
        max_duration: plan.max_duration(),
        max_vus,
        scenarios: scenarios(plan, progress, true),
    }
}

/// A snapshot before they do.
pub(super) fn before(plan: &Plan, progress: &Progress, phase: Phase, max_vus: u64) -> Snapshot {
    Snapshot {
        phase,
        max_duration: plan.max_duration(),
        max_vus,
        scenarios: scenarios(plan, progress, false),
    }
}

fn scenarios(plan: &Plan, progress: &Progress, started: bool) -> Vec<ScenarioProgress> {
    plan.scenarios
        .iter()
        .zip(&progress.scenarios)
        .map(|(scenario, now)| {
            let elapsed = now.elapsed;
            let status = match now.state {
                _ if !started => Status::Created,
                State::Waiting => Status::Waiting { start: scenario.start_time, left: now.waiting },
                State::Running => Status::Running { elapsed },
                State::Stopping => Status::Stopping { elapsed },
                State::Done => Status::Done { elapsed },
                State::Unfinished => Status::Unfinished { elapsed },
            };
            ScenarioProgress {
                name: scenario.name.clone(),
                status,
                duration: now.duration,
                work: work(&scenario.executor, now),
            }
        })
        .collect()
}

fn work(executor: &Executor, now: &throng_engine::ScenarioProgress) -> Work {
    let done = now.complete + now.interrupted;
    match &now.detail {
        Detail::Constant { vus } => Work::ConstantVus { vus: *vus },
        Detail::Ramping { max_vus } => Work::RampingVus { active: now.active_vus, max: *max_vus },
        Detail::Shared { vus, total, .. } => Work::SharedIterations { vus: *vus, done, total: *total },
        Detail::PerVu { vus, each, .. } => Work::PerVuIterations { vus: *vus, done, each: *each },
        Detail::Arrivals { vus, max_vus, rate, time_unit } => {
            let per_second = |rate: f64| rate / time_unit.as_secs_f64().max(f64::MIN_POSITIVE);
            Work::ArrivalRate {
                busy: now.active_vus,
                initialised: *vus,
                max: *max_vus,
                rate: per_second(*rate),
                peak_rate: per_second(peak_rate(executor)),
            }
        }
        Detail::Controlled { vus, max_vus } => Work::External { active: *vus, max: *max_vus },
    }
}

/// The highest rate that a schedule asks for, per its time unit.
fn peak_rate(executor: &Executor) -> f64 {
    match executor {
        Executor::ConstantArrivalRate { rate, .. } => *rate as f64,
        Executor::RampingArrivalRate { start_rate, stages, .. } => {
            stages.iter().map(|Stage { target, .. }| *target).chain([*start_rate]).max().unwrap_or_default()
                as f64
        }
        _ => 0.0,
    }
}
