//! `--watch` against real databases: what is provoked appears at its second and fails its threshold.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

#[path = "../../demo-api/tests/support/mariadb.rs"]
#[allow(dead_code, reason = "shared with the tests of the demo API")]
mod mariadb;
#[path = "fill/mongodb.rs"]
#[allow(dead_code, reason = "shared with the tests of throng fill")]
mod mongodb;
#[path = "fill/postgres.rs"]
#[allow(dead_code, reason = "shared with the tests of throng fill")]
mod postgres;
#[path = "watch/redis.rs"]
mod redis;
#[path = "watch/run.rs"]
#[allow(dead_code, reason = "shared with the tests in a cluster")]
mod run;
mod support;

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mariadb::MariaDb;
use mongodb::MongoDb;
use postgres::Postgres;
use redis::Redis;
use run::{Left, Run, now};
use support::THRONG;

/// Loads nothing, until it is interrupted.
const IDLE: &str = "
import { sleep } from 'k6';
export const options = { vus: 1, duration: '2m' };
export default function () { sleep(0.1); }
";

/// What nobody wants to see in a test.
const CALM: [&str; 4] = [
    "--expect=db_deadlocks: count==0",
    "--expect=db_lock_waits: count==0",
    "--expect=db_slow_queries: count==0",
    "--expect=db_connections: max<12",
];

/// Clients that run beside the test, ended when dropped.
struct Clients(Vec<Child>);

impl Clients {
    fn start(commands: impl IntoIterator<Item = Command>) -> Self {
        let mut clients = Self(Vec::new());
        clients.start_more(commands);
        clients
    }

    fn start_more(&mut self, commands: impl IntoIterator<Item = Command>) {
        let start = |mut command: Command| command.stdin(Stdio::null()).spawn().expect("a client starts");
        self.0.extend(commands.into_iter().map(start));
    }

    fn wait(mut self) -> f64 {
        for client in &mut self.0 {
            client.wait().unwrap();
        }
        now()
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        for client in &mut self.0 {
            let _ = client.kill();
            let _ = client.wait();
        }
    }
}

/// That something was seen within the second after it happened between the two moments.
#[track_caller]
fn at_its_second(left: &Left, metric: &str, wanted: impl Fn(f64) -> bool, from: f64, to: f64) {
    let seen = left.first(metric, wanted);
    assert!(seen >= from && seen <= to + 1.5, "{metric}: seen at {seen}, happened between {from} and {to}");
}

