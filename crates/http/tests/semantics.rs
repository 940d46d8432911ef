//! Redirects, cookies, authentication, codings, proxies and limits: what a request means beyond one
//! exchange.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Reply, Seen, Server, User, failure, get, ok, post, respond};
use throng_http::{
    Algorithm, Auth, ClientConfig, CookieJar, HostOverrides, HttpDebug, HttpDump, Method, ProxyConfig,
    RateLimiter, RedirectPolicy, Request, RequestCookie, Url, Warning,
};

fn redirect(status: &str, location: &str) -> Reply {
    Reply::Send(respond(status, &[&format!("Location: {location}")], b"moved"))
}

/// Answers `/to/STATUS/PATH` with a redirect to `/PATH`, `/loop` with one to itself, all else with 200.
fn redirector() -> Server {
    Server::start(|seen: &Seen| {
        let path = seen.path();
        if let Some((status, to)) = path.strip_prefix("/to/").and_then(|rest| rest.split_once('/')) {
            return redirect(&format!("{status} Moved"), &to.replace('~', "/"));
        }
        match path {
            "/loop" => redirect("302 Found", "/loop"),
            "/noloc" => Reply::Send(respond("302 Found", &[], b"nowhere")),
            _ => ok("end"),
        }
    })
}

#[test]
fn redirects_are_followed_and_each_is_a_hop() {
    let server = redirector();
    let mut user = User::new();
    let mut request = post(&server.url("/to/302/~to~307~~end"), "body");
    request.headers.set("Content-Type", "text/plain");
    let outcome = user.send(request);
    let response = outcome.result.unwrap();
    assert_eq!((response.status, response.url.path()), (200, "/end"));
    let hops: Vec<_> = outcome.hops.iter().map(|h| (h.method.as_str(), h.status)).collect();
    assert_eq!(hops, [("POST", 302), ("GET", 307), ("GET", 200)]);
    let seen = server.seen();
    assert_eq!(seen[0].body, b"body");
    assert!(seen[1].body.is_empty() && seen[1].header("Content-Length").is_none());
    assert_eq!(seen[1].header("Content-Type"), Some("text/plain"), "observed on k6 1.1");
    assert_eq!(seen[1].header("Referer"), Some(server.url("/to/302/~to~307~~end").as_str()));
}

#[test]
fn a_307_repeats_method_and_body() {
    let server = redirector();
    User::new().send(post(&server.url("/to/307/~end"), "body")).result.unwrap();
    let seen = server.seen();
    assert_eq!((seen[1].method(), &seen[1].body[..]), ("POST", &b"body"[..]));
}

#[test]
fn the_limit_of_redirects_returns_the_last_one() {
    let server = redirector();
    let mut user = User::new();
    let outcome = user.get(&server.url("/loop"));
    assert_eq!(outcome.result.unwrap().status, 302);
    assert_eq!(outcome.hops.len(), 11, "ten redirects are followed");
    assert_eq!(outcome.warning, Some(Warning::TooManyRedirects { requests: 11 }));
    for max in [0, 2] {
        let mut request = get(&server.url("/loop"));
        request.redirects = RedirectPolicy { max, is_default: false };
        let outcome = user.send(request);
        assert_eq!((outcome.result.unwrap().status, outcome.hops.len()), (302, max as usize + 1));
        assert_eq!(outcome.warning, None);
    }
    assert_eq!(user.get(&server.url("/noloc")).result.unwrap().body, "nowhere");
}

