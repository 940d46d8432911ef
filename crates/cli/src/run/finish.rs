//! The end of a run: the last judgement, the summary, what the script makes of it, and the exit code.

use std::path::Path;

use serde_json::Value;
use throng_js::lifecycle::{LifecycleError, Summarised, SummaryFiles};
use throng_metrics::threshold::Phase as Judge;
use throng_metrics::{Summary, SummaryInput, SummaryMetric, builtin};
use throng_outputs::handle_summary::Surroundings;
use throng_outputs::summary::{self, Mode};
use throng_outputs::{TrendStat, export, handle_summary};

use super::conductor::{self, Ended};
use super::prepare::Prepared;
use crate::exit::Exit;
use crate::logging::{Field, Level};
use crate::spec::{Face, RunSpec, SummaryMode};
use crate::terminal::Stream;

/// Our own metrics, which no k6 has: shown in our own face, and where a threshold names them.
const OWN_METRICS: [&str; 2] = ["iteration_start_lag", "iteration_response_time"];

/// Judges, prints, writes; returns the exit code.
pub(super) fn finish(spec: &RunSpec, prepared: &Prepared, ended: Ended) -> Exit {
    let verdict = prepared.thresholds.evaluate(&ended.aggregate, ended.duration, Judge::Final);
    let input =
        SummaryInput { duration: ended.duration, setup_data: ended.setup_data.as_deref().map(str::to_owned) };
    let mut summary = Summary::new(&ended.aggregate, &prepared.thresholds, input);
    if spec.face == Face::K6 {
        summary.metrics.retain(|metric| !is_hidden(metric));
    }
    ended.display.clear();
    let stats = trend_stats(prepared);
    if spec.summary.mode != SummaryMode::Disabled {
        summarise(spec, prepared, &ended, &summary, &stats);
    }
    ended.display.finish();
    if spec.face == Face::K6
        && let Some(warning) = &ended.generator.warning
    {
        spec.log.warn(warning);
    }
    if ended.generator.raw_dropped > 0 {
        spec.log.warn(&format!(
            "{} samples were not written to the outputs: they could not keep up",
            ended.generator.raw_dropped
        ));
    }
    if ended.exit == Exit::Success && ended.aggregate.total(builtin::ITERATIONS).is_none() {
        spec.log.warn("no iteration was finished: give the test more time, or its iterations less to do");
    }
    let crossed = !verdict.crossed.is_empty();
    // k6 says nothing more of a run that was stopped from outside.
    if crossed && !matches!(ended.exit, Exit::ThresholdsCrossed | Exit::StoppedByRest) {
        spec.log.error(&format!("thresholds on metrics '{}' have been crossed", verdict.crossed.join(", ")));
    }
    match ended.exit {
        Exit::Success if crossed => Exit::ThresholdsCrossed,
        other => other,
    }
}

/// Whether it is a metric that k6 does not have.
pub(super) fn is_hidden(metric: &SummaryMetric) -> bool {
    OWN_METRICS.contains(&&*metric.base) && metric.thresholds.is_empty()
}

fn trend_stats(prepared: &Prepared) -> Vec<TrendStat> {
    let options = &prepared.plan.options;
    options.summary_trend_stats.iter().filter_map(|stat| stat.to_string().parse().ok()).collect()
}

