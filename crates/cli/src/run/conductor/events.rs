//! What the crew tells, taken in as it comes.

use std::time::Duration;

use throng_metrics::{Delta, Notice};

use super::{HALF_A_DELTA, Run};
use crate::exit::Exit;
use crate::run::crew::CrewEvent;

impl Run<'_> {
    pub(super) fn take(&mut self, event: CrewEvent) {
        match event {
            CrewEvent::Delta(delta) | CrewEvent::Counted(delta, _) => self.merge(&delta),
            CrewEvent::Late(delta, (from, until)) => self.merge_late(&delta, from, until),
            CrewEvent::Earlier(delta) => {
                if let Some(board) = &mut self.board {
                    board.add(&delta);
                }
                self.take_in(&delta, Duration::ZERO);
            }
            CrewEvent::Lag(worst) => {
                self.generator.lag(worst);
                if let Some(board) = &mut self.board {
                    board.lag(worst);
                }
            }
            CrewEvent::Done => self.done = true,
            CrewEvent::InitFailed(text) => self.spec.log.error(&text),
            CrewEvent::ScriptAborted(message) => self.stage.control.abort(&message),
            CrewEvent::ScriptFailed => self.stage.control.fail(),
            CrewEvent::Failed(text) => {
                self.fail(Exit::Other, &text, &[]);
                self.crew_failed = true;
            }
            CrewEvent::VusReady(_) | CrewEvent::Ready => {}
        }
    }

    /// Takes what the crew has to say meanwhile: workers log, and may be lost, at any time.
    pub(super) fn attend(&mut self) {
        while let Ok(Some(event)) = self.crew.next(Duration::ZERO) {
            self.take(event);
        }
        self.look_at_watch();
        self.look_outside();
    }

    pub(super) fn merge(&mut self, delta: &Delta) {
        if let Some(board) = &mut self.board {
            board.add(delta);
        }
        if let Some(watching) = &mut self.watching {
            watching.measured(delta);
        }
        let now = if self.has_begun { self.begun.elapsed() } else { Duration::ZERO };
        self.take_in(delta, now.saturating_sub(HALF_A_DELTA));
        self.aggregate.at(now);
    }

    /// Adds what was measured between two moments of the plan's time that the page was told of already.
    fn merge_late(&mut self, delta: &Delta, from: Duration, until: Duration) {
        let before = self.before_scenarios();
        let (from, until) = (before + from, before + until);
        if let Some(board) = &mut self.board {
            board.add_late(delta, self.begun + from, self.begun + until);
        }
        if let Some(watching) = &mut self.watching {
            watching.measured(delta);
        }
        self.take_in(delta, (from + until) / 2);
        self.aggregate.at(self.begun.elapsed());
    }

    /// Adds what was measured about so long after the start.
    pub(super) fn take_in(&mut self, delta: &Delta, at: Duration) {
        self.aggregate.at(at);
        if let Err(error) = self.aggregate.merge(delta) {
            self.spec.log.error(&format!("samples were lost: {error}"));
        }
        for notice in self.aggregate.take_notices() {
            self.spec.log.warn(&describe(&notice));
        }
    }

    pub(super) fn merge_own(&mut self) {
        let delta = self.recorder.take_delta();
        self.merge(&delta);
        self.crew.measured(&delta);
    }
}

fn describe(notice: &Notice) -> String {
    match notice {
        Notice::SeriesFolded { limit, keys } => format!(
            "there are more than {limit} combinations of tags; from now on {} read 'other' (set the `name` tag, or use \
             http.url, where addresses hold identifiers)",
            keys.join(", ")
        ),
        Notice::ErrorsFolded { limit } => {
            format!("there are more than {limit} different error texts; further ones read 'other'")
        }
    }
}
