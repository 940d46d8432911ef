//! The built binary, as users and CI jobs call it: help, versions, refusals, exit codes.

mod support;

use support::{Face, K6, THRONG};

#[test]
fn without_arguments_the_help_is_shown() {
    for face in [K6, THRONG] {
        let done = face.run(&[]);
        assert_eq!(done.code, 0);
        assert!(done.stdout.contains("Usage:") && done.stdout.contains("  run "), "{}", done.stdout);
    }
}

#[test]
fn help_of_run_names_every_kind_of_option() {
    let help = K6.run(&["run", "--help"]);
    assert_eq!(help.code, 0);
    for part in
        ["k6 run [OPTIONS] FILE", "-u, --vus", "-o, --out", "--summary-export", "K6_DURATION", "--quiet"]
    {
        assert!(help.stdout.contains(part), "{part} is missing in:\n{}", help.stdout);
    }
    assert_eq!(help.stdout, K6.run(&["help", "run"]).stdout);
}

#[test]
fn versions_are_those_of_the_face() {
    let plain = K6.run(&["version"]).expect_code(0).stdout;
    assert!(plain.starts_with("k6 v1.1.0 (throng "), "{plain}");
    assert_eq!(plain, K6.run(&["--version"]).stdout);
    let json: serde_json::Value = serde_json::from_str(&K6.run(&["version", "--json"]).stdout).unwrap();
    assert_eq!(json["version"], "v1.1.0");
    assert!(THRONG.run(&["version"]).expect_code(0).stdout.starts_with("throng "));
}

