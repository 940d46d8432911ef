//! What Prometheus would say of the text, by a reader of its format that is as strict as its own.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::*;
use crate::model::{Measured, Update};

/// Name of the sample, labels, value.
type Sample = (String, Vec<(String, String)>, f64);

fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

/// Reads labels up to the brace; what follows it.
fn labels(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut all = Vec::new();
    while !rest.starts_with('}') {
        let (name, after) = rest.split_once("=\"").expect("a label has a value");
        assert!(is_name(name), "{name:?}");
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().expect("a value ends") {
                (at, '"') => break at,
                (_, '\\') => match chars.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, c @ ('\\' | '"'))) => value.push(c),
                    other => panic!("{other:?} is not escaped like this"),
                },
                (_, c) => value.push(c),
            }
        };
        all.push((name.to_owned(), value));
        rest = &after[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    (all, &rest[1..])
}

/// All samples by family; panics at what Prometheus would not read, or its linter would find fault with.
fn read(text: &str) -> HashMap<String, (String, Vec<Sample>)> {
    assert!(text.ends_with('\n'));
    let mut families = HashMap::new();
    let mut seen = HashSet::new();
    let mut kinds = HashMap::new();
    let mut current = String::new();
    let mut described = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help text");
            assert!(is_name(name) && !help.is_empty(), "{line}");
            name.clone_into(&mut described);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert_eq!(name, described, "help and type are of one family");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            let fresh = families.insert(name.to_owned(), (kind.to_owned(), Vec::new())).is_none();
            assert!(fresh, "{name} is there twice");
            name.clone_into(&mut current);
        } else {
            let end = line.find(['{', ' ']).expect("a value");
            let (name, rest) = line.split_at(end);
            let (labels, rest) = match rest.strip_prefix('{') {
                Some(rest) => labels(rest),
                None => (Vec::new(), rest),
            };
            let (kind, samples) = families.get_mut(&current).expect("a type before the samples");
            let suffix = name.strip_prefix(&*current).expect("samples are of the family before them");
            assert!(suffix.is_empty() || kind == "summary" && ["_sum", "_count"].contains(&suffix), "{line}");
            assert!(seen.insert((name.to_owned(), labels.clone())), "{line} is there twice");
            // Nor may another family have a sample of this name: what is called like a summary's sum.
            assert_eq!(*kinds.entry(name.to_owned()).or_insert_with(|| current.clone()), current, "{line}");
            let value: f64 = rest.trim_start().parse().expect("a number");
            assert!(kind != "counter" || value >= 0.0, "{line}");
            samples.push((name.to_owned(), labels, value));
        }
    }
    families
}

fn model(update: Update) -> Model {
    let mut model = Model::default();
    model.apply(Update { now: 1, ..update });
    model
}

fn metric(name: &str, kind: &str, contains: &str, values: &Value) -> Metric {
    let Value::Object(values) = values.clone() else { panic!("values") };
    Metric { name: name.into(), kind: kind.into(), contains: contains.into(), values }
}

#[test]
fn names_of_requests_are_labels_whatever_is_in_them() {
    let hostile = Measured {
        method: "GET".into(),
        name: "/\"x\\\ny{},=".into(),
        count: 3,
        avg: Some(2_000.0),
        p95: Some(1.5),
        ..Measured::default()
    };
    let families = read(&render(&model(Update { requests: vec![hostile], ..Update::default() }), 1, 2));
    let label = |of: &str| -> Vec<_> { families[of].1[0].1.clone() };
    assert_eq!(label("throng_requests_total")[1].1, "/\"x\\\ny{},=");
    assert_eq!(families["throng_requests_total"].1[0].2, 3.0);
    let times = &families["throng_response_time_seconds"].1;
    assert_eq!(times.iter().map(|(_, _, value)| *value).collect::<Vec<_>>(), [0.0015, 6.0, 3.0]);
    assert_eq!(families["throng_open_pages"].1[0].2, 2.0);
}

