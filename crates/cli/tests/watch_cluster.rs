//! `--watch` in a cluster: the stand-in's API server tells a history that the test wrote.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

#[path = "../../demo-api/tests/support/mariadb.rs"]
#[allow(dead_code, reason = "shared with the tests of the demo API")]
mod mariadb;
#[path = "watch/run.rs"]
#[allow(dead_code, reason = "shared with the tests of databases")]
mod run;
mod support;

use std::time::{Duration, Instant};

use run::{Left, Run};
use serde_json::{Value, json};
use throng_kube_standin::{Behaviour, Cluster};

/// Ten virtual users at once, then forty within a second, then none.
const RAMP: &str = "
import { sleep } from 'k6';
export const options = {
  stages: [
    { duration: '0s', target: 10 }, { duration: '1s', target: 10 }, { duration: '1s', target: 40 },
    { duration: '7s', target: 40 }, { duration: '1s', target: 0 },
  ],
};
export default function () { sleep(0.1); }
";

/// A cluster with a deployment of two replicas, its autoscaler and its pods.
struct Scene {
    cluster: Cluster,
    kubeconfig: String,
}

impl Scene {
    fn new() -> Self {
        let cluster = Cluster::start().unwrap();
        // What becomes of pods is the test's to say, except for those that it lets run.
        cluster.when(
            |pod| pod["metadata"]["annotations"]["by"] == "test",
            Behaviour::Unschedulable { message: "0/1 nodes are available: Insufficient cpu".to_owned() },
        );
        let template = json!({
            "metadata": { "labels": { "app": "web" } },
            "spec": { "containers": [{ "name": "web", "image": "web" }] },
        });
        cluster.put(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "default" },
            "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "web" } }, "template": template },
        }));
        cluster.put(json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": { "name": "web", "namespace": "default" },
            "spec": {
                "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
                "minReplicas": 2, "maxReplicas": 10,
                "metrics": [{ "type": "Resource", "resource": {
                    "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 70 },
                } }],
            },
        }));
        let kubeconfig = cluster.kubeconfig().display().to_string();
        let scene = Self { cluster, kubeconfig };
        scene.hpa(2, 2, 40);
        scene.cluster.wait("two pods that are ready", Duration::from_secs(10), |cluster| {
            let ready = |pod: &&Value| pod["status"]["containerStatuses"][0]["ready"] == true;
            (cluster.list("pods", "default").iter().filter(ready).count() == 2).then_some(())
        });
        scene
    }

    fn hpa(&self, current: u32, desired: u32, cpu: u32) {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let status = json!({ "status": {
            "currentReplicas": current, "desiredReplicas": desired, "lastScaleTime": now,
            "currentMetrics": [{ "type": "Resource", "resource": {
                "name": "cpu", "current": { "averageUtilization": cpu, "averageValue": "1" },
            } }],
        } });
        assert!(self.cluster.change("horizontalpodautoscalers", "default", "web", &status));
    }

    /// A new pod, which gets no further than the test brings it.
    fn pod(&self, name: &str) {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        self.cluster.put(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": name, "namespace": "default", "labels": { "app": "web" }, "annotations": { "by": "test" },
                "creationTimestamp": now,
            },
            "spec": { "containers": [{ "name": "web", "image": "web" }] },
        }));
    }

    fn becomes(&self, pod: &str, status: Value) {
        assert!(self.cluster.change("pods", "default", pod, &json!({ "status": status })), "{pod}");
    }

    fn scheduled(&self, pod: &str) {
        self.becomes(pod, json!({ "conditions": [condition("PodScheduled")] }));
    }

    fn ready(&self, pod: &str) {
        self.becomes(
            pod,
            json!({
                "phase": "Running",
                "conditions": [condition("PodScheduled"), condition("Ready")],
                "containerStatuses": [container(0, json!({}))],
            }),
        );
    }

    fn run(&self, script: &str, args: &[&str]) -> Run {
        let args: Vec<&str> =
            ["--watch=hpa/web", "--watch-interval=250ms"].iter().chain(args).copied().collect();
        Run::start(script, &args, &[("KUBECONFIG", &self.kubeconfig)])
    }
}

fn condition(kind: &str) -> Value {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({ "type": kind, "status": "True", "lastTransitionTime": now })
}

fn container(restarts: u32, last: Value) -> Value {
    json!({
        "name": "web", "image": "web", "imageID": "", "ready": true, "restartCount": restarts, "lastState": last,
        "state": { "running": { "startedAt": "2026-01-01T00:00:00Z" } },
    })
}

