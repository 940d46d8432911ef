//! Trying again while a server cannot be reached.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::progress::{Notice, Progress};
use crate::error::{FillError, StoreError, Trouble};

/// Why something was given up.
#[derive(Debug)]
pub(crate) enum Given {
    /// It was asked for.
    Stopped,
    /// It cannot be done.
    Failed(FillError),
}

impl From<FillError> for Given {
    fn from(error: FillError) -> Self {
        Self::Failed(error)
    }
}

/// What is tried, for how long, who is told, and what interrupts it.
pub(super) type Ask<'a> = (&'static str, Duration, &'a Progress, watch::Receiver<bool>);

/// The first wait and the longest one. The tests of this crate lose connections by the dozen, and none of them is about how
/// long a wait is.
const SHORTEST: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 100 });
const LONGEST: Duration = Duration::from_millis(if cfg!(test) { 8 } else { 5_000 });
/// An answer that takes longer is taken for a lost connection.
const ANSWER: Duration = Duration::from_mins(2);

/// The waits between attempts, each twice the one before.
#[derive(Debug)]
pub(super) struct Backoff {
    patience: Duration,
    since: Option<Instant>,
    wait: Duration,
}

impl Backoff {
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, since: None, wait: SHORTEST }
    }

    /// Waits, or gives up with `error` once patience is at its end.
    pub(super) async fn wait(
        &mut self,
        what: &str,
        error: StoreError,
        progress: &Progress,
        stopped: &mut watch::Receiver<bool>,
    ) -> Result<(), Given> {
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() + self.wait > self.patience {
            let message = format!("{} (tried for {} s)", error.message, since.elapsed().as_secs());
            return Err(FillError::store(what, StoreError::new(error.kind, message)).into());
        }
        progress.lost(|| Notice::Lost { message: error.message, patience: self.patience });
        tokio::select! {
            () = tokio::time::sleep(self.wait) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return Err(Given::Stopped),
        }
        self.wait = (self.wait * 2).min(LONGEST);
        Ok(())
    }
}

/// Does something that can be done again, until the server can be reached.
pub(super) async fn patiently<T, F: Future<Output = Result<T, StoreError>>>(
    (what, patience, progress, mut stopped): Ask<'_>,
    mut attempt: impl FnMut() -> F,
) -> Result<T, Given> {
    let mut backoff = Backoff::new(patience);
    loop {
        let answer = tokio::select! {
            answer = in_time(attempt()) => answer,
            _ = stopped.wait_for(|stopped| *stopped) => return Err(Given::Stopped),
        };
        match answer {
            Ok(done) => {
                progress.back();
                return Ok(done);
            }
            Err(error) if error.kind == Trouble::Unreachable => {
                backoff.wait(what, error, progress, &mut stopped).await?;
            }
            Err(error) => return Err(FillError::store(what, error).into()),
        }
    }
}

/// The answer, or a lost connection if it takes too long.
pub(super) async fn in_time<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(ANSWER, answer).await.unwrap_or_else(|_| {
        let message = format!("no answer for {} s", ANSWER.as_secs());
        Err(StoreError::new(Trouble::Unreachable, message))
    })
}
