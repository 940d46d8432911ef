//! Raw outputs (`--out json|csv`): a thread that writes every sample, beside the run and never in its way.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use throng_metrics::{RawSink, Registry, SamplesError, decode_samples, raw_channel};
use throng_outputs::raw::{CsvOptions, CsvWriter, JsonWriter, RawOutputs, SampleWriter, Target, TimeFormat};

use super::prepare::Prepared;
use crate::failure::Failure;
use crate::outputs::{self, CsvSettings, Output};
use crate::spec::RunSpec;

/// Samples that wait for the writer at most. Beyond that they are dropped, counted and said: the load does not wait for
/// a disk. k6's own bound counts batches of samples (`metricSamplesBufferSize`), each up to a whole request's.
const WAITING_PER_BUFFER: usize = 1000;

/// The outputs of a run; nothing at all where none was asked for.
pub(super) struct Raw {
    writing: Option<(RawSink, RawOutputs, Receiver<String>)>,
    registry: Arc<Registry>,
}

impl Raw {
    /// Opens the outputs.
    ///
    /// # Errors
    /// When one cannot be opened: better before the load than after it.
    pub(super) fn start(spec: &RunSpec, prepared: &Prepared) -> Result<Self, Failure> {
        let registry = Arc::clone(&prepared.loaded.program.registry);
        if spec.outputs.is_empty() {
            return Ok(Self { writing: None, registry });
        }
        let mut writers: Vec<Box<dyn SampleWriter>> = Vec::new();
        for output in &spec.outputs {
            writers.push(writer(output, prepared).map_err(|error| Failure::other(error.to_string()))?);
        }
        let (sink, samples) = raw_channel(capacity(prepared));
        let (failures, failed) = mpsc::channel();
        let outputs = RawOutputs::start(samples, writers, Some(failures))
            .map_err(|error| Failure::other(error.to_string()))?;
        Ok(Self { writing: Some((sink, outputs, failed)), registry })
    }

    /// Where recorders send samples.
    pub(super) fn sink(&self) -> Option<RawSink> {
        self.writing.as_ref().map(|(sink, ..)| sink.clone())
    }

    /// Where samples of workers come in, if there are outputs.
    pub(super) fn inlet(&self) -> Option<Inlet> {
        self.sink().map(|sink| Inlet { sink, registry: Arc::clone(&self.registry) })
    }

    /// Writes what is left and says what went wrong on the way; the run itself is not judged by that, as in k6.
    pub(super) fn finish(self, spec: &RunSpec) {
        let Some((sink, outputs, _failed)) = self.writing else { return };
        drop(sink);
        for error in outputs.finish() {
            spec.log.error(&error.to_string());
        }
    }
}

/// How many samples may wait.
pub(super) fn capacity(prepared: &Prepared) -> usize {
    prepared.plan.options.metric_samples_buffer_size.saturating_mul(WAITING_PER_BUFFER)
}

/// Where samples that workers recorded come in.
pub(super) struct Inlet {
    sink: RawSink,
    registry: Arc<Registry>,
}

impl Inlet {
    /// Passes on an encoded batch; how many of its samples found no room.
    ///
    /// # Errors
    /// When it is no batch, or does not fit the metrics of this run.
    pub(super) fn pass(&self, bytes: &[u8]) -> Result<u64, SamplesError> {
        let batch = decode_samples(bytes, &self.registry)?;
        Ok(self.sink.pass(batch) as u64)
    }
}

fn writer(
    output: &Output,
    prepared: &Prepared,
) -> Result<Box<dyn SampleWriter>, throng_outputs::raw::OutputError> {
    let registry = Arc::clone(&prepared.loaded.program.registry);
    Ok(match output {
        Output::Json(target) => {
            Box::new(JsonWriter::new(place(target), registry, prepared.thresholds.clone())?)
        }
        Output::Csv(CsvSettings { target, save_interval, time_format }) => {
            let options = CsvOptions {
                target: place(target),
                save_interval: *save_interval,
                time_format: format(*time_format),
                system_tags: prepared.system_tags(),
            };
            Box::new(CsvWriter::new(options, registry)?)
        }
    })
}

fn place(target: &outputs::Target) -> Target {
    match target {
        outputs::Target::Stdout => Target::Stdout,
        outputs::Target::File(path) => Target::File(path.clone()),
    }
}

fn format(format: outputs::TimeFormat) -> TimeFormat {
    match format {
        outputs::TimeFormat::Unix => TimeFormat::Unix,
        outputs::TimeFormat::UnixMilli => TimeFormat::UnixMilli,
        outputs::TimeFormat::UnixMicro => TimeFormat::UnixMicro,
        outputs::TimeFormat::UnixNano => TimeFormat::UnixNano,
        outputs::TimeFormat::Rfc3339 => TimeFormat::Rfc3339,
        outputs::TimeFormat::Rfc3339Nano => TimeFormat::Rfc3339Nano,
    }
}
