//! Connections of those who have not yet proved that they are workers: few, and not for long.
//!
//! When there are too many the oldest goes. A worker is through within milliseconds; those that stay are not workers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::controller::ConnectionId;

/// The most strangers at a time.
pub(super) const MAX_STRANGERS: usize = 256;
/// How long one may take to join.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What becomes of a stranger; it goes as well if nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is a worker.
    Stay,
}

/// All strangers, each with the way to throw it out.
#[derive(Debug, Clone, Default)]
pub(super) struct Strangers(Arc<Mutex<BTreeMap<ConnectionId, oneshot::Sender<Verdict>>>>);

impl Strangers {
    /// Notes one; the receiver says what becomes of it.
    pub(super) fn add(&self, connection: ConnectionId) -> oneshot::Receiver<Verdict> {
        let (out, thrown_out) = oneshot::channel();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_STRANGERS {
            all.pop_first();
        }
        all.insert(connection, out);
        thrown_out
    }

    /// It has joined, and stays.
    pub(super) fn trust(&self, connection: ConnectionId) {
        if let Some(out) = self.remove(connection) {
            let _ = out.send(Verdict::Stay);
        }
    }

    /// It has gone.
    pub(super) fn remove(&self, connection: ConnectionId) -> Option<oneshot::Sender<Verdict>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&connection)
    }

    /// Whether it is still one.
    pub(super) fn contains(&self, connection: ConnectionId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_stranger_makes_room() {
        let strangers = Strangers::default();
        let mut first = strangers.add(ConnectionId(0));
        (1..MAX_STRANGERS as u64).for_each(|n| drop(strangers.add(ConnectionId(n))));
        assert!(
            strangers.contains(ConnectionId(0))
                && first.try_recv() == Err(oneshot::error::TryRecvError::Empty)
        );
        drop(strangers.add(ConnectionId(1_000)));
        assert!(!strangers.contains(ConnectionId(0)));
        assert_eq!(first.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        let mut last = strangers.add(ConnectionId(1_001));
        strangers.trust(ConnectionId(1_001));
        assert_eq!(last.try_recv(), Ok(Verdict::Stay));
        assert!(!strangers.contains(ConnectionId(1_001)));
    }
}
