//! What goes wrong on clusters: each time the reason is said, the code is the right one, and nothing is left.

use std::time::Duration;

use serde_json::json;
use throng_kube_standin::Behaviour;

use crate::support::{LIMIT, SCRIPT, World, is_part};

fn world() -> World {
    let world = World::new();
    world.write("load.js", SCRIPT);
    world
}

#[test]
fn an_image_that_cannot_be_pulled_is_named() {
    let world = world();
    world.cluster.when(
        |_| true,
        Behaviour::ImagePull {
            message: "rpc error: code = NotFound desc = failed to pull: not found".into(),
        },
    );
    let done = world.run(&["k8s", "run", "load.js", "--image", "registry.example/throng:9"]).expect_code(114);
    done.expect_error("cannot pull its image registry.example/throng:9");
    done.expect_error("--image");
    world.expect_empty("default");
}

#[test]
fn a_pod_that_no_node_takes_is_waited_for_and_given_up() {
    let world = world();
    let message = "0/3 nodes are available: 3 Insufficient cpu.";
    world.cluster.when(|_| true, Behaviour::Unschedulable { message: message.into() });
    let done = world.run(&["k8s", "run", "load.js", "--start-timeout", "1s"]).expect_code(114);
    done.expect_error("did not start in time (--start-timeout)");
    done.expect_error(message);
    done.expect_error("--requests");
    world.expect_empty("default");
}

#[test]
fn a_quota_that_is_used_up_is_named() {
    let world = world();
    world.cluster.put(json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "2"}},
    }));
    let done =
        world.run(&["k8s", "run", "load.js", "--workers", "3", "--start-timeout", "3s"]).expect_code(114);
    done.expect_error("exceeded quota: few");
    done.expect_error("fewer --workers");
    world.expect_empty("default");
}

#[test]
fn a_quota_that_asks_for_limits_is_final_and_says_which_flag_helps() {
    let world = world();
    world.cluster.put(json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "limits"},
        "spec": {"hard": {"limits.memory": "4Gi"}},
    }));
    let done = world.run(&["k8s", "run", "load.js"]).expect_code(114);
    done.expect_error("must specify limits.memory");
    done.expect_error("--limits");
    let limits = ["--limits", "memory=1Gi", "--controller-limits", "memory=1Gi"];
    world.run(&[&["k8s", "run", "load.js"][..], &limits].concat()).expect_code(0);
}

#[test]
fn workers_that_crash_end_the_run_with_their_log() {
    let world = world();
    let log = vec!["starting".to_owned(), "no such host: controller".to_owned()];
    world.cluster.when(|pod| is_part(pod, "worker"), Behaviour::CrashLoop { log, code: 3 });
    let done = world.run(&["k8s", "run", "load.js", "--workers", "2"]).expect_code(114);
    done.expect_error("keeps ending with code 3");
    done.expect_error("no such host: controller");
    world.expect_empty("default");
}

#[test]
fn a_controller_without_throng_shows_its_log() {
    let world = world();
    let log = vec!["exec: throng: not found".to_owned()];
    world.cluster.when(
        |pod| is_part(pod, "controller"),
        Behaviour::Ends { log, code: 127, after: Duration::from_millis(1) },
    );
    let done = world.run(&["k8s", "run", "load.js"]).expect_code(114);
    done.expect_error("ended with code 127");
    done.expect_error("exec: throng: not found");
}

#[test]
fn what_pods_name_and_is_not_there_is_named() {
    let world = world();
    let done = world.run(&["k8s", "run", "load.js", "--pod-env-from", "secret/database"]).expect_code(114);
    done.expect_error("database");
    done.expect_error("--pod-env-from");
    world.expect_empty("default");
}

#[test]
fn each_refused_permission_ends_the_run_in_the_servers_words_and_what_was_made_goes() {
    for (verb, resource, code) in [
        ("create", "jobs", 114),
        ("create", "configmaps", 114),
        ("create", "secrets", 114),
        ("create", "roles", 114),
        ("create", "deployments", 114),
        ("patch", "jobs", 114),
        ("list", "pods", 114),
    ] {
        let world = world();
        world.cluster.forbid(verb, resource);
        let done = world.run(&["k8s", "run", "load.js"]).expect_code(code);
        done.expect_error(&format!("cannot {verb} resource \"{resource}\""));
        done.expect_error("throng k8s check");
        world.expect_empty("default");
    }
}

#[test]
fn with_an_account_of_ones_own_no_rights_are_made() {
    let world = world();
    world.cluster.forbid("create", "roles");
    world.cluster.forbid("create", "serviceaccounts");
    world.cluster.put(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "loader"}}));
    let done = world.run(&["k8s", "run", "load.js", "--service-account", "loader"]).expect_code(0);
    // The account may not take the workers away, which is said and no more.
    assert!(done.stdout.contains("the workers stay until the run is deleted"), "{}", done.stdout);
    world.expect_empty("default");
}

