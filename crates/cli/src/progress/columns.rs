//! The columns right of the bars: virtual users, time, and what the executor counts.

use std::time::Duration;

use throng_plan::duration;

use super::elapsed::{digits, fixed};
use super::snapshot::{ScenarioProgress, Status, Work};

/// The columns of one scenario; empty before the run phase.
pub(super) fn of(scenario: &ScenarioProgress) -> Vec<String> {
    let elapsed = match scenario.status {
        Status::Created => return Vec::new(),
        Status::Waiting { start, left } => return vec!["waiting".into(), fixed(left, start)],
        status => status.elapsed().unwrap_or_default(),
    };
    let time = time(elapsed, scenario);
    match scenario.work {
        Work::SharedIterations { vus, done, total } => {
            let width = digits(total);
            vec![format!("{vus} VUs"), time, format!("{done:0width$}/{total} shared iters")]
        }
        Work::PerVuIterations { vus, done, each } => {
            let total = vus.saturating_mul(each);
            let width = digits(total);
            vec![format!("{vus} VUs"), time, format!("{done:0width$}/{total} iters, {each} per VU")]
        }
        Work::ConstantVus { vus } => vec![format!("{vus} VUs"), time],
        Work::RampingVus { active, max } => {
            let width = digits(max);
            vec![format!("{active:0width$}/{max} VUs"), time]
        }
        Work::ArrivalRate { busy, initialised, max, rate, peak_rate } => {
            let width = digits(max);
            let rate_width = digits(peak_rate.max(rate) as u64) + ".00".len();
            vec![
                format!("{busy:0width$}/{initialised:0width$} VUs"),
                time,
                format!("{rate:0rate_width$.2} iters/s"),
            ]
        }
        Work::External { active, max } => {
            let width = digits(max);
            // Observed on k6 1.1: a third column with nothing in it.
            vec![format!("{active:0width$}/{max} VUs"), time, " ".into()]
        }
    }
}

/// `1.0s/2s` while time runs, `2s` when it is up. Where iterations are counted time is only a limit and
/// both are always shown.
fn time(elapsed: Duration, scenario: &ScenarioProgress) -> String {
    let Some(total) = scenario.duration else {
        // Without an end of its own there is nothing to compare with.
        return fixed(elapsed, elapsed);
    };
    let counts = matches!(scenario.work, Work::SharedIterations { .. } | Work::PerVuIterations { .. });
    if elapsed >= total && !counts {
        return duration::format(total);
    }
    let elapsed = elapsed.min(total);
    // Observed on k6 1.1: a ramp's total is written like the clock, every other's like an option.
    let shown = match scenario.work {
        Work::RampingVus { .. } => fixed(total, total),
        _ => duration::format(total),
    };
    format!("{}/{shown}", fixed(elapsed, total))
}
