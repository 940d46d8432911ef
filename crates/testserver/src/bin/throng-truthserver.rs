//! A server that knows how long each of its answers really took, for the benchmark of the same name.
//!
//! `GET /ID` is answered after some milliseconds that depend on the id. For every request it notes
//! the time from having read it to writing the answer, and at the end (when standard
//! input closes) writes `ID NANOSECONDS` lines to the file named in its argument. The load
//! generator's own figure for the same id can then be held against it.
//!
//! `throng-truthserver - MILLISECONDS` answers every request after the same time and notes nothing: the server that
//! many users wait for.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::LocalSet;

/// What was answered, in order.
type Log = Rc<RefCell<Vec<(String, Duration)>>>;

/// Connections that may wait to be accepted: all users of a benchmark come at once.
const BACKLOG: u32 = 16_384;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let usage = "usage: throng-truthserver FILE | - MILLISECONDS";
    let file = std::env::args_os().nth(1).ok_or(usage)?;
    let delay = std::env::args().nth(2).map(|ms| ms.parse().map(Duration::from_millis)).transpose()?;
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let log = Log::default();
    LocalSet::new().block_on(&runtime, async {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        let mut stdout = std::io::stdout();
        writeln!(stdout, "{}", listener.local_addr()?)?;
        stdout.flush()?;
        let accepted = Rc::clone(&log);
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let log = Rc::clone(&accepted);
                tokio::task::spawn_local(async move {
                    let _ = serve(stream, log, delay).await;
                });
            }
        });
        let _ = end.await;
        std::io::Result::Ok(())
    })?;
    if delay.is_some() {
        return Ok(());
    }
    let mut out = std::io::BufWriter::new(std::fs::File::create(file)?);
    for (id, took) in log.borrow().iter() {
        writeln!(out, "{id} {}", took.as_nanos())?;
    }
    Ok(out.flush()?)
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// One connection: requests without a body, one after the other.
async fn serve(mut stream: TcpStream, log: Log, delay: Option<Duration>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut head = Vec::with_capacity(4096);
    loop {
        head.clear();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        }
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
            stream.write_all(ANSWER).await?;
            continue;
        }
        let received = Instant::now();
        let text = String::from_utf8_lossy(&head);
        let id = text.split(' ').nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
        let spread: u64 = id.bytes().map(u64::from).sum();
        tokio::time::sleep(Duration::from_millis(1 + spread % 8)).await;
        // Noted before the write: the client may have the answer before the call returns.
        let took = received.elapsed();
        stream.write_all(ANSWER).await?;
        log.borrow_mut().push((id, took));
    }
}
