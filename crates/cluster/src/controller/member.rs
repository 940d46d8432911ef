//! One worker as the controller knows it.

use std::net::SocketAddr;

use crate::ids::{InstanceId, WorkerId};
use crate::lane::{Inbox, Outbox};
use crate::moment::Moment;
use crate::protocol::{LEASE, LEASE_MARGIN, SILENCE, Task};

use super::machine::ConnectionId;

/// How a worker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It takes part. Its connection may be away for a moment.
    Present,
    /// It was given up. It may come back.
    Lost,
    /// It went, with everything reported.
    Left,
}

/// One worker as the controller knows it; kept until the end of the run, also if it is gone.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: WorkerId,
    pub(super) instance: InstanceId,
    pub(super) name: String,
    pub(super) address: SocketAddr,
    pub(super) threads: u32,
    /// Its number among the owners of slots.
    pub(super) seat: usize,
    pub(super) standing: Standing,
    pub(super) link: Option<ConnectionId>,
    /// When it was last heard.
    pub(super) heard: Moment,
    /// Where this process has not heard it: until when it may be at work without a controller.
    pub(super) awaited_until: Option<Moment>,
    pub(super) commands: Outbox<Task>,
    pub(super) batches: Inbox,
    pub(super) prepared: bool,
    pub(super) initialised: bool,
    /// It has said that it leaves, and had this share then.
    pub(super) leaving: Option<f64>,
    pub(super) done: bool,
    /// The newest map it has promised to follow.
    pub(super) promised: u64,
    /// The newest map of which it has said that it runs nothing any more of what it gave; zero after a new start of the
    /// controller, when those who wait begin a little later.
    pub(super) rested: u64,
    /// It gets no lease before it has promised to follow this map.
    pub(super) suspended_for: u64,
}

impl Member {
    pub(super) fn is_present(&self) -> bool {
        self.standing == Standing::Present
    }

    /// Whether it takes part and has something left to do.
    pub(super) fn may_start(&self) -> bool {
        self.is_present() && !self.done
    }

    /// Whether its lease is renewed.
    pub(super) fn has_lease(&self) -> bool {
        self.promised >= self.suspended_for
    }

    /// When it is given up unless it is heard. Its lease, counted from its own heartbeat, has ended by then.
    pub(super) fn given_up_at(&self, running: bool) -> Moment {
        // One that is done has nothing left to lose.
        if !self.is_present() || self.done {
            Moment::NEVER
        } else if let Some(until) = self.awaited_until {
            until
        } else if running || self.link.is_none() {
            self.heard + LEASE + LEASE_MARGIN
        } else {
            self.heard + SILENCE
        }
    }
}
