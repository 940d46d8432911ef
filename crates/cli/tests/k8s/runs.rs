//! Whole runs: controller and workers are processes, and what `run` brings is what they wrote.

use std::time::Duration;

use serde_json::json;

use crate::support::{ENDLESS, LIMIT, SCRIPT, World, files_of, is_part};

/// [`SCRIPT`], of which each iteration takes three seconds.
fn slow() -> String {
    SCRIPT.replace("{ check }", "{ check, sleep }").replace("function () {", "function () { sleep(3);")
}

#[test]
fn a_script_goes_to_its_results_and_leaves_nothing_on_the_cluster() {
    let world = World::new();
    // It goes on until both workers are seen.
    world.write("load.js", slow());
    let done = world.run(&["k8s", "run", "load.js", "--workers", "2", "--name", "first"]).expect_code(0);
    assert!(done.stdout.contains("the end"), "{}", done.stdout);
    done.expect_error("2 of 2 workers run");
    done.expect_error("the page of this run is at http://127.0.0.1:");
    assert_eq!(world.read("throng-results/first/mine.txt"), "iterations 4");
    assert!(world.read("throng-results/first/output.txt").contains("the end"));
    let names = files_of(&world.folder.path().join("throng-results/first"));
    assert!(names.contains(&"summary.json".to_owned()), "{names:?}");
    world.expect_empty("default");
}

/// The cluster starts a worker that has ended again while the controller still sums up.
#[test]
fn workers_that_are_started_again_after_the_test_have_nothing_to_complain_of() {
    let world = World::new();
    let head = "export function handleSummary(data) {";
    let slow = format!("{head} const until = Date.now() + 4000; while (Date.now() < until) {{}}");
    world.write("load.js", SCRIPT.replace(head, &slow));
    let run = world.start(&["k8s", "run", "load.js"]);
    let code = world.cluster.wait("the second end of a worker", LIMIT, |cluster| {
        let pods = cluster.list("pods", "default");
        let container = &pods.iter().find(|pod| is_part(pod, "worker"))?["status"]["containerStatuses"][0];
        let code = &container["lastState"]["terminated"]["exitCode"];
        (container["restartCount"].as_u64()? >= 2).then(|| code.clone())
    });
    assert_eq!(code, 0);
    let done = run.finish().expect_code(0);
    assert!(!done.stderr.contains("ended with code"), "{}", done.stderr);
    world.expect_empty("default");
}

#[test]
fn a_test_that_fails_its_thresholds_ends_with_their_code() {
    let world = World::new();
    world.write("load.js", SCRIPT);
    world.run(&["k8s", "run", "load.js", "-e", "WANTED=2"]).expect_code(99);
    world.expect_empty("default");
}

#[test]
fn a_variable_of_the_pods_is_seen_by_the_script() {
    let world = World::new();
    world.write("load.js", SCRIPT);
    world.run(&["k8s", "run", "load.js", "--pod-env", "WANTED=2"]).expect_code(99);
}

#[test]
fn a_variable_of_this_shell_is_kept_in_a_secret_and_known_when_the_script_is_loaded() {
    let world = World::new();
    world.write("load.js", format!("if (__ENV.WANTED !== '1') throw new Error('not known');{SCRIPT}"));
    let mut command =
        world.command(&["k8s", "run", "load.js", "--pod-env", "WANTED", "--name", "taken", "--keep"]);
    command.env("WANTED", "1");
    world.start_command(command).finish().expect_code(0);
    let secret = world.cluster.get("secrets", "default", "throng-taken-env").unwrap();
    assert_eq!(secret["data"], json!({"WANTED": "MQ=="}));
    let job = world.cluster.get("jobs", "default", "throng-taken").unwrap();
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let variable = container["env"].as_array().unwrap().iter().find(|one| one["name"] == "WANTED").unwrap();
    assert!(variable["value"].is_null(), "{variable}");
    world.run(&["k8s", "delete", "taken"]).expect_code(0);
    world.expect_empty("default");
}

