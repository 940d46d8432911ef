//! A lifecycle function (`setup`, `teardown`, `handleSummary`) on a thread of its own, with a virtual machine of its own.

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use throng_js::lifecycle::{Interrupter, Lifecycle, LifecycleError, Summarised};
use throng_js::log::Log;
use throng_js::program::Program;
use throng_js::settings::{Control, Settings};
use throng_metrics::{Delta, RecorderConfig};

use crate::run::prepare::Prepared;

/// One that runs, or has run.
pub(super) struct Job<R> {
    interrupter: Interrupter,
    thread: JoinHandle<(Result<R, LifecycleError>, Option<Delta>)>,
}

impl<R: Send + 'static> Job<R> {
    /// Starts it.
    pub(super) fn spawn(
        program: Arc<Program>,
        settings: Arc<Settings>,
        log: Arc<dyn Log>,
        recorder: RecorderConfig,
        body: impl FnOnce(&Lifecycle) -> Result<R, LifecycleError> + Send + 'static,
    ) -> Self {
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let lifecycle = match Lifecycle::new(program, settings, log, recorder) {
                Ok(lifecycle) => lifecycle,
                Err(error) => return (Err(error), None),
            };
            let _ = sender.send(lifecycle.interrupter());
            let result = body(&lifecycle);
            let delta = lifecycle.thread().recorder.borrow_mut().take_delta();
            (result, Some(delta))
        });
        // Without an event loop there is nothing to interrupt; the thread ends at once with the reason.
        let interrupter = receiver.recv().unwrap_or_else(|_| Interrupter::none());
        Self { interrupter, thread }
    }
}

impl<R> Job<R> {
    /// Whether it has ended.
    pub(super) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends the function that runs.
    pub(super) fn interrupt(&self) {
        self.interrupter.interrupt();
    }

    /// Its result and what it recorded; nothing if it panicked.
    pub(super) fn join(self) -> Option<(Result<R, LifecycleError>, Option<Delta>)> {
        self.thread.join().ok()
    }
}

/// Runs `handleSummary`; what it records is of no account any more.
pub(in crate::run) fn handle_summary(
    prepared: &Prepared,
    data: String,
) -> Option<Result<Option<Summarised>, LifecycleError>> {
    let timeout = prepared.plan.options.handle_summary_timeout;
    let settings = Arc::new(Settings {
        plan: Some(prepared.plan.clone()),
        engine: None,
        memory_limit: prepared.memory_limit,
        control: Arc::new(Control::default()),
        member: None,
    });
    let job = Job::spawn(
        prepared.loaded.program.clone(),
        settings,
        prepared.log.clone(),
        RecorderConfig::default(),
        move |lifecycle| lifecycle.handle_summary(timeout, data),
    );
    job.join().map(|(result, _)| result)
}
