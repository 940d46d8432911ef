//! HTTP/2, chosen by ALPN, against h2's own server on a thread.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod common;

use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use common::{Reply, Server, Stream, User, failure, get, post};
use h2::Reason;
use h2::server::SendResponse;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use throng_http::{ClientConfig, HostOverrides, Proto, TlsConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A non-blocking TLS stream, polled in a loop: enough for a test server.
struct Polled(StreamOwned<ServerConnection, TcpStream>);

fn pending<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        done => Poll::Ready(done),
    }
}

impl AsyncRead for Polled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.0.read(buf.initialize_unfilled());
        pending(read).map_ok(|n| buf.advance(n))
    }
}

impl AsyncWrite for Polled {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        pending(self.0.write(data))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        pending(self.0.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let cx = &mut Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return output;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Waits for some turns of [`block_on`].
async fn pause() {
    let mut turns = 0;
    poll_fn(|_| {
        turns += 1;
        if turns > 100 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

async fn answer(request: http::Request<h2::RecvStream>, mut respond: SendResponse<Bytes>) {
    let (parts, mut body) = request.into_parts();
    let mut length = 0;
    while let Some(Ok(data)) = body.data().await {
        length += data.len();
        let _ = body.flow_control().release_capacity(data.len());
    }
    match parts.uri.path() {
        "/reset" => respond.send_reset(Reason::ENHANCE_YOUR_CALM),
        "/half" => {
            let response = http::Response::new(());
            let mut stream = respond.send_response(response, false).unwrap();
            stream.send_data(Bytes::from_static(b"half"), false).unwrap();
            // A reset that came at once would throw the data away.
            pause().await;
            stream.send_reset(Reason::INTERNAL_ERROR);
        }
        path => {
            let text = match path {
                "/big" => "z".repeat(1_000_000),
                _ => format!("{} {} {length}", parts.method, parts.uri),
            };
            let response = http::Response::builder().status(if path == "/404" { 404 } else { 200 });
            let response = response.header("x-agent", parts.headers.get("user-agent").cloned().unwrap());
            let mut stream = respond.send_response(response.body(()).unwrap(), false).unwrap();
            let _ = stream.send_data(Bytes::from(text), true);
        }
    }
}

/// Serves one connection, saying farewell after `limit` requests.
async fn serve(io: Polled, limit: usize) {
    let Ok(mut connection) = h2::server::handshake(io).await else { return };
    let mut running: Vec<Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
    let mut accepted = 0;
    poll_fn(|cx| {
        loop {
            running.retain_mut(|task| task.as_mut().poll(cx).is_pending());
            match connection.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => {
                    accepted += 1;
                    if request.uri().path() == "/hang-up" {
                        return Poll::Ready(());
                    }
                    running.push(Box::pin(answer(request, respond)));
                    if accepted == limit {
                        connection.graceful_shutdown();
                    }
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
}

/// Answers whatever comes with a farewell that takes no request and says that something is wrong.
fn refuse(mut io: StreamOwned<ServerConnection, TcpStream>) -> io::Result<()> {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const GOAWAY: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
    const PREFACE: usize = 24;
    io.write_all(&SETTINGS)?;
    io.flush()?;
    let mut seen = Vec::new();
    // Until there is a frame of the kind HEADERS behind the preface.
    while !has_headers(seen.get(PREFACE..).unwrap_or_default()) {
        let mut piece = [0; 4096];
        let n = io.read(&mut piece)?;
        seen.extend_from_slice(&piece[..n]);
    }
    io.write_all(&GOAWAY)?;
    io.flush()?;
    // The client closes.
    io.read(&mut [0; 100]).map(drop)
}

fn has_headers(mut frames: &[u8]) -> bool {
    while let [a, b, c, kind, ..] = *frames {
        if kind == 1 {
            return true;
        }
        let length = 9 + u32::from_be_bytes([0, a, b, c]) as usize;
        frames = frames.get(length..).unwrap_or_default();
    }
    false
}

/// In the place of a limit: [`refuse`].
const REFUSES: usize = 0;

struct H2Server {
    server: Server,
    connections: Arc<AtomicUsize>,
    user: User,
}

impl H2Server {
    fn start(limit: usize) -> Self {
        let key = rcgen::generate_simple_self_signed(vec!["h.test".into()]).unwrap();
        let private = PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![key.cert.der().clone()], private)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let config = Arc::new(config);
        let connections = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&connections);
        let server = Server::start_with(
            |_| Reply::Reset,
            move |mut tcp| {
                let mut tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                while tls.is_handshaking() {
                    tls.complete_io(&mut tcp).ok()?;
                }
                count.fetch_add(1, Ordering::SeqCst);
                if limit == REFUSES {
                    let _ = refuse(StreamOwned::new(tls, tcp));
                    return None::<Box<dyn Stream>>;
                }
                tcp.set_nonblocking(true).unwrap();
                block_on(serve(Polled(StreamOwned::new(tls, tcp)), limit));
                None::<Box<dyn Stream>>
            },
        );
        let tls = TlsConfig { trust_only: Some(key.cert.pem()), ..TlsConfig::default() };
        let hosts = HostOverrides::new([("h.test", "127.0.0.1")]).unwrap();
        let user_agent = Some("tester".to_owned());
        let user = User::with(ClientConfig { tls, hosts, user_agent, ..ClientConfig::default() });
        Self { server, connections, user }
    }

    fn url(&self, path: &str) -> String {
        format!("https://h.test:{}{path}", self.server.addr.port())
    }
}

#[test]
fn http2_is_spoken_where_the_server_offers_it() {
    let mut h = H2Server::start(usize::MAX);
    let url = h.url("/a b?c=d e");
    let outcome = h.user.get(&url);
    let response = outcome.result.unwrap();
    assert_eq!((response.proto, response.status_text().as_str()), (Proto::Http2, "200 OK"));
    let expected = format!("GET {} 0", h.url("/a%20b?c=d%20e"));
    assert_eq!(response.body, expected);
    assert_eq!(response.head.get("X-Agent"), Some(&b"tester"[..]));
    let t = outcome.hops[0].timings;
    assert!(t.tls_handshaking > Duration::ZERO && t.waiting > Duration::ZERO, "{t:?}");
    let url = h.url("/404");
    let outcome = h.user.get(&url);
    assert_eq!((outcome.hops[0].status, outcome.hops[0].error_code), (404, Some(1404)));
    assert!(outcome.hops[0].reused_connection);
}

#[test]
fn concurrent_requests_share_a_connection_once_there_is_one() {
    let mut h = H2Server::start(usize::MAX);
    let url = h.url("/");
    h.user.get(&url).result.unwrap();
    let outcomes = h.user.batch((0..8).map(|_| get(&url)).collect());
    assert!(outcomes.iter().all(|o| o.result.is_ok()));
    assert_eq!(h.connections.load(Ordering::SeqCst), 1);
}

#[test]
fn bodies_larger_than_a_window_go_both_ways() {
    let mut h = H2Server::start(usize::MAX);
    let url = h.url("/x");
    let outcome = h.user.send(post(&url, &"y".repeat(700_000)));
    assert_eq!(outcome.result.unwrap().body, format!("POST {url} 700000"));
    let url = h.url("/big");
    assert_eq!(h.user.get(&url).result.unwrap().body.len(), 1_000_000);
}

#[test]
fn a_stream_error_has_its_code() {
    let mut h = H2Server::start(usize::MAX);
    let url = h.url("/reset");
    let outcome = h.user.get(&url);
    let (code, text) = failure(&outcome);
    assert_eq!(code, 1631 + 11, "{text}");
    assert!(text.contains("ENHANCE_YOUR_CALM"), "{text}");
    assert!(h.user.get(&h.url("/")).result.is_ok());
}

/// The numbers are those observed on k6 1.1, the body as well.
#[test]
fn a_connection_that_ends_has_its_code() {
    for (path, limit, expected, said) in [
        ("/", REFUSES, 1000, "GOAWAY from server ErrCode:INTERNAL_ERROR"),
        ("/hang-up", usize::MAX, 1000, "unexpected EOF"),
        ("/half", usize::MAX, 1633, "INTERNAL_ERROR"),
    ] {
        let mut h = H2Server::start(limit);
        let url = h.url(path);
        let outcome = h.user.get(&url);
        let (code, text) = failure(&outcome);
        assert_eq!(code, expected, "{path}: {text}");
        assert!(text.contains(said), "{path}: {text}");
        let partial = outcome.result.as_ref().unwrap_err().partial_body.as_deref();
        assert_eq!(partial, (path == "/half").then_some(&b"half"[..]), "{path}");
    }
}

#[test]
fn after_a_farewell_a_new_connection_is_made() {
    let mut h = H2Server::start(2);
    for _ in 0..6 {
        let url = h.url("/");
        h.user.get(&url).result.unwrap();
        h.user.notice();
    }
    assert!(h.connections.load(Ordering::SeqCst) >= 3);
}

#[test]
fn http2_can_be_switched_off() {
    let mut h = H2Server::start(usize::MAX);
    let tls = TlsConfig { insecure_skip_verify: true, http2: false, ..TlsConfig::default() };
    let hosts = HostOverrides::new([("h.test", "127.0.0.1")]).unwrap();
    let mut user = User::with(ClientConfig { tls, hosts, ..ClientConfig::default() });
    let url = h.url("/");
    // The server insists on HTTP/2, so a client that does not offer it gets nowhere.
    assert!(user.get(&url).result.is_err());
    assert!(h.user.get(&url).result.is_ok());
}
