//! Scenarios in words, with the numbers that k6 1.1 printed for the same options.

use serde_json::{Value, json};
use throng_plan::{Level, Options, Plan, merge};

use crate::{seconds, valid};

fn descriptions(options: &Value) -> Vec<String> {
    valid(options).descriptions()
}

fn segment(options: &Value, segment: &str) -> Plan {
    let flags = Options::from_flags([("execution-segment", Some(segment))]).expect("valid");
    let layers = [(Level::Script, Options::from_script(options).expect("valid").0), (Level::Cli, flags)];
    Plan::new(&merge(layers).options).expect("valid").0
}

fn many() -> Value {
    json!({"scenarios": {
        "a": {"executor": "shared-iterations", "vus": 20, "iterations": 1000},
        "b": {"executor": "per-vu-iterations", "vus": 1, "iterations": 1},
        "c": {"executor": "constant-vus", "duration": "2500ms", "vus": 1, "gracefulStop": "2s"},
        "d": {"executor": "ramping-vus", "stages": [{"duration": "10s", "target": 1}]},
        "e": {"executor": "constant-arrival-rate", "rate": 1, "timeUnit": "3s", "duration": "1m", "preAllocatedVUs": 2},
        "f": {"executor": "ramping-arrival-rate", "startRate": 100, "timeUnit": "1m", "stages": [{"duration": "1s", "target": 7}], "preAllocatedVUs": 3, "maxVUs": 10},
        "g": {"executor": "externally-controlled", "vus": 1, "maxVUs": 3, "duration": "0"},
        "i": {"executor": "externally-controlled", "vus": 2, "duration": "10s"},
    }})
}

#[test]
fn every_executor_is_described() {
    assert_eq!(
        descriptions(&many()),
        [
            "a: 1000 iterations shared among 20 VUs (maxDuration: 10m0s, gracefulStop: 30s)",
            "b: 1 iterations for each of 1 VUs (maxDuration: 10m0s, gracefulStop: 30s)",
            "c: 1 looping VUs for 2.5s (gracefulStop: 2s)",
            "d: Up to 1 looping VUs for 10s over 1 stages (gracefulRampDown: 30s, gracefulStop: 30s)",
            "e: 0.33 iterations/s for 1m0s (maxVUs: 2, gracefulStop: 30s)",
            "f: Up to 1.67 iterations/s for 1s over 1 stages (maxVUs: 3-10, gracefulStop: 30s)",
            "g: Externally controlled execution with 1 VUs, 3 max VUs, infinite duration",
            "i: Externally controlled execution with 2 VUs, 2 max VUs, 10s duration",
        ]
    );
}

#[test]
fn facts_come_in_order() {
    let stages = json!([{"duration": "90s", "target": 5}, {"duration": 1500, "target": 0}]);
    assert_eq!(
        descriptions(&json!({"scenarios": {
            "a": {"executor": "shared-iterations", "vus": 2, "iterations": 10, "maxDuration": "1m", "gracefulStop": "0s"},
            "b": {"executor": "per-vu-iterations", "exec": "foo", "startTime": "5s"},
            "d": {"executor": "ramping-vus", "stages": stages, "gracefulRampDown": "0s"},
        }})),
        [
            "a: 10 iterations shared among 2 VUs (maxDuration: 1m0s)",
            "d: Up to 5 looping VUs for 1m31.5s over 2 stages (gracefulRampDown: 0s, gracefulStop: 30s)",
            "b: 1 iterations for each of 1 VUs (maxDuration: 10m0s, exec: foo, startTime: 5s, gracefulStop: 30s)",
        ]
    );
}

