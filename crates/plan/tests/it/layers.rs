//! Which layer counts, and what the shortcuts stand for.

use serde_json::{Value, json};
use throng_plan::shortcuts::derive;
use throng_plan::{Executor, Level, Merged, Options, Plan, Stage, merge};

use crate::{plan, problems, seconds, valid, warnings};

fn executor(options: &Value) -> Executor {
    let plan = valid(options);
    assert_eq!(plan.scenarios[0].name, "default");
    plan.scenarios[0].executor.clone()
}

fn script(json: &Value) -> (Level, Options) {
    (Level::Script, Options::from_script(json).expect("valid").0)
}

fn env(variables: &[(&str, &str)]) -> (Level, Options) {
    let variable =
        |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, text)| (*text).to_owned());
    (Level::Env, Options::from_env(variable).expect("valid"))
}

fn flags(flags: &[(&str, Option<&str>)]) -> (Level, Options) {
    (Level::Cli, Options::from_flags(flags.iter().copied()).expect("valid"))
}

/// What is set of what runs.
fn runs(merged: &Merged) -> Value {
    let mut set = merged.options.to_json();
    let keys = ["vus", "duration", "iterations", "stages", "scenarios"];
    set.as_object_mut()
        .expect("an object")
        .retain(|key, value| keys.contains(&key.as_str()) && !value.is_null());
    set
}

