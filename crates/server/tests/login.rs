//! Who is let in, over real sockets: everything is behind the login but the probes and the login itself.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without ends it")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use throng_server::{
    Answer, Ask, Config, CutOff, Entrance, Foreign, ForeignHead, Login, Page, RunState, Update, Verdict,
};

/// A page whose host answers with the headers it got.
fn start(base_path: &str, entrance: Entrance) -> Page {
    let config = Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        base_path: base_path.to_owned(),
        tls: None,
        foreign: true,
        entrance,
        history: None,
    };
    let inbox = move |ask| match ask {
        Ask::Command(_, reply) => reply.give(Ok(())),
        Ask::Summary(reply) => reply.give(Ok("{}".to_owned())),
        Ask::Admit(request, reply) => {
            reply.give(verdict(&request));
        }
        Ask::Foreign(request, reply) => {
            let headers = request
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value)));
            reply.give_whole(ForeignHead { status: 200, headers: Vec::new() }, headers.collect::<String>());
        }
    };
    Page::start(config, Arc::new(inbox)).unwrap()
}

/// What the host says of somebody, by a header.
fn verdict(request: &Foreign) -> Verdict {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    match request.headers.iter().find(|(name, _)| name == "x-known").map(|(_, value)| value.as_slice()) {
        Some(b"yes") => Verdict::Admitted(vec![
            ("set-cookie".to_owned(), b"own=1".to_vec()),
            ("content-type".to_owned(), b"text/plain".to_vec()),
        ]),
        Some(b"at first") if ASKED.fetch_add(1, Ordering::Relaxed) == 0 => Verdict::Admitted(Vec::new()),
        Some(b"no") => {
            let body = format!("{} {}: {}", request.method, request.path, request.body.len());
            Verdict::Answered(answer(403, vec![Ok(body.into())]))
        }
        _ => Verdict::Stranger,
    }
}

fn answer(status: u16, parts: Vec<Result<bytes::Bytes, CutOff>>) -> Answer {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    for part in parts {
        sender.send(part).unwrap();
    }
    (ForeignHead { status, headers: Vec::new() }, receiver)
}

fn login() -> Entrance {
    let person = Some(("ann".to_owned(), "correct horse".to_owned()));
    Entrance::Login(Login::new(person, Some("battery staple".to_owned())).unwrap())
}

