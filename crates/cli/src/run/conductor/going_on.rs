//! A run that another process began, and what this one notes for a process that goes on after it.
//!
//! The machinery of the cluster keeps what workers were told and have measured; noted here is what the conductor does itself:
//! that `setup` and `teardown` have begun, the exit code, and what was set from outside.

use std::sync::Arc;
use std::time::Instant;

use throng_cluster::Steering;

use super::{JUDGE_EVERY, Run};
use crate::exit::Exit;
use crate::run::crew::Earlier;
use crate::run::rest::Step;

/// The names of notes, and some of their values.
pub(super) mod note {
    /// How `setup` is doing.
    pub(in super::super) const SETUP: &str = "setup";
    /// How `teardown` is doing.
    pub(in super::super) const TEARDOWN: &str = "teardown";
    /// The exit code, once it is not 0.
    pub(in super::super) const EXIT: &str = "exit";
    /// How scenarios were paused and scaled from outside.
    pub(in super::super) const STEERING: &str = "steering";
    /// The setup data that were set from outside before the run began; empty if there are none.
    pub(in super::super) const SETUP_DATA: &str = "setup data";
    /// A function that runs.
    pub(in super::super) const BEGUN: &str = "begun";
    /// One that has run.
    pub(in super::super) const DONE: &str = "done";
}

impl Run<'_> {
    /// The rest of a run that another process began.
    pub(super) fn go_on(&mut self, earlier: Earlier) {
        let Earlier { began, starting, setup_data, notes } = earlier;
        if let Some(exit) = notes.get(note::EXIT).and_then(|code| Exit::of(code.parse().ok()?)) {
            // It was said why.
            (self.exit, self.aborting) = (Some(exit), true);
        }
        if let Some(steering) = notes.get(note::STEERING).and_then(|text| read_steering(text)) {
            self.steering = steering;
        }
        let Some(began) = began else {
            if self.exit.is_some() {
                return;
            }
            if notes.contains_key(note::SETUP) {
                let text = "the controller was ended while setup() ran, or before what it returned was kept: setup() is not \
                            run twice, so the run cannot go on";
                self.fail(Exit::Other, text, &[]);
                return;
            }
            // Nothing has begun but gathering.
            if let Some(data) = notes.get(note::SETUP_DATA) {
                self.setup_data = Some(Arc::from(data.as_str())).filter(|data: &Arc<str>| !data.is_empty());
            }
            return self.whole();
        };
        self.begun = began;
        self.has_begun = true;
        self.next_judgement = Instant::now() + JUDGE_EVERY;
        self.stage.control.start(began);
        if let Some(board) = &mut self.board {
            board.begin(began);
        }
        if self.exit.is_some() {
            // That it is ending may not have been ordered.
            (self.stopper)();
        }
        self.phase_start = starting;
        self.setup_data = setup_data;
        if self.watching.is_some() {
            self.spec.log.warn(
                "what is watched counts from before, too, but the account of scaling begins anew: decisions of autoscalers \
                 while the other controller led the run are not in it",
            );
        }
        self.step = Step::Running;
        self.iterate();
        self.step = Step::Teardown;
        if self.prepared.has("teardown") && !self.prepared.plan.options.no_teardown {
            match notes.get(note::TEARDOWN).map(String::as_str) {
                None => {
                    self.crew.note(note::TEARDOWN, note::BEGUN);
                    self.teardown();
                    self.crew.note(note::TEARDOWN, note::DONE);
                }
                Some(note::DONE) => {}
                Some(_) => self.spec.log.warn(
                    "the controller was ended while teardown() ran: it is not run twice, so it may not have run to its end",
                ),
            }
        }
        if self.stage.control.failed() && self.exit.is_none() {
            self.fail(Exit::ScriptMarkedFailed, "test run was marked as failed", &[]);
        }
        self.duration = self.begun.elapsed();
        self.watch_after();
    }
    /// Notes how scenarios are paused and scaled now, before anybody is told.
    pub(super) fn note_steering(&self) {
        self.crew.note(note::STEERING, &write_steering(self.steering));
    }

    /// Notes what was set as setup data.
    pub(super) fn note_setup_data(&self) {
        self.crew.note(note::SETUP_DATA, self.setup_data.as_deref().unwrap_or_default());
    }
}

/// `paused`, or `running 5 10`.
fn write_steering(steering: Steering) -> String {
    let state = if steering.paused { "paused" } else { "running" };
    match steering.vus {
        None => state.to_owned(),
        Some((vus, max_vus)) => format!("{state} {vus} {max_vus}"),
    }
}

fn read_steering(text: &str) -> Option<Steering> {
    let mut words = text.split(' ');
    let paused = words.next()? == "paused";
    let mut number = || words.next()?.parse().ok();
    let vus = number().zip(number());
    Some(Steering { paused, vus })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_is_read_as_it_was_written() {
        for paused in [true, false] {
            for vus in [None, Some((0, 0)), Some((5, 10))] {
                let steering = Steering { paused, vus };
                assert_eq!(read_steering(&write_steering(steering)), Some(steering));
            }
        }
    }
}
