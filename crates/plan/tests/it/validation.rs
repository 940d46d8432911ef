//! Options beside the scenarios: what they mean, what is wrong, what is refused.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use throng_plan::table::Support;
use throng_plan::value::dns::{Dns, Ttl};
use throng_plan::{HttpDebug, Options, Plan};

use crate::{plan, problems, seconds, valid, warnings};

#[test]
fn defaults_are_k6s() {
    let options = valid(&json!({})).options;
    assert_eq!((options.setup_timeout, options.teardown_timeout), (seconds(60), seconds(60)));
    assert_eq!((options.batch, options.batch_per_host, options.max_redirects), (20, Some(6), 10));
    assert_eq!(options.rps, None);
    assert_eq!(options.dns, Dns::default());
    assert_eq!(options.summary_trend_stats.len(), 6);
    assert_eq!(options.user_agent, None);
    assert!(!options.throw && !options.paused && !options.no_setup);
}

#[test]
fn numbers_below_zero_mean_none_where_k6_takes_them() {
    let options = valid(&json!({"rps": -1, "batchPerHost": -1, "maxRedirects": -1})).options;
    assert_eq!((options.rps, options.batch_per_host, options.max_redirects), (None, None, 0));
    assert_eq!(valid(&json!({"rps": 7})).options.rps.map(u64::from), Some(7));
}

#[test]
fn values_are_read_as_k6_reads_them() {
    let options =
        valid(&json!({"dns": {"ttl": "inf"}, "minIterationDuration": 1500, "httpDebug": "full"})).options;
    assert_eq!(options.dns.ttl, Ttl::Forever);
    assert_eq!(options.min_iteration_duration, Duration::from_millis(1_500));
    assert_eq!(options.http_debug, Some(HttpDebug::Full));
    assert_eq!(valid(&json!({"httpDebug": ""})).options.http_debug, None);
}

#[test]
fn wrong_values_are_all_named() {
    assert_eq!(
        problems(&json!({
            "vus": 1.5, "duration": true, "throw": "true", "tags": {"c": 1}, "systemTags": "url", "blacklistIPs": ["10.0.0.1"],
            "dns": {"ttl": "x", "select": "RANDOM"}, "thresholds": {"a": "x"}, "summaryTrendStats": ["p(101)"], "summaryTimeUnit": "h",
            "executionSegment": 0.3, "hosts": {"a": "nope"}, "tlsCipherSuites": ["nope"],
        })),
        [
            "vus",
            "duration",
            "executionSegment",
            "dns.ttl",
            "dns.select",
            "tlsCipherSuites[0]",
            "throw",
            "thresholds.a",
            "blacklistIPs[0]",
            "hosts.a",
            "summaryTrendStats[0]",
            "summaryTimeUnit",
            "systemTags",
            "tags.c",
        ]
    );
    assert_eq!(
        problems(&json!({"setupTimeout": "-5s", "minIterationDuration": "-1s", "batch": 0})),
        ["setupTimeout", "batch", "minIterationDuration"]
    );
    assert_eq!(problems(&json!([])), ["options"]);
}

#[test]
fn an_error_tells_path_value_and_what_would_do() {
    let error =
        plan(&json!({"scenarios": {"reads": {"executor": "constant-vus", "duration": "1s", "vus": "many"}}}));
    let message = error.map(|_| ()).expect_err("no number").to_string();
    assert_eq!(message, "scenarios.reads.vus is \"many\": expected a whole number");
    let error = plan(&json!({"rps": "x", "batch": "y"})).map(|_| ()).expect_err("two wrong").to_string();
    assert_eq!(error.lines().count(), 3, "{error}");
}

#[test]
fn what_we_cannot_do_is_refused_by_name() {
    for (options, path) in [
        (json!({"tlsVersion": "tls1.1"}), "tlsVersion.max"),
        (json!({"tlsVersion": {"min": "ssl3.0", "max": "tls1.0"}}), "tlsVersion.max"),
        (json!({"tlsAuth": [{"cert": "c", "key": "k", "password": "p"}]}), "tlsAuth[0].password"),
        (json!({"tlsCipherSuites": ["TLS_RSA_WITH_RC4_128_SHA"]}), "tlsCipherSuites"),
    ] {
        let error = plan(&options).map(|_| ()).expect_err(path);
        assert_eq!(error.problems[0].path(), path);
        assert!(error.to_string().ends_with("is not supported yet"), "{error}");
    }
    valid(&json!({"tlsVersion": {"min": "ssl3.0"}}));
    valid(&json!({"tlsVersion": {"min": "tls1.0", "max": "tls1.3"}}));
    assert_eq!(problems(&json!({"tlsVersion": {"min": "tls1.3", "max": "tls1.2"}})), ["tlsVersion.min"]);
}