#[test]
fn modules_and_data_travel_from_wherever_they_lie() {
    let world = World::new();
    world.write("shared/lib.js", "export const data = open('../data/users.txt');");
    world.write("data/users.txt", "anna");
    world.write(
        "tests/load.js",
        "import { data } from '../shared/lib.js';\nexport default function () { if (data !== 'anna') throw 1; }\n\
         export function setup() { console.log('user ' + data); }",
    );
    let mut command = world.command(&["k8s", "run", "load.js", "--secret-files"]);
    command.current_dir(world.folder.path().join("tests"));
    let done = world.start_command(command).finish().expect_code(0);
    assert!(done.stdout.contains("user anna"), "{}", done.stdout);
}

#[test]
fn files_too_large_for_an_object_go_through_the_controller() {
    let world = World::new();
    world.write("big.bin", vec![7; 3_000_000]);
    world.write(
        "load.js",
        "const data = open('big.bin', 'b');\nexport default function () { if (data.byteLength !== 3000000) throw 1; }\n\
         export function handleSummary() { return { stdout: 'bytes ' + data.byteLength + '\\n' }; }",
    );
    let done = world.run(&["k8s", "run", "load.js"]).expect_code(0);
    done.expect_error("sending 2 files (3.0 MB)");
    assert!(done.stdout.contains("bytes 3000000"), "{}", done.stdout);
    assert_eq!(world.cluster.count("create configmaps"), 0);
    world.expect_empty("default");
}

#[test]
fn two_runs_in_one_namespace_do_not_meet() {
    let world = World::new();
    world.write("load.js", SCRIPT);
    let one = world.start(&["k8s", "run", "load.js", "--workers", "2", "--name", "one"]);
    let other = world.start(&["k8s", "run", "load.js", "--name", "other", "-e", "WANTED=2"]);
    one.finish().expect_code(0);
    other.finish().expect_code(99);
    assert_eq!(world.read("throng-results/one/mine.txt"), "iterations 4");
    world.expect_empty("default");
}

#[test]
fn ctrl_c_ends_the_test_with_its_summary_and_takes_everything_away() {
    let world = World::new();
    world.write("load.js", ENDLESS);
    let mut run = world.start(&["k8s", "run", "load.js", "--name", "mine"]);
    run.wait_for("1 of 1 workers run");
    world.cluster.wait("the start of the load", LIMIT, |_| run.stdout().contains("running").then_some(()));
    run.signal("INT");
    let done = run.finish().expect_code(105);
    assert!(done.stdout.contains("torn down"), "{}", done.stdout);
    assert!(done.stdout.contains("iterations"), "{}", done.stdout);
    assert!(world.has("throng-results/mine/summary.json"));
    world.expect_empty("default");
}

#[test]
fn a_signal_before_the_start_takes_everything_away() {
    let world = World::new();
    world.write("load.js", SCRIPT);
    world.cluster.when(
        |_| true,
        throng_kube_standin::Behaviour::Unschedulable { message: "0/1 nodes are available".into() },
    );
    let mut run = world.start(&["k8s", "run", "load.js"]);
    run.wait_for("cannot be scheduled");
    run.signal("TERM");
    run.finish().expect_code(105);
    world.expect_empty("default");
}