#[test]
fn a_right_that_one_does_not_have_cannot_be_given_to_the_controller() {
    let world = world();
    world.cluster.forbid("watch", "horizontalpodautoscalers");
    world.cluster.forbid("get", "pods/log");
    let done = world.run(&["k8s", "run", "load.js", "--watch", "hpa/api"]).expect_code(114);
    for text in [
        "is attempting to grant RBAC permissions not currently held",
        "Resources:[\"horizontalpodautoscalers\"], Verbs:[\"watch\"]",
        "throng k8s check",
    ] {
        done.expect_error(text);
    }
    world.expect_empty("default");
    // Without it there is nothing to grant that is not held.
    world.run(&["k8s", "run", "load.js"]).expect_code(0);
}

#[test]
fn without_the_right_to_delete_it_is_said_what_is_left() {
    let world = world();
    world.cluster.forbid("delete", "jobs");
    world.cluster.forbid("delete", "services");
    let done = world.run(&["k8s", "run", "load.js", "--name", "stuck"]).expect_code(0);
    done.expect_error("throng k8s delete stuck");
    world.cluster.allow_all();
    world.run(&["k8s", "delete", "stuck"]).expect_code(0).expect_error("run stuck is deleted");
    world.expect_empty("default");
}

#[test]
fn a_name_that_is_taken_is_refused_and_the_run_that_has_it_goes_on() {
    let world = world();
    world.write("long.js", crate::support::ENDLESS);
    let mut run = world.start(&["k8s", "run", "long.js", "--name", "mine"]);
    run.wait_for("1 of 1 workers run");
    let done = world.run(&["k8s", "run", "load.js", "--name", "mine"]).expect_code(104);
    done.expect_error("there is a run mine in namespace default already");
    world.cluster.wait("the start of the load", LIMIT, |_| run.stdout().contains("running").then_some(()));
    run.signal("INT");
    assert!(run.finish().expect_code(105).stdout.contains("torn down"));
    world.expect_empty("default");
}

#[test]
fn a_controller_that_is_deleted_ends_the_run() {
    let world = world();
    world.write("load.js", crate::support::ENDLESS);
    let mut run = world.start(&["k8s", "run", "load.js", "--name", "gone"]);
    run.wait_for("1 of 1 workers run");
    world.cluster.wait("the start of the load", LIMIT, |_| run.stdout().contains("running").then_some(()));
    assert!(world.cluster.remove("jobs", "default", "throng-gone"));
    let done = run.finish();
    // The controller ends in order if its last words arrive, and is missed if not.
    assert!(matches!(done.code, 105 | 114), "{} {}", done.code, done.stderr);
    world.expect_empty("default");
}

#[test]
fn a_script_that_does_not_load_is_refused_before_anything_is_made() {
    let world = world();
    world.write("bad.js", "export default function () {");
    world.run(&["k8s", "run", "bad.js"]).expect_code(107);
    world.run(&["k8s", "run", "none.js"]).expect_code(255).expect_error("none.js");
    world.run(&["k8s", "run", "load.js", "--vsu", "3"]).expect_code(255).expect_error("--vsu");
    world.run(&["k8s", "run", "load.js", "--linger"]).expect_code(2).expect_error("--linger");
    assert_eq!(world.cluster.count("create jobs"), 0);
}

#[test]
fn a_cluster_that_cannot_be_reached_has_a_code_of_its_own() {
    let world = world();
    let config = std::fs::read_to_string(world.cluster.kubeconfig()).unwrap();
    let closed = config.replace(&world.cluster.url(), "http://127.0.0.1:1");
    world.write("closed", closed);
    let run = |args: &[&str]| world.run(&[&["k8s", "run", "load.js"][..], args].concat());
    let done = run(&["--kubeconfig", "closed"]).expect_code(115);
    done.expect_error("cannot reach the cluster at http://127.0.0.1:1");
    run(&["--context", "nowhere"]).expect_code(104).expect_error("it has standin, elsewhere");
    let stranger = config.replace("\"token\":\"standin\"", "\"token\":\"wrong\"");
    world.write("stranger", stranger);
    run(&["--kubeconfig", "stranger"]).expect_code(114).expect_error("does not accept the credentials");
    world.write("broken", "clusters: [");
    run(&["--kubeconfig", "broken"]).expect_code(104).expect_error("cannot use the kubeconfig broken");
    let mut command = world.command(&["k8s", "status"]);
    command.env_remove("KUBECONFIG").env("HOME", world.folder.path());
    let done = world.start_command(command).finish().expect_code(104);
    done.expect_error("no cluster is configured");
}
