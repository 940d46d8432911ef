//! `throng fill` against real servers: MariaDB, PostgreSQL, and SecantusDB for MongoDB's protocol.
//!
//! Every end state is asked of the server itself: so many rows, each number once, nothing missing.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

#[path = "fill/full.rs"]
mod full;
#[path = "../../demo-api/tests/support/mariadb.rs"]
#[allow(dead_code, reason = "shared with the tests of the demo API")]
mod mariadb;
#[path = "fill/mongodb.rs"]
mod mongodb;
#[path = "fill/postgres.rs"]
mod postgres;
#[path = "fill/refused.rs"]
mod refused;
mod support;
#[path = "fill/team.rs"]
mod team;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mariadb::MariaDb;
use mongodb::MongoDb;
use postgres::Postgres;
use support::{Done, THRONG};

const TEMPLATE: &str = r#"{
  "name": { "$join": ["LoadTest User ", "$sequence"] },
  "email": { "$join": ["user", "$sequence", "@example.com"] },
  "department": { "$choice": { "of": ["sales", "people"], "weights": [3, 1] } },
  "salary": { "$decimal": { "min": 1000, "max": 2000, "scale": 2 } },
  "hired": { "$date": { "from": "2020-01-01", "to": "2020-12-31" } },
  "seen": { "$datetime": { "from": "2024-01-01", "to": "2024-12-31" } },
  "boss": { "$optional": { "of": { "$reference": { "to": "people", "documents": 10 } }, "probability": 0.5 } },
  "token": "$uuid",
  "active": "$boolean",
  "tags": { "$array": { "of": "$word", "min": 0, "max": 3 } },
  "note": "tab\tand 'quotes' and \\ back"
}"#;

/// A folder with a template in it.
struct Template(tempfile::TempDir);

impl Template {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("people.json"), text).expect("the template is written");
        Self(folder)
    }

    fn path(&self) -> String {
        self.0.path().join("people.json").to_str().expect("the path is text").to_owned()
    }
}

fn fill(url: &str, args: &[&str]) -> Done {
    THRONG.run(&[&["fill", url], args].concat())
}

/// How many records the last line of a fill says that the server counts.
fn counted(done: &Done) -> u64 {
    let rest = done.stdout.split("the server counts ").nth(1).unwrap_or_else(|| panic!("{}", done.stdout));
    rest.split(' ').next().unwrap().replace(',', "").parse().unwrap()
}

/// A number as people write it.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

/// A fill that runs beside the test.
struct Beside(Child);

impl Beside {
    fn start(url: &str, args: &[&str]) -> Self {
        let child = Command::new(THRONG.link())
            .args(["fill", url])
            .args(args)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        Self(child)
    }

    fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    fn end(self) -> Done {
        let output = self.0.wait_with_output().unwrap();
        Done {
            // A process that was killed has no code.
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The URL of a database that is not there.
fn nowhere(url: &str) -> String {
    format!("{}/nothing", url.strip_suffix("/demo").unwrap())
}

/// Waits until `happened`.
#[track_caller]
fn until(mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !happened() {
        assert!(Instant::now() < deadline, "it did not happen within a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How often a fill is interrupted; more of it by `./x fill-rounds`.
fn rounds() -> u32 {
    std::env::var("THRONG_FILL_ROUNDS").ok().map_or(3, |text| text.parse().expect("a number of rounds"))
}

/// Moments to interrupt at, other ones in every round of a process.
fn moments() -> impl Iterator<Item = Duration> {
    let mut state = u64::from(std::process::id());
    std::iter::repeat_with(move || {
        // SplitMix64's step is random enough for a moment.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Duration::from_millis(50 + (mixed >> 32) % 900)
    })
}

const DEMO: &str = "demo.people";

fn mariadb_rows(server: &MariaDb) -> (u64, u64, u64) {
    let row = server.sql("SELECT COUNT(*), COUNT(DISTINCT id), COALESCE(MAX(id), 0) FROM demo.people");
    let mut numbers = row.split_whitespace().map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap(), numbers.next().unwrap())
}

#[test]
fn mongodb_is_filled_to_a_size_and_not_twice() {
    let Some(mut server) = MongoDb::start() else { return };
    let done = fill(&server.url(), &["--until", "4MB"]).expect_code(0);
    assert!(done.stdout.contains("filled sample.documents: 4.0 MB in "), "{}", done.stdout);
    assert!(done.stdout.contains("4.0 MB (collStats size)"), "{}", done.stdout);
    let first = counted(&done);

    server.stop();
    server.start_again();
    let done = fill(&server.url(), &["--until", "4MB"]).expect_code(0);
    assert!(done.stdout.contains(", 0 of them inserted now"), "{}", done.stdout);
    assert_eq!(counted(&done), first);

    let done =
        fill(&server.url(), &["--until", "5MB", "--parallel", "2", "--indexes", "email:unique,city+-age"]);
    assert!(counted(&done.expect_code(0)) > first);
    let done = fill(&server.url(), &["--documents", "100", "--drop"]).expect_code(0);
    assert_eq!(counted(&done), 100);
}

#[test]
fn mongodb_takes_the_settings_of_the_script_that_filled_it_before() {
    let Some(server) = MongoDb::start() else { return };
    let url = server.url().replace("/sample", "");
    let environment = [
        ("CLUSTER_URL", url.as_str()),
        ("DB_NAME", "shop"),
        ("COLLECTION_NAME", "people"),
        ("DOCS_PER_BATCH", "100"),
        ("THRONG_FILL_UNTIL", "1MB"),
    ];
    let done = THRONG.run_with(&["fill"], &environment).expect_code(0);
    assert!(done.stdout.contains("filled shop.people: 1.0 MB in "), "{}", done.stdout);
}

#[test]
fn mongodb_fills_are_killed_and_go_on() {
    let Some(mut server) = MongoDb::start() else { return };
    let goal = ["--until", "4MB", "--batch", "200"];
    for moment in moments().take(rounds() as usize) {
        let beside = Beside::start(&server.url(), &goal);
        std::thread::sleep(moment);
        beside.signal("-9");
        beside.end();
    }
    // A server that goes away in the middle and comes back.
    let beside = Beside::start(&server.url(), &goal);
    std::thread::sleep(Duration::from_millis(300));
    server.stop();
    server.start_again();
    let done = beside.end().expect_code(0);
    let again = fill(&server.url(), &goal).expect_code(0);
    assert!(again.stdout.contains(", 0 of them inserted now"), "{}", again.stdout);
    assert_eq!(counted(&again), counted(&done));
    // Without interruption there are as many.
    let whole = fill(&server.url(), &[&goal[..], &["--drop"]].concat()).expect_code(0);
    assert_eq!(counted(&whole), counted(&done));
}

#[test]
fn mariadb_gets_a_table_with_every_type() {
    let Some(server) = MariaDb::start("fill-types") else { return };
    let template = Template::new(TEMPLATE);
    let args = [
        "--table",
        "people",
        "--rows",
        "500",
        "--template",
        &template.path(),
        "--indexes",
        "email:unique,department",
    ];
    let done = fill(&server.url(), &args).expect_code(0);
    assert!(done.stdout.contains("filled demo.people: "), "{}", done.stdout);
    assert_eq!(mariadb_rows(&server), (500, 500, 500));
    let facts = server.sql(
        "SELECT COUNT(DISTINCT email), MIN(salary) >= 1000, MAX(salary) <= 2000, SUM(YEAR(hired) = 2020), \
         SUM(YEAR(seen) = 2024), SUM(JSON_VALID(tags)), SUM(LENGTH(token)), SUM(boss BETWEEN 1 AND 10) = COUNT(boss), \
         SUM(name = CONCAT('LoadTest User ', id)), COUNT(boss) BETWEEN 200 AND 300 FROM demo.people",
    );
    let facts: Vec<&str> = facts.split_whitespace().collect();
    assert_eq!(facts, ["500", "1", "1", "500", "500", "500", "18000", "1", "500", "1"]);
    assert_eq!(server.sql("SELECT note FROM demo.people LIMIT 1").trim(), "tab\\tand 'quotes' and \\\\ back");
    // The application goes on with the numbers behind ours.
    server.sql("INSERT INTO demo.people (name) VALUES ('x')");
    assert_eq!(mariadb_rows(&server).2, 501);
    // A table with a row that is not ours is gone on with, and that row is said.
    let done = fill(&server.url(), &args).expect_code(0);
    assert!(done.stdout.contains(", 0 of them inserted now"), "{}", done.stdout);
}

#[test]
fn postgres_gets_a_table_with_every_type() {
    let Some(server) = Postgres::start("fill-types-pg") else { return };
    let template = Template::new(TEMPLATE);
    let args = [
        "--table",
        "people",
        "--rows",
        "500",
        "--template",
        &template.path(),
        "--indexes",
        "email:unique,department",
    ];
    fill(&server.url(), &args).expect_code(0);
    let facts = server.sql(
        "SELECT count(*), count(DISTINCT email), min(salary) >= 1000, sum((extract(year FROM hired) = 2020)::int), \
         sum((extract(year FROM seen AT TIME ZONE 'UTC') = 2024)::int), count(DISTINCT token), \
         sum((jsonb_typeof(tags) = 'array')::int), sum((name = 'LoadTest User ' || id)::int), max(id) FROM people",
    );
    assert_eq!(facts.trim(), "500|500|t|500|500|500|500|500|500");
    assert_eq!(server.sql("SELECT note FROM people LIMIT 1").trim_end(), "tab\tand 'quotes' and \\ back");
    assert_eq!(server.sql("INSERT INTO people (name) VALUES ('x') RETURNING id").trim(), "501");
    let done = fill(&server.url(), &args).expect_code(0);
    assert!(done.stdout.contains(", 0 of them inserted now"), "{}", done.stdout);
}

#[test]
fn mariadb_fills_and_servers_are_killed_and_nothing_is_lost_or_doubled() {
    let Some(mut server) = MariaDb::start("fill-kill") else { return };
    let template = Template::new(TEMPLATE);
    let rows = 8_000 * u64::from(rounds());
    let path = template.path();
    let (rows_text, url) = (rows.to_string(), server.url());
    let args = ["--table", "people", "--rows", &rows_text, "--batch", "250", "--template", &path];
    for moment in moments().take(rounds() as usize) {
        let beside = Beside::start(&url, &args);
        std::thread::sleep(moment);
        beside.signal("-9");
        beside.end();
        let beside = Beside::start(&url, &args);
        std::thread::sleep(moment);
        server.kill();
        server.start_again();
        beside.signal("-9");
        beside.end();
    }
    let beside = Beside::start(&url, &args);
    std::thread::sleep(Duration::from_millis(200));
    server.kill();
    server.start_again();
    beside.end().expect_code(0);
    assert_eq!(mariadb_rows(&server), (rows, rows, rows));
    let ours = server.sql("SELECT COUNT(*) FROM demo.people WHERE name = CONCAT('LoadTest User ', id)");
    assert_eq!(ours.trim(), rows.to_string());
}

#[test]
fn postgres_fills_and_servers_are_killed_and_nothing_is_lost_or_doubled() {
    let Some(server) = Postgres::start("fill-kill-pg") else { return };
    let template = Template::new(TEMPLATE);
    let rows = 10_000 * u64::from(rounds());
    let path = template.path();
    let (rows_text, url) = (rows.to_string(), server.url());
    let args = ["--table", "people", "--rows", &rows_text, "--batch", "250", "--template", &path];
    for moment in moments().take(rounds() as usize) {
        let beside = Beside::start(&url, &args);
        std::thread::sleep(moment);
        beside.signal("-9");
        beside.end();
        let beside = Beside::start(&url, &args);
        std::thread::sleep(moment);
        server.kill();
        server.start_again();
        beside.signal("-9");
        beside.end();
    }
    let beside = Beside::start(&url, &args);
    std::thread::sleep(Duration::from_millis(200));
    server.kill();
    server.start_again();
    beside.end().expect_code(0);
    let all = server.sql("SELECT count(*), count(DISTINCT id), max(id) FROM people");
    assert_eq!(all.trim(), format!("{rows}|{rows}|{rows}"));
}

#[test]
fn a_signal_leaves_a_state_to_go_on_from_and_says_so() {
    let Some(server) = MariaDb::start("fill-signal") else { return };
    let template = Template::new(TEMPLATE);
    let path = template.path();
    let args = ["--table", "people", "--rows", "200000", "--batch", "100", "--template", &path];
    let beside = Beside::start(&server.url(), &args);
    until(|| {
        let there = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'demo'";
        server.sql(there).trim() == "1" && mariadb_rows(&server).0 > 500
    });
    beside.signal("-INT");
    let done = beside.end().expect_code(105);
    done.expect_error(&format!("stopped; {DEMO}: "));
    done.expect_error("the same command goes on from there");
    let (there, distinct, last) = mariadb_rows(&server);
    assert_eq!((there, distinct), (last, last), "a hole");
    let more = (there + 1000).to_string();
    fill(&server.url(), &["--table", "people", "--rows", &more, "--template", &path]).expect_code(0);
    assert_eq!(mariadb_rows(&server), (there + 1000, there + 1000, there + 1000));
}

#[test]
fn a_server_that_is_gone_for_good_is_given_up_with_another_code() {
    let Some(mut server) = MariaDb::start("fill-gone") else { return };
    let args = ["--table", "people", "--rows", "1000000", "--retry-for", "1s"];
    let mut beside = Beside::start(&server.url(), &args);
    until(|| {
        server.sql("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'demo'").trim() == "1"
    });
    let errors = BufReader::new(beside.0.stderr.take().unwrap());
    server.kill();
    let errors: Vec<String> = errors.lines().map(Result::unwrap).collect();
    let done = Done { stderr: errors.join("\n"), ..beside.end() }.expect_code(112);
    done.expect_error("cannot be reached, trying again for 1 s");
    done.expect_error("cannot fill demo.people of mysql://***@127.0.0.1:");
    assert!(!done.stderr.contains("secret"), "{}", done.stderr);
}

#[test]
fn who_is_refused_is_told_why_without_the_password() {
    let Some(server) = MariaDb::start("fill-refused") else { return };
    let wrong = server.url().replace("secret", "hunter22");
    let done = fill(&wrong, &["--rows", "1"]).expect_code(111);
    done.expect_error("Access denied for user 'demo'");
    done.expect_error("check user and password");
    assert!(!done.stderr.contains("hunter22"), "{}", done.stderr);
    let done = fill(&nowhere(&server.url()), &["--rows", "1"]).expect_code(111);
    done.expect_error("nothing");

    // The password from a file and from the environment.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "secret\n").unwrap();
    let bare = server.url().replace(":secret", "");
    fill(&bare, &["--rows", "1", "--password-file", file.to_str().unwrap()]).expect_code(0);
    THRONG.run_with(&["fill", &bare, "--rows", "2"], &[("THRONG_FILL_PASSWORD", "secret")]).expect_code(0);

    let Some(server) = Postgres::start("fill-refused-pg") else { return };
    let done = fill(&server.url().replace("secret", "hunter22"), &["--rows", "1"]).expect_code(111);
    done.expect_error("password authentication failed");
    assert!(!done.stderr.contains("hunter22"), "{}", done.stderr);
    let done = fill(&nowhere(&server.url()), &["--rows", "1"]).expect_code(111);
    done.expect_error("does not exist; create it first");
}

#[test]
fn a_server_without_room_is_said_and_the_same_command_goes_on() {
    // The table space can grow to 40 MB and no further: what a full disk is to the server, without one.
    const FULL: &[&str] =
        &["--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:12M:autoextend:max:40M"];
    let Some(server) = MariaDb::start_with("fill-full", FULL) else { return };
    let done = fill(&server.url(), &["--table", "people", "--until", "200MB"]).expect_code(112);
    done.expect_error("is full");
    done.expect_error("make room and run the same command again");
    let (there, distinct, _) = mariadb_rows(&server);
    assert!(there > 0 && there == distinct, "{there} rows");
    let done = fill(&server.url(), &["--table", "people", "--rows", "1000"]).expect_code(0);
    assert!(done.stdout.contains(", 0 of them inserted now"), "{}", done.stdout);
}

#[test]
fn a_record_that_is_too_large_is_refused_before_it_is_sent() {
    let large = Template::new(r#"{"text": {"$text": {"bytes": 17000000}}}"#);
    if let Some(server) = MongoDb::start() {
        let done = fill(&server.url(), &["--documents", "3", "--template", &large.path()]).expect_code(104);
        done.expect_error("record 0 has 170000");
        done.expect_error("the server takes at most 16777216");
    }
    if let Some(server) = MariaDb::start("fill-large") {
        let done = fill(&server.url(), &["--rows", "3", "--template", &large.path()]).expect_code(104);
        done.expect_error("record 0 has 170000");
        // What the server refuses by itself is not cut either.
        server.sql(
            "CREATE TABLE demo.narrow (id BIGINT PRIMARY KEY, name VARCHAR(5)); SET GLOBAL sql_mode = ''",
        );
        let wide = Template::new(r#"{"name": "too long"}"#);
        let done = fill(&server.url(), &["--table", "narrow", "--rows", "3", "--template", &wide.path()]);
        done.expect_code(111).expect_error("Data too long for column 'name'");
        // Nor may rows come twice.
        server.sql("CREATE TABLE demo.plain (id BIGINT, name VARCHAR(50))");
        let done = fill(&server.url(), &["--table", "plain", "--rows", "3", "--template", &wide.path()]);
        done.expect_code(111).expect_error("no unique index of its own");
    }
}

#[test]
fn mistakes_in_the_command_are_said_without_a_connection() {
    let url = "mongodb://root:hunter22@127.0.0.1:1/sample";
    let broken = Template::new("{\n  \"name\": { \"$nmae\": {} }\n}");
    let done = fill(url, &["--documents", "1", "--template", &broken.path()]).expect_code(104);
    done.expect_error("people.json:2:13: unknown generator '$nmae'; did you mean '$name'?");
    fill(url, &[]).expect_code(104).expect_error("how much? give one of --until SIZE");
    fill(url, &["--until", "64"]).expect_code(255).expect_error("'64' is no size");
    fill("redis://h/0", &["--documents", "1"])
        .expect_code(104)
        .expect_error("the URL must begin with mongodb://");
    fill("mongodb://127.0.0.1:1", &["--documents", "1"]).expect_code(104).expect_error("which database of");
    fill(url, &["--documents", "1", "--indexes", "a:uniq"]).expect_code(255).expect_error("is no index");
    let done = fill(url, &["--documents", "1", "--retry-for", "0s"]).expect_code(112);
    done.expect_error("no server can be reached: I/O error: Connection refused");
    assert!(!done.stderr.contains("hunter22"), "{}", done.stderr);
}

#[test]
fn a_rehearsal_shows_records_and_their_number() {
    let done = fill("mongodb://nowhere/sample", &["--until", "64MB", "--dry-run"]).expect_code(0);
    assert_eq!(done.stdout.lines().filter(|line| line.starts_with("{\"_id\":{\"$oid\":")).count(), 3);
    assert!(
        done.stdout.contains("would fill documents of mongodb://nowhere/sample with about "),
        "{}",
        done.stdout
    );
}