#[test]
fn workers_are_scaled_while_the_test_runs_and_the_run_is_left_and_found_again() {
    let world = World::new();
    world.write("load.js", ENDLESS.replace("10m", "8s"));
    let done =
        world.run(&["k8s", "run", "load.js", "--workers", "1", "--name", "long", "--detach"]).expect_code(0);
    done.expect_error("run long stays");
    let workers = world.start(&["k8s", "logs", "--workers", "--follow"]);
    world.run(&["k8s", "scale", "long", "--workers", "2"]).expect_code(0).expect_error("it had 1");
    let ready = |wanted: u64| {
        world.cluster.wait("the workers", LIMIT, |cluster| {
            let deployment = cluster.get("deployments", "default", "throng-long-workers")?;
            (deployment["status"]["readyReplicas"] == wanted).then_some(())
        });
    };
    ready(2);
    let status = world.run(&["k8s", "status"]).expect_code(0);
    assert!(status.stdout.contains("long  running  load.js  2 of 2 workers"), "{}", status.stdout);
    world.run(&["k8s", "results", "long"]).expect_code(104).expect_error("is not over");
    // The controller stays with its results after the test, and so does who follows its log.
    let followed = world.start(&["k8s", "logs", "--follow"]);
    world
        .cluster
        .wait("the end of the test", LIMIT, |_| followed.stdout().contains("torn down").then_some(()));
    followed.signal("INT");
    followed.finish().expect_code(0);
    // The controller takes its workers away; the one that came later was followed too.
    let done = workers.finish().expect_code(0);
    let pods: std::collections::BTreeSet<_> =
        done.stdout.lines().filter_map(|line| line.split_once("  ")).map(|(pod, _)| pod).collect();
    assert_eq!(pods.len(), 2, "{}", done.stdout);
}

#[test]
fn results_of_a_run_that_was_left_are_brought_later_with_its_code() {
    let world = World::new();
    // It takes longer than leaving it: a test that is over by then is not left.
    world.write("load.js", slow());
    world.run(&["k8s", "run", "load.js", "--name", "left", "--detach", "-e", "WANTED=2"]).expect_code(0);
    // The controller takes its own workers away, with rights for nothing else.
    world.cluster.wait("the end of the workers", LIMIT, |cluster| {
        let deployment = cluster.get("deployments", "default", "throng-left-workers")?;
        (deployment["spec"]["replicas"] == 0).then_some(())
    });
    world
        .run(&["k8s", "results"])
        .expect_code(99)
        .expect_error("files of results are in throng-results/left");
    assert_eq!(world.read("throng-results/left/mine.txt"), "iterations 4");
    world.expect_empty("default");
}

#[test]
fn a_run_survives_broken_streams() {
    let world = World::new();
    world.write("load.js", ENDLESS.replace("10m", "6s"));
    let mut run = world.start(&["k8s", "run", "load.js"]);
    run.wait_for("1 of 1 workers run");
    world.cluster.break_streams();
    std::thread::sleep(Duration::from_secs(1));
    world.cluster.break_streams();
    let done = run.finish().expect_code(0);
    assert!(done.stdout.contains("torn down"), "{}", done.stdout);
    assert_eq!(done.stdout.matches("torn down").count(), 1, "a line was shown twice: {}", done.stdout);
}

#[test]
fn a_namespace_with_restricted_pod_security_takes_a_run() {
    let world = World::new();
    world.cluster.put(json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "strict", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    }));
    world.write("load.js", SCRIPT);
    world.run(&["k8s", "run", "load.js", "-n", "strict"]).expect_code(0);
    world.expect_empty("strict");
}

#[test]
fn a_quota_that_asks_for_requests_takes_a_run() {
    let world = World::new();
    world.cluster.put(json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "compute"},
        "spec": {"hard": {"pods": "4", "requests.cpu": "2", "requests.memory": "2Gi"}},
    }));
    world.write("load.js", SCRIPT);
    world.run(&["k8s", "run", "load.js"]).expect_code(0);
}

#[test]
fn a_worker_that_is_killed_is_told_of_and_the_test_goes_on() {
    let world = World::new();
    world.write("load.js", ENDLESS.replace("10m", "12s"));
    let mut run = world.start(&["k8s", "run", "load.js", "--workers", "2"]);
    run.wait_for("2 of 2 workers run");
    world.cluster.wait("the start of the load", LIMIT, |_| run.stdout().contains("running").then_some(()));
    // The restarts that the run begins with have to be known.
    std::thread::sleep(Duration::from_secs(1));
    let worker = world
        .cluster
        .list("pods", "default")
        .into_iter()
        .find(|pod| is_part(pod, "worker"))
        .and_then(|pod| pod["metadata"]["name"].as_str().map(str::to_owned))
        .unwrap();
    world.cluster.kill("default", &worker);
    let done = run.finish().expect_code(0);
    done.expect_error(&format!("worker pod {worker} ended with code 137"));
}
