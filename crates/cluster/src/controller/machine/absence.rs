//! What a controller makes of its own absence: its process was stopped, its machine slept, its disk took seconds for a record.
//!
//! Meanwhile it heard nobody, and what workers said waits to be read. They start nothing without an answer, so giving them
//! up late does no harm; giving all of them up at once would end the run.

use std::time::Duration;

use super::{Action, Happening, Machine, Moment};
use crate::controller::member::Member;

/// By how much a controller may be late without having been away.
const LATE: Duration = Duration::from_millis(50);
/// How long after its absence workers have to be heard: they may have to connect anew.
const EXCUSED: Duration = Duration::from_secs(1);
/// What is worth a word, if so much of it was more than was to be slept.
const LONG: Duration = Duration::from_secs(1);
const NOTED: Duration = Duration::from_millis(250);

/// When a machine was last asked, and was to be asked next.
#[derive(Debug)]
pub(super) struct Presence {
    last: Moment,
    due: Moment,
    /// Nobody is given up before.
    excused_until: Moment,
}

impl Presence {
    pub(super) fn since(now: Moment) -> Self {
        Self { last: now, due: Moment::NEVER, excused_until: Moment::default() }
    }
}

impl Machine {
    /// Looks at the clock before anything follows from it.
    pub(super) fn notice_absence(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if now > self.presence.due + LATE {
            self.presence.excused_until = now + EXCUSED;
            let absent = now.since(self.presence.last);
            // Not having been asked for long is hardly an absence if nothing was due.
            if absent >= LONG && now.since(self.presence.due) >= NOTED && self.is_running() {
                actions.push(Action::Tell(Happening::HeldUp { absent }));
            }
        }
    }

    /// Notes when it is to be asked again.
    pub(super) fn note_presence(&mut self, now: Moment) {
        (self.presence.last, self.presence.due) = (now, self.wakes_at());
    }

    /// When a worker is given up unless it is heard.
    pub(super) fn given_up_at(&self, member: &Member) -> Moment {
        member.given_up_at(self.is_running()).max(self.presence.excused_until)
    }
}