#[test]
fn what_has_no_effect_is_said() {
    for options in [
        json!({"systemTags": ["url", "nope"]}),
        json!({"httpDebug": "foo"}),
        json!({"tlsCipherSuites": ["TLS_AES_128_GCM_SHA256", "TLS_RSA_WITH_RC4_128_SHA"]}),
        json!({"stages": [{"duration": "1s", "target": 1, "foo": 1}]}),
        json!({"dns": {"foo": 1}}),
    ] {
        assert_eq!(warnings(&options).len(), 1, "{options}");
    }
    assert_eq!(warnings(&json!({"cloud": {}, "ext": {"loadimpact": {}}})), Vec::<String>::new());
}

#[test]
fn segments_have_to_fit_their_sequence() {
    let slots =
        valid(&json!({"executionSegment": "1/3:2/3", "executionSegmentSequence": "0,1/3,2/3,1"})).slots;
    assert_eq!((slots.scale(9), slots.period()), (3, 3));
    assert!(valid(&json!({"executionSegment": ""})).slots.is_whole());
    for options in [
        json!({"executionSegment": "1/3:2/3", "executionSegmentSequence": "0,1/2,1"}),
        json!({"executionSegmentSequence": "0,1/2,1"}),
    ] {
        assert_eq!(problems(&options), ["executionSegment"]);
    }
}

#[test]
fn the_table_has_each_name_once_and_help_for_all() {
    let names = |pick: fn(&throng_plan::table::OptionDef) -> Option<String>| {
        let names: Vec<String> = Options::TABLE.iter().filter_map(pick).collect();
        let mut unique = names.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), names.len(), "{names:?}");
    };
    names(|row| Some(row.key.to_owned()));
    names(|row| row.env.map(str::to_owned));
    names(|row| row.flag.map(str::to_owned));
    names(|row| row.short.map(|short| short.to_string()));
    assert!(Options::TABLE.iter().all(|row| !row.help.is_empty()));
    assert!(Options::TABLE.iter().all(|row| !matches!(row.support, Support::Refused(_))));
}

/// The defaults that the table documents are those that a plan without options has.
#[test]
fn documented_defaults_are_the_real_ones() {
    let documented = Options::from_env(|name| {
        let row = Options::TABLE.iter().find(|row| row.env == Some(name))?;
        (!row.default.is_empty() && row.key != "vus").then(|| row.default.to_owned())
    });
    let (documented, _) = Plan::new(&documented.expect("valid defaults")).expect("a valid plan");
    assert_eq!(documented, valid(&json!({})));
}

/// A few values of every shape, most of them wrong wherever they stand.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[-0-9a-z.:/%,=*]{0,12}".prop_map(Value::from),
        "[0-9]{1,4}(ms|s|m|h|d|%|)".prop_map(Value::from),
    ];
    let setting = prop::sample::select(vec![
        "executor",
        "vus",
        "startVUs",
        "duration",
        "stages",
        "target",
        "rate",
        "timeUnit",
        "preAllocatedVUs",
        "maxVUs",
        "min",
        "max",
        "ttl",
        "cert",
        "key",
        "threshold",
        "a",
        "a b",
    ]);
    leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((setting.clone(), inner), 0..5).prop_map(|members| members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_options_are_read_or_refused(members in prop::collection::vec((0..Options::TABLE.len(), any_value()), 0..6)) {
        let options: Map<String, Value> =
            members.into_iter().map(|(row, value)| (Options::TABLE[row].key.to_owned(), value)).collect();
        match plan(&Value::Object(options)) {
            Ok((plan, _)) => prop_assert_eq!(plan.descriptions().len(), plan.scenarios.len()),
            Err(error) => prop_assert!(error.problems.iter().all(|problem| !problem.path().is_empty())),
        }
    }

    #[test]
    fn any_variable_is_read_or_refused(text in "[-0-9a-z.:/%,=*{}\"]{0,20}", row in 0..Options::TABLE.len()) {
        let name = Options::TABLE[row].env;
        let _ = Options::from_env(|asked| (Some(asked) == name).then(|| text.clone()));
    }
}
