//! Whole summaries as text and JSON, from recorded samples.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use throng_metrics::threshold::Source;
use throng_metrics::{
    Aggregate, Breakdown, Contains, HttpSample, Kind, Recorder, RecorderConfig, Registry, Summary,
    SummaryInput, Thresholds, UnixNanos, builtin,
};
use throng_outputs::export::ExportError;
use throng_outputs::summary::{GeneratorReport, Mode, Options, TimeUnit, render};
use throng_outputs::{TrendStat, export, handle_summary};

/// A run of four seconds with two scenarios, groups, checks and custom metrics.
fn sample_run() -> Summary {
    let registry = Arc::new(Registry::new());
    let custom = |name, kind, contains| registry.register(name, kind, contains).unwrap();
    let counter = custom("my_counter", Kind::Counter, Contains::Default);
    let gauge = custom("my_gauge", Kind::Gauge, Contains::Default);
    let rate = custom("my_rate", Kind::Rate, Contains::Default);
    let trend = custom("my_trend", Kind::Trend, Contains::Default);
    custom("never", Kind::Trend, Contains::Time);
    let source =
        |text: &str| Source { expression: text.into(), abort_on_fail: false, delay_abort_eval: None };
    let sources = [
        ("checks".to_owned(), vec![source("rate>0.9")]),
        ("http_req_duration".to_owned(), vec![source("p(95)<500"), source("avg<0.0001")]),
        ("http_req_duration{scenario:reads}".to_owned(), vec![source("max<1000")]),
        ("my_counter".to_owned(), vec![source("count>1"), source("rate>1")]),
        ("my_trend{foo:bar}".to_owned(), vec![source("med>=0")]),
        ("never".to_owned(), vec![source("p(99)<1")]),
    ];
    let thresholds = Thresholds::parse(&sources, &registry).unwrap();
    let config = RecorderConfig { selectors: thresholds.selectors(), ..RecorderConfig::default() };
    let mut recorder = Recorder::new(Arc::clone(&registry), config);
    let root = recorder.root();
    for n in 0_u32..20 {
        let at = UnixNanos(u64::from(n));
        let reads = n % 2 == 0;
        let scenario =
            recorder.with_tags(root, &[("scenario", if reads { "reads" } else { "default" }), ("group", "")]);
        let group = if reads { "::front::inner" } else { "::zeta" };
        recorder.note_group("::front");
        recorder.note_group(group);
        let expected = if n % 5 == 0 { "false" } else { "true" };
        let tags = recorder.with_tags(scenario, &[("group", group), ("expected_response", expected)]);
        let waiting = f64::from(n) * 3.5 + 0.25;
        let sample = HttpSample {
            duration: waiting + 0.0125,
            blocked: 0.000_851,
            sending: 0.0025,
            waiting,
            receiving: 0.01,
            failed: Some(n % 5 == 0),
            ..HttpSample::default()
        };
        recorder.add_http(tags, &sample, at);
        recorder.add_check(tags, (group, Some("status is 200")), f64::from(n % 5), at);
        recorder.add_check(tags, (group, Some("always passes")), 1.0, at);
        let tagged = recorder.with_tags(scenario, &[("foo", "bar")]);
        recorder.add(trend, tagged, 12.3, at);
        recorder.add(counter, scenario, 1.0, at);
        recorder.add(gauge, scenario, 3.5, at);
        recorder.add(rate, scenario, f64::from(n % 3), at);
        recorder.add(builtin::ITERATIONS, scenario, 1.0, at);
        recorder.add(builtin::ITERATION_DURATION, scenario, 61_500.0 + f64::from(n), at);
        recorder.add(builtin::DATA_RECEIVED, scenario, 1_234.0, at);
        recorder.add(builtin::DATA_SENT, scenario, 99.0, at);
        recorder.add(builtin::VUS, root, f64::from(n % 3), at);
    }
    let mut aggregate = Aggregate::new(registry, thresholds.submetrics(), Breakdown::Sections);
    aggregate.merge(&recorder.take_delta()).unwrap();
    let input = SummaryInput { duration: Duration::from_secs(4), setup_data: Some(r#"{"a":1}"#.into()) };
    Summary::new(&aggregate, &thresholds, input)
}

fn text(options: &Options) -> String {
    render(&sample_run(), options)
}

#[test]
fn compact() {
    insta::assert_snapshot!(text(&Options::default()));
}

#[test]
fn full() {
    insta::assert_snapshot!(text(&Options { mode: Mode::Full, ..Options::default() }));
}

#[test]
fn legacy() {
    insta::assert_snapshot!(text(&Options { mode: Mode::Legacy, ..Options::default() }));
}

#[test]
fn compact_in_colors_with_chosen_statistics_and_unit() {
    let trend_stats = ["avg", "p(99.9)", "count"].map(|stat| stat.parse::<TrendStat>().unwrap()).to_vec();
    let options =
        Options { colors: true, time_unit: Some(TimeUnit::Milliseconds), trend_stats, ..Options::default() };
    insta::assert_snapshot!(text(&options).replace('\u{1b}', "^["));
}

#[test]
fn the_generator_speaks_in_our_own_face() {
    let generator = GeneratorReport {
        loop_lag: Some([0.05, 1.25, 40.0]),
        start_lag: Some([0.1, 2.0, 300.5]),
        cpu: Some(0.973),
        raw_dropped: 12,
        workers: 3,
        losses: vec![
            "worker two (33.3 % of the test) was lost 4.2s into the run: it closed the connection".into(),
        ],
        warning: Some("the generator was the bottleneck: its processors were busy 97 % of the time".into()),
    };
    let text = text(&Options { generator: Some(generator), ..Options::default() });
    let (_, block) = text.split_at(text.find("    NETWORK").unwrap());
    insta::assert_snapshot!(block);
}

#[test]
fn summary_export() {
    insta::assert_snapshot!(exported(&sample_run(), &TrendStat::defaults()));
}

fn exported(summary: &Summary, stats: &[TrendStat]) -> String {
    export::render(&handle_summary::data(summary, stats, &handle_summary::Surroundings::default())).unwrap()
}

#[test]
fn the_export_shows_what_handle_summary_did_to_its_data() {
    let data = json!({
        "root_group": {
            "name": "ROOT",
            "groups": [{ "name": "renamed", "checks": null }, {}],
            "checks": [{ "name": "pushed", "passes": 3 }],
        },
        "options": {},
        "state": {},
        "metrics": {
            "changed": { "type": "counter", "values": { "count": 7, "rate": 1 }, "thresholds": { "new": { "ok": false }, "count>1": { "ok": true } } },
            "now a rate": { "type": "rate", "values": { "rate": 0.1, "value": 5 } },
            "no values": {},
        },
        "extra": 5,
    });
    let shown: Value = serde_json::from_str(&export::render(&data).unwrap()).unwrap();
    let expected = json!({
        "metrics": {
            "changed": { "count": 7, "rate": 1, "thresholds": { "new": true, "count>1": false } },
            "now a rate": { "value": 5 },
        },
        "extra": 5,
        "root_group": {
            "name": "ROOT",
            "groups": { "renamed": { "name": "renamed", "checks": null }, "undefined": {} },
            "checks": { "pushed": { "name": "pushed", "passes": 3 } },
        },
    });
    assert_eq!(shown, expected);
    assert_eq!(export::render(&json!({ "metrics": {} })), Err(ExportError::NoRootGroup));
}

#[test]
fn data_of_handle_summary() {
    let data =
        handle_summary::data(&sample_run(), &TrendStat::defaults(), &handle_summary::Surroundings::default());
    insta::assert_snapshot!(format!("{data:#}"));
}

#[test]
fn machine_readable_summary() {
    let run = handle_summary::RunMetadata {
        generated_at: "2026-01-02T03:04:05Z".into(),
        version: "2.2.0".into(),
        script: "script.js".into(),
    };
    let data = handle_summary::machine_readable(&sample_run(), &TrendStat::defaults(), &run);
    insta::assert_snapshot!(format!("{data:#}"));
}

#[test]
fn a_run_without_samples_has_a_summary() {
    let registry = Arc::new(Registry::new());
    let thresholds = Thresholds::default();
    let aggregate = Aggregate::new(registry, thresholds.submetrics(), Breakdown::Totals);
    let summary = Summary::new(&aggregate, &thresholds, SummaryInput::default());
    assert_eq!(render(&summary, &Options::default()), "\n\n  █ TOTAL RESULTS \n\n\n\n");
    let json = r#"{"metrics":{},"root_group":{"name":"","path":"","id":"d41d8cd98f00b204e9800998ecf8427e","groups":{},"checks":{}}}"#;
    let export: Value = serde_json::from_str(&exported(&summary, &[])).unwrap();
    assert_eq!(export.to_string(), json);
}
