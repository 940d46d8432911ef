//! HTTP/1.1 against a server that behaves, and against one that does not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Reply, Server, User, failure, get, ok, post, respond};
use throng_http::{BodyMode, ClientConfig, HostOverrides, HostnameFilter, Method, Proto, Request, Url};

#[test]
fn a_get_brings_the_response_and_its_phases() {
    let server = Server::start(|_| ok("hello"));
    let mut user = User::new();
    let outcome = user.get(&server.url("/a?b=c"));
    let response = outcome.result.unwrap();
    assert_eq!((response.status, &response.body[..]), (200, &b"hello"[..]));
    assert_eq!((response.status_text().as_str(), response.proto), ("200 OK", Proto::Http11));
    assert_eq!(response.remote_addr, server.addr);
    assert_eq!(outcome.hops.len(), 1);
    let hop = &outcome.hops[0];
    assert_eq!((hop.status, hop.error_code, hop.reused_connection), (200, None, false));
    assert!(hop.timings.connecting > Duration::ZERO && hop.timings.sending > Duration::ZERO);
    assert!(hop.timings.tls_handshaking == Duration::ZERO);
    let (sent, received) = user.client.take_bytes();
    let seen = &server.seen()[0];
    assert_eq!(seen.head.len() as u64 + 4, sent);
    assert_eq!(received, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".len() as u64);
    assert_eq!(seen.path(), "/a?b=c");
}

#[test]
fn connections_are_kept_alive() {
    let server = Server::start(|_| ok(""));
    let mut user = User::new();
    for _ in 0..5 {
        user.get(&server.url("/")).result.unwrap();
    }
    assert!(server.seen().iter().all(|seen| seen.connection == 0));
    let hop = &user.get(&server.url("/")).hops[0];
    assert!(hop.reused_connection && hop.timings.connecting == Duration::ZERO);
}

#[test]
fn without_connection_reuse_every_request_connects() {
    let server = Server::start(|_| ok(""));
    let mut user = User::with(ClientConfig { no_connection_reuse: true, ..ClientConfig::default() });
    user.get(&server.url("/")).result.unwrap();
    user.get(&server.url("/")).result.unwrap();
    let connections: Vec<_> = server.seen().iter().map(|s| s.connection).collect();
    assert_eq!(connections, [0, 1]);
}

#[test]
fn without_vu_connection_reuse_the_iteration_ends_the_connection() {
    let server = Server::start(|_| ok(""));
    let mut user = User::with(ClientConfig { no_vu_connection_reuse: true, ..ClientConfig::default() });
    for _ in 0..2 {
        user.get(&server.url("/")).result.unwrap();
        user.get(&server.url("/")).result.unwrap();
        user.client.end_iteration();
    }
    let connections: Vec<_> = server.seen().iter().map(|s| s.connection).collect();
    assert_eq!(connections, [0, 0, 1, 1]);
}

#[test]
fn requests_at_the_same_time_have_a_connection_each() {
    let server = Server::start(|_| ok("x"));
    let mut user = User::new();
    let outcomes = user.batch((0..4).map(|_| get(&server.url("/"))).collect());
    assert!(outcomes.iter().all(|o| o.result.is_ok()));
    let mut connections: Vec<_> = server.seen().iter().map(|s| s.connection).collect();
    connections.sort_unstable();
    assert_eq!(connections, [0, 1, 2, 3]);
}

#[test]
fn a_body_goes_along_whatever_its_size() {
    let server = Server::start(|seen| ok(&seen.body.len().to_string()));
    let mut user = User::new();
    for size in [0, 1, 20_000, 3_000_000] {
        let outcome = user.send(post(&server.url("/"), &"x".repeat(size)));
        assert_eq!(outcome.result.unwrap().body, size.to_string());
    }
}

#[test]
fn chunked_bodies_and_bodies_until_the_end_are_read() {
    let server = Server::start(|seen| match seen.path() {
        "/chunked" => Reply::Send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n"
                .to_vec(),
        ),
        _ => Reply::SendAndClose(b"HTTP/1.0 200 OK\r\n\r\nto the end".to_vec()),
    });
    let mut user = User::new();
    assert_eq!(user.get(&server.url("/chunked")).result.unwrap().body, "abcde");
    assert_eq!(user.get(&server.url("/chunked")).result.unwrap().body, "abcde");
    let response = user.get(&server.url("/old")).result.unwrap();
    assert_eq!((response.proto, &response.body[..]), (Proto::Http10, &b"to the end"[..]));
    let connections: Vec<_> = server.seen().iter().map(|s| s.connection).collect();
    assert_eq!(connections, [0, 0, 0]);
}

