//! How a fill ended.

use super::backoff::Given;
use super::progress::{Progress, Snapshot};
use crate::error::FillError;
use crate::store::ServerSize;

/// What a fill did.
#[derive(Debug)]
pub struct Report {
    /// How it ended.
    pub ended: Ended,
    /// How far it came. What was under way when it ended may be there besides; the next fill finds out.
    pub totals: Snapshot,
    /// What the server says, if the fill came to its end.
    pub server: Option<ServerSize>,
}

/// Why a fill ended.
#[derive(Debug)]
pub enum Ended {
    /// The goal is met.
    Reached,
    /// It was asked to stop.
    Stopped,
    /// It could not go on.
    Failed(FillError),
}

impl Report {
    pub(super) fn new(ended: Result<Option<ServerSize>, Given>, progress: &Progress) -> Self {
        let (ended, server) = match ended {
            Ok(server) => (Ended::Reached, server),
            Err(Given::Stopped) => (Ended::Stopped, None),
            Err(Given::Failed(error)) => (Ended::Failed(error), None),
        };
        Self { ended, totals: progress.snapshot(), server }
    }
}
