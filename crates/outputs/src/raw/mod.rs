//! Files of raw samples: every sample, as it was, written off the virtual users' threads.
//!
//! One thread takes the batches that the recorders send and hands them to each writer. A writer that fails is
//! set aside, so that the others go on; its error is reported when the outputs are finished.

mod csv;
mod json;
mod target;
mod timestamp;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, mem, thread};

use throng_metrics::{RawReceiver, RawSample};

pub use csv::{CsvOptions, CsvWriter};
pub use json::JsonWriter;
pub use target::Target;
pub use timestamp::TimeFormat;

/// Why an output cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The file cannot be made.
    #[error("open {target} for the {output} output: {source}")]
    Open {
        /// Which output.
        output: &'static str,
        /// Where it writes.
        target: Target,
        /// What the system says.
        source: io::Error,
    },
    /// Writing failed on the way; what was written before is there.
    #[error("write the {output} output to {target}: {source}")]
    Write {
        /// Which output.
        output: &'static str,
        /// Where it writes.
        target: Target,
        /// What the system says.
        source: io::Error,
    },
    /// The writing thread could not be started, or ended in a panic.
    #[error("run the thread that writes outputs: {0}")]
    Thread(String),
}

/// Something that writes raw samples.
pub trait SampleWriter: Send {
    /// Name of the output, for messages.
    fn name(&self) -> &'static str;
    /// Where it writes, for messages.
    fn target(&self) -> &Target;
    /// How often to flush.
    fn flush_interval(&self) -> Duration;
    /// Writes one sample.
    fn write(&mut self, sample: &RawSample) -> io::Result<()>;
    /// Passes on what is buffered.
    fn flush(&mut self) -> io::Result<()>;
    /// Ends the file.
    fn finish(&mut self) -> io::Result<()>;
}

/// The thread that writes.
#[derive(Debug)]
pub struct RawOutputs {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<OutputError>>,
}

/// How long the thread waits for a batch before it looks at the clock and at the stop flag.
const PATIENCE: Duration = Duration::from_millis(100);

impl RawOutputs {
    /// Starts writing what comes out of `samples`. An error of a writer is also sent, as text, to `failures`
    /// as soon as it happens.
    pub fn start(
        samples: RawReceiver,
        writers: Vec<Box<dyn SampleWriter>>,
        failures: Option<Sender<String>>,
    ) -> Result<Self, OutputError> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("outputs".into())
            .spawn(move || Drain::new(writers, failures).run(&samples, &seen))
            .map_err(|error| OutputError::Thread(error.to_string()))?;
        Ok(Self { stop, thread })
    }

    /// Writes what is still queued, ends the files and tells what went wrong. Call it after the recorders have
    /// taken their last delta: that flushes their batches.
    pub fn finish(self) -> Vec<OutputError> {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap_or_else(|_| vec![OutputError::Thread("it panicked".into())])
    }
}

struct Drain {
    writers: Vec<(Box<dyn SampleWriter>, Instant)>,
    failures: Option<Sender<String>>,
    errors: Vec<OutputError>,
}

impl Drain {
    fn new(writers: Vec<Box<dyn SampleWriter>>, failures: Option<Sender<String>>) -> Self {
        let now = Instant::now();
        Self {
            writers: writers.into_iter().map(|writer| (writer, now)).collect(),
            failures,
            errors: Vec::new(),
        }
    }

    fn run(mut self, samples: &RawReceiver, stop: &AtomicBool) -> Vec<OutputError> {
        loop {
            // Read before receiving: what was queued when the flag was set is still drained.
            let stopping = stop.load(Ordering::Acquire);
            match samples.recv_timeout(if stopping { Duration::ZERO } else { PATIENCE }) {
                Ok(batch) => {
                    self.each(|writer, _| batch.iter().try_for_each(|sample| writer.write(sample)));
                }
                Err(RecvTimeoutError::Timeout) if !stopping => {}
                Err(_) => break,
            }
            let now = Instant::now();
            self.each(|writer, flushed| {
                if now.duration_since(*flushed) < writer.flush_interval() {
                    return Ok(());
                }
                *flushed = now;
                writer.flush()
            });
        }
        self.each(|writer, _| writer.finish());
        self.errors
    }

    /// Does something with each writer and sets those aside that fail.
    fn each(&mut self, mut act: impl FnMut(&mut dyn SampleWriter, &mut Instant) -> io::Result<()>) {
        for (mut writer, mut flushed) in mem::take(&mut self.writers) {
            match act(&mut *writer, &mut flushed) {
                Ok(()) => self.writers.push((writer, flushed)),
                Err(source) => {
                    let (output, target) = (writer.name(), writer.target().clone());
                    let error = OutputError::Write { output, target, source };
                    if let Some(failures) = &self.failures {
                        // Nobody listening is no reason to stop writing.
                        let _ = failures.send(error.to_string());
                    }
                    self.errors.push(error);
                }
            }
        }
    }
}
