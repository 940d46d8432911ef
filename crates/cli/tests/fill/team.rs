//! `throng fill --workers`: several processes, one of which may die.

use std::process::Command;

use super::mariadb::MariaDb;
use super::mongodb::MongoDb;
use super::postgres::Postgres;
use super::{Beside, TEMPLATE, Template, counted, fill, mariadb_rows, until};

/// The processes that a process has started.
fn children(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

fn kill(pid: u32) {
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
}

fn is_gone(pid: u32) -> bool {
    // One that nobody has waited for yet does nothing more either.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

/// Rows of the table, once it is there.
fn rows(server: &MariaDb) -> u64 {
    let there = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'demo'";
    if server.sql(there).trim() == "1" { mariadb_rows(server).0 } else { 0 }
}

#[test]
fn three_workers_fill_mongodb_with_the_documents_of_one() {
    let Some(server) = MongoDb::start() else { return };
    let one = fill(&server.url(), &["--until", "2MB"]).expect_code(0);
    let three = fill(&server.url(), &["--until", "2MB", "--workers", "3", "--drop"]).expect_code(0);
    assert_eq!(counted(&three), counted(&one));
    let line = |stdout: &str| stdout.split(" of them inserted").next().unwrap().to_owned();
    assert_eq!(line(&three.stdout), line(&one.stdout));
    // One process goes on where three have been, and the other way round.
    let again = fill(&server.url(), &["--until", "2MB"]).expect_code(0);
    assert!(again.stdout.contains(", 0 of them inserted now"), "{}", again.stdout);
    let again = fill(&server.url(), &["--until", "2MB", "--workers", "2"]).expect_code(0);
    assert!(again.stdout.contains(", 0 of them inserted now"), "{}", again.stdout);
    assert_eq!(counted(&again), counted(&one));
}

#[test]
fn a_worker_that_is_killed_loses_and_doubles_nothing() {
    let Some(server) = MariaDb::start("fill-team-kill") else { return };
    let template = Template::new(TEMPLATE);
    let path = template.path();
    let args =
        ["--table", "people", "--rows", "40000", "--batch", "200", "--workers", "3", "--template", &path];
    let beside = Beside::start(&server.url(), &args);
    until(|| rows(&server) > 1_000);
    let workers = children(beside.0.id());
    assert_eq!(workers.len(), 3);
    kill(workers[1]);
    let done = beside.end().expect_code(0);
    done.expect_error("worker 2 is lost (it was killed by signal 9); the 2 that are left");
    assert!(done.stdout.contains(" 40,000 rows, 40,000 of them inserted now"), "{}", done.stdout);
    assert_eq!(mariadb_rows(&server), (40_000, 40_000, 40_000));
    let ours = server.sql("SELECT COUNT(*) FROM demo.people WHERE name = CONCAT('LoadTest User ', id)");
    assert_eq!(ours.trim(), "40000");
}

#[test]
fn a_server_that_dies_under_three_workers_is_waited_for() {
    let Some(server) = Postgres::start("fill-team-pg") else { return };
    let template = Template::new(TEMPLATE);
    let path = template.path();
    let args =
        ["--table", "people", "--rows", "40000", "--batch", "200", "--workers", "3", "--template", &path];
    let beside = Beside::start(&server.url(), &args);
    until(|| {
        let there = server.sql("SELECT count(*) FROM pg_class WHERE relname = 'people'");
        there.trim() == "1"
            && server.sql("SELECT count(*) FROM people").trim().parse::<u64>().unwrap() > 1_000
    });
    server.kill();
    server.start_again();
    let done = beside.end().expect_code(0);
    done.expect_error("cannot be reached, trying again for 60 s");
    let all = server.sql("SELECT count(*), count(DISTINCT id), max(id) FROM people");
    assert_eq!(all.trim(), "40000|40000|40000");
}

#[test]
fn workers_end_with_their_leader_however_it_ends() {
    let Some(server) = MariaDb::start("fill-team-end") else { return };
    let template = Template::new(TEMPLATE);
    let path = template.path();
    let args =
        |rows| ["--table", "people", "--rows", rows, "--batch", "100", "--workers", "2", "--template", &path];
    for signal in ["-INT", "-9"] {
        let before = rows(&server);
        let beside = Beside::start(&server.url(), &args("400000"));
        until(|| rows(&server) > before + 500);
        let workers = children(beside.0.id());
        assert_eq!(workers.len(), 2);
        beside.signal(signal);
        let done = beside.end();
        if signal == "-INT" {
            let done = done.expect_code(105);
            done.expect_error("stopped; demo.people: ");
            let said = format!(" in {} rows", super::grouped(rows(&server)));
            done.expect_error(&said);
        }
        until(|| workers.iter().all(|pid| is_gone(*pid)));
    }
    let (there, distinct, _) = mariadb_rows(&server);
    assert_eq!(there, distinct);
    // A goal that all that is there counts for.
    let more = (mariadb_rows(&server).2 + 100).to_string();
    fill(&server.url(), &args(&more)).expect_code(0);
    let all = more.parse().unwrap();
    assert_eq!(mariadb_rows(&server), (all, all, all));
}

#[test]
fn what_stops_a_worker_stops_the_fill_with_its_code() {
    let Some(server) = MariaDb::start("fill-team-refused") else { return };
    let large = Template::new(r#"{"text": {"$text": {"bytes": 17000000}}}"#);
    let done = fill(&server.url(), &["--rows", "3", "--workers", "2", "--template", &large.path()]);
    // Which of them is the first to say so is chance.
    done.expect_code(104).expect_error("bytes and the server takes at most");
    let done = fill("mysql://demo@127.0.0.1:1/demo", &["--rows", "3", "--workers", "2", "--retry-for", "0s"]);
    done.expect_code(112).expect_error("Connection refused");
    fill("mysql://h/d", &["--rows", "3", "--workers", "0"]).expect_code(255).expect_error("--workers");
}

#[test]
fn workers_join_over_the_network_if_they_know_the_token_and_make_the_same_records() {
    let Some(server) = MariaDb::start("fill-team-remote") else { return };
    let template = Template::new(TEMPLATE);
    let path = template.path();
    let folder = tempfile::tempdir().unwrap();
    let token = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let (token, wrong) = (token("token", "correct horse\n"), token("wrong", "battery staple\n"));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let command = |role, token, seed| {
        let args = ["--table", "people", "--rows", "40000", "--batch", "200", "--template", &path];
        [&args[..], &[role, &address, "--token-file", token, "--seed", seed]].concat()
    };
    let (token, wrong) = (&*token, &*wrong);
    let leader = Beside::start(&server.url(), &command("--bind", token, "1"));
    fill(&server.url(), &command("--controller", wrong, "1"))
        .expect_code(255)
        .expect_error("another join token");
    let lost = Beside::start(&server.url(), &command("--controller", token, "1"));
    until(|| rows(&server) > 500);
    let stays = Beside::start(&server.url(), &command("--controller", token, "1"));
    until(|| rows(&server) > 1_500);
    lost.signal("-9");
    lost.end();
    let done = leader.end().expect_code(0);
    done.expect_error("workers join at 127.0.0.1:");
    done.expect_error(" is lost (");
    stays.end().expect_code(0);
    assert_eq!(mariadb_rows(&server), (40_000, 40_000, 40_000));

    // One that would make other records is not let in; the fill waits for others.
    let leader = Beside::start(&server.url(), &command("--bind", token, "1"));
    fill(&server.url(), &command("--controller", token, "2"))
        .expect_code(255)
        .expect_error("cannot work: it would make other records");
    let same = Beside::start(&server.url(), &command("--controller", token, "1"));
    leader.end().expect_code(0).expect_error("worker 1 is not let in: it would make other records");
    same.end().expect_code(0);
    assert_eq!(mariadb_rows(&server), (40_000, 40_000, 40_000));
    // What stops a worker stops both sides with its code.
    server.sql("CREATE TABLE demo.small (id BIGINT PRIMARY KEY, name VARCHAR(1))");
    let names = Template::new(r#"{"name": "$name"}"#);
    let args = ["--table", "small", "--rows", "3", "--template", &names.path()];
    let command = |role| [&args[..], &[role, &address, "--token-file", token]].concat();
    let leader = Beside::start(&server.url(), &command("--bind"));
    let worker = fill(&server.url(), &command("--controller")).expect_code(111);
    worker.expect_error("cannot work: insert: ");
    leader.end().expect_code(111).expect_error("Data too long for column 'name'");

    // Own workers are workers as well, whoever else does not join.
    let path = template.path();
    let args = ["--table", "people", "--rows", "80000", "--batch", "100", "--template", &path];
    let args = [&args[..], &["--workers", "1", "--bind", &address, "--token-file", token]].concat();
    let done = fill(&server.url(), &[&args[..], &["--join-timeout", "100ms"]].concat()).expect_code(0);
    assert!(!done.stderr.contains("no worker has joined"), "{}", done.stderr);
    assert_eq!(mariadb_rows(&server), (80_000, 80_000, 80_000));
    fill(&server.url(), &["--rows", "1", "--bind", &address])
        .expect_code(2)
        .expect_error("a join token is needed");
}