#[test]
fn checks_thresholds_and_metrics_of_a_script_are_there() {
    let check = |name: &str| Check { name: name.into(), group: "::g".into(), passes: 5, fails: 2 };
    let threshold = Threshold {
        metric: "http_req_duration{name:\"a\"}".into(),
        source: "p(95)<500".into(),
        value: Some(7.5),
        ok: Some(true),
        abort: false,
    };
    let trend = json!({ "count": 4, "avg": 250.0, "med": 200, "p(90)": 300, "p(95)": 310, "p(99)": 320 });
    let metrics = vec![
        metric("checks", "rate", "default", &json!({ "rate": 0.7, "passes": 5, "fails": 2 })),
        metric("data_sent", "counter", "data", &json!({ "count": 2_048, "rate": 10 })),
        metric("my_gauge", "gauge", "default", &json!({ "value": -3.5, "min": 0, "max": 1 })),
        metric("my_rate", "rate", "default", &json!({ "rate": 0.25, "passes": 1, "fails": 3 })),
        metric("my_time", "trend", "time", &trend),
        metric("my_trend", "trend", "default", &trend),
        metric("refund", "counter", "default", &json!({ "count": 3 })),
        metric("my.ruined-name", "gauge", "default", &json!({ "value": 1 })),
        metric("empty", "trend", "time", &json!({})),
    ];
    let thresholds = vec![threshold.clone(), threshold];
    let update =
        Update { checks: vec![check("ok \"1\""), check("two")], thresholds, metrics, ..Update::default() };
    let families = read(&render(&model(update), 1, 0));
    let values = |of: &str| -> Vec<f64> { families[of].1.iter().map(|(_, _, value)| *value).collect() };
    assert_eq!(values("throng_checks_total"), [5.0, 2.0, 5.0, 2.0]);
    assert_eq!(values("throng_threshold_ok"), [1.0]);
    assert_eq!(values("throng_threshold_value"), [7.5]);
    assert_eq!(values("throng_k6_data_sent_bytes_total"), [2_048.0]);
    assert_eq!(values("throng_k6_my_gauge"), [-3.5]);
    assert_eq!(values("throng_k6_my_rate_ratio"), [0.25]);
    assert_eq!(values("throng_k6_my_rate_total"), [1.0, 3.0]);
    assert_eq!(values("throng_k6_my_time_seconds"), [0.2, 0.3, 0.31, 0.32, 1.0, 4.0]);
    assert_eq!(values("throng_k6_my_trend"), [200.0, 300.0, 310.0, 320.0, 1_000.0, 4.0]);
    assert_eq!(values("throng_k6_my_ruined_name"), [1.0]);
    assert!(!families.contains_key("throng_k6_checks_ratio"), "checks are said with their names");
}

#[test]
fn two_metrics_that_become_one_name_stay_two() {
    let metrics = vec![
        metric("wait_ratio", "gauge", "default", &json!({ "value": 1 })),
        metric("wait", "rate", "default", &json!({ "rate": 0.5, "passes": 1, "fails": 1 })),
    ];
    let families = read(&render(&model(Update { metrics, ..Update::default() }), 1, 0));
    assert_eq!(families["throng_k6_wait_ratio"].1[0].2, 1.0);
    assert_eq!(families["throng_k6_wait_ratio_"].1[0].2, 0.5);
}