fn messages(merged: &Merged) -> Vec<String> {
    merged.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn nothing_is_one_iteration_of_one_virtual_user() {
    let once = Executor::PerVuIterations { vus: 1, iterations: 1, max_duration: seconds(600) };
    assert_eq!(executor(&json!({})), once);
    assert_eq!(executor(&json!(null)), once);
    assert_eq!(executor(&json!({"vus": 1})), once);
    assert_eq!(executor(&json!({"duration": null, "scenarios": null})), once);
}

#[test]
fn shortcuts_become_one_scenario() {
    let shared = |max| Executor::SharedIterations { vus: 2, iterations: 5, max_duration: seconds(max) };
    assert_eq!(executor(&json!({"vus": 2, "iterations": 5})), shared(600));
    assert_eq!(executor(&json!({"vus": "2", "iterations": 5, "duration": "7s"})), shared(7));
    assert_eq!(
        executor(&json!({"VUs": 2, "DuRation": 3000})),
        Executor::ConstantVus { vus: 2, duration: seconds(3) }
    );
    assert_eq!(
        executor(&json!({"stages": [{"duration": "5s", "target": 3}, {"target": 1}]})),
        Executor::RampingVus {
            start_vus: 1,
            stages: vec![Stage { duration: seconds(5), target: 3 }],
            graceful_ramp_down: seconds(30),
        }
    );
}

#[test]
fn conflicts_within_one_layer_are_errors() {
    let scenarios = json!({"a": {"executor": "shared-iterations"}});
    for options in [
        json!({"duration": "5s", "stages": [{"duration": "1s", "target": 1}]}),
        json!({"iterations": 5, "stages": [{"duration": "1s", "target": 1}]}),
        json!({"duration": "5s", "scenarios": scenarios}),
        json!({"iterations": 5, "scenarios": scenarios}),
        json!({"stages": [{"duration": "1s", "target": 1}], "scenarios": scenarios}),
        json!({"duration": "1s", "scenarios": {}}),
    ] {
        let error = plan(&options).expect_err("a conflict");
        assert!(error.to_string().ends_with("are both set: keep one of them"), "{error}");
    }
}

#[test]
fn shortcut_problems_are_named_after_the_shortcut() {
    for (options, expected) in [
        (json!({"vus": 0, "duration": "1s"}), vec!["vus"]),
        (json!({"vus": -1, "duration": "0.5s"}), vec!["vus", "duration"]),
        (json!({"duration": "0s"}), vec!["duration"]),
        (json!({"duration": "-5s"}), vec!["duration"]),
        (json!({"iterations": 0}), vec!["iterations"]),
        (json!({"iterations": 3, "duration": "0.5s"}), vec!["duration"]),
        (json!({"vus": 5, "iterations": 3}), vec!["iterations"]),
        (json!({"vus": -1, "stages": [{"duration": "1s", "target": 1}]}), vec!["vus"]),
        (json!({"stages": [{"duration": "1s"}]}), vec!["stages[0].target"]),
        (json!({"vus": 0, "stages": [{"duration": "1s", "target": 0}]}), vec!["stages"]),
    ] {
        assert_eq!(problems(&options), expected, "{options}");
    }
}

#[test]
fn what_has_no_effect_gives_a_warning() {
    assert_eq!(warnings(&json!({"vus": 3})).len(), 1);
    assert_eq!(warnings(&json!({"vus": 0})).len(), 1);
    assert_eq!(warnings(&json!({"stages": []})).len(), 1);
    assert_eq!(warnings(&json!({"stages": [{"target": 1}]})).len(), 1);
    assert_eq!(warnings(&json!({"scenarios": {}})).len(), 1);
    let unknown = warnings(&json!({"foo": 1, "bar": 2, "consoleOutput": "x", "duration": "1s"}));
    assert_eq!(unknown.len(), 1);
    assert!(unknown[0].contains("foo, bar, consoleOutput"), "{unknown:?}");
}

#[test]
fn vus_beside_scenarios_is_left_alone() {
    valid(&json!({"vus": 3, "scenarios": {"a": {"executor": "shared-iterations"}}}));
}

#[test]
fn a_higher_layer_replaces_the_whole_group() {
    let scenarios = json!({"scenarios": {"a": {"executor": "constant-vus", "duration": "1s"}}});
    let merged = merge([script(&scenarios), flags(&[("vus", Some("3")), ("duration", Some("5s"))])]);
    assert_eq!(runs(&merged), json!({"vus": 3, "duration": "5s"}));
    assert_eq!(messages(&merged), ["\"cli\" level configuration overrode scenarios configuration entirely"]);

    let layers = [
        flags(&[("duration", Some("5s"))]),
        env(&[("K6_VUS", "4"), ("K6_ITERATIONS", "7")]),
        script(&scenarios),
    ];
    let merged = merge(layers);
    assert_eq!(runs(&merged), json!({"vus": 4, "duration": "5s"}));
    assert_eq!(messages(&merged), ["\"env\" level configuration overrode scenarios configuration entirely"]);

    let merged = merge([
        script(&json!({"vus": 7, "stages": [{"duration": "1s", "target": 1}]})),
        flags(&[("iterations", Some("20"))]),
    ]);
    assert_eq!(runs(&merged), json!({"vus": 7, "iterations": 20}));
    assert!(merged.warnings.is_empty());

    let config = Options::from_config(&json!({"vus": 3, "duration": "4s", "collectors": {}})).expect("valid");
    let merged = merge([(Level::Config, config), script(&json!({"iterations": 6}))]);
    assert_eq!(runs(&merged), json!({"vus": 3, "iterations": 6}));
}

#[test]
fn vus_alone_does_not_replace_scenarios() {
    let merged = merge([
        script(&json!({"scenarios": {"a": {"executor": "constant-vus", "duration": "1s"}}})),
        flags(&[("vus", Some("3"))]),
    ]);
    assert!(merged.warnings.is_empty());
    let (plan, warnings) = Plan::new(&merged.options).expect("valid");
    assert_eq!(plan.scenarios[0].executor, Executor::ConstantVus { vus: 1, duration: seconds(1) });
    assert_eq!(warnings, []);
}

#[test]
fn other_options_are_replaced_one_by_one_and_dns_setting_by_setting() {
    let merged = merge([
        script(&json!({"tags": {"a": "b"}, "noSetup": true, "throw": true, "dns": {"ttl": "1s"}})),
        env(&[("K6_DNS", "policy=any"), ("K6_THROW", ""), ("K6_TAGS", "c:d")]),
        flags(&[
            ("no-setup", Some("false")),
            ("dns", Some("select=first,ttl=0")),
            ("tag", Some("x=y")),
            ("tag", Some("z=1,w=2")),
        ]),
    ]);
    let json = merged.options.to_json();
    assert_eq!(json["tags"], json!({"x": "y", "z": "1,w=2"}));
    assert_eq!(json["dns"], json!({"ttl": "0", "select": "first", "policy": "any"}));
    assert_eq!((&json["noSetup"], &json["throw"]), (&json!(false), &json!(true)));
}

#[test]
fn repeated_flags_add_up() {
    let (_, options) = flags(&[
        ("stage", Some("5s:10")),
        ("stage", Some("1m:5,3s:2")),
        ("blacklist-ip", Some("10.0.0.0/8")),
        ("blacklist-ip", Some("11.0.0.0/8,12.0.0.0/8")),
        ("vus", Some("1")),
        ("vus", Some("2")),
        ("http-debug", None),
        ("throw", None),
        ("linger", None),
    ]);
    let json = options.to_json();
    assert_eq!(json["stages"].as_array().map(Vec::len), Some(3));
    assert_eq!(json["blacklistIPs"], json!(["10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8"]));
    assert_eq!(
        (&json["vus"], &json["httpDebug"], &json["throw"]),
        (&json!(2), &json!("headers"), &json!(true))
    );
}

#[test]
fn wrong_variables_and_flags_are_named() {
    let variable = |name: &str| match name {
        "K6_VUS" => Some("x".to_owned()),
        "K6_STAGES" => Some("5s:10,5m:x".to_owned()),
        _ => None,
    };
    let error = Options::from_env(variable).expect_err("two wrong");
    assert_eq!(
        error.problems.iter().map(throng_plan::Problem::path).collect::<Vec<_>>(),
        ["K6_VUS", "K6_STAGES"]
    );
    let error = Options::from_flags([("vus", Some("x")), ("duration", None)]).expect_err("two wrong");
    assert_eq!(
        error.problems.iter().map(throng_plan::Problem::path).collect::<Vec<_>>(),
        ["--vus", "--duration"]
    );
    assert_eq!(error.problems[0].to_string(), "--vus is \"x\": expected a whole number");
}

#[test]
fn scripts_see_the_shortcuts_as_a_scenario() {
    let (_, options) = script(&json!({"vus": 2, "duration": "1s"}));
    let (scenarios, _) = derive(&options).expect("valid");
    let seen = options.to_exec_json(&scenarios);
    assert_eq!(seen["scenarios"]["default"]["executor"], "constant-vus");
    assert_eq!(seen["scenarios"]["default"]["vus"], 2);
    assert_eq!(seen.get("vus"), None);
    assert_eq!(seen["localIPs"], Value::Null);
}
