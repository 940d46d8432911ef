//! Files of raw samples, read back.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use flate2::read::GzDecoder;
use throng_metrics::threshold::Source;
use throng_metrics::{
    Contains, Kind, Recorder, RecorderConfig, Registry, SystemTags, TagSet, Thresholds, UnixNanos,
    raw_channel,
};
use throng_outputs::raw::{
    CsvOptions, CsvWriter, JsonWriter, OutputError, RawOutputs, SampleWriter, Target, TimeFormat,
};

/// Records three samples and lets the writers write them.
fn write(registry: &Arc<Registry>, writers: Vec<Box<dyn SampleWriter>>) -> Vec<OutputError> {
    let trend = registry.register("my_trend", Kind::Trend, Contains::Time).unwrap();
    let (sink, samples) = raw_channel(10_000);
    let (failures, failed) = mpsc::channel();
    let outputs = RawOutputs::start(samples, writers, Some(failures)).unwrap();
    let config = RecorderConfig { raw: Some(sink), ..RecorderConfig::default() };
    let mut recorder = Recorder::new(Arc::clone(registry), config);
    let tags =
        [("scenario", "s"), ("group", "::a"), ("url", "http://h/?a=1,2"), ("own", "x \"y\""), ("b", "2")];
    let tags = recorder.with_tags(recorder.root(), &tags);
    let at = UnixNanos(1_795_312_987_478_903_600);
    recorder.metadata(Some(Arc::new(TagSet::new([("vu", "1"), ("iter", "0")]))));
    recorder.add(trend, tags, 12.5, at);
    recorder.metadata(None);
    recorder.add(trend, tags, 1e-7, at);
    recorder.add(throng_metrics::builtin::ITERATIONS, recorder.root(), 1.0, at);
    recorder.take_delta();
    let errors = outputs.finish();
    assert_eq!(failed.iter().count(), errors.len());
    errors
}

fn csv(path: &Path, registry: &Arc<Registry>, time_format: TimeFormat) -> Box<dyn SampleWriter> {
    let options = CsvOptions {
        target: Target::File(path.to_owned()),
        save_interval: Duration::from_secs(1),
        time_format,
        system_tags: SystemTags::default(),
    };
    Box::new(CsvWriter::new(options, Arc::clone(registry)).unwrap())
}

#[test]
fn json_describes_each_metric_before_its_first_sample() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.json");
    let registry = Arc::new(Registry::new());
    registry.register("my_trend", Kind::Trend, Contains::Time).unwrap();
    let source = Source { expression: "p(95)<5".into(), abort_on_fail: false, delay_abort_eval: None };
    let sources =
        [("my_trend".to_owned(), vec![source.clone()]), ("my_trend{own:\"x\"}".to_owned(), vec![source])];
    let thresholds = Thresholds::parse(&sources, &registry).unwrap();
    let writer = JsonWriter::new(Target::File(path.clone()), Arc::clone(&registry), thresholds).unwrap();
    assert!(write(&registry, vec![Box::new(writer)]).is_empty());
    insta::assert_snapshot!(fs::read_to_string(path).unwrap());
}

#[test]
fn csv_has_a_column_per_system_tag() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    let registry = Arc::new(Registry::new());
    let writer = csv(&path, &registry, TimeFormat::UnixMilli);
    assert!(write(&registry, vec![writer]).is_empty());
    insta::assert_snapshot!(fs::read_to_string(path).unwrap());
}

#[test]
fn a_name_in_gz_is_compressed() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, packed) = (folder.path().join("out.csv"), folder.path().join("out.csv.gz"));
    let registry = Arc::new(Registry::new());
    let writers = [&plain, &packed].map(|path| csv(path, &registry, TimeFormat::Rfc3339)).into();
    assert!(write(&registry, writers).is_empty());
    let mut text = String::new();
    GzDecoder::new(File::open(packed).unwrap()).read_to_string(&mut text).unwrap();
    assert_eq!(text, fs::read_to_string(plain).unwrap());
}

#[test]
fn a_file_that_cannot_be_made_is_named() {
    let target = Target::File("/nowhere/out.json".into());
    let error = JsonWriter::new(target, Arc::new(Registry::new()), Thresholds::default()).err().unwrap();
    let message = error.to_string();
    assert!(message.starts_with("open /nowhere/out.json for the json output: No such file"), "{message}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported_and_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    let registry = Arc::new(Registry::new());
    let full =
        JsonWriter::new(Target::File("/dev/full".into()), Arc::clone(&registry), Thresholds::default());
    let writers: Vec<Box<dyn SampleWriter>> =
        vec![Box::new(full.unwrap()), csv(&path, &registry, TimeFormat::Unix)];
    let errors = write(&registry, writers);
    let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(messages.len(), 1);
    assert!(messages[0].starts_with("write the json output to /dev/full: No space left"), "{}", messages[0]);
    assert_eq!(fs::read_to_string(path).unwrap().lines().count(), 4);
}
