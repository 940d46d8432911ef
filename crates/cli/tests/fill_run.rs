//! `throng run --fill … --cleanup`: the databases around a test, with the demo API on MariaDB as the application.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

#[path = "../../demo-api/tests/support/mariadb.rs"]
#[allow(dead_code, reason = "shared with the tests of the demo API")]
mod mariadb;
mod support;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mariadb::MariaDb;
use support::{Done, THRONG};

/// Creates employees and leaves half of them behind.
const SCRIPT: &str = "
import http from 'k6/http';
import { check } from 'k6';
export default function () {
  const name = `LoadTest User ${__VU}-${__ITER}`;
  const body = { name, email: `${__VU}-${__ITER}@example.org`, department: 'x', position: 'y', salary: 1 };
  const headers = { 'Content-Type': 'application/json' };
  const made = http.post(`${__ENV.BASE_URL}/employees`, JSON.stringify(body), { headers });
  check(made, { created: (response) => response.status === 201 });
  if (__ITER % 2) http.del(`${__ENV.BASE_URL}/employees/${made.json('id')}`);
}";

const TEMPLATE: &str = r#"{
  "name": "$name",
  "email": { "$join": ["staff", "$sequence", "@example.com"] },
  "department": { "$choice": ["sales", "people"] },
  "position": "$job",
  "salary": { "$decimal": { "min": 1000, "max": 2000 } }
}"#;

/// The application with its database, and a folder with everything for a run.
struct Stage {
    api: Child,
    base_url: String,
    mariadb: MariaDb,
    folder: tempfile::TempDir,
}

impl Stage {
    fn set(name: &str, script: &str) -> Option<Self> {
        let mariadb = MariaDb::start(name)?;
        let url = mariadb.url();
        let mut api = Command::new(THRONG.link())
            .args(["demo-api", "--listen", "127.0.0.1:0", "--seed-rows", "0", "--database-url", &url])
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(api.stdout.take().unwrap()).lines();
        let base_url = lines
            .find_map(|line| line.unwrap().strip_prefix("listening on ").map(str::to_owned))
            .expect("the demo API says where it listens");
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("test.js", script);
        write("employees.json", TEMPLATE);
        write(
            "fill.yaml",
            "- url: ${DATABASE_URL}\n  table: employees\n  rows: 300\n  template: employees.json\n  \
             cleanup: name LIKE 'LoadTest User%'\n",
        );
        Some(Self { api, base_url, mariadb, folder })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(THRONG.link());
        command
            .arg("run")
            .args(args)
            .arg("--fill")
            .arg(self.path("fill.yaml"))
            .arg(self.path("test.js"))
            .env_clear()
            .env("BASE_URL", &self.base_url)
            .env("DATABASE_URL", self.mariadb.url())
            .stdin(Stdio::null());
        command
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        Path::join(self.folder.path(), name)
    }

    fn run(&self, args: &[&str]) -> Done {
        done(self.command(args).output().unwrap())
    }

    /// Rows that the test left, and the others.
    fn rows(&self) -> (u64, u64) {
        let sql = "SELECT COALESCE(SUM(name LIKE 'LoadTest User%'), 0), COALESCE(SUM(name NOT LIKE 'LoadTest User%'), 0) \
                   FROM demo.employees";
        let row = self.mariadb.sql(sql);
        let mut numbers = row.split_whitespace().map(|number| number.parse().unwrap());
        (numbers.next().unwrap(), numbers.next().unwrap())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.api.kill();
        let _ = self.api.wait();
    }
}

fn done(output: std::process::Output) -> Done {
    Done {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_run_fills_before_it_and_removes_what_it_left_behind() {
    let Some(stage) = Stage::set("fill-run", SCRIPT) else { return };
    let done = stage.run(&["-u", "2", "-i", "40"]).expect_code(0);
    assert!(done.stdout.contains("filled demo.employees: "), "{}", done.stdout);
    let (left, others) = stage.rows();
    assert!(left > 0 && others == 300, "{left} left, {others} others");

    let done = stage.run(&["-u", "2", "-i", "40", "--cleanup"]).expect_code(0);
    assert!(done.stdout.contains("300 rows, 0 of them inserted now"), "{}", done.stdout);
    done.expect_error("of demo.employees");
    assert!(done.stdout.contains("checks"), "{}", done.stdout);
    assert_eq!(stage.rows(), (0, 300));
}

#[test]
fn an_aborted_run_is_cleaned_up_too() {
    let Some(stage) = Stage::set("fill-abort", SCRIPT) else { return };
    let child = stage
        .command(&["-u", "2", "-d", "5m", "--cleanup"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    while stage.rows().0 == 0 {
        assert!(Instant::now() < deadline, "the test creates nothing");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    done(child.wait_with_output().unwrap()).expect_code(105);
    assert_eq!(stage.rows(), (0, 300));
}

#[test]
fn a_run_that_fails_is_cleaned_up_and_keeps_its_exit_code() {
    let script = format!("{SCRIPT}\nexport function teardown() {{ throw new Error('no'); }}");
    let Some(stage) = Stage::set("fill-fail", &script) else { return };
    stage.run(&["-u", "1", "-i", "5", "--cleanup"]).expect_code(107);
    assert_eq!(stage.rows(), (0, 300));
}

#[test]
fn a_run_that_a_threshold_aborts_is_cleaned_up() {
    let script = format!(
        "export const options = {{ thresholds: {{ checks: [{{ threshold: 'rate<0.5', abortOnFail: true }}] }} }};{SCRIPT}"
    );
    let Some(stage) = Stage::set("fill-threshold", &script) else { return };
    let done = stage.run(&["-u", "2", "-d", "5m", "--cleanup"]).expect_code(99);
    done.expect_error("deleted ");
    assert_eq!(stage.rows(), (0, 300));
}

#[test]
fn a_run_whose_setup_throws_is_cleaned_up() {
    let script = format!(
        "{SCRIPT}\nexport function setup() {{ for (let i = 0; i < 3; i++) {{
           http.post(`${{__ENV.BASE_URL}}/employees`, JSON.stringify({{ name: `LoadTest User s-${{i}}`,
             email: `s-${{i}}@example.org`, department: 'x', position: 'y', salary: 1 }}),
             {{ headers: {{ 'Content-Type': 'application/json' }} }}); }} throw new Error('no'); }}"
    );
    let Some(stage) = Stage::set("fill-setup", &script) else { return };
    let done = stage.run(&["-u", "1", "-i", "5", "--cleanup"]).expect_code(107);
    done.expect_error("deleted 3 rows of demo.employees");
    assert_eq!(stage.rows(), (0, 300));
}

#[test]
fn a_cleanup_without_anything_to_clean_is_refused() {
    THRONG.run(&["run", "--cleanup", "test.js"]).expect_code(104).expect_error("--cleanup needs --fill FILE");
    THRONG.run(&["run", "--fill", "/no/such.yaml", "test.js"]).expect_code(255).expect_error("/no/such.yaml");
}
