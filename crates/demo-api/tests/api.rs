//! The API as its clients see it, with the same expectations on every database.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test, in helpers too")]

mod support;

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};
use support::client::send;
use support::mariadb::MariaDb;
use throng_demo_api::{Config, Database, DemoError, Server};

fn config(database: Database) -> Config {
    Config { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), database, ..Config::default() }
}

/// Everything the API promises, against a freshly seeded database of 100 rows.
fn keeps_its_promises(at: SocketAddr, engine: &str) {
    let health = send(at, "GET", "/health", "");
    assert_eq!((health.status, health.header("content-type")), (200, Some("application/json")));
    assert_eq!(health.json(), json!({ "status": "healthy", "database": "connected", "engine": engine }));

    let first = send(at, "GET", "/employees", "").json();
    assert_eq!(first["total"], 100);
    assert_eq!((&first["page"], &first["per_page"], &first["pages"]), (&json!(1), &json!(10), &json!(10)));
    assert_eq!(first["employees"].as_array().map(Vec::len), Some(10));
    let last = send(at, "GET", "/employees?page=4&per_page=30", "").json();
    assert_eq!((last["employees"].as_array().map(Vec::len), &last["pages"]), (Some(10), &json!(4)));
    assert_eq!(last["employees"][9]["email"], "employee100@example.com");
    let beyond = send(at, "GET", "/employees?page=9999", "");
    assert_eq!((beyond.status, &beyond.json()["employees"]), (200, &json!([])));
    for query in ["page=0", "page=x", "per_page=101", "per_page=-1"] {
        let refused = send(at, "GET", &format!("/employees?{query}"), "");
        assert_eq!(refused.status, 400, "{query}");
        assert!(refused.json()["error"].is_string());
    }

    let ada = r#"{"name":"Ada Lovelace","email":"ada@example.com","department":"Research","salary":1815.5}"#;
    let created = send(at, "POST", "/employees", ada);
    assert_eq!(created.status, 201);
    let id = created.json()["id"].as_i64().unwrap();
    assert_eq!(created.header("location"), Some(format!("/employees/{id}").as_str()));
    let path = format!("/employees/{id}");
    assert_eq!(send(at, "GET", &path, "").json(), created.json());
    assert_eq!(created.json()["position"], "Employee");

    let stats = send(at, "GET", "/stats", "").json();
    assert_eq!(stats["total_employees"], 101);
    let research =
        stats["departments"].as_array().unwrap().iter().find(|d| d["department"] == "Research").unwrap();
    assert_eq!((&research["employees"], &research["average_salary"]), (&json!(1), &json!(1815.5)));

    let duplicate = send(at, "POST", "/employees", ada);
    assert_eq!(duplicate.status, 409);
    assert_eq!(duplicate.json()["error"], "an employee with the email ada@example.com already exists");
    for body in
        ["", "{", "[]", r#"{"name":"A"}"#, r#"{"name":"A","email":"x"}"#, r#"{"nmae":"A","email":"a@b"}"#]
    {
        let refused = send(at, "POST", "/employees", body);
        assert_eq!((refused.status, refused.json()["error"].is_string()), (400, true), "{body}");
    }

    let updated = send(at, "PUT", &path, r#"{"position":"Countess"}"#);
    assert_eq!((updated.status, &updated.json()["position"]), (200, &json!("Countess")));
    assert_eq!(updated.json()["name"], "Ada Lovelace");
    assert_eq!(send(at, "PUT", &path, r#"{"position":"Countess"}"#).status, 200, "an unchanged row is found");
    assert_eq!(send(at, "PUT", &path, r#"{"email":"employee1@example.com"}"#).status, 409);
    assert_eq!(send(at, "PUT", &path, "{}").status, 400);
    assert_eq!(send(at, "PUT", &path, r#"{"id":7}"#).status, 400);
    assert_eq!(send(at, "PUT", "/employees/987654", r#"{"name":"Nobody"}"#).status, 404);

    let deleted = send(at, "DELETE", &path, "");
    assert_eq!((deleted.status, deleted.json()["message"].is_string()), (200, true));
    for (method, path) in [
        ("GET", path.as_str()),
        ("DELETE", &path),
        ("GET", "/employees/0"),
        ("GET", "/employees/x"),
        ("GET", "/no"),
    ] {
        let missing = send(at, method, path, "");
        assert_eq!((missing.status, missing.json()["error"].is_string()), (404, true), "{method} {path}");
    }
    assert_eq!(send(at, "PATCH", "/employees", "").status, 405);
    assert_eq!(send(at, "PATCH", "/employees", "").json(), json!({ "error": "method not allowed" }));
}

#[test]
fn sqlite_in_memory_keeps_the_promises_of_the_api() {
    let server = Server::start(config(Database::Memory)).unwrap();
    keeps_its_promises(server.address(), "sqlite");
    server.stop().unwrap();
}

#[test]
fn mariadb_keeps_the_promises_of_the_api() {
    let Some(mut mariadb) = MariaDb::start("api") else { return };
    let database = Database::from_url(&mariadb.url()).unwrap();
    let server = Server::start(config(database.clone())).unwrap();
    keeps_its_promises(server.address(), "mysql");

    let again = Server::start(config(database)).unwrap();
    assert_eq!(send(again.address(), "GET", "/stats", "").json()["total_employees"], 100, "seeded once");
    drop(again);

    mariadb.kill();
    let health = send(server.address(), "GET", "/health", "");
    assert_eq!((health.status, &health.json()["status"]), (503, &Value::from("unhealthy")));
    assert_eq!(send(server.address(), "GET", "/stats", "").status, 503);
}

#[test]
fn mariadb_sees_no_more_connections_than_the_pool_may_open() {
    let Some(mariadb) = MariaDb::start("pool") else { return };
    let database = Database::from_url(&mariadb.url()).unwrap();
    let server = Server::start(Config { pool: 3, ..config(database) }).unwrap();
    let address = server.address();
    let clients: Vec<_> =
        (0..24).map(|_| std::thread::spawn(move || send(address, "GET", "/employees", "").status)).collect();
    assert!(clients.into_iter().all(|client| client.join().unwrap() == 200));
    let most: i64 = mariadb
        .sql("SHOW GLOBAL STATUS LIKE 'Max_used_connections'")
        .trim_end()
        .rsplit('\t')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(most <= 3 + 1, "the pool and the one that asks: {most}");
}

#[test]
fn a_database_file_keeps_its_rows_between_runs() {
    let file = std::env::temp_dir().join(format!("throng-demo-{}.sqlite", std::process::id()));
    let remove = || {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
        }
    };
    remove();
    for expected in [101, 102] {
        let server = Server::start(config(Database::File(file.clone()))).unwrap();
        let body = format!(r#"{{"name":"N","email":"n{expected}@example.com"}}"#);
        assert_eq!(send(server.address(), "POST", "/employees", &body).status, 201);
        assert_eq!(send(server.address(), "GET", "/stats", "").json()["total_employees"], expected);
    }
    remove();
}

#[test]
fn the_sample_application_answers_text_with_what_it_was_sent() {
    let server = Server::start(config(Database::Memory)).unwrap();
    let at = server.address();
    assert_eq!(send(at, "GET", "/hello", "").body, "Hello, World!\n");
    assert_eq!(send(at, "POST", "/login", "deviceid=d1").body, "/login - device: d1\n");
    assert_eq!(send(at, "GET", "/login?deviceid=d2", "").body, "/login - device: d2\n");
    let metrics = send(at, "POST", "/metrics", "deviceid=d1&timestamp=2026-01-01+10%3A00");
    assert_eq!(metrics.body, "/metrics - device: d1, timestamp: 2026-01-01 10:00\n");
    assert_eq!(send(at, "GET", "/metrics", "").body, "/metrics - device: None, timestamp: None\n");
}

#[test]
fn a_busy_port_and_a_dead_database_are_said_with_the_password_hidden() {
    let server = Server::start(config(Database::Memory)).unwrap();
    let busy = Server::start(Config { listen: server.address(), ..Config::default() }).unwrap_err();
    assert!(busy.to_string().starts_with(&format!("cannot listen on {}", server.address())), "{busy}");

    let dead = Database::from_url("mysql://u:s3cret@127.0.0.1:1/demo").unwrap();
    let error = Server::start(config(dead)).unwrap_err();
    assert!(matches!(error, DemoError::OpenMySql { .. }), "{error:?}");
    assert!(error.to_string().contains("mysql://u:****@127.0.0.1:1/demo"), "{error}");
    assert!(!format!("{error:?} {error}").contains("s3cret"), "{error:?}");
}
