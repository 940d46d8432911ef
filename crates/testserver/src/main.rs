//! A server whose every answer is fixed by the request, for the conformance tests.
//!
//! The same script runs through the real k6 and through throng against this server, and what
//! they report is compared. So nothing here is random or depends on the clock: no `Date`
//! header, no random nonce, no compression level left to chance. Each run gets a process of its own.
//!
//! `throng-testserver DIRECTORY` writes `ca.pem`, `client.pem` and `client-key.pem` into the
//! directory, prints one line of JSON with its addresses, and serves until its standard input
//! is closed: whoever started it may die without leaving it behind.
#![forbid(unsafe_code)]
#![allow(unreachable_pub, reason = "a binary has no public items; its modules are private")]

mod answers;
mod auth;
mod cookies;
mod echo;
mod encodings;
mod page;
mod raw;
mod serve;
mod tls;
mod websocket;

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Error> {
    let directory =
        std::env::args_os().nth(1).map(PathBuf::from).ok_or("usage: throng-testserver DIRECTORY")?;
    let certificates = tls::Certificates::generate()?;
    certificates.write(&directory)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    runtime.block_on(async {
        let http = serve::listen(None).await?;
        // HTTP/2 by ALPN, HTTP/1.1 only, and one that asks for a client certificate.
        let https = serve::listen(Some(certificates.acceptor(&[b"h2", b"http/1.1"], false)?)).await?;
        let https1 = serve::listen(Some(certificates.acceptor(&[b"http/1.1"], false)?)).await?;
        let mutual = serve::listen(Some(certificates.acceptor(&[b"http/1.1"], true)?)).await?;
        let raw = raw::listen().await?;
        let addresses = serde_json::json!({
            "http": http.to_string(),
            "https": https.to_string(),
            "https1": https1.to_string(),
            "mutual": mutual.to_string(),
            "raw": raw.to_string(),
        });
        let mut stdout = std::io::stdout();
        writeln!(stdout, "{addresses}")?;
        stdout.flush()?;
        let _ = end.await;
        Ok(())
    })
}
