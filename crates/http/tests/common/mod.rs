//! A server on plain threads that does exactly what a test tells it to, right or wrong.

#![allow(dead_code, unreachable_pub, reason = "each test binary includes this module and uses a part")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use throng_http::{Client, ClientConfig, Method, Outcome, Request, Shared, Url};
use throng_reactor::Reactor;

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub head: String,
    pub body: Vec<u8>,
    /// The number of the connection it came on.
    pub connection: usize,
}

impl Seen {
    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v)
    }
}

/// What to do after a request.
pub enum Reply {
    /// Send these bytes and keep the connection.
    Send(Vec<u8>),
    /// Send these bytes and close.
    SendAndClose(Vec<u8>),
    /// Close with a reset.
    Reset,
    /// Say nothing until the client goes away.
    Hang,
    /// Send these bytes, then nothing until the client goes away.
    SendAndHang(Vec<u8>),
}

/// A response with a length.
pub fn ok(body: &str) -> Reply {
    Reply::Send(respond("200 OK", &[], body.as_bytes()))
}

pub fn respond(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status}\r\n").into_bytes();
    for header in headers {
        out.extend_from_slice(format!("{header}\r\n").as_bytes());
    }
    out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    out.extend_from_slice(body);
    out
}

/// A stream a connection is served on.
pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

/// A running server; it stops when dropped.
pub struct Server {
    pub addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(handler, |stream| Some(Box::new(stream)))
    }

    /// `wrap` may put TLS around the accepted connection; `None` drops it.
    pub fn start_with(
        handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
        wrap: impl Fn(TcpStream) -> Option<Box<dyn Stream>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let stop = Arc::<AtomicBool>::default();
        let handler: Arc<Handler> = Arc::new(handler);
        let wrap = Arc::new(wrap);
        let (log, stopping) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let connections = AtomicUsize::new(0);
            for stream in listener.incoming() {
                if stopping.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let connection = connections.fetch_add(1, Ordering::SeqCst);
                let (handler, log, wrap) = (Arc::clone(&handler), Arc::clone(&log), Arc::clone(&wrap));
                std::thread::spawn(move || {
                    let control = stream.try_clone().unwrap();
                    if let Some(stream) = wrap(stream) {
                        serve(stream, &control, connection, &*handler, &log);
                    }
                    let _ = control.shutdown(Shutdown::Both);
                });
            }
        });
        Self { addr, seen, stop, thread: Some(thread) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.addr);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    mut stream: Box<dyn Stream>,
    control: &TcpStream,
    connection: usize,
    handler: &Handler,
    log: &Mutex<Vec<Seen>>,
) {
    let mut buffer = Vec::new();
    loop {
        let Some(head_end) =
            read_until(&mut *stream, &mut buffer, |b| b.windows(4).position(|w| w == b"\r\n\r\n"))
        else {
            return;
        };
        let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
        buffer.drain(..head_end + 4);
        let mut seen = Seen { head, body: Vec::new(), connection };
        let length: usize = seen.header("content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
        if read_until(&mut *stream, &mut buffer, |b| (b.len() >= length).then_some(0)).is_none() {
            return;
        }
        seen.body = buffer.drain(..length).collect();
        log.lock().unwrap().push(seen.clone());
        match handler(&seen) {
            Reply::Send(bytes) => {
                if stream.write_all(&bytes).and_then(|()| stream.flush()).is_err() {
                    return;
                }
            }
            Reply::SendAndClose(bytes) => {
                let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
                return;
            }
            Reply::Reset => {
                reset(control);
                return;
            }
            Reply::SendAndHang(bytes) => {
                let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
                let _ = stream.read(&mut [0; 64]);
                return;
            }
            Reply::Hang => {
                let _ = stream.read(&mut [0; 64]);
                return;
            }
        }
    }
}

/// Makes the coming close a reset: with data unread, or with linger zero.
fn reset(stream: &TcpStream) {
    use std::os::fd::AsRawFd;
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    // SAFETY: a valid option value of the stated size; connecting to nowhere dissolves the association,
    // which with linger zero sends the reset at once, whoever else holds the descriptor.
    unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of::<libc::linger>() as libc::socklen_t,
        );
        let nowhere = libc::sockaddr { sa_family: libc::AF_UNSPEC as libc::sa_family_t, sa_data: [0; 14] };
        libc::connect(stream.as_raw_fd(), &raw const nowhere, size_of::<libc::sockaddr>() as libc::socklen_t);
    }
}

fn read_until(
    stream: &mut dyn Stream,
    buffer: &mut Vec<u8>,
    done: impl Fn(&[u8]) -> Option<usize>,
) -> Option<usize> {
    let mut chunk = [0; 16 * 1024];
    loop {
        if let Some(at) = done(buffer) {
            return Some(at);
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(n) => buffer.extend_from_slice(&chunk[..n]),
        }
    }
}

/// A client on its own reactor, for tests that read like a script.
pub struct User {
    reactor: Reactor,
    pub client: Rc<Client>,
}

impl User {
    pub fn new() -> Self {
        Self::with(ClientConfig::default())
    }

    pub fn with(config: ClientConfig) -> Self {
        let reactor = Reactor::new().unwrap();
        let shared = Shared::new(reactor.handle(), Arc::new(config));
        Self { reactor, client: Rc::new(Client::new(shared)) }
    }

    pub fn send(&mut self, request: Request) -> Outcome {
        self.reactor.run_until(self.client.send(request)).unwrap()
    }

    pub fn get(&mut self, url: &str) -> Outcome {
        self.send(get(url))
    }

    /// Sends all at once.
    pub fn batch(&mut self, requests: Vec<Request>) -> Vec<Outcome> {
        let handle = self.reactor.handle();
        let client = Rc::clone(&self.client);
        self.reactor
            .run_until(async move {
                let tasks: Vec<_> = requests
                    .into_iter()
                    .map(|request| {
                        let client = Rc::clone(&client);
                        handle.spawn_join(async move { client.send(request).await })
                    })
                    .collect();
                let mut outcomes = Vec::new();
                for task in tasks {
                    outcomes.push(task.await.unwrap());
                }
                outcomes
            })
            .unwrap()
    }

    /// Lets the reactor notice what happened on idle connections.
    pub fn notice(&mut self) {
        let handle = self.reactor.handle();
        self.reactor.run_until(handle.sleep(std::time::Duration::from_millis(20))).unwrap();
    }
}

pub fn get(url: &str) -> Request {
    Request::new(Method::GET, Url::parse(url).unwrap())
}

pub fn post(url: &str, body: &str) -> Request {
    let mut request = Request::new(Method::POST, Url::parse(url).unwrap());
    request.body = Some(bytes::Bytes::copy_from_slice(body.as_bytes()));
    request
}

/// Code and text of a failed request.
pub fn failure(outcome: &Outcome) -> (u16, &str) {
    let error = outcome.result.as_ref().expect_err("the request should have failed");
    (error.code, &error.message)
}
