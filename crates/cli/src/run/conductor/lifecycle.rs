//! `setup` and `teardown` of a run, each once, and what of a run may interrupt them.

use std::time::Instant;

use throng_js::lifecycle::{Lifecycle, LifecycleError};
use throng_js::vm::ScriptError;

use super::job::Job;
use super::{LIFECYCLE_SOURCE, LOOK_UP, Run};
use crate::exit::Exit;
use crate::logging::Field;
use crate::progress::Phase;

impl Run<'_> {
    pub(super) fn setup(&mut self) -> Result<Option<String>, ()> {
        let timeout = self.prepared.plan.options.setup_timeout;
        let job = self.lifecycle(move |lifecycle| lifecycle.setup(timeout));
        let result = self.wait_for(job, |run| {
            let snapshot = run.snapshot_before(Phase::Setup);
            run.display.show(snapshot, Instant::now());
        });
        match result {
            Some(Ok(data)) => Ok(data),
            Some(Err(error)) => {
                self.lifecycle_failed(&error, Exit::SetupTimeout);
                Err(())
            }
            None => {
                self.fail(Exit::Panic, "setup() ended unexpectedly", &[]);
                Err(())
            }
        }
    }

    pub(super) fn teardown(&mut self) {
        let (timeout, data) = (self.prepared.plan.options.teardown_timeout, self.setup_data.clone());
        let job = self.lifecycle(move |lifecycle| lifecycle.teardown(timeout, data));
        // A signal interrupts the iterations, not the cleaning up.
        match self.wait_for_quietly(job, Self::tick) {
            Some(Ok(())) => {}
            Some(Err(error)) => self.lifecycle_failed(&error, Exit::TeardownTimeout),
            None => self.fail(Exit::Panic, "teardown() ended unexpectedly", &[]),
        }
    }

    pub(super) fn lifecycle<R: Send + 'static>(
        &self,
        body: impl FnOnce(&Lifecycle) -> Result<R, LifecycleError> + Send + 'static,
    ) -> Job<R> {
        let program = self.prepared.loaded.program.clone();
        let (settings, log) = (self.stage.settings.clone(), self.prepared.log.clone());
        let recorder = self.stage.recorder(LIFECYCLE_SOURCE);
        Job::spawn(program, settings, log, recorder, body)
    }

    /// Waits for a lifecycle function; a signal or an abort interrupts it.
    fn wait_for<R: Send + 'static>(
        &mut self,
        job: Job<R>,
        mut show: impl FnMut(&mut Self),
    ) -> Option<Result<R, LifecycleError>> {
        let mut interrupted = false;
        while !job.is_finished() {
            std::thread::sleep(LOOK_UP);
            self.attend();
            show(self);
            if self.is_stopping() && !interrupted {
                interrupted = true;
                job.interrupt();
            }
        }
        self.collect(job)
    }

    fn wait_for_quietly<R: Send + 'static>(
        &mut self,
        job: Job<R>,
        mut show: impl FnMut(&mut Self),
    ) -> Option<Result<R, LifecycleError>> {
        while !job.is_finished() {
            std::thread::sleep(LOOK_UP);
            self.attend();
            show(self);
        }
        self.collect(job)
    }

    pub(super) fn collect<R: Send + 'static>(&mut self, job: Job<R>) -> Option<Result<R, LifecycleError>> {
        let (result, delta) = job.join()?;
        if let Some(delta) = delta {
            self.merge(&delta);
            self.crew.measured(&delta);
        }
        Some(result)
    }

    fn lifecycle_failed(&mut self, error: &LifecycleError, timeout: Exit) {
        match error {
            LifecycleError::Timeout { .. } => {
                let hint =
                    [Field::new("hint", "raise the timeout with the setupTimeout or teardownTimeout option")];
                self.fail(timeout, &error.to_string(), &hint);
            }
            LifecycleError::Script(ScriptError::Aborted) if self.is_stopping() => {
                self.note_stop();
            }
            LifecycleError::SetupData(_)
            | LifecycleError::Script(ScriptError::Rejected(_) | ScriptError::Unusable(_)) => {
                self.fail(Exit::Other, &error.to_string(), &[]);
            }
            _ => self.fail(
                Exit::ScriptException,
                &error.to_string(),
                &[Field::new("hint", "script exception")],
            ),
        }
    }
}
