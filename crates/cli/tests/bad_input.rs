//! What goes wrong around a run: each is said with its place, what was measured is reported, and the exit code is k6's.

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use support::{Done, K6, THRONG};

/// A folder with `test.js` in it.
fn script(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("test.js");
    std::fs::write(&path, text).expect("the script is written");
    let path = path.to_str().expect("the path is text").to_owned();
    (folder, path)
}

const NOTHING: &str = "export default () => {}";

fn run(text: &str, args: &[&str]) -> Done {
    let (_folder, path) = script(text);
    K6.run(&[&["run", "--quiet"], args, &[&path]].concat())
}

/// A server that answers every connection with the same bytes, and its address.
fn server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has an address").to_string();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                while stream.read(&mut request).is_ok_and(|n| n > 0) {
                    if stream.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[test]
fn an_output_that_cannot_be_opened_ends_the_run_before_any_load() {
    for out in ["json", "csv"] {
        let done = run(NOTHING, &["--out", &format!("{out}=/no/such/folder/x")]).expect_code(255);
        done.expect_error(&format!("open /no/such/folder/x for the {out} output: No such file or directory"));
        assert!(!done.stdout.contains("iterations"), "{}", done.stdout);
    }
    run(NOTHING, &["--console-output", "/no/such/folder/x"]).expect_code(255).expect_error("/no/such/folder");
    run(NOTHING, &["--out", "nonsense"]).expect_code(255).expect_error("invalid output type 'nonsense'");
}

#[test]
fn a_stage_without_a_target_is_refused_wherever_it_stands() {
    let expected = "stages[0].target is missing";
    run(NOTHING, &["--stage", "1s"]).expect_code(104).expect_error(expected);
    run("export const options = { stages: [{ duration: '1s' }] };\nexport default () => {}", &[])
        .expect_code(104)
        .expect_error(expected);
}

#[test]
fn an_output_that_fills_up_is_said_once_and_the_run_is_reported() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    for out in ["json", "csv"] {
        let done = run(NOTHING, &["-i", "20", "--out", &format!("{out}=/dev/full")]).expect_code(0);
        done.expect_error(&format!("write the {out} output to /dev/full: No space left on device"));
        assert_eq!(done.stderr.matches("/dev/full").count(), 1, "{}", done.stderr);
        assert!(done.stdout.contains("iterations"), "{}", done.stdout);
    }
}

#[test]
fn a_summary_that_cannot_be_exported_is_still_printed() {
    for path in ["/no/such/folder/x.json", "/dev/full"] {
        let done = run(NOTHING, &["--summary-export", path]).expect_code(0);
        done.expect_error(&format!("cannot write {path}"));
        assert!(done.stdout.contains("iterations"), "{}", done.stdout);
    }
}

