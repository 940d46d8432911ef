//! `throng entrypoint` outside of a container, where it becomes what it starts; tests/containers has the rest.

mod support;

use support::THRONG;

#[test]
fn arguments_are_passed_on_under_each_name() {
    for (arguments, expected) in [
        (&["version"][..], "throng "),
        (&["throng", "version"], "throng "),
        (&["k6", "version"], "k6 v1.1.0"),
        (&["inspect", "--help"], "k6 inspect"),
    ] {
        let arguments = [&["entrypoint"], arguments].concat();
        let done = THRONG.run(&arguments).expect_code(0);
        assert!(done.stdout.contains(expected), "{arguments:?}: {}", done.stdout);
    }
}

#[test]
fn other_programs_are_started_and_their_codes_passed_on() {
    let path = [("PATH", "/usr/bin:/bin")];
    let done =
        THRONG.run_with(&["entrypoint", "sh", "-c", "echo $0 $$; exit 7", "first"], &path).expect_code(7);
    assert!(done.stdout.starts_with("first "), "{}", done.stdout);
    THRONG.run_with(&["entrypoint", "nonesuch"], &path).expect_code(104).expect_error("no such program");
}

#[test]
fn an_environment_that_makes_no_sense_ends_with_104() {
    for (variables, message) in [
        (&[("LOCUST_MODE", "boss")][..], "LOCUST_MODE=boss is none of standalone, master, worker, slave"),
        (&[("LOCUST_MODE", "worker")], "set LOCUST_MASTER"),
        (&[("LOCUST_OPTS", "-u '1")], "LOCUST_OPTS"),
        (&[("THRONG_REQUIREMENTS", "/nowhere/requirements.txt")], "/nowhere/requirements.txt"),
    ] {
        THRONG.run_with(&["entrypoint"], variables).expect_code(104).expect_error(message);
    }
}

#[test]
fn a_k6_script_is_named_by_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("load.js");
    std::fs::write(&script, "export default function () { console.log(`at ${__ENV.TARGET_HOST}`); }")
        .unwrap();
    let variables = [
        ("LOCUST_FILE", script.to_str().unwrap()),
        ("TARGET_HOST", "http://x"),
        ("LOCUST_OPTS", "--iterations 2"),
    ];
    let done = THRONG.run_with(&["entrypoint"], &variables).expect_code(0);
    assert_eq!(done.stderr.matches("at http://x").count(), 2, "{}", done.stderr);
}

#[test]
fn its_help_lists_the_variables() {
    let done = THRONG.run(&["help", "entrypoint"]).expect_code(0);
    for variable in ["LOCUST_MODE", "TARGET_HOST", "ATTACKED_HOST", "THRONG_REQUIREMENTS"] {
        assert!(done.stdout.contains(variable), "{variable} is missing in:\n{}", done.stdout);
    }
}