#[test]
fn the_k6_face_is_also_a_command() {
    assert_eq!(THRONG.run(&["k6", "version"]).stdout, K6.run(&["version"]).stdout);
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_255() {
    for (args, message) in [
        (&["run", "--nope", "a.js"][..], "unknown flag: --nope"),
        (&["nope"], r#"unknown command \"nope\" for \"k6\""#),
        (&["run"], "run takes one script"),
        (&["run", "a.js", "b.js"], "2 were given"),
        (&["run", "-u"], "flag needs an argument: --vus"),
        (&["run", "-u", "x", "a.js"], "--vus"),
        (&["run", "-d", "abc", "a.js"], "--duration"),
        (&["run", "-d", "1000", "a.js"], "expected a duration such as 1h30m"),
        (&["run", "-d", "1d", "a.js"], "expected a duration such as 1h30m"),
        (&["run", "--stage", "1s:x", "a.js"], "--stage"),
        (&["run", "--no-setup=maybe", "a.js"], r#"invalid argument \"maybe\" for --no-setup:"#),
        (&["run", "-o", "foo", "a.js"], "invalid output type 'foo'"),
        (&["run", "--summary-mode", "foo", "a.js"], "invalid summary mode 'foo'"),
        (&["run", "--log-output", "foo", "a.js"], "unsupported log output 'foo'"),
        (&["run", "-e", "1A=b", "a.js"], "invalid environment variable name '1A'"),
        (&["run", "--type", "foo", "a.js"], "unknown test type 'foo'"),
        (&["run", "--compatibility-mode", "foo", "a.js"], "invalid compatibility mode 'foo'"),
        (&["completion", "tcsh"], "expected bash, fish, powershell, zsh"),
    ] {
        K6.run(args).expect_code(255).expect_error(message);
    }
}

#[test]
fn a_configuration_that_makes_no_sense_ends_with_104() {
    K6.run(&["run", "-c", "missing.json", "a.js"]).expect_code(104).expect_error("missing.json");
    for (name, value) in
        [("K6_VUS", "x"), ("K6_DURATION", "abc"), ("K6_NO_SETUP", "maybe"), ("K6_LINGER", "x")]
    {
        K6.run_with(&["run", "a.js"], &[(name, value)]).expect_code(104).expect_error(name);
    }
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    for (args, message) in [
        (&["run", "--traces-output", "otel", "a.js"][..], "--traces-output is not supported yet"),
        (&["run", "--secret-source", "file=x", "a.js"], "--secret-source is not supported yet"),
        (&["run", "--profiling-enabled", "a.js"], "--profiling-enabled is not supported yet"),
        (&["run", "--features", "a", "a.js"], "--features is not supported yet"),
        (&["run", "--log-output", "loki", "a.js"], "log output 'loki' is not supported yet"),
        (&["run", "-o", "influxdb=http://localhost", "a.js"], "output 'influxdb' is not supported yet"),
    ] {
        K6.run(args).expect_code(104).expect_error(message);
    }
    for (name, value) in [("RECORD", "r.ndjson"), ("TAGS", "group"), ("PERIOD", "10s"), ("OPEN", "maybe")] {
        let name = format!("K6_WEB_DASHBOARD_{name}");
        let dashboard = [("K6_WEB_DASHBOARD", "true"), (&*name, value)];
        K6.run_with(&["run", "a.js"], &dashboard).expect_code(104).expect_error(&name);
    }
    K6.run(&["run", "-o", "web-dashboard=port=1", "a.js"]).expect_code(104).expect_error("'web-dashboard'");
    for command in ["cloud", "login", "deps", "features", "x"] {
        let name = format!("k6 {command} is not supported");
        K6.run(&[command, "--any", "thing"]).expect_code(255).expect_error(&name);
    }
}

#[test]
fn announced_commands_end_with_2() {
    for (args, message) in
        [(&["check", "a.js"][..], "throng check is not supported yet"), (&["nope"], "unknown command")]
    {
        THRONG.run(args).expect_code(2).expect_error(message);
    }
}

#[test]
fn a_locustfile_without_an_interpreter_says_what_is_missing() {
    let none = [("PATH", "/nowhere")];
    for (face, args) in [
        (Face("locust"), &["-f", "x.py"][..]),
        (THRONG, &["locust", "--version"]),
        (THRONG, &["run", "x.py"]),
        (THRONG, &["python", "x.py"]),
    ] {
        face.run_with(args, &none).expect_code(1).expect_error("find a Python interpreter");
    }
    let wrong = [("PATH", "/nowhere"), ("THRONG_PYTHON", "/no/such/python")];
    Face("locust").run_with(&[], &wrong).expect_code(1).expect_error("/no/such/python");
}

#[test]
fn the_log_has_the_format_that_was_asked_for() {
    let bad = ["run", "-o", "foo", "a.js"];
    let text = K6.run(&bad).stderr;
    assert!(text.starts_with("time=\"20") && text.contains(" level=error msg=\"invalid output"), "{text}");
    let json = K6.run(&[&["--log-format", "json"], &bad[..]].concat()).stderr;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["level"], "error");
    let raw = K6.run_with(&bad, &[("K6_LOG_FORMAT", "raw")]).stderr;
    assert!(raw.starts_with("invalid output type 'foo'"), "{raw}");
}

#[test]
fn the_log_goes_where_it_was_sent() {
    let bad = ["run", "-o", "foo", "a.js"];
    let to = |output: &str| K6.run(&[&["--log-output", output], &bad[..]].concat());
    let stdout = to("stdout");
    assert!(stdout.stderr.is_empty() && stdout.stdout.contains("invalid output type"));
    let none = to("none").expect_code(255);
    assert!(none.stderr.is_empty() && none.stdout.is_empty());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("k6.log");
    let nowhere = to(&format!("file={}", file.display()));
    assert!(nowhere.stderr.is_empty());
    assert!(std::fs::read_to_string(file).unwrap().contains("invalid output type"));
}

#[test]
fn a_completion_script_knows_the_flags() {
    for shell in ["bash", "fish", "powershell", "zsh"] {
        let script = K6.run(&["completion", shell]).expect_code(0).stdout;
        assert!(script.contains("summary-export"), "{shell}");
        assert!(THRONG.run(&["k6", "completion", shell]).expect_code(0).stdout == script, "{shell}");
    }
}

#[test]
fn new_writes_a_script_and_keeps_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.js").display().to_string();
    let written = K6.run(&["new", &path]).expect_code(0);
    assert!(written.stdout.contains("(minimal template)"));
    let script = std::fs::read_to_string(&path).unwrap();
    assert!(script.contains("export default function"));
    K6.run(&["new", &path]).expect_code(255).expect_error("overwrite it with --force");
    K6.run(&["new", "--force", "--template", "protocol", &path]).expect_code(0);
    assert!(std::fs::read_to_string(&path).unwrap().contains("thresholds"));
    K6.run(&["new", "--template", "nope", "b.js"]).expect_code(255).expect_error("unknown template 'nope'");
    K6.run(&["new", "a", "b"]).expect_code(255).expect_error("2 were given");
}
