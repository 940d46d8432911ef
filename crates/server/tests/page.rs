//! The page over real sockets: stream, commands, who may command, what is the host's.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without ends it")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use throng_server::{
    Ask, Command, Config, CutOff, Entrance, ForeignHead, Measured, Page, Refusal, RunState, Second, Tls,
    Update,
};

fn start(base_path: &str) -> (Page, Arc<Mutex<Vec<Command>>>) {
    let commands = Arc::new(Mutex::new(Vec::new()));
    let seen = commands.clone();
    let config = Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        base_path: base_path.to_owned(),
        tls: None,
        foreign: true,
        entrance: Entrance::Open,
        history: None,
    };
    let page = Page::start(
        config,
        Arc::new(move |ask| match ask {
            Ask::Command(Command::Pause, reply) => {
                reply.give(Err(Refusal::NotSupported("a locustfile cannot be paused".to_owned())));
            }
            // Dropped: the host is gone.
            Ask::Command(Command::Resume, _) => {}
            Ask::Command(command, reply) => {
                seen.lock().unwrap().push(command);
                reply.give(Ok(()));
            }
            Ask::Summary(reply) => reply.give(Ok(r#"{"metrics":{}}"#.to_owned())),
            Ask::Admit(..) => unreachable!("this host has no login of its own"),
            Ask::Foreign(request, reply) => {
                let (body, parts) = tokio::sync::mpsc::unbounded_channel();
                let text =
                    format!("{} {}?{} {}", request.method, request.path, request.query, request.body.len());
                let headers = vec![("x-own".to_owned(), b"yes".to_vec())];
                reply.give((ForeignHead { status: 418, headers }, parts));
                body.send(Ok(text.into())).unwrap();
                if request.path == "/cut-off" {
                    body.send(Err(CutOff)).unwrap();
                }
            }
        }),
    );
    (page.unwrap(), commands)
}

fn connect(page: &Page, request: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(page.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    BufReader::new(stream)
}

/// Status line with headers, and body.
fn ask(page: &Page, line: &str, headers: &str, body: &str) -> (String, String) {
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    let mut answer = String::new();
    connect(page, &request).read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn update(second: u64) -> Update {
    Update {
        now: 1_000_000 + second * 1_000,
        started_at: Some(1_000_000),
        state: RunState::Running,
        totals: Measured {
            count: second,
            second: Some(Second { count: 1, time: 1.0, ..Second::default() }),
            ..Measured::default()
        },
        ..Update::default()
    }
}

/// The next event's name and data.
fn event(stream: &mut BufReader<TcpStream>) -> (String, Value) {
    let mut name = String::new();
    loop {
        let mut line = String::new();
        assert_ne!(stream.read_line(&mut line).unwrap(), 0, "the stream ended");
        if let Some(event) = line.strip_prefix("event: ") {
            event.trim().clone_into(&mut name);
        } else if let Some(data) = line.strip_prefix("data: ") {
            return (name, serde_json::from_str(data).unwrap());
        }
    }
}

#[test]
fn an_answer_that_the_host_cannot_finish_does_not_look_whole() {
    let (page, _) = start("");
    let (_, whole) = ask(&page, "GET /own", "", "");
    assert!(whole.ends_with("\r\n0\r\n\r\n"), "{whole:?}");
    let mut part = String::new();
    let request = "GET /cut-off HTTP/1.1\r\nHost: localhost\r\n\r\n";
    // The connection ends, before the head or in the middle of the body; without the end it would be kept.
    connect(&page, request).read_to_string(&mut part).unwrap();
    assert!(!part.contains("\r\n0\r\n"), "{part:?}");
}

#[test]
fn a_page_gets_a_snapshot_and_then_each_update_and_the_last_one_before_the_end() {
    let (page, _) = start("");
    page.push(update(1));
    let mut stream = connect(&page, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (name, first) = event(&mut stream);
    assert_eq!((name.as_str(), &first["kind"]), ("snapshot", &Value::from("k6")));
    page.push(update(2));
    loop {
        let (name, tick) = event(&mut stream);
        // Whether the first update came before the connection is a matter of luck.
        if name == "tick" {
            assert_eq!(tick["point"]["index"], 1);
            break;
        }
    }
    page.push(Update { state: RunState::Stopped, ended_at: Some(1_003_000), ..update(3) });
    drop(page);
    assert_eq!(event(&mut stream).1["state"], "stopped");
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert_eq!(rest.trim(), "0", "the stream is ended as one that is complete");
}

#[test]
fn commands_reach_the_host_and_its_decision_the_page() {
    let (page, commands) = start("");
    let own = "X-Throng: 1\r\nOrigin: http://localhost\r\n";
    let (head, body) = ask(&page, "POST /api/v1/start", own, r#"{"users":5,"arguments":{"a":1}}"#);
    assert!(head.starts_with("HTTP/1.1 202 "), "{head}");
    assert_eq!(body, r#"{"ok":true}"#);
    let (head, _) = ask(&page, "POST /api/v1/users", own, r#"{"users":7,"spawn_rate":2}"#);
    assert!(head.starts_with("HTTP/1.1 202 "), "{head}");
    let commands = commands.lock().unwrap().clone();
    assert!(matches!(&commands[0], Command::Start(start) if start.users == Some(5)));
    assert_eq!(commands[1], Command::Users { users: 7, spawn_rate: Some(2.0) });
    let (head, body) = ask(&page, "POST /api/v1/pause", own, "");
    assert!(head.starts_with("HTTP/1.1 422 ") && body.contains("cannot be paused"), "{head} {body}");
    let (head, _) = ask(&page, "POST /api/v1/resume", own, "");
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    let (head, body) = ask(&page, "POST /api/v1/start", own, r#"{"userz":5}"#);
    assert!(head.starts_with("HTTP/1.1 400 ") && body.contains("userz"), "{head} {body}");
    let (head, _) = ask(&page, "GET /api/v1/stop", own, "");
    assert!(head.starts_with("HTTP/1.1 405 "), "{head}");
}

#[test]
fn a_page_of_another_site_commands_nothing() {
    let (page, commands) = start("");
    let elsewhere = "X-Throng: 1\r\nOrigin: http://evil.example\r\n";
    for (line, headers) in [
        ("POST /api/v1/stop", "Origin: http://localhost\r\n"),
        ("POST /api/v1/stop", elsewhere),
        ("POST /swarm", elsewhere),
    ] {
        let (head, body) = ask(&page, line, headers, "");
        assert!(head.starts_with("HTTP/1.1 403 "), "{line} {headers}: {head} {body}");
    }
    assert!(commands.lock().unwrap().is_empty());
}

#[test]
fn every_answer_is_guarded_and_the_page_runs_no_inline_script() {
    let (page, _) = start("");
    let (head, _) = ask(&page, "GET /", "", "");
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    for header in [
        "content-security-policy: default-src 'self';",
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
    ] {
        assert!(head.contains(header), "{header} is not in {head}");
    }
    assert!(!head.contains("unsafe-"), "{head}");
    // No file of ours: the host may have it.
    let (head, _) = ask(&page, "GET /assets/../Cargo.toml", "", "");
    assert!(head.starts_with("HTTP/1.1 418 "), "{head}");
    for path in ["/healthz", "/readyz", "/metrics", "/api/v1/snapshot"] {
        let (head, body) = ask(&page, &format!("GET {path}"), "", "");
        assert!(head.starts_with("HTTP/1.1 200 ") && !body.is_empty(), "{path}: {head}");
    }
}

#[test]
fn what_is_not_ours_is_the_hosts() {
    let (page, _) = start("");
    let (head, body) = ask(&page, "POST /own/route%20x?a=b", "", "12345");
    assert!(head.starts_with("HTTP/1.1 418 ") && head.contains("x-own: yes"), "{head}");
    assert!(body.contains("POST /own/route%20x?a=b 5"), "{body}");
}

#[test]
fn a_route_of_the_hosts_wins_over_ours_that_locust_has_not() {
    let (page, _) = start("");
    let with = |routes: &[&str]| {
        let routes = routes.iter().map(|&path| path.to_owned()).collect();
        page.push(Update { routes, ..update(1) });
    };
    let is_theirs = |line: &str| ask(&page, line, "", "").0.starts_with("HTTP/1.1 418 ");
    let all = ["/healthz", "/readyz", "/metrics", "/login.css"];
    for path in all {
        assert!(!is_theirs(&format!("GET {path}")), "{path}");
        with(&[path]);
        for method in ["GET", "POST"] {
            assert!(is_theirs(&format!("{method} {path}")), "{method} {path}");
        }
        let others = all.iter().filter(|other| **other != path);
        others.for_each(|other| assert!(!is_theirs(&format!("GET {other}")), "{other} with {path}"));
        let (_, document) = ask(&page, "GET /api/v1/openapi.json", "", "");
        let document: Value = serde_json::from_str(&document).unwrap();
        assert!(document["paths"].get(path).is_none() && document["paths"].get("/swarm").is_some(), "{path}");
    }
    // What nobody has to tell of, as we have nothing there.
    for line in ["GET /assets/mine.png", "GET /logout", "POST /logout", "POST /"] {
        assert!(is_theirs(line), "{line}");
    }
    with(&["/", "/api/v1/snapshot", "/api/v1/openapi.json"]);
    for line in ["GET /", "GET /api/v1/snapshot", "GET /api/v1/openapi.json", "GET /metrics"] {
        assert!(!is_theirs(line), "{line}");
    }
}

#[test]
fn a_route_of_the_hosts_that_wins_is_as_closed_to_other_sites_as_its_others() {
    let (page, _) = start("");
    page.push(Update { routes: vec!["/metrics".to_owned(), "/healthz".to_owned()], ..update(1) });
    for path in ["/metrics", "/healthz", "/logout", "/assets/mine", "/own"] {
        let (head, _) = ask(&page, &format!("POST {path}"), "Origin: http://evil.example\r\n", "");
        assert!(head.starts_with("HTTP/1.1 403 "), "{path}: {head}");
        let mut answer = String::new();
        let request = format!("GET {path} HTTP/1.1\r\nHost: evil.example:8089\r\nConnection: close\r\n\r\n");
        connect(&page, &request).read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 403 "), "{path}: {answer}");
    }
}

#[test]
fn a_base_path_is_before_all_and_cut_off_for_the_host() {
    let (page, _) = start("/load");
    assert!(page.url().ends_with("/load/"));
    let (head, _) = ask(&page, "GET /load", "", "");
    assert!(head.starts_with("HTTP/1.1 308 ") && head.contains("location: /load/"), "{head}");
    let (head, _) = ask(&page, "GET /load/", "", "");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let (_, body) = ask(&page, "GET /load/own", "", "");
    assert!(body.contains("GET /own?"), "{body}");
    let (head, _) = ask(&page, "GET /healthz", "", "");
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let (page, _) = start("");
    let config = Config {
        listen: page.address(),
        base_path: String::new(),
        tls: None,
        foreign: false,
        entrance: Entrance::Open,
        history: None,
    };
    let error = Page::start(config, Arc::new(|_| {})).unwrap_err().to_string();
    assert!(error.contains(&page.address().to_string()), "{error}");
}

#[test]
fn the_page_can_be_encrypted_and_a_silent_visitor_holds_up_nobody() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let tls = Tls {
        certificates: made.cert.pem().into_bytes(),
        key: made.signing_key.serialize_pem().into_bytes(),
    };
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = Config {
        listen,
        base_path: String::new(),
        tls: Some(tls),
        foreign: false,
        entrance: Entrance::Open,
        history: None,
    };
    let page = Page::start(config, Arc::new(|_| {})).unwrap();
    assert!(page.url().starts_with("https://127.0.0.1:"));
    let silent = TcpStream::connect(page.address()).unwrap();

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connection =
        rustls::ClientConnection::new(Arc::new(client), "localhost".try_into().unwrap()).unwrap();
    let stream = TcpStream::connect(page.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, stream);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    // The end of the connection may come without TLS's own goodbye.
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok\n"), "{answer}");
    drop(silent);

    let nonsense = Tls { certificates: b"nonsense".to_vec(), key: Vec::new() };
    let config = Config {
        listen,
        base_path: String::new(),
        tls: Some(nonsense),
        foreign: false,
        entrance: Entrance::Open,
        history: None,
    };
    let error = Page::start(config, Arc::new(|_| {})).unwrap_err().to_string();
    assert!(error.contains("the certificate"), "{error}");
}
