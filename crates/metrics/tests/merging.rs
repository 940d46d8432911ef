//! Recorders, deltas and the aggregate together: however the parts arrive, the whole is the same.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use throng_metrics::threshold::{Phase, Source};
use throng_metrics::{
    Aggregate, Breakdown, Contains, Delta, HttpSample, Kind, Notice, Recorder, RecorderConfig, Registry,
    Sink, Submetric, Summary, SummaryInput, Thresholds, UnixNanos, builtin, raw_channel,
};

#[derive(Clone, Debug)]
enum Op {
    Http { url: u8, failed: bool, duration: f64 },
    Trend(f64),
    Count(f64),
    Gauge(f64, u64),
    Check { name: u8, pass: bool },
    Vus(u8),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (0_u8..4, any::<bool>(), 0.0..1e4_f64).prop_map(|(url, failed, duration)| Op::Http {
            url,
            failed,
            duration
        }),
        (-1e3..1e3_f64).prop_map(Op::Trend),
        (-1e12..1e12_f64).prop_map(Op::Count),
        ((-10.0..10.0_f64), 0_u64..5).prop_map(|(value, at)| Op::Gauge(value, at)),
        (0_u8..3, any::<bool>()).prop_map(|(name, pass)| Op::Check { name, pass }),
        (0_u8..9).prop_map(Op::Vus),
    ]
}

fn registry() -> Arc<Registry> {
    let registry = Registry::new();
    registry.register("my_trend", Kind::Trend, Contains::Default).unwrap();
    registry.register("my_counter", Kind::Counter, Contains::Default).unwrap();
    registry.register("my_gauge", Kind::Gauge, Contains::Default).unwrap();
    Arc::new(registry)
}

fn apply(recorder: &mut Recorder, registry: &Registry, op: &Op, at: u64) {
    let metric = |name| registry.get(name).unwrap();
    let root = recorder.root();
    let now = UnixNanos(at);
    match op {
        Op::Http { url, failed, duration } => {
            let url = format!("/{url}");
            let expected = if *failed { "false" } else { "true" };
            let tags = recorder
                .with_tags(root, &[("scenario", "s"), ("url", &url), ("expected_response", expected)]);
            let sample = HttpSample {
                duration: *duration,
                waiting: duration / 3.0,
                failed: Some(*failed),
                ..HttpSample::default()
            };
            recorder.add_http(tags, &sample, now);
        }
        Op::Trend(value) => recorder.add(metric("my_trend"), root, *value, now),
        Op::Count(value) => recorder.add(metric("my_counter"), root, *value, now),
        Op::Gauge(value, at) => recorder.add(metric("my_gauge"), root, *value, UnixNanos(*at)),
        Op::Check { name, pass } => {
            recorder.note_group("::g");
            let name = format!("check {name}");
            recorder.add_check(root, ("::g", Some(&name)), f64::from(u8::from(*pass)), now);
        }
        Op::Vus(count) => recorder.add(builtin::VUS, root, f64::from(*count), now),
    }
}

/// What one source reports: a delta per list of operations.
fn deltas(source: u64, seconds: &[Vec<Op>]) -> Vec<Delta> {
    let registry = registry();
    let config = RecorderConfig { source, ..RecorderConfig::default() };
    let mut recorder = Recorder::new(Arc::clone(&registry), config);
    seconds
        .iter()
        .zip(1_u64..)
        .map(|(ops, second)| {
            for op in ops {
                apply(&mut recorder, &registry, op, second * 1_000_000_000);
            }
            recorder.take_delta()
        })
        .collect()
}