/// Waits until so long after the start.
fn at(begun: Instant, seconds: f64) {
    let until = begun + Duration::from_secs_f64(seconds);
    std::thread::sleep(until.saturating_duration_since(Instant::now()));
}

/// The figures of a step in the summary: when, and how long after the step before, in seconds.
fn step(left: &Left, what: &str) -> (f64, Option<f64>) {
    let line = left.stdout.lines().rev().find(|line| line.trim_start().starts_with(&format!("{what}.")));
    let line = line.unwrap_or_else(|| panic!("no {what} in {}", left.stdout));
    let rest = line.split(':').nth(1).unwrap();
    let mut words = rest.split_whitespace();
    let when = words.next().unwrap();
    let (minutes, seconds) = when.trim_end_matches('s').split_once('m').unwrap_or_else(|| panic!("{line}"));
    let took = words.next().and_then(|word| word.strip_prefix('+')?.strip_suffix('s')?.parse().ok());
    (minutes.parse::<f64>().unwrap() * 60.0 + seconds.parse::<f64>().unwrap(), took)
}

#[test]
fn time_to_scale_is_told_to_the_second_and_windows_are_judged() {
    let scene = Scene::new();
    let mut run = scene.run(
        RAMP,
        &[
            "--watch-after=20s",
            "--expect=k8s_hpa_replicas{hpa:web}: max>=4 by end",
            "--expect=k8s_hpa_replicas{hpa:web}: max>=4 by peak",
            "--expect=k8s_hpa_replicas{hpa:web}: value==2 within 15s of end",
            "--expect=k8s_pod_restarts: count==0",
            "--expect=k8s_pods_ready{workload:web}: min>=2",
        ],
    );
    run.until("k8s_hpa_replicas", |value| value == 2.0);
    let begun = Instant::now();
    at(begun, 3.0);
    scene.hpa(2, 2, 95);
    at(begun, 4.0);
    scene.hpa(2, 4, 95);
    scene.pod("web-a");
    scene.pod("web-b");
    at(begun, 5.0);
    scene.scheduled("web-a");
    scene.scheduled("web-b");
    at(begun, 6.0);
    scene.ready("web-a");
    at(begun, 7.0);
    scene.ready("web-b");
    scene.hpa(4, 4, 60);
    run.until_said("the load is over; watching for up to 20s");
    let over = Instant::now();
    at(over, 2.0);
    scene.hpa(4, 2, 5);
    at(over, 3.0);
    scene.hpa(2, 2, 5);
    run.until_said("all that is expected after the end is decided");
    assert!(over.elapsed() < Duration::from_secs(10), "it need not wait for all of the twenty seconds");
    let left = run.end().expect_code(99);
    assert!(left.stdout.contains("✓ 'max>=4 by end' max=4"), "{}", left.stdout);
    assert!(left.stdout.contains("✗ 'max>=4 by peak' max=2"), "{}", left.stdout);
    assert!(left.stdout.contains("✓ 'value==2 within 15s of end' value=2"), "{}", left.stdout);
    assert!(left.stdout.contains("✓ 'count==0' count=0"), "{}", left.stdout);
    assert!(left.stdout.contains("✓ 'min>=2' min=2"), "{}", left.stdout);

    assert!(
        left.stdout.contains("web: 2 → 4 replicas, ready 6 s after the load began to rise"),
        "{}",
        left.stdout
    );
    let (load_up, _) = step(&left, "load up");
    assert_eq!(load_up, 1.0);
    // The script's clock begins when the first sample is seen, at most a second after the run's.
    let (over_target, took) = step(&left, "metric over target");
    assert!((2.5..=4.5).contains(&over_target), "{over_target}");
    assert!(took.is_some_and(|took| (1.0..=3.0).contains(&took)), "{took:?}");
    for (what, seconds) in [("decided", 1.0), ("scheduled", 1.0), ("ready", 2.0)] {
        assert_eq!(step(&left, what).1, Some(seconds), "{what}: {}", left.stdout);
    }
    assert!(left.stdout.contains("the first 2 s"), "{}", left.stdout);
    assert!(
        left.stdout.contains("web: from 4 back to 2 replicas 3 s after the end of the load"),
        "{}",
        left.stdout
    );
    left.expect_said("web: scaling up, 2 → 4 replicas wanted (cpu 95 of 70)");
    left.expect_said("web: no node takes web-a: 0/1 nodes are available: Insufficient cpu");
    left.expect_said("web: web-b is ready");
    assert!(left.stdout.contains("hpa/web"), "the progress shows replicas: {}", left.stdout);
    assert_eq!(left.of("k8s_pod_start_time").len(), 2);
}

