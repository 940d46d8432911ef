//! The commands beside `run`.

use serde_json::{Value, json};
use throng_kube_standin::Behaviour;

use crate::support::{LIMIT, SCRIPT, World, is_part};

#[test]
fn manifests_are_what_run_would_make() {
    let world = World::new();
    world.write("load.js", SCRIPT);
    world.write(
        "settings.yaml",
        "image: registry.example/throng:1\nworkers: 3\nenv:\n- name: A\n  value: '1'\nnodeSelector: {pool: load}\n",
    );
    let args = [
        "k8s",
        "manifests",
        "--name",
        "nightly",
        "--settings",
        "settings.yaml",
        "load.js",
        "-u",
        "4",
        "-i",
        "8",
        "--toleration",
        "dedicated=load:NoSchedule",
        "--volume",
        "configmap/data:/data",
        "--limits",
        "memory=1Gi",
        "--affinity",
        "{nodeAffinity: {}}",
    ];
    let text = world.run(&args).expect_code(0).stdout;
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let kinds: Vec<&str> = documents.iter().map(|document| document["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["ConfigMap", "Secret", "ServiceAccount", "Role", "RoleBinding", "Service", "Deployment", "Job"]
    );
    let job = &documents[7]["spec"]["template"]["spec"];
    assert_eq!(job["nodeSelector"]["pool"], "load");
    assert_eq!(job["tolerations"][0]["value"], "load");
    let command = job["containers"][0]["command"].to_string();
    assert!(command.contains(r#""-u","4","-i","8","load.js""#), "{command}");
    let worker = &documents[6]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(documents[6]["spec"]["replicas"], 3);
    assert_eq!(worker["image"], "registry.example/throng:1");
    assert_eq!(worker["resources"]["limits"]["memory"], "1Gi");
    assert!(worker["volumeMounts"].to_string().contains("/data"));
    let rules = documents[3]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 1, "the least rights: {rules:?}");
    assert_eq!(world.cluster.count("create jobs"), 0);
}

#[test]
fn what_manifests_show_is_what_was_written_and_not_what_was_taken_from_the_shell() {
    let world = World::new();
    world.write("load.js", SCRIPT);
    let manifests = |more: &[&str]| {
        let args =
            ["k8s", "manifests", "load.js", "--name", "x", "--pod-env", "API_KEY", "--pod-env", "USERS=5"];
        let mut command = world.command(&[&args, more].concat());
        command.env("API_KEY", "hush-hush");
        world.start_command(command).finish().expect_code(0)
    };
    let secret = "aHVzaC1odXNo";
    let done = manifests(&[]);
    done.expect_error("the Secret throng-x-env with API_KEY is not printed");
    for hidden in ["hush-hush", secret] {
        assert!(!done.stdout.contains(hidden), "{}", done.stdout);
    }
    assert!(done.stdout.contains("throng-x-env"), "pods refer to it: {}", done.stdout);
    assert!(!done.stderr.contains("hush-hush"), "{}", done.stderr);
    assert!(manifests(&["--with-secrets"]).stdout.contains(secret));
}

#[test]
fn the_image_is_the_one_that_is_built_here_by_the_kind_of_test() {
    let world = World::new();
    world.write("load.js", SCRIPT);
    world.write("locustfile.py", "from locust import HttpUser\n");
    let version = env!("CARGO_PKG_VERSION");
    for (file, image) in
        [("load.js", format!("throng:{version}")), ("locustfile.py", format!("throng:{version}-python"))]
    {
        let text = world.run(&["k8s", "manifests", file]).expect_code(0).stdout;
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        let job = documents.iter().find(|document| document["kind"] == "Job").unwrap();
        assert_eq!(job["spec"]["template"]["spec"]["containers"][0]["image"], image, "{file}");
    }
    world
        .run(&["k8s", "manifests", "load.js", "--requirements", "x.txt"])
        .expect_code(2)
        .expect_error("--requirements");
}

#[test]
fn a_settings_file_with_a_wrong_field_is_refused() {
    let world = World::new();
    world.write("load.js", SCRIPT);
    world.write("settings.yaml", "imagee: x\n");
    let done = world.run(&["k8s", "manifests", "--settings", "settings.yaml", "load.js"]).expect_code(104);
    done.expect_error("imagee");
}

#[test]
fn status_says_what_is_wrong_with_each_pod() {
    let world = World::new();
    world.write("load.js", SCRIPT);
    let log = vec!["cannot join".to_owned()];
    world.cluster.when(|pod| is_part(pod, "worker"), Behaviour::CrashLoop { log, code: 3 });
    world
        .run(&["k8s", "run", "load.js", "--name", "sick", "--keep"])
        .expect_code(114)
        .expect_error("run sick stays");
    let status = world.run(&["k8s", "status", "sick"]).expect_code(0).stdout;
    assert!(status.contains("sick  running  load.js  0 of 1 workers"), "{status}");
    assert!(status.contains("keeps ending with code 3"), "{status}");
    let logs = world.run(&["k8s", "logs", "--workers", "--previous"]).expect_code(0).stdout;
    assert!(logs.contains("-workers-") && logs.contains("cannot join"), "{logs}");
    world
        .run(&["k8s", "delete", "--all"])
        .expect_code(0)
        .expect_error("run sick is deleted: Job throng-sick");
    world.expect_empty("default");
    world.run(&["k8s", "status", "sick"]).expect_code(104).expect_error("there is no run sick");
    world.run(&["k8s", "logs"]).expect_code(104).expect_error("there is no run of throng");
    world.run(&["k8s", "scale", "sick", "--workers", "2"]).expect_code(114).expect_error("not found");
}

#[test]
fn fill_runs_in_the_cluster_and_ends_with_its_code() {
    let world = World::new();
    world.write("people.json", r#"{"name": {"$fake": "name"}}"#);
    let url = "mongodb://127.0.0.1:1/sample";
    let done = world.run(&["k8s", "fill", "--retry-for", "1s", url, "--documents", "5"]).expect_code(112);
    assert!(done.stdout.contains("127.0.0.1:1"), "{}", done.stdout);
    world.expect_empty("default");
    world.run(&["k8s", "fill", "--dry-run", url, "--documents", "5"]).expect_code(0);
}

#[test]
fn fill_with_workers_has_a_leader_that_they_join() {
    let world = World::new();
    world.write("people.json", r#"{"name": "$name"}"#);
    let url = "mysql://nobody@127.0.0.1:1/sample";
    let args = ["k8s", "fill", "--workers", "2", "--template", "people.json", "--retry-for", "1s", url];
    let done = world.run(&[&args[..], &["--rows", "5", "--name", "led", "--keep"]].concat()).expect_code(112);
    assert!(done.stdout.contains("127.0.0.1:1"), "{}", done.stdout);
    let workers = world.cluster.get("deployments", "default", "throng-led-workers").unwrap();
    // They have nothing to do any more.
    assert_eq!(workers["spec"]["replicas"], 0);
    assert!(workers.to_string().contains("--controller"), "{workers}");
    world.run(&["k8s", "delete", "led"]).expect_code(0);
    world.expect_empty("default");
}

#[test]
fn a_password_in_an_address_is_in_no_command_line_of_a_pod() {
    let world = World::new();
    let url = "mongodb://me:hush-hush@127.0.0.1:1/sample";
    let run = ["k8s", "fill", "--dry-run", "--documents", "5", "--name", "filled", "--keep", url];
    let done = world.run(&run).expect_code(0);
    assert!(
        !format!("{}{}", done.stdout, done.stderr).contains("hush-hush"),
        "{}{}",
        done.stdout,
        done.stderr
    );
    let job = world.cluster.get("jobs", "default", "throng-filled").unwrap().to_string();
    assert!(!job.contains("hush-hush") && job.contains("CLUSTER_URL"), "{job}");
    world.run(&["k8s", "delete", "filled"]).expect_code(0);
}

#[test]
fn check_goes_through_everything_and_says_what_to_do() {
    let world = World::new();
    let good = world.run(&["k8s", "check"]).expect_code(0).stdout;
    assert!(good.contains("✓ the API server at http://127.0.0.1:"), "{good}");
    assert!(good.contains("; create, get pods/portforward; "), "{good}");
    assert!(good.contains("✓ metrics-server answers"), "{good}");

    world.cluster.without_metrics(true);
    world.cluster.forbid("create", "roles");
    world.cluster.put(json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "api"},
        "spec": {"maxReplicas": 10, "minReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": "api"}},
        "status": {"currentReplicas": 2, "desiredReplicas": 2, "conditions": [{
            "type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric",
            "message": "failed to get cpu utilization: missing request for cpu in container api of Pod api-1",
        }]},
    }));
    let lacking = world.run(&["k8s", "check", "--target", "svc/none"]).expect_code(114).stdout;
    for text in [
        "! there is no metrics-server",
        "! you may not create roles",
        "! hpa/api does not scale",
        "set resources.requests",
        "✗ cannot find svc/none",
    ] {
        assert!(lacking.contains(text), "{text:?} in {lacking}");
    }
    world.cluster.forbid("create", "jobs");
    let bad = world.run(&["k8s", "check"]).expect_code(114).stdout;
    assert!(bad.contains("✗ you may not create jobs"), "{bad}");
    world.cluster.unavailable(true);
    let away = world.run(&["k8s", "check"]).expect_code(115).stdout;
    assert!(away.contains("✗"), "{away}");
}

