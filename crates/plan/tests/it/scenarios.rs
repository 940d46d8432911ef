//! Settings of scenarios: which are right, which are wrong, and where.

use serde_json::{Value, json};
use throng_plan::{Executor, Stage};

use crate::{problems, seconds, valid, warnings};

fn one(scenario: &Value) -> Value {
    json!({"scenarios": {"a": scenario}})
}

fn executor(scenario: &Value) -> Executor {
    valid(&one(scenario)).scenarios[0].executor.clone()
}

/// Paths of problems, without `scenarios.a.` in front.
fn wrong(scenario: &Value) -> Vec<String> {
    let inside = |path: String| path.strip_prefix("scenarios.a.").unwrap_or(&path).to_owned();
    problems(&one(scenario)).into_iter().map(inside).collect()
}

#[test]
fn defaults_are_filled_in() {
    assert_eq!(
        executor(&json!({"executor": "shared-iterations"})),
        Executor::SharedIterations { vus: 1, iterations: 1, max_duration: seconds(600) }
    );
    assert_eq!(
        executor(&json!({"executor": "per-vu-iterations", "vus": null, "iterations": "2"})),
        Executor::PerVuIterations { vus: 1, iterations: 2, max_duration: seconds(600) }
    );
    assert_eq!(
        executor(&json!({"executor": "constant-vus", "duration": "1s"})),
        Executor::ConstantVus { vus: 1, duration: seconds(1) }
    );
    let stages = json!([{"duration": "0s", "target": 5}]);
    assert_eq!(
        executor(&json!({"executor": "ramping-vus", "stages": stages})),
        Executor::RampingVus {
            start_vus: 1,
            stages: vec![Stage { duration: seconds(0), target: 5 }],
            graceful_ramp_down: seconds(30),
        }
    );
    assert_eq!(
        executor(
            &json!({"executor": "constant-arrival-rate", "rate": 7, "duration": "1m", "preAllocatedVUs": 2})
        ),
        Executor::ConstantArrivalRate {
            rate: 7,
            time_unit: seconds(1),
            duration: seconds(60),
            pre_allocated_vus: 2,
            max_vus: 2,
        }
    );
    assert_eq!(
        executor(
            &json!({"executor": "ramping-arrival-rate", "stages": stages, "preAllocatedVUs": 0, "maxVUs": 4})
        ),
        Executor::RampingArrivalRate {
            start_rate: 0,
            time_unit: seconds(1),
            stages: vec![Stage { duration: seconds(0), target: 5 }],
            pre_allocated_vus: 0,
            max_vus: 4,
        }
    );
    assert_eq!(
        executor(&json!({"executor": "externally-controlled", "vus": 2, "duration": "0"})),
        Executor::ExternallyControlled { vus: 2, max_vus: 2, duration: None }
    );
}

#[test]
fn common_settings_have_their_defaults_too() {
    let plan = valid(&one(&json!({"executor": "shared-iterations"})));
    let scenario = &plan.scenarios[0];
    assert_eq!((scenario.start_time, scenario.graceful_stop), (seconds(0), seconds(30)));
    assert_eq!(scenario.exec, "default");
    assert!(scenario.env.is_empty() && scenario.tags.is_empty());
}

#[test]
fn scenarios_are_sorted_by_start_then_name() {
    let plan = valid(&json!({"scenarios": {
        "z": {"executor": "shared-iterations"},
        "a": {"executor": "shared-iterations", "startTime": "5s"},
        "b": {"executor": "shared-iterations"},
    }}));
    let names: Vec<&str> = plan.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!(names, ["b", "z", "a"]);
}

#[test]
fn settings_of_other_executors_are_errors() {
    let error = crate::plan(&one(&json!({"executor": "constant-vus", "duration": "1s", "rate": 5})));
    let message = error.map(|_| ()).expect_err("rate is for arrival rates").to_string();
    assert!(
        message.starts_with("scenarios.a.rate does not exist: the constant-vus executor takes vus, duration"),
        "{message}"
    );
    assert_eq!(
        wrong(&json!({"executor": "ramping-vus", "stages": [{"duration": "1s", "target": 1, "x": 1}]})),
        ["stages[0].x"]
    );
    assert_eq!(wrong(&json!({"executor": "shared-iterations", "options": {"foo": 1}})), ["options.foo"]);
}

#[test]
fn a_browser_is_refused_by_name() {
    let options =
        one(&json!({"executor": "shared-iterations", "options": {"browser": {"type": "chromium"}}}));
    let error = crate::plan(&options).map(|_| ()).expect_err("refused");
    assert_eq!(error.to_string(), "scenarios.a.options.browser: running a browser is not supported yet");
}