#[test]
fn what_a_script_calls_its_metrics_keeps_to_the_conventions() {
    let trend = || json!({ "count": 4, "avg": 250.0, "med": 200, "p(90)": 300, "p(95)": 310, "p(99)": 320 });
    let counter = || json!({ "count": 3 });
    let rate = || json!({ "rate": 0.5, "passes": 1, "fails": 1 });
    let metrics = vec![
        // Two that become one, in either order.
        metric("orders", "counter", "default", &counter()),
        metric("orders_total", "counter", "default", &counter()),
        metric("orders_ratio", "rate", "default", &rate()),
        metric("stock_total", "gauge", "default", &json!({ "value": 1 })),
        metric("total", "gauge", "default", &json!({ "value": 9 })),
        metric("all_total_total", "trend", "default", &trend()),
        metric("wait_seconds", "trend", "time", &trend()),
        metric("spent_seconds_total", "counter", "time", &json!({ "count": 1_500 })),
        // What is called like the sum or count of another.
        metric("size_count", "gauge", "default", &json!({ "value": 7 })),
        metric("size", "trend", "default", &trend()),
        metric("age", "trend", "default", &trend()),
        metric("age_sum", "gauge", "default", &json!({ "value": 8 })),
    ];
    let families = read(&render(&model(Update { metrics, ..Update::default() }), 1, 0));
    let value = |of: &str| families.get(of).unwrap_or_else(|| panic!("{of}: {:?}", families.keys())).1[0].2;
    assert_eq!((value("throng_k6_orders_total"), value("throng_k6_orders__total")), (3.0, 3.0));
    assert_eq!((value("throng_k6_orders_ratio"), value("throng_k6_orders___total")), (0.5, 1.0));
    assert_eq!((value("throng_k6_stock"), value("throng_k6_wait_seconds")), (1.0, 0.2));
    assert_eq!((value("throng_k6"), value("throng_k6_all")), (9.0, 200.0));
    for (name, (kind, _)) in &families {
        assert!(kind == "counter" || !name.ends_with("_total"), "{name} is a {kind}");
    }
    assert_eq!(value("throng_k6_spent_seconds_total"), 1.5);
    assert_eq!((value("throng_k6_size_count"), value("throng_k6_size_")), (7.0, 200.0));
    assert_eq!((value("throng_k6_age"), value("throng_k6_age_sum_")), (200.0, 8.0));
}

/// What is always called the same, by the document and here.
#[test]
fn the_document_names_what_there_is() {
    let document = include_str!("../../../../../docs/page.md");
    let words = document.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named: HashSet<&str> =
        words.filter(|word| word.starts_with("throng_") && !word.contains("k6")).collect();
    let row = Measured { name: "/".into(), count: 1, avg: Some(1.0), ..Measured::default() };
    let threshold =
        Threshold { metric: "m".into(), source: "s".into(), value: Some(1.0), ok: Some(true), abort: false };
    let update = Update {
        requests: vec![row],
        thresholds: vec![threshold],
        checks: vec![Check { name: "c".into(), group: String::new(), passes: 1, fails: 0 }],
        lag: Some(crate::model::Lag { p50: 1.0, p99: 1.0, max: 1.0 }),
        ..Update::default()
    };
    let families = read(&render(&model(update), 1, 0));
    let there: HashSet<&str> = families.keys().map(String::as_str).collect();
    assert_eq!(named, there);
}

#[test]
fn however_many_names_there_are_the_series_are_few_and_nothing_is_lost() {
    let many = SERIES_AT_MOST + 500;
    let row = |n: usize| Measured { name: format!("/{n}"), count: 2, fails: 1, ..Measured::default() };
    let check = |n: usize| Check { name: n.to_string(), group: String::new(), passes: 3, fails: 0 };
    let (requests, checks) = ((0..many).map(row).collect(), (0..many).map(check).collect());
    let families = read(&render(&model(Update { requests, checks, ..Update::default() }), 1, 0));
    for (family, series, sum) in [
        ("throng_requests_total", SERIES_AT_MOST + 1, 2 * many),
        ("throng_failures_total", SERIES_AT_MOST + 1, many),
        ("throng_checks_total", 2 * (SERIES_AT_MOST + 1), 3 * many),
    ] {
        let samples = &families[family].1;
        assert_eq!(samples.len(), series, "{family}");
        assert_eq!(samples.iter().map(|(_, _, value)| *value).sum::<f64>(), sum as f64, "{family}");
    }
}
