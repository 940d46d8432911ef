//! What happened, told from how two updates differ, so that every kind of run says it alike.

use super::parts::{Mark, MarkKind, RunState};
use super::update::Update;

/// The moments between two updates that the charts show.
pub(super) fn between(before: &Update, after: &Update) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut note = |kind, text: String| marks.push(Mark { at: after.now, kind, text });
    if before.state == RunState::Spawning && after.state == RunState::Running {
        note(MarkKind::Spawned, format!("all {} users are started", after.users.now));
    }
    let runs = |state| matches!(state, RunState::Spawning | RunState::Running);
    let by_hand = before.can.contains(&super::Can::Edit) || before.can.contains(&super::Can::Scale);
    if runs(before.state) && runs(after.state) && by_hand && before.users.target != after.users.target {
        note(MarkKind::Scale, format!("{} users wanted, {} before", after.users.target, before.users.target));
    }
    for worker in &after.workers {
        match before.workers.iter().find(|known| known.id == worker.id) {
            None => note(MarkKind::Worker, format!("worker {} joined", worker.id)),
            Some(known) if known.state != worker.state && worker.state == "missing" => {
                note(MarkKind::Worker, format!("worker {} is missing", worker.id));
            }
            Some(known) if known.state == "missing" && worker.state != "missing" => {
                note(MarkKind::Worker, format!("worker {} is back", worker.id));
            }
            Some(_) => {}
        }
    }
    for known in &before.workers {
        if !after.workers.iter().any(|worker| worker.id == known.id) {
            note(MarkKind::Worker, format!("worker {} left", known.id));
        }
    }
    for threshold in &after.thresholds {
        let same =
            |known: &&super::Threshold| known.metric == threshold.metric && known.source == threshold.source;
        let was = before.thresholds.iter().find(same).and_then(|known| known.ok);
        match (was, threshold.ok) {
            (None | Some(true), Some(false)) => {
                note(MarkKind::Threshold, format!("{}: {} is crossed", threshold.metric, threshold.source));
            }
            (Some(false), Some(true)) => {
                note(MarkKind::Threshold, format!("{}: {} holds again", threshold.metric, threshold.source));
            }
            _ => {}
        }
    }
    marks.extend(after.marks.iter().cloned());
    marks
}
