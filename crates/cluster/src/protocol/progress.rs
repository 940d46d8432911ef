//! Progress as a message, and back.

use std::time::Duration;

use throng_engine::{Detail, Progress, ScenarioProgress, State};

use super::{ProgressMessage, ScenarioMessage};

const STATES: [State; 5] = [State::Waiting, State::Running, State::Stopping, State::Done, State::Unfinished];

impl From<&Progress> for ProgressMessage {
    fn from(p: &Progress) -> Self {
        Self {
            counts: vec![p.active_vus, p.initialised_vus, p.complete, p.interrupted, p.dropped],
            scenarios: p.scenarios.iter().map(ScenarioMessage::from).collect(),
        }
    }
}

impl From<&ScenarioProgress> for ScenarioMessage {
    fn from(s: &ScenarioProgress) -> Self {
        let mut rate_now = 0.0;
        let (executor, numbers) = match &s.detail {
            Detail::Constant { vus } => (0, vec![*vus]),
            Detail::Ramping { max_vus } => (1, vec![*max_vus]),
            Detail::Shared { vus, started, total } => (2, vec![*vus, *started, *total]),
            Detail::PerVu { vus, started, total, each } => (3, vec![*vus, *started, *total, *each]),
            Detail::Arrivals { vus, max_vus, rate, time_unit } => {
                rate_now = *rate;
                (4, vec![*vus, *max_vus, nanos(*time_unit)])
            }
            Detail::Controlled { vus, max_vus } => (5, vec![*vus, *max_vus]),
        };
        Self {
            state: STATES.iter().position(|state| *state == s.state).unwrap_or_default() as u32,
            elapsed: nanos(s.elapsed),
            waiting: nanos(s.waiting),
            duration: s.duration.map(nanos),
            fraction: s.fraction,
            counts: vec![s.active_vus, s.complete, s.interrupted, s.dropped],
            executor,
            numbers,
            rate: rate_now,
        }
    }
}

impl ProgressMessage {
    /// What was sent; `None` if no version of ours sends such a message.
    pub fn read(&self) -> Option<Progress> {
        let [active_vus, initialised_vus, complete, interrupted, dropped] = self.counts[..] else {
            return None;
        };
        let scenarios = self.scenarios.iter().map(ScenarioMessage::read).collect::<Option<_>>()?;
        Some(Progress { active_vus, initialised_vus, complete, interrupted, dropped, scenarios })
    }
}

impl ScenarioMessage {
    fn read(&self) -> Option<ScenarioProgress> {
        let [active_vus, complete, interrupted, dropped] = self.counts[..] else {
            return None;
        };
        let detail = match (self.executor, &self.numbers[..]) {
            (0, &[vus]) => Detail::Constant { vus },
            (1, &[max_vus]) => Detail::Ramping { max_vus },
            (2, &[vus, started, total]) => Detail::Shared { vus, started, total },
            (3, &[vus, started, total, each]) => Detail::PerVu { vus, started, total, each },
            (4, &[vus, max_vus, unit]) => {
                Detail::Arrivals { vus, max_vus, rate: self.rate, time_unit: Duration::from_nanos(unit) }
            }
            (5, &[vus, max_vus]) => Detail::Controlled { vus, max_vus },
            _ => return None,
        };
        Some(ScenarioProgress {
            state: *STATES.get(self.state as usize)?,
            elapsed: Duration::from_nanos(self.elapsed),
            waiting: Duration::from_nanos(self.waiting),
            duration: self.duration.map(Duration::from_nanos),
            fraction: self.fraction,
            active_vus,
            complete,
            interrupted,
            dropped,
            detail,
        })
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> Progress {
        let second = Duration::from_secs(1);
        let details = [
            Detail::Constant { vus: 1 },
            Detail::Ramping { max_vus: 2 },
            Detail::Shared { vus: 3, started: 4, total: 5 },
            Detail::PerVu { vus: 6, started: 7, total: 8, each: 9 },
            Detail::Arrivals { vus: 10, max_vus: 11, rate: 12.5, time_unit: second },
            Detail::Controlled { vus: 13, max_vus: 14 },
        ];
        let scenario = |(detail, state): (Detail, State)| ScenarioProgress {
            state,
            elapsed: second,
            waiting: Duration::ZERO,
            duration: (state != State::Done).then_some(second * 2),
            fraction: 0.5,
            active_vus: 15,
            complete: 16,
            interrupted: 17,
            dropped: 18,
            detail,
        };
        let states = STATES.into_iter().cycle();
        let scenarios = details.into_iter().zip(states).map(scenario).collect();
        Progress {
            active_vus: 19,
            initialised_vus: 20,
            complete: 21,
            interrupted: 22,
            dropped: 23,
            scenarios,
        }
    }

    #[test]
    fn progress_arrives_as_it_was_sent() {
        assert_eq!(ProgressMessage::from(&progress()).read(), Some(progress()));
    }

    #[test]
    fn what_makes_no_sense_is_not_read() {
        let mut message = ProgressMessage::from(&progress());
        message.scenarios[2].numbers.pop();
        assert_eq!(message.read(), None);
    }
}
