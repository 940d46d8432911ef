//! One run on several worker processes gives what one process gives. The binary is driven from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "cluster/clocks.rs"]
mod clocks;
#[path = "support/cluster.rs"]
mod cluster;
#[path = "cluster/setup.rs"]
mod setup;
mod support;
#[path = "cluster/tls.rs"]
mod tls;

use std::collections::BTreeSet;
use std::time::Duration;

use cluster::{Process, Script, controller, worker};
use serde_json::Value;
use support::{Done, K6, THRONG};

/// What `console.log` printed, in no order.
fn printed(done: &Done) -> BTreeSet<String> {
    let message = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap_or_default();
        (record["source"] == "console").then(|| record["msg"].as_str().unwrap_or_default().to_owned())
    };
    done.stderr.lines().filter_map(message).collect()
}

const COUNTING: &str = "
import exec from 'k6/execution';
import { Counter, Gauge, Rate, Trend } from 'k6/metrics';
import { check } from 'k6';
const counter = new Counter('counted'), rate = new Rate('rated'), trend = new Trend('trended');
export const options = {
  summaryTrendStats: ['avg', 'min', 'med', 'max', 'p(90)', 'p(99)', 'count'],
  scenarios: {
    shared: { executor: 'shared-iterations', vus: 7, iterations: 400 },
    each: { executor: 'per-vu-iterations', vus: 5, iterations: 20, exec: 'each' },
  },
};
export default function () {
  const i = exec.scenario.iterationInTest;
  counter.add(1);
  rate.add(i % 4 === 0);
  trend.add(i);
  check(i, { 'is even': (i) => i % 2 === 0 });
}
export function each() { counter.add(1); }
";

#[test]
fn three_workers_give_the_numbers_of_one_process() {
    let script = Script::new(COUNTING);
    let one = script.summary(&[]);
    let three = script.summary(&["--workers", "3"]);
    for metric in ["counted", "rated", "trended", "checks", "iterations"] {
        let strip = |summary: &Value| {
            let mut values = summary["metrics"][metric].clone();
            // A rate per second depends on how long the run took.
            if metric == "counted" || metric == "iterations" {
                values.as_object_mut().unwrap().remove("rate");
            }
            values
        };
        assert_eq!(strip(&one), strip(&three), "{metric}");
    }
    assert_eq!(three["metrics"]["trended"]["p(99)"], one["metrics"]["trended"]["p(99)"]);
    assert_eq!(three["metrics"]["iterations"]["count"], 500);
}

/// More values than a Trend keeps each of.
const ARRIVING: &str = "
import exec from 'k6/execution';
import { Trend } from 'k6/metrics';
const starts = new Trend('starts'), shared = new Trend('shared');
export const options = {
  summaryTrendStats: ['avg', 'min', 'med', 'max', 'p(1)', 'p(90)', 'p(99)', 'p(99.9)', 'count'],
  scenarios: {
    arriving: { executor: 'constant-arrival-rate', rate: 500, duration: '3s', preAllocatedVUs: 60, maxVUs: 60 },
    shared: { executor: 'shared-iterations', vus: 6, iterations: 2000, exec: 'share' },
  },
};
export default function () { starts.add(exec.scenario.iterationInTest + 1) }
export function share() { shared.add(exec.scenario.iterationInTest + 1) }
";