fn folded<'a>(deltas: impl IntoIterator<Item = &'a Delta>) -> Vec<u8> {
    let mut total = Delta::default();
    deltas.into_iter().for_each(|delta| total.merge(delta));
    total.encode()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn merging_in_any_order_and_grouping_gives_identical_bytes(
        sources in prop::collection::vec(prop::collection::vec(prop::collection::vec(op(), 0..60), 1..4), 1..4),
        seed in any::<usize>(),
    ) {
        let all: Vec<Delta> = sources.iter().zip(1..).flat_map(|(seconds, id)| deltas(id, seconds)).collect();
        let forward = folded(&all);
        prop_assert_eq!(&forward, &folded(all.iter().rev()));
        let mut shuffled: Vec<&Delta> = all.iter().collect();
        let middle = seed % shuffled.len();
        shuffled.rotate_left(middle);
        prop_assert_eq!(&forward, &folded(shuffled.iter().copied()));
        let (left, right) = all.split_at(middle);
        let halves = [left, right].map(|half| Delta::decode(&folded(half)).unwrap());
        prop_assert_eq!(&forward, &folded(&halves));
    }

    #[test]
    fn what_is_encoded_is_decoded(seconds in prop::collection::vec(op(), 0..200)) {
        for delta in deltas(7, &[seconds]) {
            let bytes = delta.encode();
            let copy = Delta::decode(&bytes).unwrap();
            prop_assert_eq!(copy.encode(), bytes);
        }
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300), at in any::<usize>()) {
        let _ = Delta::decode(&bytes);
        let seconds = [vec![Op::Trend(1.0), Op::Http { url: 1, failed: true, duration: 3.5 }, Op::Count(2.0)]];
        let mut valid = deltas(1, &seconds).remove(0).encode();
        let place = at % valid.len();
        valid[place] ^= bytes.pop().unwrap_or(1);
        let _ = Delta::decode(&valid);
        let _ = Delta::decode(&valid[..place]);
    }

    #[test]
    fn many_sources_total_as_one_would(values in prop::collection::vec(0.001..1e5_f64, 1..1_500)) {
        let registry = registry();
        let trend = registry.get("my_trend").unwrap();
        let mut aggregate = Aggregate::new(Arc::clone(&registry), Vec::new(), Breakdown::Totals);
        for part in values.chunks(400) {
            let seconds = [part.iter().map(|value| Op::Trend(*value)).collect()];
            for delta in deltas(1, &seconds) {
                aggregate.merge(&delta).unwrap();
            }
        }
        let Some(Sink::Trend(total)) = aggregate.total(trend) else { panic!("a trend was recorded") };
        prop_assert_eq!(total.is_exact(), values.len() <= 1_000);
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let position = 0.95 * (sorted.len() - 1) as f64;
        let (low, high) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
        let expected = low + (high - low) * position.fract();
        let got = total.percentile(95.0);
        let bound = if total.is_exact() { 1e-12 } else { 0.0005 };
        prop_assert!((got - expected).abs() <= expected * bound, "{} for {}", got, expected);
        prop_assert_eq!((total.min(), total.max()), (sorted[0], sorted[sorted.len() - 1]));
    }
}

fn source(expression: &str) -> Source {
    Source { expression: expression.into(), abort_on_fail: false, delay_abort_eval: None }
}

#[test]
fn a_worker_past_a_thousand_values_still_gives_exact_sums() {
    let seconds: Vec<Vec<Op>> =
        (0..3).map(|_| (0..900).map(|n| Op::Trend(f64::from(n) + 0.1)).collect()).collect();
    let registry = registry();
    let mut aggregate = Aggregate::new(Arc::clone(&registry), Vec::new(), Breakdown::Totals);
    for delta in deltas(1, &seconds) {
        aggregate.merge(&Delta::decode(&delta.encode()).unwrap()).unwrap();
    }
    let Some(Sink::Trend(total)) = aggregate.total(registry.get("my_trend").unwrap()) else {
        panic!("a trend")
    };
    assert_eq!((total.count(), total.min(), total.max()), (2_700, 0.1, 899.1));
    assert_eq!(total.avg(), 449.6);
    assert!(!total.is_exact());
}

#[test]
fn unique_urls_fold_once_said_and_leave_sub_metrics_exact() {
    let registry = registry();
    let named = "http_req_duration{url:/4242}";
    let sources = [(named.to_owned(), vec![source("max<1")])];
    let thresholds = Thresholds::parse(&sources, &registry).unwrap();
    let config =
        RecorderConfig { selectors: thresholds.selectors(), series_limit: 100, ..RecorderConfig::default() };
    let mut recorder = Recorder::new(Arc::clone(&registry), config);
    let mut aggregate = Aggregate::new(Arc::clone(&registry), thresholds.submetrics(), Breakdown::Totals);
    let mut notices = Vec::new();
    for request in 0..10_000_u32 {
        let url = format!("/{request}");
        let expected = if request % 4 == 0 { "false" } else { "true" };
        let tags = [("url", &*url), ("expected_response", expected)];
        let tags = recorder.with_tags(recorder.root(), &tags);
        let sample = HttpSample {
            duration: f64::from(request),
            failed: Some(request % 4 == 0),
            ..HttpSample::default()
        };
        recorder.add_http(tags, &sample, UnixNanos(1));
        if request % 1_000 == 999 {
            let delta = recorder.take_delta();
            assert!(delta.series().len() < 110);
            aggregate.merge(&delta).unwrap();
            notices.extend(aggregate.take_notices());
        }
    }
    assert_eq!(notices, [Notice::SeriesFolded { limit: 100, keys: vec!["url".into()] }]);
    let sink = |name: &str| aggregate.find(&Submetric::parse(name, &registry).unwrap()).cloned();
    let Some(Sink::Trend(one)) = sink(named) else { panic!("the named URL was seen") };
    assert_eq!((one.count(), one.max()), (1, 4242.0));
    let Some(Sink::Trend(expected)) = sink("http_req_duration{expected_response:true}") else {
        panic!("tracked")
    };
    assert_eq!(expected.count(), 7_500);
    let evaluation = thresholds.evaluate(&aggregate, Duration::from_secs(1), Phase::Final);
    assert_eq!(evaluation.crossed, [named]);
}