#[test]
fn mariadb_a_deadlock_a_lock_wait_a_slow_query_and_a_full_pool() {
    let options = &["--max-connections=12", "--long-query-time=0.4", "--innodb-deadlock-detect=ON"];
    let Some(server) = MariaDb::start_with("watch-mariadb", options) else { return };
    server.sql("CREATE USER 'watcher'@'127.0.0.1' IDENTIFIED BY 's3cr3t'; GRANT SELECT ON demo.* TO 'watcher'@'127.0.0.1'");
    server.sql("CREATE TABLE demo.t (id INT PRIMARY KEY, v INT); INSERT INTO demo.t VALUES (1, 0), (2, 0)");
    let port = server.url().rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
    let client = |sql: &str| {
        let mut client = Command::new("mariadb");
        client
            .args(["--no-defaults", "-h", "127.0.0.1", "-P", &port, "-udemo", "-psecret", "demo", "-e", sql])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        client
    };
    let url = format!("mysql://watcher:s3cr3t@127.0.0.1:{port}/demo");
    let args: Vec<&str> =
        ["--watch", &url, "--watch-interval=250ms", "--expect=db_connections_refused: count==0"]
            .into_iter()
            .chain(CALM)
            .collect();

    let mut run = Run::start(IDLE, &args, &[]);
    run.until("db_queries", |value| value > 0.0);
    let from = now();
    let both = ["1", "2"].map(|first| {
        let second = if first == "1" { "2" } else { "1" };
        client(&format!(
            "BEGIN; UPDATE t SET v = v + 1 WHERE id = {first}; DO SLEEP(0.3); UPDATE t SET v = v + 1 WHERE id = {second}; COMMIT"
        ))
    });
    let deadlocked = Clients::start(both).wait();
    run.until("db_deadlocks", |value| value > 0.0);
    // Not every deadlock has a lock wait that InnoDB counts: one that is found before its victim sleeps has none.
    let waited = Clients::start([
        client(
            "BEGIN; UPDATE t SET v = v + 1 WHERE id = 1; DO SLEEP(0.3); DO SLEEP(0.3); DO SLEEP(0.3); COMMIT",
        ),
        client("DO SLEEP(0.3); UPDATE t SET v = v + 1 WHERE id = 1"),
    ])
    .wait();
    run.until("db_lock_waits", |value| value > 0.0);
    let slow_from = now();
    let slow = Clients::start([client("SELECT SLEEP(0.6)")]).wait();
    run.until("db_slow_queries", |value| value > 0.0);
    let full_from = now();
    let mut full = Clients::start((0..16).map(|_| client("SELECT SLEEP(30)")));
    let tried = Instant::now();
    while !run.has_seen("db_connections", |value| value >= 12.0) && tried.elapsed() < Duration::from_secs(20)
    {
        // Who was refused while one of before was not gone yet does not come again.
        std::thread::sleep(Duration::from_millis(300));
        full.start_more([client("SELECT SLEEP(30)")]);
    }
    run.until("db_connections", |value| value >= 12.0);
    // The server has one connection more for administrators, and does not count whom it refuses there, one after the other.
    // Whoever says nothing keeps it, so that the next ones are counted.
    let silent = [(); 4].map(|()| TcpStream::connect(format!("127.0.0.1:{port}")).unwrap());
    run.until("db_connections_refused", |value| value > 0.0);
    drop(silent);
    let full_to = now();
    drop(full);
    // The server does not notice that sleeping clients are gone.
    server.sql("KILL USER demo");
    run.interrupt();
    let left = run.end();
    at_its_second(&left, "db_deadlocks", |value| value > 0.0, from, deadlocked);
    // The deadlock's own wait may be the first.
    at_its_second(&left, "db_lock_waits", |value| value > 0.0, from, waited);
    at_its_second(&left, "db_slow_queries", |value| value > 0.0, from, slow);
    at_its_second(&left, "db_connections", |value| value >= 12.0, full_from, full_to);
    assert!(slow > slow_from);
    assert_eq!(left.sum("db_deadlocks"), 1.0);
    left.expect_said("mysql: 1 deadlock");
    left.expect_said("mysql: all 12 connections are in use");
    left.expect_said(
        "thresholds on metrics 'db_connections, db_connections_refused, db_deadlocks, db_lock_waits, db_slow_queries' \
         have been crossed",
    );
    for said in [&left.stdout, &left.stderr] {
        assert!(!said.contains("s3cr3t"), "{said}");
    }

    // The same calm, and everything holds.
    let args: Vec<&str> = args.into_iter().chain(["--duration=2s"]).collect();
    let left = Run::start(IDLE, &args, &[]).end().expect_code(0);
    assert!(left.sum("db_queries") > 0.0 && left.stdout.contains("✓ 'count==0' count=0"), "{}", left.stdout);
    assert!(left.first("db_size", |value| value > 0.0) > 0.0);
    assert!(left.stdout.contains("12 connections"), "the progress shows it: {}", left.stdout);
}