#[test]
fn three_workers_plan_the_starts_of_one_process_and_their_trends_are_as_fine() {
    let script = Script::new(ARRIVING);
    let one = script.summary(&[]);
    let three = script.summary(&["--workers", "3"]);
    for (summary, who) in [(&one, "one"), (&three, "three")] {
        let metrics = &summary["metrics"];
        assert!(metrics["dropped_iterations"].is_null(), "{who}: {metrics:#}");
        assert_eq!(metrics["iterations"]["count"], 3_500, "{who}");
        for (metric, count) in [("starts", 1_500), ("shared", 2_000)] {
            let value = |stat: &str| metrics[metric][stat].as_f64().unwrap();
            let last = f64::from(count);
            // The numbers from 1 to the last one, each once.
            let exact = [value("count"), value("min"), value("max"), value("avg")];
            assert_eq!(exact, [last, 1.0, last, f64::midpoint(1.0, last)], "{who}: {metric}");
            for (stat, percent) in
                [("med", 50.0), ("p(1)", 1.0), ("p(90)", 90.0), ("p(99)", 99.0), ("p(99.9)", 99.9)]
            {
                let expected = 1.0 + percent / 100.0 * (last - 1.0);
                let apart = (value(stat) - expected).abs() / expected;
                assert!(apart <= 0.0005, "{who}: {metric} {stat} is {} and not {expected}", value(stat));
            }
        }
    }
}

#[test]
fn identifiers_are_unique_in_the_whole_test() {
    let script = Script::new(
        "import exec from 'k6/execution';
         export const options = { vus: 5, iterations: 40 };
         export default function () { console.log(`iteration ${exec.scenario.iterationInTest}`) }
         export function other() {}",
    );
    let done = script.run(&["--workers", "2", "--log-format", "json"]).expect_code(0);
    let expected: BTreeSet<String> = (0..40).map(|i| format!("iteration {i}")).collect();
    assert_eq!(printed(&done), expected);
    let users = Script::new(
        "import exec from 'k6/execution';
         export const options = { scenarios: { s: { executor: 'per-vu-iterations', vus: 5, iterations: 1 } } };
         export default function () { console.log(`${__VU} ${exec.vu.idInTest} ${exec.vu.idInInstance <= 3}`) }",
    );
    let done = users.run(&["--workers", "2", "--log-format", "json"]).expect_code(0);
    let expected: BTreeSet<String> = (1..=5).map(|i| format!("{i} {i} true")).collect();
    assert_eq!(printed(&done), expected);
    assert!(done.stderr.lines().filter(|l| l.contains("console")).all(|l| l.contains("\"worker\":\"")));
}

