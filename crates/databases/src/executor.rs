//! Where the border between virtual users and tokio is crossed.
//!
//! An operation is a task of tokio's. What waits for it is polled by a virtual user's own thread; that the task is done
//! wakes that thread's event loop through its descriptor, as everything does that comes from another thread. Whoever
//! stops waiting ends the task. A connection in the middle of an operation is closed then, as it is in no state to be used
//! again; SQLite's statements, which run on threads of their own, are interrupted and leave theirs whole.

use std::future::{Future, ready};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

use throng_js::databases::{Pending, Refused};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();

/// Drivers encode and decode; the generator's threads have most of the work.
fn runtime() -> Result<&'static Runtime, Refused> {
    let made = RUNTIME.get_or_init(|| {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(processors.div_ceil(2)).thread_name("databases").enable_all();
        builder.build().map_err(|error| format!("cannot start the threads of database drivers: {error}"))
    });
    made.as_ref().map_err(|error| Refused(error.clone()))
}

/// Begins an operation.
pub(crate) fn run<T: Send + 'static>(
    operation: impl Future<Output = Result<T, Refused>> + Send + 'static,
) -> Pending<T> {
    match runtime() {
        Ok(runtime) => Box::pin(Operation(runtime.spawn(operation))),
        Err(refused) => Box::pin(ready(Err(refused))),
    }
}

/// An operation; dropping it ends it.
struct Operation<T>(JoinHandle<Result<T, Refused>>);

impl<T> Future for Operation<T> {
    type Output = Result<T, Refused>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|joined| {
            joined.unwrap_or_else(|error| {
                Err(Refused(format!("internal error in throng (please report it): {error}")))
            })
        })
    }
}

impl<T> Drop for Operation<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// Tells when it is dropped.
    struct Told(mpsc::Sender<()>);

    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_ended() {
        let (sender, ended) = mpsc::channel();
        let (begun, has_begun) = mpsc::channel();
        let operation = run::<()>(async move {
            let _told = Told(sender);
            let _ = begun.send(());
            std::future::pending().await
        });
        has_begun.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(ended.try_recv().is_err());
        drop(operation);
        ended.recv_timeout(Duration::from_secs(10)).unwrap();
    }

    #[test]
    fn a_panic_in_a_driver_is_an_error_of_the_operation() {
        let operation = run::<()>(async { panic!("provoked by a test") });
        let refused = runtime().unwrap().block_on(operation).unwrap_err();
        assert!(refused.0.starts_with("internal error in throng"), "{refused}");
    }
}