#[test]
fn too_few_descriptors_are_said_before_the_run_and_each_failure_names_the_limit() {
    let server = server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let text = format!("import http from 'k6/http'; export default () => {{ http.get('http://{server}/') }}");
    let (folder, path) = script(&text);
    let link = folder.path().join("k6");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_throng"), &link).expect("a link");
    let command = format!("ulimit -n 40; exec {} run --quiet -u 100 -i 100 {path}", link.display());
    let output = Command::new("sh").args(["-c", &command]).env_clear().output().expect("the shell starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("the limit of 40 open files is low for 100 virtual users"), "{stderr}");
    assert!(stderr.contains("Too many open files"), "{stderr}");
    assert!(stdout.contains("http_req_failed"), "{stdout}");
}

#[test]
fn options_that_json_has_no_form_for_are_refused_with_their_place() {
    for (options, message, column) in [
        ("{ vus: Number(__ENV.NO_SUCH) }", "options.vus is NaN", 26),
        ("{ stages: [{ duration: '1s', target: 1 / 0 }] }", "options.stages[0].target is Infinity", 53),
        ("{ scenarios: { a: { exec: () => 1 } } }", "options.scenarios.a.exec is a function", 44),
    ] {
        let text = format!("export const options = {options}; {NOTHING}");
        let done = run(&text, &[]).expect_code(255);
        done.expect_error(message);
        done.expect_error(&format!("test.js:1:{column}"));
    }
    let kept = format!("export const options = {{ tags: {{ build: __ENV.NO_SUCH }} }}; {NOTHING}");
    run(&kept, &[]).expect_code(0);
}

#[test]
fn options_that_make_no_plan_are_refused_where_they_are_written() {
    for (options, place) in [
        (
            "{\n  scenarios: {\n    a: { executor: 'constant-vus', foo: 1, duration: '1s' } } }",
            "test.js:3:36",
        ),
        ("{\n  vus: 'many' }", "test.js:2:3"),
        ("{\n  thresholds: {\n http_reqs: ['count>0',\n 'count>'] } }", "test.js:4:2"),
        ("{\n  thresholds: { checks: [],\n nothing: ['rate>0'] } }", "test.js:3:2"),
    ] {
        let text = format!("export const options = {options};\n{NOTHING}");
        run(&text, &[]).expect_code(104).expect_error(place);
    }
    let fine = format!("export const options = {{ vus: 2, iterations: 2 }};\n{NOTHING}");
    let done = run(&fine, &["-i", "1"]).expect_code(104);
    assert!(!done.stderr.contains("test.js"), "not what the script says: {}", done.stderr);
}

#[test]
fn what_a_server_does_wrong_is_a_failed_request_with_a_code() {
    let garbage = server(b"\x00\xffnot http\r\n\r\n");
    let text = format!(
        "import http from 'k6/http';
         export default () => {{
           for (const url of ['http://{garbage}/', 'https://{garbage}/', 'http://127.0.0.1:1/', 'http://no-such-host.invalid/'])
             console.log(url.slice(0, 5), http.get(url, {{ timeout: '5s' }}).error_code > 0);
         }}"
    );
    let done = run(&text, &[]).expect_code(0);
    assert_eq!(done.stderr.matches("true").count(), 4, "{}", done.stderr);
    assert!(done.stdout.contains("100.00%"), "{}", done.stdout);
}

#[test]
fn a_script_that_cannot_be_loaded_says_where() {
    for (text, code, message) in [
        ("export default () => {\n  let x = = 1;\n}", 107, "test.js:2:11"),
        ("import './nowhere.js'; export default () => {}", 107, "test.js:1:8"),
        ("import 'nowhere';\nimport 'k6/x/nowhere'; export default () => {}", 107, "test.js:1:8"),
        ("import 'k6/nowhere'; export default () => {}", 107, "test.js:1:8"),
        ("import { nothing } from './test.js'; export default () => {}", 107, "test.js:1:10"),
        ("export const nothing = 1", 255, "exports no function"),
        ("export default () => {}; throw new Error('at the top')", 107, "test.js:1:"),
    ] {
        run(text, &[]).expect_code(code).expect_error(message);
    }
    for face in [K6, THRONG] {
        face.run(&["run", "/no/such/script.js"]).expect_code(255).expect_error("/no/such/script.js");
    }
}

#[test]
fn a_run_in_which_no_iteration_was_finished_says_so() {
    let options =
        "{ scenarios: { a: { executor: 'constant-vus', vus: 1, duration: '1s', gracefulStop: '0s' } } }";
    let text = format!(
        "import {{ sleep }} from 'k6'; export const options = {options}; export default () => sleep(30)"
    );
    run(&text, &[]).expect_code(0).expect_error("no iteration was finished");
    let done = run(NOTHING, &[]).expect_code(0);
    assert!(!done.stderr.contains("no iteration"), "{}", done.stderr);
}

#[test]
fn inspect_wants_virtual_users_beside_iterations_or_a_duration() {
    for options in ["iterations: 10", "duration: '5s'"] {
        let (_folder, path) = script(&format!("export const options = {{ {options} }};\n{NOTHING}"));
        let ask = |args: &[&str]| K6.run(&[&["inspect"], args, &[path.as_str()]].concat());
        ask(&["--execution-requirements"])
            .expect_code(104)
            .expect_error("the number of VUs must be more than 0");
        let plain = ask(&[]).expect_code(0);
        assert!(plain.stdout.contains("\"vus\": null"), "{}", plain.stdout);
    }
    let (_folder, path) = script(&format!("export const options = {{ vus: 2, iterations: 10 }};\n{NOTHING}"));
    K6.run(&["inspect", "--execution-requirements", &path]).expect_code(0);
}