/// Twenty users that are idle; what is told of them is how many there are.
const IDLE_USERS: &str = "
from locust import User, constant, task

class Idle(User):
    wait_time = constant(0.1)

    @task
    def wait(self):
        pass
";

#[test]
#[ignore = "needs the Python module: ./x test python"]
fn a_locustfile_is_watched_beside_with_the_same_account() {
    let scene = Scene::new();
    let args = [
        "--watch=hpa/web",
        "--watch-interval=250ms",
        "--watch-after=20s",
        "--expect=k8s_hpa_replicas{hpa:web}: max>=4 by end",
        "--expect=k8s_hpa_replicas{hpa:web}: value==2 within 15s of end",
        "--expect=k8s_pod_restarts: count>0",
        "--headless",
        "--users=20",
        "--spawn-rate=20",
        "--run-time=7s",
    ];
    let mut run = Run::locustfile(IDLE_USERS, &args, &[("KUBECONFIG", &scene.kubeconfig)]);
    run.until_said("All users spawned");
    let begun = Instant::now();
    at(begun, 1.0);
    scene.hpa(2, 4, 95);
    scene.pod("web-a");
    scene.pod("web-b");
    run.until_said("web: scaling up, 2 → 4 replicas wanted (cpu 95 of 70)");
    scene.ready("web-a");
    scene.ready("web-b");
    scene.hpa(4, 4, 60);
    run.until_said("the load is over; watching for up to 20s");
    scene.hpa(4, 2, 5);
    at(Instant::now(), 1.0);
    scene.hpa(2, 2, 5);
    let left = run.end().expect_code(99);
    let shown = format!("{}{}", left.stdout, left.stderr);
    for text in [
        "✓ 'max>=4 by end' max=4",
        "✓ 'value==2 within 15s of end' value=2",
        "✗ 'count>0' count=0",
        "web: 2 → 4 replicas, ready",
        "web: from 4 back to 2 replicas",
        "thresholds on metrics 'k8s_pod_restarts' have been crossed",
        "hpa/web",
    ] {
        assert!(shown.contains(text), "no {text:?} in {shown}");
    }
}

#[test]
fn a_pod_that_is_killed_for_its_memory_fails_no_restart() {
    let scene = Scene::new();
    scene.pod("web-c");
    scene.ready("web-c");
    let mut run =
        scene.run(RAMP, &["--expect=k8s_pod_restarts: count==0", "--expect=k8s_pod_oom_kills: count==0"]);
    run.until("k8s_pods_ready", |value| value == 3.0);
    let last = json!({ "terminated": {
        "exitCode": 137, "reason": "OOMKilled", "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:09Z",
    } });
    // What metrics-server says of it: nanocores, and two containers that count together.
    let using = |cpu: &str, memory: &str| json!({ "name": cpu, "usage": { "cpu": cpu, "memory": memory } });
    scene.cluster.put(json!({
        "apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
        "metadata": { "name": "web-c", "namespace": "default", "labels": { "app": "web" } },
        "timestamp": "2026-01-01T00:00:15Z", "window": "15.034s",
        "containers": [using("250000000n", "65536Ki"), using("500m", "1Mi")],
    }));
    run.until("k8s_pod_cpu", |value| value == 0.75);
    run.until("k8s_pod_memory", |value| value == 65.0 * 1024.0 * 1024.0);
    scene.becomes("web-c", json!({ "containerStatuses": [container(1, last)] }));
    run.until("k8s_pod_restarts", |value| value > 0.0);
    run.interrupt();
    let left = run.end();
    left.expect_said(
        "web: web-c was restarted: it was killed for its memory (OOMKilled): raise limits.memory",
    );
    left.expect_said("thresholds on metrics 'k8s_pod_oom_kills, k8s_pod_restarts' have been crossed");
    assert_eq!((left.sum("k8s_pod_restarts"), left.sum("k8s_pod_oom_kills")), (1.0, 1.0));
}

