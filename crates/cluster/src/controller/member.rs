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
    pub(super) commands: Outbox<Task>,
    pub(super) batches: Inbox,
    pub(super) prepared: bool,
    pub(super) initialised: bool,
    pub(super) leaving: bool,
    pub(super) done: bool,
}

impl Member {
    pub(super) fn is_present(&self) -> bool {
        self.standing == Standing::Present
    }

    /// When it is given up unless it is heard. Its lease, counted from its own heartbeat, has ended by then.
    pub(super) fn given_up_at(&self, running: bool) -> Moment {
        if !self.is_present() {
            Moment::NEVER
        } else if running || self.link.is_none() {
            self.heard + LEASE + LEASE_MARGIN
        } else {
            self.heard + SILENCE
        }
    }
}