/// Shows the numbers, the script's way or ours, and exports them. As in k6 there is nothing of all this where the script
/// leaves or returns what cannot be used.
fn summarise(spec: &RunSpec, prepared: &Prepared, ended: &Ended, summary: &Summary, stats: &[TrendStat]) {
    let data = summary_data(spec, prepared, summary, stats);
    let (files, left) = if prepared.has("handleSummary") {
        let Summarised { files, data } = custom(prepared, data.to_string());
        (files, data.and_then(|json| serde_json::from_str(&json).ok()))
    } else {
        (Ok(None), Some(data))
    };
    let exported = match &spec.summary.export {
        Some(path) => match exported(left.as_ref()) {
            Ok(text) => Some((path, text)),
            Err(problem) => return spec.log.error(&problem),
        },
        None => None,
    };
    match files {
        Ok(Some(outputs)) => write_all(spec, outputs),
        Ok(None) => show(spec, prepared, ended, summary, stats),
        // k6 too logs the error and keeps the exit code; whether it prints its own summary depends on what is wrong.
        Err(LifecycleError::SummaryData(text)) => return spec.log.error(&text),
        Err(error) => {
            spec.log.log(Level::Error, &error.to_string(), &[Field::new("hint", "script exception")]);
            show(spec, prepared, ended, summary, stats);
        }
    }
    if let Some((path, text)) = exported {
        write_file(spec, path, text.as_bytes());
    }
}

/// The export of what `handleSummary` left of its data.
fn exported(data: Option<&Value>) -> Result<String, String> {
    let unfit = "the data that handleSummary() left has no form in JSON, which --summary-export needs";
    export::render(data.ok_or(unfit)?).map_err(|error| error.to_string())
}

/// Shows the numbers our way.
fn show(spec: &RunSpec, prepared: &Prepared, ended: &Ended, summary: &Summary, stats: &[TrendStat]) {
    let options = summary::Options {
        mode: match spec.summary.mode {
            SummaryMode::Full => Mode::Full,
            SummaryMode::Legacy => Mode::Legacy,
            SummaryMode::Compact | SummaryMode::Disabled => Mode::Compact,
        },
        colors: spec.terminal.colours(Stream::Out),
        time_unit: prepared.time_unit().and_then(|unit| unit.parse().ok()),
        trend_stats: stats.to_vec(),
        generator: (spec.face == Face::Own).then(|| ended.generator.clone()),
        scaling: ended.scaling.clone(),
    };
    spec.terminal.print(Stream::Out, &summary::render(summary, &options));
}

/// What `handleSummary` is given.
fn summary_data(spec: &RunSpec, prepared: &Prepared, summary: &Summary, stats: &[TrendStat]) -> Value {
    let time_unit = prepared.time_unit().unwrap_or_default().to_owned();
    let surroundings = Surroundings {
        time_unit,
        no_color: spec.terminal.is_colourless(),
        stdout_is_terminal: spec.terminal.is_terminal(Stream::Out),
        stderr_is_terminal: spec.terminal.is_terminal(Stream::Err),
    };
    handle_summary::data(summary, stats, &surroundings)
}

/// The same of a run that goes on, as JSON.
pub(super) fn summary_so_far(spec: &RunSpec, prepared: &Prepared, summary: &Summary) -> String {
    summary_data(spec, prepared, summary, &trend_stats(prepared)).to_string()
}

/// Runs the script's `handleSummary`. Where it did not end, its data counts as it was.
fn custom(prepared: &Prepared, data: String) -> Summarised {
    let before = data.clone();
    let error = match conductor::handle_summary(prepared, data) {
        Some(Ok(Some(summarised))) => return summarised,
        Some(Ok(None)) => return Summarised { files: Ok(None), data: Some(before) },
        Some(Err(error)) => error,
        None => LifecycleError::SummaryData("handleSummary() ended unexpectedly".into()),
    };
    Summarised { files: Err(error), data: Some(before) }
}

fn write_all(spec: &RunSpec, outputs: SummaryFiles) {
    for (name, content) in outputs {
        match name.as_str() {
            "stdout" => spec.terminal.print_bytes(Stream::Out, &content),
            "stderr" => spec.terminal.print_bytes(Stream::Err, &content),
            path => write_file(spec, Path::new(path), &content),
        }
    }
}

/// What cannot be written is an error in the log; the numbers have been shown and the exit code stands, as in k6.
fn write_file(spec: &RunSpec, path: &Path, content: &[u8]) {
    if let Err(error) = std::fs::write(path, content) {
        spec.log.error(&format!("cannot write {}: {error}", path.display()));
    }
}