#[test]
fn empty_metrics_are_judged_only_at_the_end_and_an_empty_rate_passes() {
    let registry = registry();
    let sources = [
        ("my_trend".to_owned(), vec![source("avg<1"), source("p(95)>0")]),
        ("my_counter".to_owned(), vec![source("count==0"), source("rate>0")]),
        ("my_gauge".to_owned(), vec![source("value==0")]),
        ("checks".to_owned(), vec![source("rate>0.5")]),
    ];
    let thresholds = Thresholds::parse(&sources, &registry).unwrap();
    let aggregate = Aggregate::new(Arc::clone(&registry), thresholds.submetrics(), Breakdown::Totals);
    let second = Duration::from_secs(1);
    assert_eq!(thresholds.evaluate(&aggregate, second, Phase::Running).verdicts, []);
    let evaluation = thresholds.evaluate(&aggregate, second, Phase::Final);
    let ok: Vec<bool> = evaluation.verdicts.iter().map(|verdict| verdict.ok).collect();
    assert_eq!(ok, [true, false, true, false, true, true]);
    assert_eq!(evaluation.crossed, ["my_counter", "my_trend"]);
    let summary = Summary::new(&aggregate, &thresholds, SummaryInput::default());
    let names: Vec<&str> = summary.metrics.iter().map(|metric| &*metric.name).collect();
    assert_eq!(names, ["checks", "my_counter", "my_gauge", "my_trend"]);
}

#[test]
fn an_abort_waits_for_its_delay() {
    let registry = registry();
    let delay = Some(Duration::from_secs(5));
    let aborting = Source { expression: "max<1".into(), abort_on_fail: true, delay_abort_eval: delay };
    let thresholds = Thresholds::parse(&[("my_trend".to_owned(), vec![aborting])], &registry).unwrap();
    let mut aggregate = Aggregate::new(Arc::clone(&registry), thresholds.submetrics(), Breakdown::Totals);
    aggregate.merge(&deltas(1, &[vec![Op::Trend(2.0)]])[0]).unwrap();
    let abort = |seconds| thresholds.evaluate(&aggregate, Duration::from_secs(seconds), Phase::Running).abort;
    assert_eq!([abort(4), abort(5), abort(6)], [false, false, true]);
}

#[test]
fn thresholds_that_do_not_fit_are_refused() {
    let registry = registry();
    let message = |metric: &str, expression: &str| {
        Thresholds::parse(&[(metric.to_owned(), vec![source(expression)])], &registry)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        message("my_trend", "count<1"),
        "read threshold \"count<1\" on metric \"my_trend\": a trend has no \"count\"; it has avg, min, max, med, p(N)"
    );
    assert!(message("checks", "p(95)<1").contains("a rate has no \"p(95)\"; it has rate"));
    assert!(message("nope", "rate<1").contains("there is no metric \"nope\""));
    assert!(message("vus", "value~1").contains("no operator"));
}

#[test]
fn virtual_users_are_summed_over_sources_and_other_gauges_are_not() {
    let registry = registry();
    let mut aggregate = Aggregate::new(Arc::clone(&registry), Vec::new(), Breakdown::Totals);
    for (source, vus, gauge, at) in [(1, 3, 1.0, 9), (2, 4, 2.0, 8)] {
        let ops = vec![Op::Vus(1), Op::Vus(vus), Op::Gauge(gauge, at)];
        aggregate.merge(&deltas(source, &[ops])[0]).unwrap();
    }
    let gauge = |metric| match aggregate.total(metric) {
        Some(Sink::Gauge(gauge)) => (gauge.value(), gauge.min(), gauge.max()),
        _ => panic!("a gauge"),
    };
    assert_eq!(gauge(builtin::VUS), (7.0, 2.0, 7.0));
    assert_eq!(gauge(registry.get("my_gauge").unwrap()), (1.0, 1.0, 2.0));
}

#[test]
fn raw_samples_keep_every_tag_and_count_what_does_not_fit() {
    let registry = registry();
    let (sink, receiver) = raw_channel(512);
    let config = RecorderConfig { raw: Some(sink), series_limit: 2, ..RecorderConfig::default() };
    let mut recorder = Recorder::new(Arc::clone(&registry), config);
    for n in 0..20 {
        let url = format!("/{n}");
        let base = recorder.with_tags(recorder.root(), &[("url", &url)]);
        let tags = recorder.with_tags(base, &[("status", "200")]);
        recorder.add(builtin::ITERATIONS, tags, 1.0, UnixNanos(n));
    }
    assert_eq!(recorder.take_delta().raw_dropped(), 0);
    let urls: Vec<String> = receiver
        .recv()
        .unwrap()
        .iter()
        .map(|sample| format!("{}{}", sample.tags.get("url").unwrap(), sample.tags.get("status").unwrap()))
        .collect();
    assert_eq!(urls, (0..20).map(|n| format!("/{n}200")).collect::<Vec<_>>());
    for _ in 0..1_500 {
        recorder.add(builtin::ITERATIONS, recorder.root(), 1.0, UnixNanos(1));
    }
    assert_eq!(recorder.take_delta().raw_dropped(), 1_500 - 512);
}

