//! Runs followed from start to end against the stand-in: pods do as the test says, and the post is in this process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use throng_kube::files::Files;
use throng_kube::post::{self, FilesFrom, Orders};
use throng_kube::run::Options;
use throng_kube::settings::Settings;
use throng_kube::wanted::{Carrier, Wanted, Workers, port};
use throng_kube::{Connection, Error, Place, RunName, Say};
use throng_kube_standin::{Behaviour, Cluster};
use tokio::sync::watch;

/// Remembers what is said.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Say for Heard {
    fn note(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }

    fn warn(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }

    fn line(&self, line: &[u8]) {
        self.0.lock().unwrap().push(String::from_utf8_lossy(line).into_owned());
    }
}

struct World {
    cluster: Cluster,
    connection: Connection,
    start_timeout: Duration,
    heard: Arc<Heard>,
    folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let cluster = Cluster::start().unwrap();
        let place = Place { kubeconfig: Some(cluster.kubeconfig()), ..Place::default() };
        let connection = Connection::open(&place).await.unwrap();
        let start_timeout = Duration::from_secs(2);
        Self {
            cluster,
            connection,
            start_timeout,
            heard: Arc::default(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    async fn run(&self, wanted: Wanted) -> throng_kube::Result<i32> {
        let options = Options {
            start_timeout: self.start_timeout,
            keep: false,
            detach: false,
            results: Some(self.folder.path().join("results")),
            page: None,
        };
        let say: Arc<dyn Say> = Arc::clone(&self.heard) as Arc<dyn Say>;
        let (_sender, stop) = watch::channel(0);
        throng_kube::run(&self.connection, wanted, &options, &say, stop).await
    }

    /// Runs this as the test of a controller's post in this process, at an address that no other test has, and returns
    /// the code that came back.
    async fn leads(&self, name: &str, address: &str, test: &str) -> i32 {
        let listen: IpAddr = address.parse().unwrap();
        let controller = ("app.kubernetes.io/component", "controller");
        self.cluster.listens(controller, port::POST, (listen, port::POST).into());
        let orders = Orders {
            work: self.folder.path().join("work"),
            files: FilesFrom::Upload,
            folder: String::new(),
            command: ["sh", "-c", test].map(str::to_owned).to_vec(),
            hold: Duration::from_mins(1),
            release: None,
            token: "secret".into(),
            listen,
        };
        let lead = tokio::spawn(post::lead(orders, Box::new(|_| Ok(Vec::new())), |_| {}));
        let mut wanted = wanted(name, 2);
        wanted.carrier = Carrier::Upload;
        let code = self.run(wanted).await.unwrap_or_else(|error| panic!("{error}: {}", self.heard()));
        assert_eq!(lead.await.unwrap().unwrap(), code);
        code
    }

    fn heard(&self) -> String {
        self.heard.0.lock().unwrap().join("\n")
    }

    fn expect_empty(&self) {
        self.cluster.wait("an empty namespace", Duration::from_secs(20), |cluster| {
            cluster.leftovers("default").iter().all(|name| !name.contains("throng")).then_some(())
        });
    }
}

fn wanted(name: &str, workers: u32) -> Wanted {
    let run = RunName::new(name).unwrap();
    let mut files = Files::default();
    files.insert("load.js".into(), b"export default function () {}".to_vec());
    Wanted {
        namespace: "default".into(),
        settings: Settings::default(),
        script: "load.js".into(),
        command: vec!["throng".into(), "controller".into(), "load.js".into()],
        workers: Workers::Joining { count: workers, command: vec!["throng".into(), "worker".into()] },
        files,
        folder: String::new(),
        carrier: Carrier::ConfigMap,
        token: "secret".into(),
        hold: Duration::from_mins(1),
        has_page: true,
        watches: false,
        requirements: None,
        run,
    }
}

fn is_part(pod: &Value, part: &str) -> bool {
    pod["metadata"]["labels"]["app.kubernetes.io/component"] == part
}

fn text(done: throng_kube::Result<i32>) -> String {
    done.expect_err("it fails").to_string()
}

#[tokio::test]
async fn results_and_the_code_come_back_and_nothing_stays() {
    let world = World::new().await;
    world.cluster.when(|_| true, Behaviour::Runs { log: vec!["the controller speaks".into()] });
    assert_eq!(world.leads("whole", "127.99.0.1", "cat load.js > copy.txt; exit 99").await, 99);
    let read = |name: &str| std::fs::read_to_string(world.folder.path().join("results").join(name)).unwrap();
    assert_eq!(read("copy.txt"), "export default function () {}");
    assert_eq!(read("output.txt"), "the controller speaks\n");
    assert!(world.heard().contains("2 of 2 workers run"), "{}", world.heard());
    world.expect_empty();
}

#[tokio::test]
async fn workers_that_come_too_late_are_no_reason_to_give_up_a_test_that_ends_well() {
    let world = World::new().await;
    world.cluster.when(|_| true, Behaviour::Runs { log: Vec::new() });
    let late = Behaviour::CrashLoop { log: vec!["the run is over".into()], code: 104 };
    world.cluster.when(|pod| is_part(pod, "worker"), late);
    assert_eq!(world.leads("late", "127.99.0.2", "sleep 2").await, 0);
    world.expect_empty();
}

#[tokio::test]
async fn workers_that_are_done_before_they_are_seen_were_there() {
    let mut world = World::new().await;
    world.start_timeout = Duration::from_secs(8);
    world.cluster.when(|_| true, Behaviour::Runs { log: Vec::new() });
    world.cluster.when(|pod| is_part(pod, "worker"), Behaviour::CrashLoop { log: Vec::new(), code: 0 });
    // Longer than they may take to start.
    assert_eq!(world.leads("quick", "127.99.0.3", "sleep 10").await, 0);
    assert!(world.heard().contains("2 of 2 workers run"), "{}", world.heard());
    world.expect_empty();
}

#[tokio::test]
async fn each_reason_why_pods_do_not_start_is_said_and_all_is_cleared_away() {
    let cases: [(&str, Behaviour, &[&str]); 4] = [
        (
            "controller",
            Behaviour::ImagePull { message: "failed to pull: not found".into() },
            &["cannot pull its image throng", "--image"],
        ),
        (
            "controller",
            Behaviour::Unschedulable { message: "0/3 nodes are available: 3 Insufficient cpu.".into() },
            &["did not start in time (--start-timeout)", "Insufficient cpu", "--requests"],
        ),
        (
            "controller",
            Behaviour::Ends { log: vec!["throng: not found".into()], code: 127, after: Duration::ZERO },
            &["ended with code 127", "throng: not found"],
        ),
        (
            "worker",
            Behaviour::CrashLoop { log: vec!["no such host".into()], code: 3 },
            &["keeps ending with code 3", "no such host"],
        ),
    ];
    for (part, behaviour, words) in cases {
        let world = World::new().await;
        world.cluster.when(move |pod| is_part(pod, part), behaviour);
        let said = text(world.run(wanted("bad", 1)).await);
        for word in words {
            assert!(said.contains(word), "{word:?} in {said}");
        }
        world.expect_empty();
    }
}

#[tokio::test]
async fn a_quota_is_named() {
    let world = World::new().await;
    world.cluster.put(json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "1"}},
    }));
    let said = text(world.run(wanted("many", 3)).await);
    assert!(said.contains("exceeded quota: few") && said.contains("fewer --workers"), "{said}");
    world.expect_empty();
}