#[test]
fn postgres_a_deadlock_a_lock_wait_a_slow_query_and_a_full_pool() {
    let options = "-c max_connections=12 -c deadlock_timeout=200ms";
    let Some(server) = Postgres::start_with("watch-postgres", options) else { return };
    server.sql("CREATE ROLE watcher LOGIN PASSWORD 's3cr3t'");
    server.sql("GRANT pg_monitor TO watcher");
    server.sql("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 0), (2, 0)");
    let url = server.url();
    let client = |sql: &str| {
        let mut client = Command::new("psql");
        client.args([&url, "-Atqc", sql]).stdout(Stdio::null()).stderr(Stdio::null());
        client
    };
    let watcher = url.replace("demo:secret@", "watcher:s3cr3t@");
    let args: Vec<&str> = ["--watch", &watcher, "--watch-interval=250ms", "--watch-slow=400ms"]
        .into_iter()
        .chain(CALM)
        .collect();
    let mut run = Run::start(IDLE, &args, &[]);
    run.until("db_queries", |value| value > 0.0);
    let from = now();
    let both = ["1", "2"].map(|first| {
        let second = if first == "1" { "2" } else { "1" };
        client(&format!(
            "BEGIN; UPDATE t SET v = v + 1 WHERE id = {first}; SELECT pg_sleep(0.3); \
             UPDATE t SET v = v + 1 WHERE id = {second}; COMMIT"
        ))
    });
    let deadlocked = Clients::start(both).wait();
    run.until("db_deadlocks", |value| value > 0.0);
    // Somebody who waits for longer than one reading, behind somebody who is slow.
    let holder =
        Clients::start([client("BEGIN; UPDATE t SET v = 5 WHERE id = 1; SELECT pg_sleep(1.2); COMMIT")]);
    std::thread::sleep(Duration::from_millis(200));
    let waited = Clients::start([client("UPDATE t SET v = 6 WHERE id = 1")]).wait();
    let slow = holder.wait();
    run.until("db_slow_queries", |value| value > 0.0);
    let full_from = now();
    let full = Clients::start((0..16).map(|_| client("SELECT pg_sleep(4)")));
    run.until("db_connections", |value| value >= 12.0);
    let full_to = now();
    drop(full);
    run.interrupt();
    let left = run.end();
    at_its_second(&left, "db_deadlocks", |value| value > 0.0, from, deadlocked);
    at_its_second(&left, "db_lock_waits", |value| value > 0.0, from, waited);
    at_its_second(&left, "db_slow_queries", |value| value > 0.0, from, slow);
    at_its_second(&left, "db_connections", |value| value >= 12.0, full_from, full_to);
    assert_eq!(left.sum("db_deadlocks"), 1.0);
    left.expect_said("postgres: 1 deadlock");
    left.expect_said("postgres: all 12 connections are in use");
    left.expect_said(
        "thresholds on metrics 'db_connections, db_deadlocks, db_lock_waits, db_slow_queries' have been crossed",
    );
    assert!(!left.stderr.contains("s3cr3t"));

    std::thread::sleep(Duration::from_secs(4));
    let args: Vec<&str> = args.into_iter().chain(["--duration=2s"]).collect();
    let left = Run::start(IDLE, &args, &[]).end().expect_code(0);
    assert!(left.first("db_cache_hit_rate", |value| value > 0.5) > 0.0);
}

#[test]
fn a_right_that_is_missing_is_said_once_with_what_to_do() {
    let Some(server) = Postgres::start("watch-rights") else { return };
    server.sql("CREATE ROLE watcher LOGIN PASSWORD 's3cr3t'");
    let url = server.url().replace("demo:secret@", "watcher:s3cr3t@");
    let args = ["--watch", &url, "--watch-interval=200ms", "--duration=2s"];
    let left = Run::start(IDLE, &args, &[]).end().expect_code(0);
    assert_eq!(left.times_said("GRANT pg_monitor"), 1, "{}", left.stderr);
}

#[test]
fn redis_a_slow_command_and_a_full_pool() {
    let Some(server) = Redis::start() else { return };
    let url = server.url();
    let args = [
        "--watch",
        &url,
        "--watch-interval=250ms",
        "--expect=db_slow_queries: count==0",
        "--expect=db_connections: max<12",
        "--expect=db_connections_refused{db:redis}: count==0",
    ];
    let mut run = Run::start(IDLE, &args, &[]);
    run.until("db_queries", |value| value > 0.0);
    let from = now();
    let slow = Clients::start([server.client(&["DEBUG", "SLEEP", "0.3"])]).wait();
    run.until("db_slow_queries", |value| value > 0.0);
    let full_from = now();
    let full = Clients::start((0..14).map(|_| server.client(&["BLPOP", "nothing", "20"])));
    run.until("db_connections", |value| value >= 12.0);
    run.until("db_connections_refused", |value| value > 0.0);
    let full_to = now();
    drop(full);
    run.interrupt();
    let left = run.end();
    at_its_second(&left, "db_slow_queries", |value| value > 0.0, from, slow);
    at_its_second(&left, "db_connections", |value| value >= 12.0, full_from, full_to);
    left.expect_said("redis: 1 slow query");
    left.expect_said(
        "thresholds on metrics 'db_connections, db_connections_refused{db:redis}, db_slow_queries' have been crossed",
    );
}

#[test]
fn mongodb_connections_and_operations() {
    let Some(server) = MongoDb::start() else { return };
    let url = server.url();
    let args =
        ["--watch", &url, "--duration=3s", "--expect=db_queries: count>0", "--expect=db_connections: min>=1"];
    let left = Run::start(IDLE, &args, &[]).end().expect_code(0);
    assert!(left.first("db_connections", |value| value >= 1.0) > 0.0);
}