#[test]
fn a_watch_that_ends_or_expires_goes_on_without_a_word() {
    let scene = Scene::new();
    let mut run = scene.run(RAMP, &[]);
    run.until("k8s_hpa_replicas", |value| value == 2.0);
    scene.cluster.break_streams();
    std::thread::sleep(Duration::from_millis(300));
    scene.hpa(3, 3, 60);
    run.until("k8s_hpa_replicas", |value| value == 3.0);
    // What happens while the history is forgotten is found by listing everything again: 410.
    scene.cluster.expire();
    scene.hpa(5, 5, 60);
    scene.cluster.break_streams();
    scene.cluster.expire();
    run.until("k8s_hpa_replicas", |value| value == 5.0);
    run.interrupt();
    let left = run.end();
    assert_eq!(left.times_said("the test goes on"), left.times_said("CPU and memory"), "{}", left.stderr);
}

#[test]
fn an_api_server_that_is_gone_for_a_while_is_said_once() {
    let scene = Scene::new();
    let mut run = scene.run(RAMP, &["--expect=k8s_hpa_replicas: max>=6"]);
    run.until("k8s_hpa_replicas", |value| value == 2.0);
    scene.cluster.unavailable(true);
    scene.cluster.break_streams();
    run.until_said("watching hpa/web fails");
    std::thread::sleep(Duration::from_secs(2));
    // Nobody sees this when it happens.
    scene.hpa(6, 6, 60);
    scene.cluster.unavailable(false);
    run.until_said("watching hpa/web works again");
    run.until("k8s_hpa_replicas", |value| value == 6.0);
    let left = run.end().expect_code(0);
    assert_eq!(left.times_said("watching hpa/web fails"), 1, "{}", left.stderr);
    assert!(left.of("watch_ok").iter().any(|(_, value)| *value == 0.0));
}

#[test]
fn what_is_forbidden_absent_or_without_metrics_is_said_once_with_the_fix() {
    let scene = Scene::new();
    scene.cluster.forbid("*", "horizontalpodautoscalers");
    scene.cluster.without_metrics(true);
    let mut run =
        scene.run(RAMP, &["--watch=deployment/web", "--watch=hpa/other@elsewhere", "--watch=statefulset/no"]);
    run.until("k8s_pods_ready", |value| value == 2.0);
    run.until_said("watching CPU and memory of deployment/web fails");
    let left = run.end().expect_code(0);
    for (what, fix) in [
        ("watching hpa/web fails", "cannot list resource \"horizontalpodautoscalers\""),
        ("watching hpa/web fails", "docs/watch.md has a Role with all that watching needs"),
        ("watching CPU and memory of deployment/web fails", "install metrics-server"),
        (
            "watching the pods of statefulset/no fails",
            "there is no stateful set \"no\" in the namespace \"default\"",
        ),
    ] {
        assert_eq!(left.times_said(what), 1, "{what}: {}", left.stderr);
        left.expect_said(fix);
    }
}

#[test]
fn an_autoscaler_that_is_not_there_is_said_with_its_namespace() {
    let scene = Scene::new();
    let left = Run::start(
        "export default function () {}\nexport const options = { vus: 1, duration: '1s' };",
        &["--watch=hpa/none", "--watch-namespace=elsewhere"],
        &[("KUBECONFIG", &scene.kubeconfig)],
    )
    .end()
    .expect_code(0);
    left.expect_said("there is no autoscaler \"none\" in the namespace \"elsewhere\"");
    left.expect_said("kubectl get hpa -A");
}

#[test]
fn lines_of_logs_that_match_are_counted() {
    let scene = Scene::new();
    let line = "ERROR 1213 (40001): Deadlock found when trying to get lock".to_owned();
    scene.cluster.when(
        |pod| pod["metadata"]["labels"]["app"] == "mysql",
        Behaviour::Runs { log: vec!["ready for connections".to_owned(), line] },
    );
    scene.cluster.put(json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "name": "mysql", "namespace": "default" },
        "spec": {
            "replicas": 1, "serviceName": "mysql", "selector": { "matchLabels": { "app": "mysql" } },
            "template": { "metadata": { "labels": { "app": "mysql" } },
                "spec": { "containers": [{ "name": "mysql", "image": "mysql" }] } },
        },
    }));
    let pod = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": name, "namespace": "default", "labels": { "app": "mysql" } },
            "spec": { "containers": [{ "name": "mysql", "image": "mysql" }] },
        })
    };
    // What a pod wrote before the test is not of the test, not even when its log has to be opened again.
    scene.cluster.put(pod("mysql-1"));
    scene.cluster.wait("mysql-1 that runs", Duration::from_secs(10), |cluster| {
        let pod = cluster.get("pods", "default", "mysql-1")?;
        (pod["status"]["containerStatuses"][0]["ready"] == true).then_some(())
    });
    std::thread::sleep(Duration::from_secs(2));
    let mut run = scene.run(
        RAMP,
        &[
            "--watch=logs/statefulset/mysql",
            "--match=deadlock=Deadlock found",
            "--match=pool=Too many connections",
            "--expect=log_matches{match:deadlock}: count==0",
            "--expect=log_matches{match:pool}: count==0",
        ],
    );
    run.until("log_matches", |value| value == 0.0);
    // A pod that comes while it is watched is read from its first line on.
    scene.cluster.break_streams();
    scene.cluster.put(pod("mysql-0"));
    run.until("log_matches", |value| value == 1.0);
    std::thread::sleep(Duration::from_secs(2));
    run.interrupt();
    let left = run.end();
    assert_eq!(left.sum("log_matches"), 1.0);
    left.expect_said("mysql-0: ERROR 1213 (40001): Deadlock found when trying to get lock");
    left.expect_said("thresholds on metrics 'log_matches{match:deadlock}' have been crossed");
}

