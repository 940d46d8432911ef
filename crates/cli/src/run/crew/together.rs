//! The progress of several workers as that of one run.

use throng_engine::{Detail, Progress, ScenarioProgress, State};

/// Adds up what workers report. Of one that is lost (`true`) what it has done counts, but not its virtual users.
/// `nothing` stands in for workers that have not reported.
pub(super) fn sum<'a>(nothing: &Progress, parts: impl Iterator<Item = (&'a Progress, bool)>) -> Progress {
    let mut whole: Option<Progress> = None;
    for (part, is_lost) in parts {
        let mut part = part.clone();
        if is_lost {
            part.active_vus = 0;
            part.initialised_vus = 0;
            for scenario in &mut part.scenarios {
                scenario.active_vus = 0;
                hand_over(&mut scenario.detail);
                if !matches!(scenario.state, State::Done) {
                    scenario.state = State::Unfinished;
                }
            }
        }
        match &mut whole {
            None => whole = Some(part),
            Some(whole) => add(whole, &part),
        }
    }
    whole.unwrap_or_else(|| nothing.clone())
}

/// What others take over from a worker is not this one's any more.
fn hand_over(detail: &mut Detail) {
    match detail {
        Detail::Constant { vus } => *vus = 0,
        Detail::Ramping { max_vus } => *max_vus = 0,
        Detail::Arrivals { vus, max_vus, rate, time_unit: _ } => (*vus, *max_vus, *rate) = (0, 0, 0.0),
        Detail::Controlled { vus, max_vus } => (*vus, *max_vus) = (0, 0),
        // What it has run of them it has; the rest is others'.
        Detail::Shared { vus, started: _, total } | Detail::PerVu { vus, started: _, total, each: _ } => {
            (*vus, *total) = (0, 0);
        }
    }
}

fn add(whole: &mut Progress, part: &Progress) {
    whole.active_vus += part.active_vus;
    whole.initialised_vus += part.initialised_vus;
    whole.complete += part.complete;
    whole.interrupted += part.interrupted;
    whole.dropped += part.dropped;
    for (whole, part) in whole.scenarios.iter_mut().zip(&part.scenarios) {
        add_scenario(whole, part);
    }
}

fn add_scenario(whole: &mut ScenarioProgress, part: &ScenarioProgress) {
    whole.state = later(whole.state, part.state);
    whole.elapsed = whole.elapsed.max(part.elapsed);
    whole.waiting = whole.waiting.min(part.waiting);
    whole.active_vus += part.active_vus;
    whole.complete += part.complete;
    whole.interrupted += part.interrupted;
    whole.dropped += part.dropped;
    whole.fraction = whole.fraction.max(part.fraction);
    match (&mut whole.detail, &part.detail) {
        (Detail::Constant { vus }, Detail::Constant { vus: more }) => *vus += more,
        (Detail::Ramping { max_vus }, Detail::Ramping { max_vus: more }) => *max_vus += more,
        (
            Detail::Shared { vus, started, total },
            Detail::Shared { vus: more_vus, started: more_started, total: more_total },
        )
        | (
            Detail::PerVu { vus, started, total, each: _ },
            Detail::PerVu { vus: more_vus, started: more_started, total: more_total, each: _ },
        ) => {
            *vus += more_vus;
            *started += more_started;
            *total += more_total;
            // Some may have been started twice, where a worker was lost.
            whole.fraction = if *total == 0 { 1.0 } else { (*started as f64 / *total as f64).min(1.0) };
        }
        (
            Detail::Arrivals { vus, max_vus, rate, time_unit: _ },
            Detail::Arrivals { vus: more_vus, max_vus: more_max, rate: more_rate, time_unit: _ },
        ) => {
            *vus += more_vus;
            *max_vus += more_max;
            *rate += more_rate;
        }
        (Detail::Controlled { vus, max_vus }, Detail::Controlled { vus: more_vus, max_vus: more_max }) => {
            *vus += more_vus;
            *max_vus += more_max;
        }
        // All workers run one plan.
        (_, _) => {}
    }
}

/// A scenario runs as long as it does anywhere; it is done only if it is everywhere.
fn later(a: State, b: State) -> State {
    let weight = |state: State| match state {
        State::Done => 0,
        State::Unfinished => 1,
        State::Waiting => 2,
        State::Stopping => 3,
        State::Running => 4,
    };
    if weight(a) >= weight(b) { a } else { b }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn part(state: State, started: u64, total: u64) -> Progress {
        let scenario = ScenarioProgress {
            state,
            elapsed: Duration::from_secs(started),
            waiting: Duration::ZERO,
            duration: None,
            fraction: started as f64 / total as f64,
            active_vus: 2,
            complete: started,
            interrupted: 0,
            dropped: 1,
            detail: Detail::Shared { vus: 2, started, total },
        };
        Progress {
            active_vus: 2,
            initialised_vus: 3,
            complete: started,
            interrupted: 0,
            dropped: 1,
            scenarios: vec![scenario],
        }
    }

    #[test]
    fn counts_add_up_and_the_longest_running_decides() {
        let (a, b) = (part(State::Done, 4, 4), part(State::Running, 1, 6));
        let whole = sum(&part(State::Waiting, 0, 10), [(&a, false), (&b, false)].into_iter());
        assert_eq!((whole.active_vus, whole.initialised_vus, whole.complete, whole.dropped), (4, 6, 5, 2));
        let scenario = &whole.scenarios[0];
        assert_eq!((scenario.state, scenario.elapsed), (State::Running, Duration::from_secs(4)));
        assert_eq!(scenario.detail, Detail::Shared { vus: 4, started: 5, total: 10 });
        assert!((scenario.fraction - 0.5).abs() < 1e-9);
    }

    #[test]
    fn of_a_lost_worker_only_what_it_did_counts() {
        let (a, b) = (part(State::Done, 4, 4), part(State::Running, 1, 6));
        let whole = sum(&a, [(&a, false), (&b, true)].into_iter());
        assert_eq!((whole.active_vus, whole.initialised_vus, whole.complete), (2, 3, 5));
        assert_eq!(whole.scenarios[0].state, State::Unfinished);
    }

    #[test]
    fn before_anyone_reports_nothing_is_done() {
        let nothing = part(State::Waiting, 0, 10);
        assert_eq!(sum(&nothing, std::iter::empty()), nothing);
    }
}