#[test]
fn setup_teardown_and_handle_summary_run_once_and_setup_data_reaches_all() {
    let script = Script::new(
        "export const options = { vus: 4, iterations: 8 };
         const text = open('./data.txt');
         export function setup() { console.log('setup'); return { text } }
         export default function (data) { console.log(`${data.text} ${data.text === text}`) }
         export function teardown(data) { console.log(`teardown ${data.text}`) }
         export function handleSummary(data) {
           return { stdout: `${data.metrics.iterations.values.count} ${data.setup_data.text}\\n` };
         }",
    )
    .with("data.txt", "from the file");
    let done = script.run(&["--workers", "3", "--log-format", "json"]).expect_code(0);
    assert_eq!(done.stdout, "8 from the file\n");
    let lines: Vec<&str> = done.stderr.lines().filter(|line| line.contains("console")).collect();
    assert_eq!(lines.iter().filter(|line| line.contains("\"setup\"")).count(), 1, "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.contains("teardown")).count(), 1);
    assert_eq!(lines.iter().filter(|line| line.contains("from the file true")).count(), 8);
}

#[test]
fn what_was_given_with_e_reaches_workers_and_the_token_does_not() {
    let script = Script::new(
        "export const options = { vus: 2, iterations: 2 };
         export default function () { console.log(`${__ENV.HOME} ${__ENV.OWN} ${__ENV.THRONG_TOKEN}`) }",
    );
    let path = script.script();
    let args = ["run", "--quiet", "--log-format", "json", "--workers", "2", "-e", "HOME=given", &path];
    let done = THRONG.run_with(&args, &[("HOME", "/root"), ("OWN", "x")]).expect_code(0);
    assert_eq!(printed(&done), ["given x undefined".to_owned()].into());
}

#[test]
fn a_script_that_aborts_on_one_worker_ends_the_run_on_all() {
    let script = Script::new(
        "import exec from 'k6/execution'; import { sleep } from 'k6';
         export const options = { vus: 4, duration: '60s' };
         export default function () {
           if (exec.vu.idInTest === 2) { sleep(0.3); exec.test.abort('enough') }
           sleep(0.05);
         }
         export function teardown() { console.log('teardown') }",
    );
    let started = std::time::Instant::now();
    let done = script.run(&["--workers", "2", "--log-format", "json"]).expect_code(108);
    assert!(started.elapsed() < Duration::from_secs(30));
    done.expect_error("test aborted: enough");
    assert!(printed(&done).contains("teardown"));
}

#[test]
fn thresholds_are_judged_on_the_whole() {
    // No worker alone crosses it.
    let script = Script::new(
        "import { Counter } from 'k6/metrics'; import exec from 'k6/execution';
         const c = new Counter('counted');
         export const options = { vus: 4, iterations: 40, thresholds: { counted: ['count < 30'] } };
         export default function () { c.add(1); if (exec.scenario.iterationInTest === 3) exec.test.fail('one') }",
    );
    script.run(&["--workers", "2"]).expect_code(110).expect_error("test marked as failed");
    let script = Script::new(
        "import { Counter } from 'k6/metrics'; import { sleep } from 'k6';
         const c = new Counter('counted');
         export const options = { vus: 2, duration: '60s',
           thresholds: { counted: [{ threshold: 'count < 10', abortOnFail: true }] } };
         export default function () { c.add(1); sleep(0.1) }",
    );
    let started = std::time::Instant::now();
    let done = script.run(&["--workers", "2"]).expect_code(99);
    assert!(started.elapsed() < Duration::from_secs(30));
    done.expect_error("abortOnFail");
}

#[test]
fn an_error_in_the_script_reads_as_in_one_process() {
    let script = Script::new("import { f } from './lib.js';\nexport default function () {\n  f();\n}")
        .with("lib.js", "export function f() {\n  throw new Error('broken');\n}");
    let place = format!("file://{}:2:", script.path("lib.js").display());
    let one = script.run(&["--log-format", "json"]).expect_code(0);
    let two = script.run(&["--log-format", "json", "--workers", "2"]).expect_code(0);
    let message = |done: &Done| {
        let line = done.stderr.lines().find(|line| line.contains("broken")).unwrap().to_owned();
        serde_json::from_str::<Value>(&line).unwrap()["msg"].clone()
    };
    assert_eq!(message(&one), message(&two));
    assert!(message(&two).as_str().unwrap().contains(&place), "{}", message(&two));
}

#[test]
fn more_workers_than_virtual_users_are_no_trouble() {
    let script = Script::new("export default function () {}");
    let summary = script.summary(&["--workers", "3"]);
    assert_eq!(summary["metrics"]["iterations"]["count"], 1);
}

#[test]
fn samples_of_all_workers_come_to_one_output() {
    let script = Script::new(
        "import { Counter } from 'k6/metrics'; const c = new Counter('counted');
         export const options = { vus: 4, iterations: 100 };
         export default function () { c.add(2, { tag: 'x' }) }",
    );
    let out = script.path("out.json");
    script.run(&["--workers", "2", "-o", &format!("json={}", out.display())]).expect_code(0);
    let text = std::fs::read_to_string(out).unwrap();
    let points = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let points: Vec<Value> = points.filter(|p| p["metric"] == "counted" && p["type"] == "Point").collect();
    assert_eq!(points.len(), 100);
    assert!(points.iter().all(|p| p["data"]["value"] == 2 && p["data"]["tags"]["tag"] == "x"));
}

#[test]
fn the_face_of_k6_spreads_by_a_variable() {
    let script =
        Script::new("export const options = { vus: 2, iterations: 6 }; export default function () {}");
    let path = script.script();
    let done = K6.run_with(&["run", &path], &[("THRONG_WORKERS", "2")]).expect_code(0);
    assert!(
        done.stdout.contains("execution: local, 2 workers") && done.stdout.contains('6'),
        "{}",
        done.stdout
    );
    K6.run(&["run", "--workers", "2", &path]).expect_code(255).expect_error("unknown flag: --workers");
}

// --- controller and workers as separate commands ------------------------------------------------------

#[test]
fn workers_need_only_the_address_and_the_token() {
    let script = Script::new(
        "import { f } from './lib.js'; export const options = { vus: 4, iterations: 20 };
         export default function () { f() }",
    )
    .with("lib.js", "export const f = () => 1");
    let (controller, address) = controller(&script, &["--expect-workers", "2"]);
    let workers = ["one", "two"].map(|name| worker(&address, name));
    let done = controller.wait().expect_code(0);
    assert!(done.stdout.contains("workers"), "{}", done.stdout);
    assert!(done.stdout.contains("20 "), "{}", done.stdout);
    for worker in workers {
        worker.wait().expect_code(0);
    }
}

#[test]
fn a_wrong_token_is_turned_away_and_harms_nothing() {
    let script = Script::new("export default function () {}");
    let (mut controller, address) = controller(&script, &["--expect-workers", "1"]);
    for _ in 0..3 {
        let stranger = Process::start(&["worker", "--controller", &address], "not this token");
        stranger.wait().expect_code(104).expect_error("token");
    }
    let told = controller.until("turned away 127.0.0.1:");
    assert!(told.contains("its join token is another one than this controller's"), "{told}");
    let right = worker(&address, "right");
    let done = controller.wait().expect_code(0);
    assert!(!done.stderr.contains("turned away"), "once a minute is enough: {}", done.stderr);
    right.wait().expect_code(0);
}

/// As Kubernetes starts workers again that have ended with the run.
#[test]
fn a_worker_that_comes_too_late_has_nothing_to_complain_of() {
    let script = Script::new(
        "export default function () {}
         export function handleSummary() {
           console.log('summing up');
           const until = Date.now() + 3000;
           while (Date.now() < until) {}
           return {};
         }",
    );
    let (mut controller, address) = controller(&script, &["--expect-workers", "1"]);
    let only = worker(&address, "only");
    controller.until("summing up");
    let late = worker(&address, "late").wait().expect_code(0);
    assert!(late.stderr.contains("level=info") && late.stderr.contains("the run is over"), "{}", late.stderr);
    let done = controller.wait().expect_code(0);
    assert!(!done.stderr.contains("turned away"), "{}", done.stderr);
    only.wait().expect_code(0);
}

#[test]
fn two_workers_of_one_name_are_told_apart() {
    let script = Script::new(
        "export const options = { vus: 2, iterations: 2 };
         export default function () { console.log('here') }",
    );
    let (controller, address) = controller(&script, &["--expect-workers", "2"]);
    let workers = [(); 2].map(|()| worker(&address, "twin"));
    let done = controller.wait().expect_code(0);
    let here = done.stderr.lines().filter(|line| line.contains("msg=here"));
    let names: BTreeSet<String> =
        here.map(|line| line.rsplit_once("worker=").unwrap().1.trim_matches('"').to_owned()).collect();
    assert_eq!(names, ["twin".to_owned(), "twin#2".to_owned()].into());
    for worker in workers {
        worker.wait().expect_code(0);
    }
}

#[test]
fn a_locustfile_is_refused_by_a_controller_with_the_command_that_leads_it() {
    let script = Script::new("").with("locustfile.py", "from locust import User");
    let path = script.path("locustfile.py").display().to_string();
    let args = ["controller", "--insecure", "--expect-workers", "2", &path];
    let done = THRONG.run(&args).expect_code(104);
    done.expect_error("is a locustfile, and throng controller leads k6 scripts");
    done.expect_error(&format!("throng locust --master -f {path}"));
}

#[test]
fn a_token_is_asked_for() {
    let script = Script::new("export default function () {}");
    let path = script.script();
    THRONG.run(&["controller", "--expect-workers", "1", &path]).expect_code(2).expect_error("THRONG_TOKEN");
    let missing = "needed, but not given: --";
    THRONG.run(&["controller", &path]).expect_code(255).expect_error(&format!("{missing}expect-workers"));
    THRONG.run(&["worker"]).expect_code(255).expect_error(&format!("{missing}controller"));
    THRONG.run(&["worker", "--controller", "127.0.0.1:1"]).expect_code(2).expect_error("THRONG_TOKEN");
}

const LOOPING: &str = "import { sleep } from 'k6';
    export const options = { vus: 4, duration: '4s', gracefulStop: '1s' };
    export default function () { sleep(0.1) }";

#[test]
fn a_killed_worker_is_said_and_the_others_go_on() {
    let script = Script::new(LOOPING);
    let (mut controller, address) = controller(&script, &["--expect-workers", "2"]);
    let mut victim = worker(&address, "victim");
    let survivor = worker(&address, "survivor");
    victim.until("joined as");
    std::thread::sleep(Duration::from_millis(1500));
    victim.kill();
    controller.until("worker victim (50.0 % of the test) was lost");
    let done = controller.wait().expect_code(0);
    assert!(done.stdout.contains("✗ worker victim (50.0 % of the test) was lost"), "{}", done.stdout);
    assert!(done.stdout.contains("is missing; the others took over its part"), "{}", done.stdout);
    survivor.wait().expect_code(0);
}

#[test]
fn when_nobody_is_left_nobody_is_said_to_take_over() {
    let script = Script::new(LOOPING);
    let (mut controller, address) = controller(&script, &["--expect-workers", "1"]);
    let mut only = worker(&address, "only");
    only.until("joined as");
    std::thread::sleep(Duration::from_millis(1500));
    only.kill();
    let told = controller.until("worker only (100.0 % of the test) was lost");
    assert!(told.contains("nobody is there to take over its part"), "{told}");
    let done = controller.wait().expect_code(255);
    assert!(done.stdout.contains("is missing; nobody took over its part"), "{}", done.stdout);
}

#[test]
fn a_lost_worker_fails_the_run_if_that_was_asked_for() {
    let script = Script::new(LOOPING);
    let (mut controller, address) =
        controller(&script, &["--expect-workers", "2", "--on-worker-loss", "fail"]);
    let mut victim = worker(&address, "victim");
    let survivor = worker(&address, "survivor");
    victim.until("joined as");
    std::thread::sleep(Duration::from_millis(1500));
    victim.kill();
    controller.until("was lost");
    controller.wait().expect_code(255);
    survivor.wait().expect_code(0);
}

#[test]
fn a_worker_that_is_told_to_go_finishes_what_it_runs() {
    let script = Script::new(LOOPING);
    let (mut controller, address) = controller(&script, &["--expect-workers", "2"]);
    let mut leaver = worker(&address, "leaver");
    let stayer = worker(&address, "stayer");
    leaver.until("joined as");
    std::thread::sleep(Duration::from_millis(1500));
    leaver.signal("TERM");
    controller.until("worker leaver (50.0 % of the test) has left");
    leaver.wait().expect_code(0);
    let done = controller.wait().expect_code(0);
    assert!(!done.stdout.contains("interrupted iterations, 1"), "{}", done.stdout);
    stayer.wait().expect_code(0);
}

#[test]
fn what_a_cluster_cannot_do_is_refused_by_name() {
    let script = Script::new("export default function () {}");
    let done = script.run(&["--workers", "2", "--execution-segment", "0:1/2"]).expect_code(255);
    done.expect_error("an execution segment together with workers is not supported yet");
    script.run(&["--workers", "0"]).expect_code(255).expect_error("invalid number of workers '0'");
    script.run(&["--workers", "2", "--on-worker-loss", "cry"]).expect_code(255).expect_error("cry");
}
