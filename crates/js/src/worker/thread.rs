//! The worker's threads: started together, told when to start and to stop, heard through one channel.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use throng_engine::{Counts, Engine, Event, ShardIndex};
use throng_metrics::{Delta, Recorder, RecorderConfig};
use throng_reactor::{Reactor, Remote};

use super::driver::{self, Driver};
use super::scenario::ThreadScenario;
use crate::host::ThreadContext;
use crate::log::{Level, Log};
use crate::program::Program;
use crate::settings::Settings;
use crate::vm::STACK_SIZE;

/// What a thread reports.
#[derive(Debug)]
pub enum ThreadEvent {
    /// One more planned virtual user is initialised.
    VuReady,
    /// All planned virtual users of one thread are initialised.
    Initialised,
    /// A virtual user could not be initialised.
    InitFailed(String),
    /// The samples of the last second or less, and what became of the iterations that a controller dealt out and that they
    /// measure.
    Delta(Delta, Counts),
    /// What the worker was dealt before it was given up is forgotten, and told so far as it was run.
    Voided,
    /// How late the thread's loop was in the last second, at worst.
    Lag(Duration),
    /// The thread has nothing left to run; its last delta was sent before.
    Done,
}

/// What the threads need.
pub struct ShardsConfig {
    /// The test.
    pub program: Arc<Program>,
    /// The run's settings, with plan and engine.
    pub settings: Arc<Settings>,
    /// The engine.
    pub engine: Arc<Engine>,
    /// One recorder configuration a thread.
    pub recorders: Vec<RecorderConfig>,
    /// Where `console` goes.
    pub log: Arc<dyn Log>,
}

/// The running threads.
pub struct Shards {
    /// How to direct them.
    pub controls: ShardControls,
    threads: Vec<JoinHandle<()>>,
    /// What they report.
    pub events: Receiver<ThreadEvent>,
}

/// Directs the threads from any other thread.
#[derive(Clone)]
pub struct ShardControls {
    remotes: Vec<Remote>,
}

impl ShardControls {
    fn each(&self, job: impl Fn(&Rc<Driver>) + Send + Clone + 'static) {
        for remote in &self.remotes {
            let job = job.clone();
            remote.spawn(move |_| {
                if let Some(driver) = driver::current() {
                    job(&driver);
                }
            });
        }
    }

    /// Begins the run phase on all threads, with one clock.
    pub fn start(&self, at: Instant, setup_data: Option<Arc<str>>) {
        let peers = self.remotes.clone();
        self.each(move |driver| driver.start(at, peers.clone(), setup_data.clone()));
    }

    /// Ends the run as at the end of its time.
    pub fn stop(&self) {
        self.each(|driver| driver.stop());
    }

    /// Ends the run at once: running iterations are interrupted.
    pub fn abort(&self) {
        self.each(|driver| driver.abort());
    }

    /// Has every shard look whether its part of the test has changed ([`Engine::deal`]).
    pub fn look_up(&self) {
        self.each(|driver| driver.look_up());
    }

    /// Has every shard forget what it was dealt ([`Engine::void`]); each answers with [`ThreadEvent::Voided`].
    pub fn void(&self) {
        self.each(|driver| driver.void());
    }

    /// Tells every shard (pause, resume, scale).
    pub fn tell(&self, event: Event) {
        self.each(move |driver| driver.tell(event));
    }
}

impl Shards {
    /// Starts one thread a recorder; each begins to initialise its virtual users.
    ///
    /// # Errors
    /// When a thread or its event loop cannot be made.
    pub fn spawn(config: ShardsConfig) -> std::io::Result<Self> {
        let (sender, events) = mpsc::channel();
        let (mut remotes, mut threads) = (Vec::new(), Vec::new());
        let config = Arc::new(config);
        for (index, recorder) in config.recorders.iter().cloned().enumerate() {
            let (config, sender) = (config.clone(), sender.clone());
            let (reply, remote) = mpsc::channel();
            let builder = std::thread::Builder::new().name(format!("throng-{index}"));
            threads
                .push(builder.spawn(move || run(&config, recorder, ShardIndex::new(index), sender, &reply))?);
            remotes.push(
                remote.recv().unwrap_or_else(|_| Err(std::io::Error::other("the thread ended at once")))?,
            );
        }
        Ok(Self { controls: ShardControls { remotes }, threads, events })
    }

    /// Waits for the threads to end; they do after [`ThreadEvent::Done`].
    pub fn join(self) {
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

fn run(
    config: &ShardsConfig,
    recorder: RecorderConfig,
    index: ShardIndex,
    events: Sender<ThreadEvent>,
    reply: &Sender<std::io::Result<Remote>>,
) {
    let mut reactor = match Reactor::new() {
        Ok(reactor) => reactor,
        Err(error) => {
            let _ = reply.send(Err(error));
            return;
        }
    };
    let mut recorder = Recorder::new(config.program.registry.clone(), recorder);
    let plan = config.settings.plan.clone();
    let scenarios = plan
        .iter()
        .flat_map(|plan| &plan.scenarios)
        .map(|scenario| ThreadScenario::new(scenario, &mut recorder))
        .collect();
    let thread = Rc::new(ThreadContext::new(
        reactor.handle(),
        recorder,
        STACK_SIZE,
        config.settings.clone(),
        config.log.clone(),
    ));
    let driver = Driver::new(
        thread.clone(),
        config.program.clone(),
        scenarios,
        config.engine.clone(),
        index,
        events.clone(),
    );
    let _ = reply.send(Ok(reactor.handle().remote()));
    driver.initialise();
    thread.reactor.spawn(report(driver.clone(), events.clone()));
    let ended = reactor.run_until({
        let driver = driver.clone();
        async move { driver.until_done().await }
    });
    if let Err(error) = ended {
        config.log.log(Level::Error, &format!("a generator thread's event loop failed: {error}"), &[]);
    }
    driver.flush();
    let _ = events.send(ThreadEvent::Done);
    // Ten thousand virtual machines are not taken down one by one (a full collection each): the process is about to
    // end, or, where it lives on, these threads were its last use of them.
    std::mem::forget((reactor, driver, thread));
}

/// Sends what was recorded, once a second, and how late this loop was.
async fn report(driver: Rc<Driver>, events: Sender<ThreadEvent>) {
    const TICK: Duration = Duration::from_millis(100);
    let mut next = Instant::now() + TICK;
    let mut worst = Duration::ZERO;
    let mut ticks = 0;
    loop {
        driver.thread.reactor.sleep_until(next).await;
        let late = next.elapsed();
        worst = worst.max(late);
        next += TICK + TICK * (late.as_millis() / TICK.as_millis()) as u32;
        ticks += 1;
        if ticks >= 10 {
            ticks = 0;
            if !driver.flush() || events.send(ThreadEvent::Lag(worst)).is_err() {
                return;
            }
            worst = Duration::ZERO;
        }
    }
}
