//! Options written back as JSON, in k6's order and spelling.

use serde_json::{Value, json};
use throng_plan::Options;

fn printed(options: &Value) -> Value {
    Options::from_script(options).expect("valid").0.to_json()
}

#[test]
fn every_key_is_there_in_k6s_order() {
    let json = printed(&json!({}));
    let keys: Vec<&String> = json.as_object().expect("an object").keys().collect();
    let expected = "paused vus duration iterations stages scenarios executionSegment executionSegmentSequence \
        noSetup setupTimeout noTeardown teardownTimeout rps dns maxRedirects userAgent batch batchPerHost \
        httpDebug insecureSkipTLSVerify tlsCipherSuites tlsVersion tlsAuth throw thresholds blacklistIPs \
        blockHostnames hosts noConnectionReuse noVUConnectionReuse minIterationDuration ext summaryTrendStats \
        summaryTimeUnit systemTags tags metricSamplesBufferSize noCookiesReset discardResponseBodies";
    assert_eq!(keys, expected.split_whitespace().collect::<Vec<_>>());
    assert_eq!(json["dns"], json!({"ttl": null, "select": null, "policy": null}));
    assert_eq!(json["vus"], Value::Null);
}

#[test]
fn what_a_service_reads_is_kept() {
    let json = printed(&json!({"cloud": {"projectID": 1}, "ext": {"x": {}}, "handleSummaryTimeout": "5s"}));
    assert_eq!((&json["cloud"], &json["ext"]), (&json!({"projectID": 1}), &json!({"x": {}})));
    assert_eq!(json["handleSummaryTimeout"], "5s");
}

/// As `k6 inspect` printed them.
#[test]
fn scenarios_show_every_setting_of_their_executor() {
    let stages = json!([{"duration": "90s", "target": 5}]);
    let json = printed(&json!({"scenarios": {
        "b": {"executor": "ramping-arrival-rate", "startRate": 100, "timeUnit": "1m", "stages": stages, "preAllocatedVUs": 3},
        "a": {"executor": "shared-iterations", "vus": 2, "maxDuration": "1m", "gracefulStop": "0s", "env": {"A": "1"}},
    }}));
    let expected = concat!(
        r#"{"a":{"executor":"shared-iterations","startTime":null,"gracefulStop":"0s","env":{"A":"1"},"#,
        r#""exec":null,"tags":null,"vus":2,"iterations":null,"maxDuration":"1m0s"},"#,
        r#""b":{"executor":"ramping-arrival-rate","startTime":null,"gracefulStop":null,"env":null,"exec":null,"#,
        r#""tags":null,"startRate":100,"timeUnit":"1m0s","stages":[{"duration":"1m30s","target":5}],"#,
        r#""preAllocatedVUs":3,"maxVUs":null}}"#
    );
    assert_eq!(json["scenarios"].to_string(), expected);
}

#[test]
fn defaults_that_k6_shows_can_be_shown() {
    let json = Options::default().with_shown_defaults().to_json();
    assert_eq!(json["summaryTrendStats"], json!(["avg", "min", "med", "max", "p(90)", "p(95)"]));
    assert_eq!(json["systemTags"].as_array().map(Vec::len), Some(14));
}

#[test]
fn what_is_printed_is_read_back() {
    let options = json!({
        "paused": true, "vus": 3, "stages": [{"duration": "5s", "target": 1}], "executionSegment": "1/4:1/2",
        "executionSegmentSequence": "0,1/4,1/2,1", "setupTimeout": 90_000, "rps": 5, "dns": {"ttl": "inf", "policy": "any"},
        "userAgent": "", "httpDebug": "full", "tlsVersion": "tls1.2", "tlsCipherSuites": ["TLS_AES_128_GCM_SHA256"],
        "tlsAuth": [{"cert": "c", "key": "k", "domains": ["a"]}], "thresholds": {"checks": ["rate>0.9"]},
        "blacklistIPs": ["10.1.0.0/8"], "blockHostnames": ["*.x"], "hosts": {"a:80": "[::1]:8080"},
        "summaryTrendStats": ["avg", "p(99.9)"], "summaryTimeUnit": "ms", "systemTags": ["url"], "tags": {"a": "b"},
    });
    let once = printed(&options);
    assert_eq!(printed(&once), once);
    assert_eq!(once["blacklistIPs"], json!(["10.0.0.0/8"]));
    assert_eq!(once["setupTimeout"], "1m30s");
}