#[test]
fn wrong_settings_are_all_named() {
    for (scenario, expected) in [
        (json!({}), vec!["executor"]),
        (json!(null), vec!["executor"]),
        (json!({"executor": "nope"}), vec!["executor"]),
        (json!({"executor": "constant-vus"}), vec!["duration"]),
        (json!({"executor": "constant-vus", "duration": "1s", "vus": 0}), vec!["vus"]),
        (json!({"executor": "constant-vus", "duration": "1s", "vus": 1.5}), vec!["vus"]),
        (json!({"executor": "constant-vus", "duration": "1s", "exec": ""}), vec!["exec"]),
        (
            json!({"executor": "constant-vus", "duration": "1s", "startTime": "-1s", "gracefulStop": "-1s"}),
            vec!["startTime", "gracefulStop"],
        ),
        (
            json!({"executor": "constant-vus", "duration": "1s", "env": {"A": 1}, "tags": {"x": 1}}),
            vec!["env.A", "tags.x"],
        ),
        (
            json!({"executor": "shared-iterations", "vus": 0, "iterations": 0, "maxDuration": "0s"}),
            vec!["vus", "iterations", "maxDuration"],
        ),
        (json!({"executor": "shared-iterations", "vus": 5, "iterations": 2}), vec!["iterations"]),
        (
            json!({"executor": "per-vu-iterations", "vus": 5, "iterations": 0, "maxDuration": "0.3s"}),
            vec!["iterations", "maxDuration"],
        ),
        (json!({"executor": "ramping-vus"}), vec!["stages"]),
        (json!({"executor": "ramping-vus", "stages": []}), vec!["stages"]),
        (json!({"executor": "ramping-vus", "stages": "5s:10"}), vec!["stages"]),
        (
            json!({"executor": "ramping-vus", "startVUs": 0, "stages": [{"duration": "1s", "target": 0}]}),
            vec!["stages"],
        ),
        (
            json!({"executor": "ramping-vus", "startVUs": -2, "stages": [{"duration": "-1s", "target": -1}, {}]}),
            vec![
                "startVUs",
                "stages[0].duration",
                "stages[0].target",
                "stages[1].duration",
                "stages[1].target",
            ],
        ),
        (
            json!({"executor": "ramping-vus", "stages": [{"duration": "1s", "target": 100_000_001}]}),
            vec!["stages[0].target"],
        ),
        (
            json!({"executor": "ramping-vus", "stages": [{"duration": "1s", "target": 1.5}]}),
            vec!["stages[0].target"],
        ),
        (json!({"executor": "constant-arrival-rate"}), vec!["rate", "duration", "preAllocatedVUs"]),
        (
            json!({"executor": "constant-arrival-rate", "rate": 0, "duration": "0s", "timeUnit": "0s", "preAllocatedVUs": -1}),
            vec!["rate", "timeUnit", "duration", "preAllocatedVUs"],
        ),
        (
            json!({"executor": "constant-arrival-rate", "rate": 1, "duration": "1s", "preAllocatedVUs": 5, "maxVUs": 3}),
            vec!["maxVUs"],
        ),
        (
            json!({"executor": "constant-arrival-rate", "rate": 1, "duration": "1s", "maxVUs": 3}),
            vec!["preAllocatedVUs"],
        ),
        (json!({"executor": "ramping-arrival-rate", "preAllocatedVUs": 1}), vec!["stages"]),
        (
            json!({"executor": "ramping-arrival-rate", "startRate": -1, "timeUnit": "-1s", "stages": [{"duration": "-1s", "target": -1}], "preAllocatedVUs": 1}),
            vec!["startRate", "timeUnit", "stages[0].duration", "stages[0].target"],
        ),
        (json!({"executor": "externally-controlled"}), vec!["duration"]),
        (json!({"executor": "externally-controlled", "duration": "-1s"}), vec!["duration"]),
        (
            json!({"executor": "externally-controlled", "duration": "10s", "vus": 5, "maxVUs": 2}),
            vec!["maxVUs"],
        ),
        (json!({"executor": "externally-controlled", "duration": "10s", "vus": -1}), vec!["vus"]),
        (
            json!({"executor": "externally-controlled", "duration": "10s", "gracefulStop": "1s"}),
            vec!["gracefulStop"],
        ),
    ] {
        assert_eq!(wrong(&scenario), expected, "{scenario}");
    }
}

#[test]
fn names_are_letters_digits_dashes_and_underscores() {
    let named = |name: &str| json!({"scenarios": {name: {"executor": "shared-iterations"}}});
    valid(&named("a-B_9"));
    assert_eq!(problems(&named("a b")), ["scenarios[\"a b\"]"]);
    assert_eq!(problems(&named("")), ["scenarios[\"\"]"]);
    assert_eq!(problems(&json!({"scenarios": []})), ["scenarios"]);
}

#[test]
fn a_scenario_that_cannot_start_anything_gives_a_warning() {
    for scenario in [
        json!({"executor": "constant-arrival-rate", "rate": 1, "duration": "1s", "preAllocatedVUs": 0}),
        json!({"executor": "ramping-arrival-rate", "stages": [{"duration": "1s", "target": 0}], "preAllocatedVUs": 1}),
        json!({"executor": "externally-controlled", "duration": "10s"}),
    ] {
        assert_eq!(warnings(&one(&scenario)).len(), 1, "{scenario}");
    }
}

#[test]
fn functions_have_to_be_exported() {
    let plan = valid(&one(&json!({"executor": "shared-iterations", "exec": "reads"})));
    assert!(plan.check_exports(|name| name == "reads").is_ok());
    let error = plan.check_exports(|name| name == "default").expect_err("not exported");
    assert_eq!(
        error.to_string(),
        "scenarios.a.exec is \"reads\": expected a function that the script exports"
    );
}