#[test]
fn the_full_summary_splits_scenarios_and_groups() {
    let registry = registry();
    let thresholds = Thresholds::default();
    let mut recorder = Recorder::new(Arc::clone(&registry), RecorderConfig::default());
    let mut record = |scenario: Option<&str>, group: &str, check: &str| {
        let mut pairs = vec![("group", group)];
        pairs.extend(scenario.map(|scenario| ("scenario", scenario)));
        let tags = recorder.with_tags(recorder.root(), &pairs);
        let path: Vec<&str> = group.split("::").collect();
        (2..=path.len()).for_each(|end| recorder.note_group(&path[..end].join("::")));
        recorder.add(builtin::ITERATIONS, tags, 1.0, UnixNanos(1));
        recorder.add_check(tags, (group, Some(check)), 1.0, UnixNanos(1));
    };
    record(None, "::setup", "in setup");
    record(None, "::setup::inner", "in setup's group");
    record(Some("default"), "::zeta", "z");
    record(Some("default"), "::alpha", "a");
    record(Some("named"), "", "root");
    record(Some("named"), "::zeta::deep", "d");
    let mut aggregate = Aggregate::new(Arc::clone(&registry), thresholds.submetrics(), Breakdown::Sections);
    aggregate.merge(&recorder.take_delta()).unwrap();
    let summary = Summary::new(&aggregate, &thresholds, SummaryInput::default());
    let names: Vec<&str> = summary.groups.iter().map(|group| &*group.name).collect();
    assert_eq!(names, ["setup", "zeta", "alpha"]);
    assert!(summary.groups[0].metrics.is_empty() && summary.groups[0].checks.is_empty());
    assert_eq!(&*summary.groups[0].groups[0].checks[0].name, "in setup's group");
    assert_eq!(summary.scenarios.len(), 1);
    let scenario = &summary.scenarios[0];
    assert_eq!((&*scenario.name, scenario.check_rate().total), ("named", 2));
    assert!(scenario.groups[0].metrics.is_empty());
    assert_eq!(&*scenario.groups[0].groups[0].name, "deep");
    assert_eq!(summary.check_rate().total, 6);
}

#[test]
fn samples_of_checks_without_a_name_count_where_no_check_is_listed() {
    let registry = registry();
    let mut recorder = Recorder::new(Arc::clone(&registry), RecorderConfig::default());
    let root = recorder.root();
    let made_up = recorder.with_tags(root, &[("group", "made up")]);
    recorder.add_check(root, ("", Some("named")), 0.5, UnixNanos(1));
    recorder.add_check(made_up, ("made up", None), 0.0, UnixNanos(2));
    recorder.add_check(root, ("::alone", None), 1.0, UnixNanos(3));
    recorder.add_check(root, ("::never", Some("never")), f64::NAN, UnixNanos(4));
    // As a worker's report, on its way over the wire.
    let delta = Delta::decode(&recorder.take_delta().encode()).unwrap();
    let mut aggregate = Aggregate::new(registry, Vec::new(), Breakdown::Sections);
    aggregate.merge(&delta).unwrap();
    let summary = Summary::new(&aggregate, &Thresholds::default(), SummaryInput::default());
    assert_eq!((summary.check_rate().passes, summary.check_rate().total), (2, 3));
    let checks: Vec<_> = summary.checks.iter().map(|check| (&*check.name, check.counts.passes)).collect();
    assert_eq!(checks, [("named", 1)]);
    let groups: Vec<_> = summary.root.groups.iter().map(|group| &*group.path).collect();
    assert_eq!(groups, ["::alone"]);
    // The full summary takes the tag as it is.
    assert_eq!((&*summary.groups[0].name, summary.groups[0].check_rate().total), ("made up", 1));
}

#[test]
fn tags_can_be_taken_away_from_a_set() {
    let registry = Arc::new(Registry::new());
    let mut recorder = Recorder::new(registry, RecorderConfig::default());
    let base = recorder.with_tags(recorder.root(), &[("a", "1"), ("scenario", "s")]);
    let rest = recorder.without_tags(base, &["scenario", "unknown"]);
    assert_eq!(recorder.tags(rest).iter().collect::<Vec<_>>(), [("a", "1")]);
    assert_eq!(recorder.without_tags(base, &["scenario"]), rest);
}