#[tokio::test]
async fn refused_permissions_are_in_the_servers_words_and_what_was_made_goes() {
    for (verb, resource) in [
        ("create", "jobs"),
        ("create", "configmaps"),
        ("create", "roles"),
        ("create", "deployments"),
        ("patch", "jobs"),
        ("list", "pods"),
    ] {
        let world = World::new().await;
        world.cluster.forbid(verb, resource);
        let done = world.run(wanted("denied", 1)).await;
        assert!(matches!(done, Err(Error::Refused { code: 403, .. })), "{done:?}");
        assert!(text(done).contains(&format!("cannot {verb} resource \"{resource}\"")));
        world.expect_empty();
    }
}

#[tokio::test]
async fn manifests_pass_restricted_pod_security_and_runs_are_scaled_shown_and_deleted() {
    let world = World::new().await;
    world.cluster.put(json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "default", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    }));
    let run = RunName::new("shown").unwrap();
    let manifests = throng_kube::manifests::make(&wanted("shown", 1));
    for object in manifests.rest.into_iter().chain([manifests.job]) {
        world.cluster.put(object);
    }
    let ready = |wanted: u64| {
        world.cluster.wait("the workers", Duration::from_secs(20), |cluster| {
            let deployment = cluster.get("deployments", "default", "throng-shown-workers")?;
            (deployment["status"]["readyReplicas"] == wanted).then_some(())
        });
    };
    ready(1);
    assert_eq!(throng_kube::scale(&world.connection, &run, 3).await.unwrap(), 1);
    ready(3);
    let status = throng_kube::status(&world.connection, None).await.unwrap();
    assert_eq!((status.len(), status[0].workers, status[0].pods.len()), (1, (3, 3), 4));
    assert_eq!(status[0].script.as_deref(), Some("load.js"));
    let gone = throng_kube::delete(&world.connection, &run).await.unwrap();
    assert_eq!(gone.len(), 8, "{gone:?}");
    world.expect_empty();
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_told_from_one_that_is_not_configured() {
    let nowhere = Place { kubeconfig: Some(PathBuf::from("/no/such/file")), ..Place::default() };
    assert!(matches!(Connection::open(&nowhere).await.err(), Some(Error::Kubeconfig { .. })));
    let world = World::new().await;
    let place = |context: &str| Place {
        kubeconfig: Some(world.cluster.kubeconfig()),
        context: Some(context.to_owned()),
        ..Place::default()
    };
    assert_eq!(Connection::open(&place("elsewhere")).await.unwrap().namespace, "elsewhere");
    let missing = Connection::open(&place("nowhere")).await.err().unwrap().to_string();
    assert!(missing.contains("it has standin, elsewhere"), "{missing}");
    assert_eq!(world.connection.version().await.unwrap(), "v1.33.0-standin");
}
