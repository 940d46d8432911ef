//! The threads of this process.

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use throng_cluster::Steering;
use throng_engine::{Engine, Event, Progress, Time};
use throng_js::worker::{Shards, ShardsConfig, ThreadEvent};

use super::{Crew, CrewEvent, CrewGone, CrewReport, Stopper};
use crate::run::generator::Processors;
use crate::run::prepare::Prepared;
use crate::run::stage::Stage;

/// One thread a shard of the engine.
pub(in crate::run) struct Local {
    engine: Arc<Engine>,
    shards: Shards,
    initialising: usize,
    running: usize,
    /// How many have yet to forget what they were dealt.
    voiding: usize,
    processors: Processors,
    started: Option<Instant>,
}

impl Local {
    /// Starts the threads; they begin to initialise virtual users. `first_source` numbers the first one's recorder.
    ///
    /// # Errors
    /// When a thread cannot be made.
    pub(in crate::run) fn spawn(
        prepared: &Prepared,
        stage: &Stage,
        first_source: u64,
    ) -> Result<Self, String> {
        let threads = prepared.engine.shards();
        let shards = Shards::spawn(ShardsConfig {
            program: prepared.loaded.program.clone(),
            settings: stage.settings.clone(),
            engine: prepared.engine.clone(),
            recorders: (0..threads as u64).map(|i| stage.recorder(first_source + i)).collect(),
            log: prepared.log.clone(),
        })
        .map_err(|error| format!("cannot start the generator threads: {error}"))?;
        Ok(Self {
            engine: prepared.engine.clone(),
            shards,
            initialising: threads,
            running: threads,
            voiding: 0,
            processors: Processors::watch(threads),
            started: None,
        })
    }

    /// Starts the scenarios with `at` as their zero, which has come.
    pub(in crate::run) fn start_at(&self, at: Instant, setup_data: Option<Arc<str>>) {
        self.shards.controls.start(at, setup_data);
    }

    /// Has the threads look whether their part of the test has changed.
    pub(in crate::run) fn look_up(&self) {
        self.shards.controls.look_up();
    }

    /// Has the threads forget the iterations that they were dealt.
    pub(in crate::run) fn void(&mut self) {
        self.voiding += self.running;
        self.shards.controls.void();
    }

    /// Whether some thread has yet to do that.
    pub(in crate::run) fn is_voiding(&self) -> bool {
        self.voiding > 0
    }

    /// Starts no further iterations; those that run may finish.
    pub(in crate::run) fn drain(&self) {
        self.shards.controls.stop();
    }
}

impl Crew for Local {
    fn next(&mut self, patience: Duration) -> Result<Option<CrewEvent>, CrewGone> {
        let event = match self.shards.events.recv_timeout(patience) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => return Ok(None),
            Err(RecvTimeoutError::Disconnected) => return Err(CrewGone),
        };
        Ok(Some(match event {
            ThreadEvent::VuReady => CrewEvent::VusReady(1),
            ThreadEvent::Initialised => {
                self.initialising -= 1;
                if self.initialising > 0 {
                    return Ok(None);
                }
                CrewEvent::Ready
            }
            ThreadEvent::InitFailed(text) => CrewEvent::InitFailed(text),
            ThreadEvent::Delta(delta, counts) if counts.is_empty() => CrewEvent::Delta(delta),
            ThreadEvent::Delta(delta, counts) => CrewEvent::Counted(delta, counts),
            ThreadEvent::Voided => {
                self.voiding = self.voiding.saturating_sub(1);
                return Ok(None);
            }
            ThreadEvent::Lag(worst) => CrewEvent::Lag(worst),
            ThreadEvent::Done => {
                self.running -= 1;
                if self.running > 0 {
                    return Ok(None);
                }
                CrewEvent::Done
            }
        }))
    }

    fn progress(&self, now: Time) -> Progress {
        self.engine.progress(now)
    }

    fn start(&mut self, _began: Instant, setup_data: Option<Arc<str>>) {
        let at = Instant::now();
        self.start_at(at, setup_data);
        self.started = Some(at);
    }

    fn started(&self) -> Option<Instant> {
        self.started
    }

    fn steer(&mut self, steering: Steering) {
        let controls = &self.shards.controls;
        // The numbers first, so that nobody goes on who is not wanted any more.
        if let Some((vus, max_vus)) = steering.vus {
            controls.tell(Event::SetVus { vus, max_vus });
        }
        controls.tell(if steering.paused { Event::Pause } else { Event::Resume });
    }

    fn stopper(&self) -> Stopper {
        let controls = self.shards.controls.clone();
        Arc::new(move || controls.abort())
    }

    fn processor_share(&self) -> Option<f64> {
        self.processors.share()
    }

    fn dismiss(&mut self) -> CrewReport {
        CrewReport::default()
    }
}