/// Texts observed on k6 1.1.
#[test]
fn a_location_that_leads_nowhere_is_an_error() {
    let server = redirector();
    let mut user = User::new();
    let outcome = user.get(&server.url("/to/302/http:~~foo.bar:bad~"));
    let text = r#"failed to parse Location header "http://foo.bar:bad/": parse "http://foo.bar:bad/": invalid port ":bad" after host"#;
    assert_eq!(failure(&outcome), (1000, text));
    assert_eq!(outcome.hops.len(), 1);
    let outcome = user.get(&server.url("/to/302/ftp:~~x~"));
    assert_eq!(failure(&outcome), (1000, r#"unsupported protocol scheme "ftp""#));
    assert_eq!(outcome.hops.len(), 2);
}

/// Observed on k6 1.1.
#[test]
fn headers_and_cookies_cross_hosts_as_with_k6() {
    let server = redirector();
    let port = server.addr.port();
    let target = format!("http:~~localhost:{port}~y");
    let mut user = User::with(ClientConfig {
        hosts: HostOverrides::new([("localhost", "127.0.0.1")]).unwrap(),
        ..ClientConfig::default()
    });
    let mut request = get(&format!("http://u:p@127.0.0.1:{port}/to/302/{target}"));
    request.headers.set("X-Foo", "1");
    request.headers.set("Authorization", "zz");
    request.headers.set("Cookie", "q=1");
    request.headers.set("Host", "foo.bar");
    request.cookies = vec![RequestCookie { name: "pc".into(), value: "1".into(), replace: false }];
    user.send(request).result.unwrap();
    let seen = server.seen();
    let of = |i: usize, name: &str| seen[i].header(name).map(str::to_owned);
    assert_eq!(of(0, "Authorization").as_deref(), Some("zz"));
    assert_eq!(of(0, "Cookie").as_deref(), Some("q=1; pc=1"));
    assert_eq!(of(0, "Host").as_deref(), Some("foo.bar"));
    assert_eq!(of(1, "Authorization"), None);
    assert_eq!(of(1, "Cookie").as_deref(), Some("pc=1"));
    assert_eq!(of(1, "Host"), Some(format!("localhost:{port}")));
    assert_eq!(of(1, "X-Foo").as_deref(), Some("1"));
    assert_eq!(of(1, "Referer"), Some(format!("http://127.0.0.1:{port}/to/302/{target}")));
}

#[test]
fn cookies_of_every_hop_are_kept_and_sent_back() {
    let server = Server::start(|seen| match seen.path() {
        "/login" => Reply::Send(respond("302 Found", &["Set-Cookie: a=1; Path=/", "Location: /home"], b"")),
        "/home" => Reply::Send(respond("200 OK", &["Set-Cookie: b=2; Path=/"], b"")),
        _ => ok(""),
    });
    let mut user = User::new();
    let jar = Rc::new(RefCell::new(CookieJar::new()));
    let with_jar = |path: &str| {
        let mut request = get(&server.url(path));
        request.jar = Some(Rc::clone(&jar));
        request
    };
    user.send(with_jar("/login")).result.unwrap();
    let mut request = with_jar("/x");
    request.cookies = vec![
        RequestCookie { name: "a".into(), value: "mine".into(), replace: false },
        RequestCookie { name: "b".into(), value: "x y;\"".into(), replace: true },
    ];
    user.send(request).result.unwrap();
    let cookies: Vec<_> = server.seen().iter().map(|s| s.header("Cookie").map(str::to_owned)).collect();
    let expected = [None, Some("a=1".to_owned()), Some("a=mine; b=\"x y\"; a=1".to_owned())];
    assert_eq!(cookies, expected, "the last as observed on k6 1.1");
    let url = Url::parse(&server.url("/")).unwrap();
    assert_eq!(jar.borrow().cookies_for(&url), [("a", "1"), ("b", "2")]);
}

#[test]
fn a_user_in_the_url_is_basic_authentication() {
    let server = Server::start(|_| ok(""));
    let mut user = User::new();
    user.get(&format!("http://us%20er:p%40ss@{}/", server.addr)).result.unwrap();
    assert_eq!(server.seen()[0].header("Authorization"), Some("Basic dXMgZXI6cEBzcw=="));
}

#[test]
fn a_digest_challenge_is_answered_once() {
    let server = Server::start(|seen| {
        let answered = seen.header("Authorization").is_some_and(|a| a.starts_with("Digest "));
        if answered && seen.path() == "/good" {
            ok("in")
        } else {
            let challenge = r#"WWW-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256"#;
            Reply::Send(respond("401 Unauthorized", &[challenge], b""))
        }
    });
    let mut user = User::new();
    let request = |path: &str| {
        let mut request = post(&format!("http://u:p@{}{path}", server.addr), "body");
        request.auth = Auth::Digest;
        request
    };
    let outcome = user.send(request("/good"));
    let response = outcome.result.unwrap();
    assert_eq!((response.status, response.url.as_str()), (200, server.url("/good").as_str()));
    assert_eq!(outcome.hops.iter().map(|h| h.status).collect::<Vec<_>>(), [401, 200]);
    let seen = server.seen();
    assert_eq!(seen[0].header("Authorization"), Some("Basic dTpw"), "observed on k6 1.1");
    let answer = seen[1].header("Authorization").unwrap();
    assert!(answer.contains("uri=\"/good\"") && answer.contains("algorithm=SHA-256"), "{answer}");
    assert_eq!(seen[1].body, b"body");
    let outcome = user.send(request("/bad"));
    assert_eq!((outcome.hops.len(), outcome.result.unwrap().status), (2, 401));
}

#[test]
fn request_bodies_are_compressed_and_response_bodies_unpacked() {
    let server = Server::start(|seen| {
        let header = format!("Content-Encoding: {}", seen.header("Content-Encoding").unwrap());
        Reply::Send(respond("200 OK", &[&header], &seen.body))
    });
    let mut user = User::new();
    let body = "abcabc".repeat(1000);
    for list in ["gzip", "deflate", "br", "zstd", "gzip, deflate"] {
        let mut request = post(&server.url("/"), &body);
        request.compression = Algorithm::parse_list(list).unwrap();
        let response = user.send(request).result.unwrap();
        assert!(response.body == body, "{list}");
        assert_eq!(response.head.get("content-encoding"), Some(list.as_bytes()), "headers stay as received");
        assert!(server.seen().last().unwrap().body.len() < body.len());
    }
    let mut request = post(&server.url("/"), &body);
    request.compression = vec![Algorithm::Gzip];
    request.headers.set("Content-Encoding", "deflate");
    let outcome = user.send(request);
    assert_eq!(failure(&outcome).0, 1701);
    assert_eq!(server.seen().last().unwrap().header("Content-Encoding"), Some("deflate"));
}

#[test]
fn plain_requests_go_to_the_proxy_in_absolute_form() {
    let proxy = Server::start(|_| ok("via"));
    let config = ProxyConfig::new(Some(&format!("http://u:p@{}", proxy.addr)), None, "direct.test").unwrap();
    let direct = Server::start(|_| ok("direct"));
    let hosts = HostOverrides::new([("direct.test", direct.addr.to_string())]).unwrap();
    let mut user = User::with(ClientConfig { proxy: config, hosts, ..ClientConfig::default() });
    assert_eq!(user.get("http://one.test:8080/a?b").result.unwrap().body, "via");
    assert_eq!(user.get("http://two.test/").result.unwrap().body, "via");
    assert_eq!(user.get("http://direct.test/").result.unwrap().body, "direct");
    let seen = proxy.seen();
    assert!(seen[0].head.starts_with("GET http://one.test:8080/a?b HTTP/1.1\r\nHost: one.test:8080\r\n"));
    assert_eq!(seen[0].header("Proxy-Authorization"), Some("Basic dTpw"));
    assert_eq!(seen[1].connection, 0, "one connection to the proxy serves all hosts");
    assert_eq!(direct.seen()[0].header("Proxy-Authorization"), None);
}

#[test]
fn a_proxy_that_refuses_a_tunnel_gives_its_reason() {
    let proxy = Server::start(|_| Reply::Send(respond("407 Proxy Authentication Required", &[], b"")));
    let config = ProxyConfig::new(None, Some(&proxy.addr.to_string()), "").unwrap();
    let mut user = User::with(ClientConfig { proxy: config, ..ClientConfig::default() });
    let outcome = user.get("https://one.test/");
    assert_eq!(failure(&outcome), (1000, "Proxy Authentication Required"));
    assert!(proxy.seen()[0].head.starts_with("CONNECT one.test:443 HTTP/1.1\r\nHost: one.test:443"));
}

#[test]
fn requests_wait_for_their_turn_under_a_rate_limit() {
    let server = Server::start(|_| ok(""));
    let limiter = RateLimiter::new(200).map(Arc::new);
    let mut user = User::with(ClientConfig { rate_limiter: limiter, ..ClientConfig::default() });
    let start = Instant::now();
    for _ in 0..5 {
        let outcome = user.get(&server.url("/"));
        assert!(outcome.hops[0].timings.blocked < Duration::from_millis(500));
    }
    assert!(start.elapsed() >= Duration::from_millis(20), "{:?}", start.elapsed());
}

#[test]
fn dumps_show_both_sides_as_text() {
    let server = Server::start(|_| ok("answer"));
    let mut user = User::new();
    for full in [false, true] {
        let log = Rc::new(RefCell::new(String::new()));
        let sink = Rc::clone(&log);
        user.client.set_debug(Some(HttpDebug::new(full, move |_, dump| match dump {
            HttpDump::Request(text) | HttpDump::Response(text) => sink.borrow_mut().push_str(text),
        })));
        user.send(post(&server.url("/x"), "question")).result.unwrap();
        let text = log.borrow();
        assert!(
            text.starts_with("POST /x HTTP/1.1\r\nHost: ") && text.contains("HTTP/1.1 200 OK\r\n"),
            "{text}"
        );
        assert_eq!(text.contains("question") && text.ends_with("\r\n\r\nanswer"), full);
    }
}

#[test]
fn other_methods_and_empty_bodies_travel() {
    let server = Server::start(|_| ok(""));
    let mut user = User::new();
    let mut request = Request::new(Method::new("foo"), Url::parse(&server.url("/")).unwrap());
    request.body = Some(Bytes::from_static(b"b"));
    user.send(request).result.unwrap();
    user.send(Request::new(Method::new("DELETE"), Url::parse(&server.url("/")).unwrap())).result.unwrap();
    user.send(Request::new(Method::new("PUT"), Url::parse(&server.url("/")).unwrap())).result.unwrap();
    let seen = server.seen();
    assert_eq!((seen[0].method(), &seen[0].body[..]), ("foo", &b"b"[..]));
    assert_eq!(seen[1].header("Content-Length"), None);
    assert_eq!(seen[2].header("Content-Length"), Some("0"));
}