#[test]
fn a_segment_describes_its_own_share() {
    let plan = segment(&many(), "1/4:1/2");
    assert_eq!(
        plan.headline(7),
        "(25.00%) 8 scenarios, 7 max VUs, 10m30s max duration (incl. graceful stop):"
    );
    assert_eq!(
        plan.descriptions(),
        [
            "a: 250 iterations shared among 5 VUs (maxDuration: 10m0s, gracefulStop: 30s)",
            "b: 1 iterations for each of 0 VUs (maxDuration: 10m0s, gracefulStop: 30s)",
            "c: 0 looping VUs for 2.5s (gracefulStop: 2s)",
            "d: Up to 0 looping VUs for 10s over 1 stages (gracefulRampDown: 30s, gracefulStop: 30s)",
            "e: 0.00 iterations/s for 1m0s (maxVUs: 0, gracefulStop: 30s)",
            "f: Up to 0.42 iterations/s for 1s over 1 stages (maxVUs: 0-2, gracefulStop: 30s)",
            "g: Externally controlled execution with 1 VUs, 3 max VUs, infinite duration",
            "i: Externally controlled execution with 2 VUs, 2 max VUs, 10s duration",
        ]
    );
    let rates = json!({"scenarios": {
        "e": {"executor": "constant-arrival-rate", "rate": 100, "duration": "1m", "preAllocatedVUs": 2, "maxVUs": 10},
        "f": {"executor": "ramping-arrival-rate", "stages": [{"duration": "1s", "target": 100}], "preAllocatedVUs": 3, "maxVUs": 10},
    }});
    assert_eq!(
        segment(&rates, "1/4:1/2").descriptions(),
        [
            "e: 20.00 iterations/s for 1m0s (maxVUs: 0-2, gracefulStop: 30s)",
            "f: Up to 25.00 iterations/s for 1s over 1 stages (maxVUs: 0-2, gracefulStop: 30s)",
        ]
    );
}

#[test]
fn one_scenario_is_singular_and_a_segment_without_users_takes_no_time() {
    let headline = valid(&json!({"vus": 2, "duration": "5s"})).headline(2);
    assert_eq!(headline, "(100.00%) 1 scenario, 2 max VUs, 35s max duration (incl. graceful stop):");
    let headline = segment(&json!({"duration": "5s"}), "0.3333:0.666").headline(0);
    assert_eq!(headline, "(33.27%) 1 scenario, 0 max VUs, 0s max duration (incl. graceful stop):");
}

/// `totalDuration` of `k6 inspect --execution-requirements`.
#[test]
fn the_longest_time_is_that_of_k6() {
    let ramping = |start: u64, stages: Value, ramp_down: &str, stop: &str| {
        json!({"scenarios": {"a": {
            "executor": "ramping-vus", "startVUs": start, "stages": stages, "gracefulRampDown": ramp_down, "gracefulStop": stop,
        }}})
    };
    let peak = json!([{"duration": "10s", "target": 5}, {"duration": "10s", "target": 0}, {"duration": "50s", "target": 0}]);
    let down = json!([{"duration": "1s", "target": 5}, {"duration": "10s", "target": 0}]);
    for (options, expected) in [
        (json!({}), 630),
        (json!({"stages": [{"duration": "1s", "target": 1}]}), 31),
        (json!({"vus": 3, "stages": [{"duration": "1s", "target": 0}]}), 31),
        (json!({"stages": [{"duration": "0s", "target": 5}, {"duration": "1s", "target": 5}]}), 31),
        (ramping(0, peak, "3s", "5s"), 23),
        (ramping(1, down, "0s", "0s"), 11),
        (
            json!({"scenarios": {"a": {"executor": "externally-controlled", "vus": 2, "duration": "10s", "startTime": "1s"}}}),
            11,
        ),
        (json!({"scenarios": {"a": {"executor": "externally-controlled", "vus": 1, "duration": "0"}}}), 0),
        (
            json!({"scenarios": {
                "a": {"executor": "externally-controlled", "vus": 1, "duration": "0"},
                "b": {"executor": "shared-iterations", "startTime": "3s"},
            }}),
            633,
        ),
    ] {
        assert_eq!(valid(&options).max_duration(), seconds(expected), "{options}");
    }
}
