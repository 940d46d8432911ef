//! The thread that watches, with a task for each target.

use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::cluster::{self, Pattern};
use crate::database;
use crate::metric;
use crate::scale::Fact;
use crate::spec::{Target, What};
use crate::told::{Event, EventKind, Sample, Told};

/// How to watch.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What.
    pub targets: Vec<Target>,
    /// How often what is asked for is asked, and what is known is told.
    pub interval: Duration,
    /// When a query is slow, where a server has no limit of its own.
    pub slow: Duration,
    /// The context of the kubeconfig, if not the present one.
    pub context: Option<String>,
    /// The namespace, if not the context's.
    pub namespace: Option<String>,
    /// What to look for in logs.
    pub patterns: Vec<Pattern>,
}

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Begins.
    pub fn start(settings: Settings) -> std::io::Result<(Self, mpsc::Receiver<Told>)> {
        let (sender, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("throng-watch".to_owned()).spawn(move || {
            runtime.block_on(async {
                let outlet = Outlet(sender);
                for target in settings.targets.clone() {
                    let teller = outlet.teller(&target.name, &target.to_string());
                    if let What::Database(address) = target.what {
                        tokio::spawn(database::watch(address, settings.clone(), teller));
                    }
                }
                tokio::spawn(cluster::watch(settings, outlet));
                // An error is that the watcher was dropped, which says the same.
                let _ = stopped.await;
            });
            // Queries that are under way are of no account any more.
            runtime.shutdown_background();
        })?;
        Ok((Self { stop: Some(stop), thread: Some(thread) }, told))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Where all that is seen goes.
#[derive(Debug, Clone)]
pub(crate) struct Outlet(mpsc::Sender<Told>);

impl Outlet {
    /// One that tells of something which samples call `name` and messages `shown`.
    pub(crate) fn teller(&self, name: &str, shown: &str) -> Teller {
        Teller { sender: self.0.clone(), name: name.to_owned(), shown: shown.to_owned(), broken: None }
    }
}

/// Tells what is seen of one thing; a watch that breaks is told once, and once that it works again.
#[derive(Debug)]
pub(crate) struct Teller {
    sender: mpsc::Sender<Told>,
    name: String,
    shown: String,
    broken: Option<Instant>,
}

impl Teller {
    /// How samples call the thing.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Something that the story of scaling is made of.
    pub(crate) fn fact(&self, at: Instant, fact: Fact) {
        let _ = self.sender.send(Told::Fact(at, fact));
    }

    pub(crate) fn samples(&self, samples: Vec<Sample>) {
        if !samples.is_empty() {
            let _ = self.sender.send(Told::Samples(Instant::now(), samples));
        }
    }

    pub(crate) fn event(&self, kind: EventKind, grave: bool, text: String) {
        let _ = self.sender.send(Told::Event(Event { at: Instant::now(), kind, grave, text }));
    }

    fn reading(&self, worked: bool) {
        let value = f64::from(u8::from(worked));
        self.samples(vec![Sample::new(&metric::WATCH_OK, &[("target", &self.shown)], value)]);
    }

    /// It could not be read; `fix` is what to do about it.
    pub(crate) fn failed(&mut self, why: &str, fix: &str) {
        self.reading(false);
        if self.broken.is_none() {
            self.broken = Some(Instant::now());
            let text =
                format!("watching {} fails: {why}; {fix}. It is tried again, the test goes on", self.shown);
            self.event(EventKind::Watch, true, text);
        }
    }

    /// It was read.
    pub(crate) fn worked(&mut self) {
        self.reading(true);
        if let Some(since) = self.broken.take() {
            let text = format!("watching {} works again after {} s", self.shown, since.elapsed().as_secs());
            self.event(EventKind::Watch, false, text);
        }
    }
}
