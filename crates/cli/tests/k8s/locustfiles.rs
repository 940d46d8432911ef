//! Locustfiles: a master and workers in pods, results of both kinds of end.
//!
//! They need the Python module and an interpreter with gevent, so that `./x test python` runs them.

use std::path::Path;

use crate::forward::{free_port, get, web_server};
use crate::support::{LIMIT, World, files_of};

const LOCUSTFILE: &str = "
from locust import HttpUser, constant, events, task
from words import GREETING

class Visitor(HttpUser):
    wait_time = constant(0.1)

    @task
    def hello(self):
        self.client.get('/' + GREETING)

@events.quitting.add_listener
def quitting(environment, **_):
    print('asked', environment.stats.total.num_requests > 0, type(environment.runner).__name__)
";

fn world() -> World {
    let world = World::new();
    world.write("locustfile.py", LOCUSTFILE);
    world.write("words.py", "GREETING = 'hello'\n");
    world
}

#[test]
#[ignore = "needs the Python module: ./x test python"]
fn a_locustfile_goes_to_its_results_and_leaves_nothing_on_the_cluster() {
    let world = world();
    world.write("requirements.txt", "locust==1.6.0\n# the others are in the image\ngevent\n");
    let host = format!("http://{}", web_server());
    let options = ["--headless", "-u", "4", "-r", "4", "-t", "3s", "-H", &host];
    let run = ["k8s", "run", "locustfile.py", "--workers", "2", "--name", "visits"];
    let done = world.run(&[&run[..], &options].concat()).expect_code(0);
    done.expect_error("2 of 2 workers run");
    for text in ["locust==1.6.0: throng takes its place", "asked True MasterRunner", "GET      /hello"] {
        assert!(done.stdout.contains(text), "{text:?} in {}", done.stdout);
    }
    let names = files_of(&world.folder.path().join("throng-results/visits"));
    for name in ["output.txt", "report.html", "stats_failures.csv", "stats_stats.csv"] {
        assert!(names.iter().any(|found| found == name), "{name} in {names:?}");
    }
    let stats = world.read("throng-results/visits/stats_stats.csv");
    assert!(stats.contains("GET,/hello,"), "{stats}");
    world.expect_empty("default");
}

#[test]
#[ignore = "needs the Python module: ./x test python"]
fn a_test_that_waits_for_its_page_is_started_there_and_scaled() {
    let world = world();
    let host = format!("http://{}", web_server());
    let port = free_port();
    let run =
        ["k8s", "run", "locustfile.py", "--name", "shown", "--page-port", &port.to_string(), "-H", &host];
    let mut run = world.start(&run);
    run.wait_for("1 of 1 workers run");
    run.wait_for(&format!("the page of this run is at http://127.0.0.1:{port}"));
    let page = |path: &str| if crate::forward::listens(port) { get(port, path) } else { String::new() };
    world.cluster.wait("the page", LIMIT, |_| page("/stats/requests").contains("\"state\"").then_some(()));
    world.run(&["k8s", "scale", "--workers", "2"]).expect_code(0).expect_error("it had 1");
    world.cluster.wait("the second worker", LIMIT, |_| {
        (page("/stats/requests").matches("\"user_count\"").count() > 2).then_some(())
    });
    let started = crate::forward::post(port, "/swarm", "user_count=4&spawn_rate=4");
    assert!(started.contains("\"success\""), "{started}");
    world.cluster.wait("requests", LIMIT, |_| page("/stats/requests").contains("/hello").then_some(()));
    run.signal("INT");
    let done = run.finish();
    assert!(done.stdout.contains("asked True MasterRunner"), "{}{}", done.stdout, done.stderr);
    assert!(Path::new(&world.folder.path().join("throng-results/shown/report.html")).exists());
    world.expect_empty("default");
}

#[test]
#[ignore = "needs the Python module: ./x test python"]
fn a_locustfile_that_fails_ends_with_its_code_and_its_words() {
    let world = world();
    world.write("locustfile.py", "import nothing_of_this_name\n");
    let done = world.run(&["k8s", "run", "locustfile.py", "--headless", "-t", "1s"]).expect_code(1);
    assert!(done.stdout.contains("nothing_of_this_name"), "{}{}", done.stdout, done.stderr);
    world.expect_empty("default");
}

#[test]
#[ignore = "needs the Python module: ./x test python"]
fn a_locustfile_here_loads_a_service_of_the_cluster() {
    let world = crate::forward::with_service();
    world.cluster.listens(("app", "api"), 8080, web_server());
    world.write("locustfile.py", LOCUSTFILE);
    world.write("words.py", "GREETING = 'hello'\n");
    let port = free_port();
    let (target, host) = (format!("svc/api:{port}:80"), format!("http://127.0.0.1:{port}"));
    let args =
        ["run", "--forward", &target, "locustfile.py", "--headless", "-u", "2", "-t", "2s", "-H", &host];
    let mut command = world.command(&args);
    for name in ["THRONG_PYTHON", "VIRTUAL_ENV"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.env("HOME", world.folder.path());
    let done = world.start_command(command).finish().expect_code(0);
    assert!(done.stdout.contains("asked True LocalRunner"), "{}{}", done.stdout, done.stderr);
}
