//! How autoscalers followed the load, for the summary and for the page.

use throng_outputs::summary::{ScalingReport, ScalingRow};
use throng_server::{Scaling, ScalingStep};
use throng_watch::scale::{ScaleUp, Tracker};

/// More stories than these are not read.
const MOST: usize = 20;

/// For the page; `started_at` is when the run phase began, in ms since the Unix epoch.
pub(in crate::run) fn for_page(tracker: &Tracker, started_at: u64) -> Vec<Scaling> {
    let told = |told: &ScaleUp| Scaling {
        title: told.title(),
        steps: told
            .steps
            .iter()
            .map(|step| ScalingStep {
                what: step.kind.to_string(),
                at: step.at.map(|at| (started_at as f64 + at * 1_000.0).max(0.0) as u64),
                took: step.took,
                detail: step.detail.clone(),
            })
            .collect(),
        slow: told.slow.clone(),
    };
    let back = |title: String| Scaling { title, steps: Vec::new(), slow: None };
    let backs = tracker.backs().into_iter().map(|one| back(one.to_string()));
    tracker.scale_ups().iter().take(MOST).map(told).chain(backs).collect()
}

/// For the summary.
pub(in crate::run) fn for_summary(tracker: &Tracker) -> Vec<ScalingReport> {
    let told = |told: &ScaleUp| ScalingReport {
        title: told.title(),
        rows: told
            .steps
            .iter()
            .map(|step| ScalingRow {
                what: step.kind.to_string(),
                at: step.at,
                took: step.took,
                detail: step.detail.clone(),
            })
            .collect(),
        slow: told.slow.clone(),
    };
    let back = |title: String| ScalingReport { title, rows: Vec::new(), slow: None };
    let backs = tracker.backs().into_iter().map(|one| back(one.to_string()));
    tracker.scale_ups().iter().take(MOST).map(told).chain(backs).collect()
}