/// Head in lower case, and body.
fn ask(page: &Page, line: &str, headers: &[&str], body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(page.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let headers = headers.iter().fold(String::new(), |all, header| all + header + "\r\n");
    let length = body.len();
    write!(
        stream,
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

#[track_caller]
fn expect(answer: &(String, String), status: u16) {
    assert!(answer.0.starts_with(&format!("http/1.1 {status} ")), "{answer:?}");
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const RIGHT: &str = "username=ann&password=correct+horse";

/// The cookie of a session, as a header.
fn log_in(page: &Page) -> String {
    let (head, _) = ask(page, "POST /login", &[FORM], RIGHT);
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    format!("Cookie: {}", cookie.split(';').next().unwrap())
}

#[test]
fn nothing_but_the_probes_and_the_login_is_open() {
    let page = start("", login());
    for path in ["/healthz", "/readyz", "/login", "/login.css"] {
        expect(&ask(&page, &format!("GET {path}"), &[], ""), 200);
    }
    for line in [
        "GET /",
        "GET /assets/index.js",
        "GET /metrics",
        "GET /api/v1/snapshot",
        "GET /api/v1/events",
        "GET /api/v1/openapi.json",
        "GET /api/v1/session",
        "POST /api/v1/stop",
        "GET /stats/requests",
        "POST /swarm",
        "GET /own/route",
        "GET //login",
        "GET /healthz/",
    ] {
        let refused = ask(&page, line, &["X-Throng: 1"], "");
        expect(&refused, 401);
        assert!(refused.0.contains("www-authenticate: bearer"), "{refused:?}");
    }
    let (head, _) = ask(&page, "GET /", &["Accept: text/html,*/*"], "");
    assert!(head.starts_with("http/1.1 303 ") && head.contains("\nlocation: /login\r"), "{head}");
}

#[test]
fn routes_of_the_hosts_that_win_over_ours_are_behind_the_login() {
    let page = start("", login());
    let routes = ["/healthz", "/readyz", "/metrics", "/login.css"].map(str::to_owned).to_vec();
    page.push(Update { now: 1, routes, ..Update::default() });
    let token = "Authorization: Bearer battery staple";
    for path in ["/healthz", "/readyz", "/metrics", "/assets/mine", "/logout"] {
        expect(&ask(&page, &format!("GET {path}"), &[], ""), 401);
        let (head, seen) = ask(&page, &format!("GET {path}"), &[token, "X-Mine: 1"], "");
        assert!(head.starts_with("http/1.1 200 ") && seen.contains("x-mine: 1\n"), "{path}: {head}\n{seen}");
        assert!(!seen.contains("battery"), "{path}: {seen}");
    }
    // The login needs its style, and its session ends here.
    let (head, style) = ask(&page, "GET /login.css", &[], "");
    assert!(head.contains("content-type: text/css") && style.contains('{'), "{head}\n{style}");
    let session = log_in(&page);
    expect(&ask(&page, "GET /metrics", &[&session], ""), 200);
    expect(&ask(&page, "POST /logout", &[&session], ""), 303);
    expect(&ask(&page, "GET /metrics", &[&session], ""), 401);
}

#[test]
fn a_session_is_begun_kept_and_ended() {
    let page = start("/load", login());
    let (head, body) = ask(&page, "GET /load/login", &[], "");
    assert!(body.contains("name=\"password\"") && head.contains("form-action 'self'"), "{head}\n{body}");
    let wrong = ask(&page, "POST /load/login", &[FORM], "username=ann&password=wrong");
    expect(&wrong, 401);
    assert!(wrong.1.contains("User or password is wrong.") && !wrong.0.contains("set-cookie"), "{wrong:?}");

    let right = ask(&page, "POST /load/login", &[FORM], RIGHT);
    expect(&right, 303);
    assert!(right.0.contains("\nlocation: /load/\r"), "{right:?}");
    let cookie = right.0.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let port = page.address().port();
    assert!(cookie.starts_with(&format!("throng_{port}=")), "{cookie}");
    assert!(cookie.ends_with("; path=/load/; httponly; samesite=strict"), "{cookie}");
    let cookie = format!("Cookie: other=1; {}; last=2", cookie.split(';').next().unwrap());

    expect(&ask(&page, "GET /load/api/v1/snapshot", &[&cookie], ""), 200);
    expect(&ask(&page, "POST /load/api/v1/stop", &[&cookie, "X-Throng: 1"], ""), 202);
    // A cookie alone is what a browser sends for anybody: commands need more.
    expect(&ask(&page, "POST /load/api/v1/stop", &[&cookie], ""), 403);
    let (_, seen) = ask(&page, "GET /load/own", &[&cookie], "");
    assert!(seen.contains("cookie: other=1; last=2\n") && !seen.contains("throng_"), "{seen}");

    expect(&ask(&page, "POST /load/logout", &[&cookie, "Origin: http://evil.example"], ""), 403);
    let out = ask(&page, "POST /load/logout", &[&cookie], "");
    expect(&out, 303);
    assert!(out.0.contains("max-age=0"), "{out:?}");
    expect(&ask(&page, "GET /load/api/v1/snapshot", &[&cookie], ""), 401);
}

#[test]
fn an_event_stream_ends_with_its_session() {
    let page = start("", login());
    let (mine, others) = (log_in(&page), log_in(&page));
    let open = |shown: &str| {
        let mut stream = TcpStream::connect(page.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        write!(
            stream,
            "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{shown}\r\n\r\n"
        )
        .unwrap();
        let mut seen = String::new();
        while !seen.contains("event: snapshot") {
            let mut part = [0; 1_024];
            let read = stream.read(&mut part).unwrap();
            assert!(read > 0, "{seen}");
            seen.push_str(&String::from_utf8_lossy(&part[..read]));
        }
        stream
    };
    let mut streams = [&mine, &others, "Authorization: Bearer battery staple"].map(open);
    expect(&ask(&page, "POST /logout", &[&mine], ""), 303);
    let mut rest = String::new();
    streams[0].read_to_string(&mut rest).unwrap();
    page.push(Update { now: 1, state: RunState::Running, ..Update::default() });
    for stream in &mut streams[1..] {
        rest.clear();
        while !rest.contains("event: tick") {
            let mut part = [0; 1_024];
            let read = stream.read(&mut part).unwrap();
            assert!(read > 0, "others see on: {rest}");
            rest.push_str(&String::from_utf8_lossy(&part[..read]));
        }
    }
}

#[test]
fn programs_show_a_token_or_a_password() {
    let page = start("", login());
    for right in ["Authorization: Bearer battery staple", "Authorization: Basic YW5uOmNvcnJlY3QgaG9yc2U="] {
        expect(&ask(&page, "GET /metrics", &[right], ""), 200);
        let (_, seen) = ask(&page, "GET /own", &[right], "");
        assert!(!seen.contains("authorization"), "{seen}");
    }
    expect(&ask(&page, "GET /metrics", &["Authorization: Bearer wrong"], ""), 401);
}

#[test]
fn whoever_guesses_has_to_wait() {
    let page = start("", login());
    let session = log_in(&page);
    for _ in 0..5 {
        expect(&ask(&page, "POST /login", &[FORM], "username=ann&password=guess"), 401);
    }
    let waits = ask(&page, "POST /login", &[FORM], RIGHT);
    expect(&waits, 429);
    assert!(waits.0.contains("\nretry-after: "), "{waits:?}");
    expect(&ask(&page, "GET /metrics", &["Authorization: Bearer battery staple"], ""), 429);
    expect(&ask(&page, "GET /metrics", &[&session], ""), 200);
}

#[test]
fn another_sites_page_logs_nobody_in() {
    let page = start("", login());
    for foreign in ["Origin: http://evil.example", "Sec-Fetch-Site: cross-site"] {
        expect(&ask(&page, "POST /login", &[FORM, foreign], RIGHT), 403);
    }
    expect(&ask(&page, "POST /login", &[FORM], &format!("password={}", "x".repeat(20 << 10))), 413);
}

#[test]
fn a_host_with_a_login_of_its_own_is_asked() {
    let page = start("", Entrance::Host);
    expect(&ask(&page, "GET /api/v1/snapshot", &[], ""), 401);
    expect(&ask(&page, "GET /api/v1/snapshot", &["X-Known: yes"], ""), 200);
    let (head, _) = ask(&page, "GET /", &["Accept: text/html"], "");
    assert!(head.contains("\nlocation: /login\r"), "{head}");
    // Its own routes, its login among them, see to themselves.
    let (head, seen) = ask(&page, "GET /login", &[], "");
    assert!(head.starts_with("http/1.1 200 ") && seen.contains("host: localhost"), "{head}\n{seen}");
    expect(&ask(&page, "GET /own", &[], ""), 200);
}

#[test]
fn a_host_that_guards_the_page_is_asked_for_all_of_it() {
    let page = start("", Entrance::Open);
    expect(&ask(&page, "GET /api/v1/snapshot", &["X-Known: no"], ""), 200);
    page.guard(true);
    for line in ["GET /", "GET /api/v1/snapshot", "GET /api/v1/events", "GET /metrics", "POST /api/v1/stop"] {
        let (head, body) = ask(&page, line, &["X-Known: no", "X-Throng: 1"], "{}");
        assert!(head.starts_with("http/1.1 403 "), "{line}: {head}");
        let length = if line.starts_with("GET") { 0 } else { 2 };
        assert_eq!(
            body.lines().find(|part| part.contains(':')),
            Some(&*format!("{line}: {length}")),
            "{body}"
        );
        expect(&ask(&page, line, &["X-Throng: 1"], ""), 401);
    }
    for line in ["GET /healthz", "GET /assets/none.js", "GET /own"] {
        let (head, _) = ask(&page, line, &["X-Known: no"], "");
        assert!(!head.starts_with("http/1.1 403 "), "{line}: {head}");
    }
    // The host's guard stands before its own route itself.
    page.push(Update { now: 1, routes: vec!["/metrics".to_owned()], ..Update::default() });
    let (_, seen) = ask(&page, "GET /metrics", &["X-Known: no"], "");
    assert!(seen.contains("x-known: no\n"), "{seen}");
    let known = ["X-Known: yes", "X-Throng: 1"];
    let (head, _) = ask(&page, "GET /api/v1/snapshot", &known, "");
    assert!(
        head.contains("\nset-cookie: own=1\r") && head.contains("\ncontent-type: application/json\r"),
        "{head}"
    );
    // What is asked for has its body still.
    let start = r#"{"users":1,"spawn_rate":1}"#;
    expect(&ask(&page, "POST /api/v1/start", &known, start), 202);
    // Another site's page does not get as far as the host.
    expect(&ask(&page, "POST /api/v1/stop", &["X-Known: no", "Origin: http://evil.example"], ""), 403);
    page.guard(false);
    expect(&ask(&page, "GET /api/v1/snapshot", &["X-Known: no"], ""), 200);
}

#[test]
fn an_open_stream_ends_when_the_guard_changes_its_mind() {
    let page = start("", Entrance::Open);
    page.guard(true);
    let mut stream = TcpStream::connect(page.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    write!(stream, "GET /api/v1/events HTTP/1.0\r\nX-Known: at first\r\n\r\n").unwrap();
    let begun = std::time::Instant::now();
    let mut part = [0; 4096];
    loop {
        page.push(Update { now: begun.elapsed().as_millis() as u64, ..Update::default() });
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(_) | Err(_) => assert!(begun.elapsed() < Duration::from_secs(20), "it goes on"),
        }
    }
    assert!(begun.elapsed() > Duration::from_secs(3), "it is asked once in a while");
}

#[test]
fn a_guard_stands_beside_the_login_and_does_not_see_its_secrets() {
    let page = start("", login());
    page.guard(true);
    let token = "Authorization: Bearer battery staple";
    expect(&ask(&page, "GET /api/v1/snapshot", &["X-Known: yes"], ""), 401);
    expect(&ask(&page, "GET /api/v1/snapshot", &["X-Known: yes", token], ""), 200);
    expect(&ask(&page, "GET /api/v1/snapshot", &["X-Known: no", token], ""), 403);
    let (_, seen) = ask(&page, "GET /own", &[token], "");
    assert!(!seen.contains("battery"), "{seen}");
}

#[test]
fn every_answer_says_how_a_browser_is_to_treat_it() {
    let page = start("", login());
    for (line, of_ours) in [
        ("GET /login", true),
        ("GET /healthz", true),
        ("GET /api/v1/snapshot", true),
        ("GET /", true),
        ("GET /nowhere", false),
        ("POST /api/v1/stop", true),
    ] {
        let (head, _) = ask(&page, line, &["Authorization: Bearer battery staple"], "");
        for header in
            ["x-content-type-options: nosniff", "x-frame-options: deny", "referrer-policy: no-referrer"]
        {
            assert!(head.contains(header), "{line}: {header} is missing in {head}");
        }
        assert!(head.contains("cache-control: no-"), "{line}: {head}");
        assert_eq!(head.contains("frame-ancestors 'none'"), of_ours, "{line}: {head}");
    }
}

#[test]
fn without_a_login_only_names_of_this_machine_lead_to_a_loopback_address() {
    let page = start("", Entrance::Open);
    let with_host = |host: &str| {
        let mut stream = TcpStream::connect(page.address()).unwrap();
        write!(stream, "GET /api/v1/snapshot HTTP/1.0\r\n{host}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(with_host("Host: 127.0.0.1:8089\r\n"), "200");
    assert_eq!(with_host(""), "200");
    assert_eq!(with_host("Host: evil.example:8089\r\n"), "403");
}