#[test]
fn check_looks_behind_the_target() {
    let world = World::new();
    world.cluster.when(|pod| pod["metadata"]["labels"]["app"] == "api", Behaviour::Runs { log: Vec::new() });
    world.cluster.put(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "api"},
        "spec": {"selector": {"app": "api"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }));
    let check = |target: &str| world.run(&["k8s", "check", "--target", target]);
    let nobody = check("svc/api").expect_code(114).stdout;
    assert!(nobody.contains("✗ no pod is behind svc/api"), "{nobody}");
    world.cluster.put(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": "api"}},
            "template": {
                "metadata": {"labels": {"app": "api"}}, "spec": {"containers": [{"name": "api", "image": "api"}]},
            },
        },
    }));
    world.cluster.wait("the pods", LIMIT, |cluster| {
        let deployment = cluster.get("deployments", "default", "api")?;
        (deployment["status"]["readyReplicas"] == 2).then_some(())
    });
    let there = check("svc/api:80").expect_code(0).stdout;
    assert!(there.contains("✓ 2 of 2 pods behind svc/api are ready"), "{there}");
    assert!(there.contains("does not say how much CPU it asks for"), "{there}");
    let port = check("svc/api:81").expect_code(114).stdout;
    assert!(port.contains("✗ svc/api has no port 81"), "{port}");
}