#[test]
fn a_database_that_goes_away_is_said_once_and_the_test_goes_on() {
    let Some(mut server) = MariaDb::start("watch-gone") else { return };
    let url = server.url();
    let args = ["--watch", &url, "--watch-interval=200ms"];
    let mut run = Run::start(IDLE, &args, &[]);
    run.until("db_queries", |value| value > 0.0);
    server.kill();
    run.until_said("watching mysql://***@127.0.0.1:");
    std::thread::sleep(Duration::from_millis(1_500));
    server.start_again();
    run.until_said("works again after");
    run.interrupt();
    let left = run.end().expect_code(105);
    assert_eq!(left.times_said("It is tried again, the test goes on"), 1, "{}", left.stderr);
    assert!(left.of("watch_ok").iter().any(|(_, value)| *value == 0.0));
}

#[test]
fn what_nobody_could_look_at_does_not_hold() {
    let args = ["--watch=mysql://u:p@127.0.0.1:1/x", "--duration=2s", "--expect=db_deadlocks: count==0"];
    let left = Run::start(IDLE, &args, &[]).end().expect_code(99);
    left.expect_said("watching mysql://***@127.0.0.1:1/x fails");
    left.expect_said("thresholds on metrics 'db_deadlocks' have been crossed");
}

#[test]
fn what_cannot_be_watched_is_refused_before_any_load() {
    let refused = |args: &[&str], message: &str| {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script.js");
        std::fs::write(&script, IDLE).unwrap();
        let script = script.to_str().unwrap().to_owned();
        let done = THRONG.run(&[&["run"], args, &[script.as_str()]].concat()).expect_code(104);
        done.expect_error(message);
    };
    refused(&["--watch=cassandra://h"], "there are mysql, postgres, mongodb and redis");
    refused(&["--watch=web"], "expected hpa/NAME, deployment/NAME");
    refused(&["--watch-after=10m"], "--watch-after needs --watch");
    refused(&["--watch=logs/statefulset/mysql"], "watching logs needs --match REGEX");
    refused(&["--watch=mysql://h", "--match=x"], "--match needs logs to look into");
    refused(
        &["--expect=db_deadlocks: count==0"],
        "db_deadlocks is measured where --watch says what to watch",
    );
    refused(&["--expect=iterations: count>0 by noon"], "is no moment: expected start, peak, descent or end");
    refused(
        &["--expect=iterations: count>0 within 5s of end"],
        "looks at 5s after the end of the load, and nothing is measured then: add --watch and --watch-after 5s",
    );
    refused(&["-i1", "--expect=iterations: count>0 by peak"], "this test has none that is planned");
}

#[test]
fn a_script_brings_its_thresholds_where_k6_does_not_look() {
    let script = "
import { sleep } from 'k6';
export const options = {
  stages: [{ duration: '1s', target: 2 }, { duration: '1s', target: 2 }, { duration: '1s', target: 0 }],
  ext: { throng: { thresholds: {
    vus: ['value>=1 by peak+1s'],
    iterations: ['count>0 by peak', { threshold: 'count>1000 from peak to end', abortOnFail: true }],
  } } },
};
export default function () { sleep(0.05); }
";
    let left = Run::start(script, &[], &[]).end().expect_code(99);
    assert!(left.stdout.contains("✓ 'count>0 by peak'"), "{}", left.stdout);
    assert!(left.stdout.contains("✗ 'count>1000 from peak to end'"), "{}", left.stdout);
    // The plan's moments come after setup(), however long that takes.
    let prepared = format!("{script}export function setup() {{ sleep(2.5); }}");
    let left = Run::start(&prepared, &[], &[]).end().expect_code(99);
    assert!(left.stdout.contains("✓ 'count>0 by peak'"), "{}", left.stdout);
    let wrong = script.replace("thresholds: {", "treshholds: {");
    let left = Run::start(&wrong, &[], &[]).end().expect_code(104);
    left.expect_said("there is no option options.ext.throng.treshholds");
    let wrong = script.replace("ext: {", "thresholds: { iterations: ['count>0 by peak'] }, ext: {");
    let left = Run::start(&wrong, &[], &[]).end().expect_code(104);
    left.expect_said("a part of the run can be named in options.ext.throng.thresholds or with --expect");
}
