//! A small HTTP/1.1 server on threads, whose every answer is fixed by the request.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

pub(crate) struct Server {
    addr: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || serve(stream));
            }
        });
        Self { addr, connections }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

struct Request {
    head: String,
    path: String,
    body: Vec<u8>,
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut data = Vec::new();
    let mut chunk = [0; 4096];
    let end = loop {
        if let Some(at) = data.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        let n = stream.read(&mut chunk).ok().filter(|n| *n > 0)?;
        data.extend_from_slice(&chunk[..n]);
    };
    let head = String::from_utf8_lossy(&data[..end]).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    while data.len() < end + length {
        let n = stream.read(&mut chunk).ok().filter(|n| *n > 0)?;
        data.extend_from_slice(&chunk[..n]);
    }
    let path = head.split(' ').nth(1)?.to_owned();
    Some(Request { head, path, body: data[end..].to_vec() })
}

fn serve(mut stream: TcpStream) {
    while let Some(request) = read(&mut stream) {
        let Some(answer) = answer(&request) else { return };
        if stream.write_all(&answer).is_err() {
            return;
        }
    }
}

/// The answer, with its length; `None` closes the connection.
fn answer(request: &Request) -> Option<Vec<u8>> {
    let path = request.path.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let plain = |status: &str, headers: &str, body: &[u8]| {
        let body = if request.head.starts_with("HEAD ") { &[][..] } else { body };
        let mut out =
            format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
        out.extend_from_slice(body);
        Some(out)
    };
    match parts.as_slice() {
        // The request as it came in.
        ["raw"] => plain("200 OK", "", &[request.head.as_bytes(), &request.body].concat()),
        ["json"] => plain(
            "200 OK",
            "Content-Type: application/json\r\n",
            br#"{"a":{"b":[1,{"c":"x"}]},"s":"str","n":null}"#,
        ),
        ["broken.json"] => plain("200 OK", "", b"{\"a\": 1,\n  \"b\": oops}"),
        ["status", code] => plain(&format!("{code} Whatever"), "", b"st"),
        ["empty"] => plain("200 OK", "", b""),
        ["204"] => Some(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        ["bytes"] => plain("200 OK", "", &[0, 255, 65, 200, 66]),
        ["redirect", n] => {
            let n: u32 = n.parse().unwrap();
            let to = if n > 1 { format!("/redirect/{}", n - 1) } else { "/raw".to_owned() };
            plain("302 Found", &format!("Location: {to}\r\nSet-Cookie: r{n}=v; Path=/\r\n"), b"")
        }
        ["cookies"] => plain(
            "200 OK",
            "Set-Cookie: a=1; Path=/; HttpOnly; Max-Age=100\r\n\
             Set-Cookie: b=\"q w\"; Expires=Wed, 21 Oct 2099 07:28:00 GMT\r\n\
             X-Dup: 1\r\nX-Dup: 2\r\nx-lower: z\r\n",
            b"x",
        ),
        ["sleep", ms] => {
            thread::sleep(Duration::from_millis(ms.parse().unwrap()));
            plain("200 OK", "", b"slept")
        }
        ["close"] => None,
        _ => plain("404 Not Found", "", b"no such path"),
    }
}
