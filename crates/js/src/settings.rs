//! What a run's virtual machines go by, decided before any of them starts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use throng_engine::Engine;
use throng_http::ClientConfig;
use throng_metrics::UnixNanos;
use throng_plan::Plan;

use crate::host::now;
use crate::network::{NetworkError, client_config};

/// The run's settings and the few things that any virtual user may set off.
pub struct Settings {
    /// The plan; absent while the script is only loaded.
    pub plan: Option<Arc<Plan>>,
    /// The engine's shared counters; absent while the script is only loaded.
    pub engine: Option<Arc<Engine>>,
    /// Bytes of memory one virtual user's script may hold; 0 is unlimited.
    pub memory_limit: usize,
    /// Signals from scripts to the run.
    pub control: Arc<Control>,
    /// What holds where this process is one of several that run the test together.
    pub member: Option<Member>,
}

/// One of several processes that run one test together, each its slots of it.
pub struct Member {
    /// How many have virtual users: what a limit on the whole test (`rps`) is divided by.
    pub workers: u32,
    /// Whether an iteration may start now; asked before each.
    pub may_start: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Settings {
    /// So many processes keep to the limits of the whole test together from now on: some came or went.
    pub fn share_limits_among(&self, workers: u32) {
        let limiter = self.control.client_config.get().and_then(|config| config.rate_limiter.as_ref());
        if let Some(limiter) = limiter {
            limiter.share_among(workers);
        }
    }

    /// The settings of all HTTP clients of this run, made once for all threads.
    pub(crate) fn client_config(&self) -> Result<Arc<ClientConfig>, NetworkError> {
        if let Some(config) = self.control.client_config.get() {
            return Ok(config.clone());
        }
        let workers = self.member.as_ref().map_or(1, |member| member.workers);
        let config = client_config(self.plan.as_deref().map(|plan| &plan.options), workers)?;
        let config = Arc::new(config);
        Ok(self.control.client_config.get_or_init(|| config).clone())
    }
}

/// Signals from scripts to the run, and the clock of the run.
#[derive(Default)]
pub struct Control {
    /// `exec.test.abort()` was called; the message is kept.
    abort: std::sync::Mutex<Option<String>>,
    aborted: AtomicBool,
    /// `exec.test.fail()` was called.
    failed: AtomicBool,
    /// Called after `abort` is set, from the thread that set it.
    on_abort: std::sync::OnceLock<Box<dyn Fn() + Send + Sync>>,
    origin: std::sync::OnceLock<Instant>,
    /// Zero of the scenarios' start times, by both clocks.
    scenarios: std::sync::OnceLock<(Instant, UnixNanos)>,
    client_config: std::sync::OnceLock<Arc<ClientConfig>>,
}

impl Control {
    /// Marks the run as aborted by the script; the first message is kept.
    pub fn abort(&self, message: &str) {
        let mut abort = self.abort.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        abort.get_or_insert_with(|| message.to_owned());
        drop(abort);
        self.aborted.store(true, Ordering::Release);
        if let Some(notify) = self.on_abort.get() {
            notify();
        }
    }
    /// What is to happen when a script aborts; set once.
    pub fn on_abort(&self, notify: impl Fn() + Send + Sync + 'static) {
        let _ = self.on_abort.set(Box::new(notify));
    }
    /// The abort's message, if a script aborted.
    pub fn aborted(&self) -> Option<String> {
        if !self.aborted.load(Ordering::Acquire) {
            return None;
        }
        self.abort.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
    /// Marks the run as failed.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }
    /// Whether a script marked the run as failed.
    pub fn failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }
    /// The run phase begins.
    pub fn start(&self, at: Instant) {
        let _ = self.origin.set(at);
    }
    /// When the run phase began.
    pub fn started(&self) -> Option<Instant> {
        self.origin.get().copied()
    }
    /// The scenarios' clocks start, after `setup`; the first call counts.
    pub fn start_scenarios(&self, at: Instant) {
        let unix = now().0.saturating_sub(at.elapsed().as_nanos() as u64);
        let _ = self.scenarios.set((at, UnixNanos(unix)));
    }
    /// Zero of the scenarios' start times, by both clocks.
    pub fn scenarios_started(&self) -> Option<(Instant, UnixNanos)> {
        self.scenarios.get().copied()
    }
}