#[test]
fn large_bodies_arrive_whole_and_discarded_ones_leave_the_connection_usable() {
    let body: Vec<u8> = (0..2_000_000u32).map(|i| (i % 253) as u8).collect();
    let wire = respond("200 OK", &[], &body);
    let server = Server::start(move |_| Reply::Send(wire.clone()));
    let mut user = User::new();
    assert!(user.get(&server.url("/")).result.unwrap().body == body);
    let mut request = get(&server.url("/"));
    request.body_mode = BodyMode::Discard;
    assert!(user.send(request).result.unwrap().body.is_empty());
    assert!(user.get(&server.url("/")).hops[0].reused_connection);
}

#[test]
fn head_responses_have_no_body() {
    let server = Server::start(|_| Reply::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_vec()));
    let mut user = User::new();
    let request = || Request::new(Method::HEAD, Url::parse(&server.url("/")).unwrap());
    assert!(user.send(request()).result.unwrap().body.is_empty());
    assert!(user.send(request()).hops[0].reused_connection);
}

/// Texts and codes observed on k6 1.1.
#[test]
fn misbehaving_servers_give_k6s_errors() {
    let server = Server::start(|seen| match seen.path() {
        "/garbage" => Reply::Send(b"blah blah\r\n\r\n".to_vec()),
        "/close" => Reply::SendAndClose(Vec::new()),
        "/reset" => Reply::Reset,
        "/101" => Reply::Send(b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec()),
        "/short" => Reply::SendAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc".to_vec()),
        "/badchunk" => Reply::Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec()),
        _ => Reply::Send(b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n".to_vec()),
    });
    let mut user = User::new();
    for (path, code, text) in [
        ("/garbage", 1000, r#"malformed HTTP status code "blah""#),
        ("/close", 1000, "EOF"),
        ("/reset", 1220, "read: connection reset by peer"),
        ("/101", 1000, "unsupported response status: 101 Switching Protocols"),
        ("/short", 1000, "unexpected EOF"),
        ("/badchunk", 1000, "invalid byte in chunk length"),
        ("/badlen", 1000, r#"bad Content-Length "abc""#),
    ] {
        let outcome = user.get(&server.url(path));
        assert_eq!(failure(&outcome), (code, text), "{path}");
        assert_eq!(outcome.hops[0].error_code, Some(code));
        assert_eq!(outcome.hops[0].status, 0);
        let connections = server.seen().iter().filter(|s| s.path() == path).count();
        assert_eq!(connections, 1, "a first use is never repeated");
    }
    assert_eq!(user.get(&server.url("/short")).result.unwrap_err().partial_body.unwrap(), "abc");
}

#[test]
fn statuses_from_400_on_carry_an_error_code_and_no_error() {
    let server = Server::start(|seen| {
        Reply::Send(respond(if seen.path() == "/404" { "404 Not Found" } else { "500 Oops" }, &[], b""))
    });
    let mut user = User::new();
    for (path, code) in [("/404", 1404), ("/500", 1500)] {
        let outcome = user.get(&server.url(path));
        assert_eq!((outcome.hops[0].error_code, outcome.hops[0].error.clone()), (Some(code), None));
        assert!(outcome.result.is_ok());
    }
}

#[test]
fn a_connection_that_died_while_idle_is_replaced() {
    let server = Server::start(|seen| match seen.path() {
        "/last" => Reply::SendAndClose(respond("200 OK", &[], b"bye")),
        _ => ok("again"),
    });
    let mut user = User::new();
    user.get(&server.url("/last")).result.unwrap();
    user.notice();
    let outcome = user.send(post(&server.url("/"), "body"));
    assert_eq!(outcome.result.unwrap().body, "again");
    assert!(!outcome.hops[0].reused_connection);
}

#[test]
fn a_connection_that_dies_as_it_is_used_is_replaced_only_for_repeatable_requests() {
    let requests = AtomicUsize::new(0);
    let server = Server::start(move |_| match requests.fetch_add(1, Ordering::SeqCst) {
        // The first answer keeps the connection, the second request on it is met by a close.
        1 | 4 => Reply::SendAndClose(Vec::new()),
        _ => ok("fine"),
    });
    let mut user = User::new();
    user.get(&server.url("/")).result.unwrap();
    let repeated = user.get(&server.url("/"));
    assert_eq!(repeated.result.unwrap().body, "fine");
    assert_eq!((repeated.hops.len(), server.seen().len()), (1, 3));
    user.get(&server.url("/")).result.unwrap();
    let outcome = user.send(post(&server.url("/"), "x"));
    assert_eq!(failure(&outcome), (1000, "EOF"));
    assert_eq!(server.seen().len(), 5);
}

#[test]
fn bytes_after_a_response_end_the_connection() {
    let server = Server::start(|_| {
        let mut wire = respond("200 OK", &[], b"ok");
        wire.extend_from_slice(b"EXTRA");
        Reply::Send(wire)
    });
    let mut user = User::new();
    assert_eq!(user.get(&server.url("/")).result.unwrap().body, "ok");
    assert!(!user.get(&server.url("/")).hops[0].reused_connection);
}

#[test]
fn a_timeout_ends_the_request_and_says_how_far_it_came() {
    let server = Server::start(|seen| match seen.path() {
        "/hang" => Reply::Hang,
        _ => Reply::SendAndHang(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc".to_vec()),
    });
    let mut user = User::new();
    for path in ["/hang", "/body"] {
        let mut request = get(&server.url(path));
        request.timeout = Duration::from_millis(30);
        let outcome = user.send(request);
        assert_eq!(failure(&outcome), (1050, "request timeout"));
        let t = outcome.hops[0].timings;
        let expected = if path == "/hang" { t.waiting } else { t.receiving };
        assert!(expected >= Duration::from_millis(20), "{t:?}");
    }
}

/// Texts and codes observed on k6 1.1.
#[test]
fn requests_that_cannot_be_sent_give_k6s_errors() {
    let server = Server::start(|_| ok("found"));
    let port = server.addr.port();
    let config = ClientConfig {
        hosts: HostOverrides::new([
            ("mapped.test", "127.0.0.1"),
            ("blocked.test", "10.1.1.1"),
            ("*.wild.test", &format!("127.0.0.1:{port}")),
        ])
        .unwrap(),
        blacklist: throng_http::AddressFilter::new(vec!["10.0.0.0/8".parse().unwrap()]),
        block_hostnames: HostnameFilter::new(["no.test", "*.no2.test"]).unwrap(),
        ..ClientConfig::default()
    };
    let mut user = User::with(config);
    assert_eq!(user.get(&format!("http://mapped.test:{port}/")).result.unwrap().body, "found");
    assert_eq!(user.get("http://a.wild.test/").result.unwrap().body, "found");
    for (url, code, text) in [
        ("http://127.0.0.1:1/", 1212, "dial: connection refused"),
        ("http://nosuch.invalid/", 1101, "lookup: no such host"),
        ("http://blocked.test/", 1110, "ip is blacklisted"),
        ("http://10.9.9.9/", 1110, "ip is blacklisted"),
        ("http://no.test/", 1111, "hostname is blocked"),
        ("http://a.no2.test/", 1111, "hostname is blocked"),
        ("http://127.0.0.1:99999/", 1210, "dial tcp: address 99999: invalid port"),
        ("ftp://x/", 1000, r#"unsupported protocol scheme "ftp""#),
        ("/rel", 1000, r#"unsupported protocol scheme """#),
        ("http://", 1000, "http: no Host in request URL"),
    ] {
        let outcome = user.get(url);
        assert_eq!(failure(&outcome), (code, text), "{url}");
        assert_eq!(outcome.hops[0].timings, throng_http::Timings::default());
    }
    let mut request = get(&server.url("/"));
    request.headers.set("a b", "1");
    assert_eq!(failure(&user.send(request)), (1000, r#"net/http: invalid header field name "a b""#));
    let mut request = get(&server.url("/"));
    request.headers.set("ab", "1\r\nfoo: bar");
    assert_eq!(failure(&user.send(request)), (1000, r#"net/http: invalid header field value for "Ab""#));
    let request = Request::new(Method::new("A B"), Url::parse(&server.url("/")).unwrap());
    assert_eq!(failure(&user.send(request)), (1000, r#"net/http: invalid method "A B""#));
}
