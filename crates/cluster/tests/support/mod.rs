//! Workers that generate no load: they follow instructions and report counters.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part of it")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use throng_cluster::{
    Bundle, BundleFile, ClientTls, Controller, ControllerConfig, Disconnect, Happening, Instruction,
    LogLevel, LogRecord, Report, Token, WorkerClient, WorkerConfig,
};
use throng_metrics::{Delta, Recorder, RecorderConfig, Registry, Sink, UnixNanos, builtin};

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A token.
pub fn token() -> Token {
    Token::new("a token for tests").expect("long enough")
}

/// A test with a script.
pub fn bundle() -> Arc<Bundle> {
    let files = vec![
        BundleFile::new("file:///script.js", "export default function () {}"),
        // More than one frame.
        BundleFile::new("file:///data.bin", vec![7; 3 << 20]),
    ];
    let environment = vec![("NAME".to_owned(), "value".to_owned())];
    let bundle = Bundle::new("file:///script.js", files, environment, "{}", Vec::new());
    Arc::new(bundle.expect("a good bundle"))
}

/// Iterations that were counted by someone.
pub fn delta(source: u64, iterations: u64) -> Delta {
    let mut recorder =
        Recorder::new(Arc::new(Registry::new()), RecorderConfig { source, ..RecorderConfig::default() });
    let root = recorder.root();
    for n in 0..iterations {
        recorder.add(builtin::ITERATIONS, root, 1.0, UnixNanos(n));
    }
    recorder.take_delta()
}

/// The iterations in a delta.
pub fn iterations(delta: &Delta) -> u64 {
    let sinks = delta.series().iter().flat_map(|series| &series.sinks);
    sinks
        .map(|(metric, sink)| match sink {
            Sink::Counter(sum) if delta.metrics()[*metric as usize].name.as_ref() == "iterations" => {
                sum.value() as u64
            }
            _ => 0,
        })
        .sum()
}

/// A worker's settings.
pub fn config(controller: SocketAddr, name: &str) -> WorkerConfig {
    WorkerConfig {
        controller: controller.to_string(),
        token: Some(token()),
        tls: None,
        name: name.to_owned(),
        threads: 2,
        join_timeout: Duration::from_secs(10),
    }
}

/// With TLS.
pub fn config_tls(controller: SocketAddr, tls: ClientTls) -> WorkerConfig {
    WorkerConfig { tls: Some(tls), ..config(controller, "over TLS") }
}

/// What became of a worker.
#[derive(Debug)]
pub struct Ended {
    /// Its share of the test.
    pub share: f64,
    /// When it was to start.
    pub start: Option<Instant>,
    /// What `setup` returned.
    pub setup_data: Option<Arc<str>>,
    /// Why it was aborted.
    pub aborted: Option<String>,
    /// Why it was disconnected.
    pub disconnected: Option<Disconnect>,
}

/// A worker that runs `iterations` in deltas of one each, says so in its log, and is done.
pub fn worker(config: WorkerConfig, iterations: u64) -> JoinHandle<Ended> {
    std::thread::spawn(move || {
        let (client, instructions) = WorkerClient::connect(config).expect("a good configuration");
        let mut ended =
            Ended { share: 0.0, start: None, setup_data: None, aborted: None, disconnected: None };
        let mut id = 0;
        loop {
            match instructions.recv_timeout(PATIENCE).expect("an instruction or the end") {
                Instruction::Prepare { worker, slots, bundle, workers, .. } => {
                    assert_eq!(u64::from(workers), slots.period());
                    assert_eq!(bundle.file("file:///data.bin").expect("sent").bytes().len(), 3 << 20);
                    id = u64::from(worker.index());
                    ended.share = slots.share();
                    client.report(Report::VusReady(slots.scale(10)));
                    client.report(Report::Initialised);
                }
                Instruction::Start { at, setup_data, began, ahead: _ } => {
                    assert!(began <= at);
                    (ended.start, ended.setup_data) = (Some(at), setup_data);
                    std::thread::sleep(at.saturating_duration_since(Instant::now()));
                    assert!(client.lease().is_valid(Instant::now()), "the lease is held at the start");
                    for n in 0..iterations {
                        let message = format!("iteration {n}");
                        let fields = vec![("source".to_owned(), "console".to_owned())];
                        client.report(Report::Log(LogRecord { level: LogLevel::Info, message, fields }));
                        client.report(Report::Delta(delta(id, 1)));
                    }
                    assert!(client.report_samples(vec![1, 2, 3]));
                    client.report(Report::Done);
                }
                Instruction::Deal { slots, .. } => client.dealt(slots.version()),
                Instruction::Still(_)
                | Instruction::Count { .. }
                | Instruction::Steer(_)
                | Instruction::Doubtful { .. }
                | Instruction::Orphaned { .. } => {}
                Instruction::Abort { reason } => {
                    ended.aborted = Some(reason);
                    client.report(Report::Done);
                }
                Instruction::End => return ended,
                Instruction::Disconnected(why) => {
                    ended.disconnected = Some(why);
                    return ended;
                }
            }
        }
    })
}

/// A controller on loopback and what it tells.
pub struct Run {
    /// The controller.
    pub controller: Controller,
    happenings: Receiver<Happening>,
    /// Iterations told so far.
    pub iterations: u64,
    /// Log records told so far.
    pub logs: u64,
    /// Bytes of raw samples told so far.
    pub samples: usize,
    /// The order of all else.
    pub seen: Vec<String>,
}

impl Run {
    /// Listens.
    pub fn bind(config: ControllerConfig) -> Self {
        let (controller, happenings) = Controller::bind(config).expect("a free port");
        Self { controller, happenings, iterations: 0, logs: 0, samples: 0, seen: Vec::new() }
    }

    /// The next happening, or a panic that says what came so far.
    pub fn next(&mut self) -> Happening {
        let happening = match self.happenings.recv_timeout(PATIENCE) {
            Ok(happening) => happening,
            Err(RecvTimeoutError::Timeout) => panic!("nothing happened after {:#?}", self.seen),
            Err(RecvTimeoutError::Disconnected) => panic!("the controller ended after {:#?}", self.seen),
        };
        match &happening {
            Happening::Delta { delta, .. } => self.iterations += iterations(delta),
            Happening::Log { .. } => self.logs += 1,
            Happening::Samples { bytes, .. } => self.samples += bytes.len(),
            other => self.seen.push(format!("{other:?}")),
        }
        happening
    }

    /// Waits until `matches` says yes.
    pub fn until(&mut self, matches: impl Fn(&Happening) -> bool) -> Happening {
        loop {
            let happening = self.next();
            if matches(&happening) {
                return happening;
            }
        }
    }
}
