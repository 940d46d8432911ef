//! Forwarded ports: the page, services as targets of tests here, and clusters behind another machine.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::json;
use throng_kube_standin::Behaviour;

use crate::support::{ENDLESS, LIMIT, World};

/// A web server that answers everything with 200.
pub(crate) fn web_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).is_ok_and(|length| length > 0) {
                    if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// A service `api` on port 80 with one pod behind it, which listens on 8080 once it is told where.
pub(crate) fn with_service() -> World {
    let world = World::new();
    world.cluster.when(|pod| pod["metadata"]["labels"]["app"] == "api", Behaviour::Runs { log: Vec::new() });
    world.cluster.put(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "api"},
        "spec": {"selector": {"app": "api"}, "ports": [{"port": 80, "targetPort": "http"}]},
    }));
    world.cluster.put(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": "api"}},
            "template": {
                "metadata": {"labels": {"app": "api"}},
                "spec": {"containers": [{
                    "name": "api", "image": "api", "ports": [{"name": "http", "containerPort": 8080}],
                }]},
            },
        },
    }));
    world.cluster.wait("the pod", LIMIT, |cluster| {
        let deployment = cluster.get("deployments", "default", "api")?;
        (deployment["status"]["readyReplicas"] == 1).then_some(())
    });
    world
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Ten requests, one a tenth of a second, all of which must be answered.
pub(crate) fn script(port: u16) -> String {
    format!(
        "import http from 'k6/http';\nimport {{ check, sleep }} from 'k6';\n\
         export const options = {{ iterations: 10, noConnectionReuse: true, thresholds: {{ checks: ['rate==1'] }} }};\n\
         export default function () {{ check(http.get('http://127.0.0.1:{port}/'), {{ ok: (r) => r.status === 200 }}); sleep(0.1); }}"
    )
}

#[test]
fn a_test_here_loads_a_service_there_also_when_its_pod_is_replaced() {
    let world = with_service();
    world.cluster.listens(("app", "api"), 8080, web_server());
    let port = free_port();
    // What is under way while no pod is there may fail; what comes after must not.
    let longer = script(port).replace("iterations: 10", "iterations: 40").replace("rate==1", "rate>0.2");
    world.write("load.js", longer);
    let target = format!("svc/api:{port}:80");
    let mut run = world.start(&["run", "--forward", &target, "load.js"]);
    run.wait_for("is at 127.0.0.1:");
    let pod = world.cluster.list("pods", "default").remove(0);
    assert!(world.cluster.remove("pods", "default", pod["metadata"]["name"].as_str().unwrap()));
    run.finish().expect_code(0);
    world.write("load.js", script(port));
    world.run(&["run", "--forward", &target, "load.js"]).expect_code(0);
}

#[test]
fn a_target_that_refuses_is_named() {
    let world = with_service();
    let closed = SocketAddr::from(([127, 0, 0, 1], free_port()));
    world.cluster.listens(("app", "api"), 8080, closed);
    let port = free_port();
    world.write("load.js", script(port));
    let done = world.run(&["run", "--forward", &format!("svc/api:{port}:80"), "load.js"]).expect_code(99);
    done.expect_error("svc/api:80 (pod api-");
    done.expect_error("refused a connection");
    let done = world.run(&["run", "--forward", "svc/none:80", "load.js"]).expect_code(114);
    done.expect_error("cannot find svc/none:80");
    world.run(&["run", "--forward", "svc/api:81", "load.js"]).expect_code(104).expect_error("it has 80");
    world.run(&["run", "--forward", "api:80", "load.js"]).expect_code(255).expect_error("svc/NAME:PORT");
    world.cluster.forbid("create", "pods/portforward");
    let done = world.run(&["run", "--forward", &format!("svc/api:{port}:80"), "load.js"]).expect_code(99);
    done.expect_error("cannot create resource \"pods/portforward\"");
    done.expect_error("throng k8s check");
}

#[test]
fn the_page_of_a_run_is_brought_here_again() {
    let world = World::new();
    world.write("load.js", ENDLESS);
    world.run(&["k8s", "run", "load.js", "--name", "shown", "--detach"]).expect_code(0);
    let port = free_port();
    let mut forward = world.start(&["k8s", "forward", "shown", "--port", &port.to_string()]);
    forward.wait_for("is at 127.0.0.1:");
    let answer = get(port, "/healthz");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    forward.signal("INT");
    forward.finish().expect_code(0);
    world.run(&["k8s", "delete", "shown"]).expect_code(0);
    world.expect_empty("default");
}

pub(crate) fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // A connection to what does not listen yet is cut.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) fn post(port: u16, path: &str, form: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
        form.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Whether somebody takes connections at a port here.
pub(crate) fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}
