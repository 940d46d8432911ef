//! `--out csv`: one row per sample.
//!
//! Columns as observed on k6 1.1: name, time and value, then the enabled system tags in alphabetical order,
//! then all other tags and the metadata as `key=value&key=value`. Quoting is Go's: fields with commas, quotes,
//! line breaks or a leading space.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use throng_metrics::{RawSample, Registry, SystemTag, SystemTags, TagSet};

use super::target::{Sink, Target};
use super::{OutputError, SampleWriter, TimeFormat};

const OUTPUT: &str = "csv";

/// How the CSV output writes.
#[derive(Clone, Debug)]
pub struct CsvOptions {
    /// Where it writes.
    pub target: Target,
    /// How often rows are flushed (`saveInterval`).
    pub save_interval: Duration,
    /// How the `timestamp` column is written (`timeFormat`).
    pub time_format: TimeFormat,
    /// The enabled system tags, which have columns of their own.
    pub system_tags: SystemTags,
}

/// Writes samples as rows.
pub struct CsvWriter {
    target: Target,
    sink: Sink,
    registry: Arc<Registry>,
    save_interval: Duration,
    time_format: TimeFormat,
    columns: Vec<&'static str>,
    row: String,
}

impl CsvWriter {
    /// Opens the target and writes the header.
    pub fn new(options: CsvOptions, registry: Arc<Registry>) -> Result<Self, OutputError> {
        let CsvOptions { target, save_interval, time_format, system_tags } = options;
        let mut sink = target.open(OUTPUT)?;
        let mut columns: Vec<&str> =
            system_tags.iter().filter(|tag| !tag.is_metadata()).map(SystemTag::as_str).collect();
        columns.sort_unstable();
        let mut header = vec!["metric_name", "timestamp", "metric_value"];
        header.extend(&columns);
        header.extend(["extra_tags", "metadata"]);
        writeln!(sink, "{}", header.join(",")).map_err(|source| OutputError::Write {
            output: OUTPUT,
            target: target.clone(),
            source,
        })?;
        Ok(Self { target, sink, registry, save_interval, time_format, columns, row: String::new() })
    }
}

impl SampleWriter for CsvWriter {
    fn name(&self) -> &'static str {
        OUTPUT
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn flush_interval(&self) -> Duration {
        self.save_interval
    }

    fn write(&mut self, sample: &RawSample) -> io::Result<()> {
        let row = &mut self.row;
        row.clear();
        row.push_str(&self.registry.def(sample.metric).name);
        row.push(',');
        self.time_format.write(row, sample.time);
        row.push(',');
        // Writing to a string cannot fail.
        let _ = write!(row, "{:.6}", sample.value);
        for column in &self.columns {
            row.push(',');
            field(row, sample.tags.get(column).unwrap_or_default());
        }
        row.push(',');
        let extra = sample.tags.iter().filter(|(key, _)| !self.columns.contains(key));
        field(row, &pairs(extra));
        row.push(',');
        field(row, &pairs(sample.metadata.iter().flat_map(|metadata| TagSet::iter(metadata))));
        row.push('\n');
        self.sink.write_all(row.as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.sink.finish()
    }
}

fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<String> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join("&")
}

fn field(row: &mut String, text: &str) {
    let quoted = text.starts_with([' ', '\t']) || text.contains([',', '"', '\r', '\n']);
    if quoted {
        row.push('"');
        row.push_str(&text.replace('"', "\"\""));
        row.push('"');
    } else {
        row.push_str(text);
    }
}