/// Records what docs/watch.md shows: the employees API with MariaDB behind it, and an autoscaler on the stand-in whose
/// history is written here. `THRONG_RECORD=FOLDER cargo test -p throng --test watch_cluster -- --ignored seed --nocapture`
#[test]
#[ignore = "records the guide's example; takes a minute and a half"]
fn seed_003_from_one_terminal() {
    let folder =
        std::path::PathBuf::from(std::env::var_os("THRONG_RECORD").expect("THRONG_RECORD names a folder"));
    let Some(server) = mariadb::MariaDb::start_with("watch-seed", &["--long-query-time=0.2"]) else { return };
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (api, page) = (free(), free());
    let mut served = std::process::Command::new(support::THRONG.link())
        .args(["demo-api", "--listen", &api.to_string(), "--database-url", &server.url()])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while std::net::TcpStream::connect(api).is_err() {
        std::thread::sleep(Duration::from_millis(50));
    }
    let scene = Scene::new();
    let script = std::fs::read_to_string("../../examples/k6/load-test.js").unwrap();
    let (base, ui) = (format!("BASE_URL=http://{api}"), format!("--ui={page}"));
    let watch = format!("--watch={}", server.url());
    let mut run = scene.run(
        &script,
        &[
            &ui,
            "--linger",
            "-e",
            &base,
            &watch,
            "--watch-after=60s",
            "--stage=8s:10",
            "--stage=17s:20",
            "--stage=8s:30",
            "--stage=17s:20",
            "--stage=8s:0",
            "--expect=k8s_hpa_replicas: max>=4 by peak+10s",
            "--expect=k8s_hpa_replicas: value==2 within 60s of end",
            "--expect=k8s_pod_restarts: count==0",
            "--expect=db_deadlocks: count==0",
        ],
    );
    run.until("k8s_hpa_replicas", |value| value == 2.0);
    let begun = Instant::now();
    at(begun, 12.0);
    scene.hpa(2, 2, 75);
    at(begun, 21.0);
    scene.hpa(2, 3, 82);
    scene.pod("web-a");
    at(begun, 21.5);
    scene.scheduled("web-a");
    at(begun, 27.0);
    scene.ready("web-a");
    scene.hpa(3, 3, 88);
    at(begun, 31.0);
    scene.hpa(3, 4, 90);
    scene.pod("web-b");
    at(begun, 32.0);
    scene.scheduled("web-b");
    at(begun, 40.0);
    scene.ready("web-b");
    scene.hpa(4, 4, 60);
    run.until_said("the load is over");
    std::thread::sleep(Duration::from_secs(10));
    scene.hpa(4, 2, 3);
    std::thread::sleep(Duration::from_secs(1));
    scene.hpa(2, 2, 3);
    run.until_said("waiting for Ctrl-C");
    // The page is still there: a picture of it, and the report.
    let picture = folder.join("watch.png");
    let shot = std::process::Command::new("node")
        .arg("../../tests/browser/shot.mjs")
        .args([&format!("http://{page}/#charts"), picture.to_str().unwrap(), "1200", "2300"])
        .output();
    println!("{shot:?}");
    run.interrupt();
    let left = run.end();
    std::fs::write(
        folder.join("watch.txt"),
        format!("{}\n---\n{}\nexit code {}\n", left.stdout, left.stderr, left.code),
    )
    .unwrap();
    served.kill().unwrap();
    served.wait().unwrap();
}
