//! Misbehaviour that no HTTP library would commit, written straight to the socket.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Longest request head that is waited for.
const MAX_HEAD: usize = 64 * 1024;

/// Listens on a free port of the loopback interface; the path of a request names the misdeed.
pub async fn listen() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = misbehave(stream).await;
            });
        }
    });
    Ok(address)
}

async fn misbehave(mut stream: TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > MAX_HEAD || stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let answer: &[u8] = match path {
        "/close" => b"",
        "/garbage" => b"this is not HTTP\r\n\r\n",
        "/half-a-head" => b"HTTP/1.1 200 OK\r\nContent-Le",
        "/short-body" => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        "/bad-chunk" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
        "/cut-chunk" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nonly this",
        "/until-close" => b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end",
        "/switch" => b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        "/early-hints" => {
            b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhint"
        }
        "/reset" => {
            // A zero linger time makes the close a reset.
            stream.set_zero_linger()?;
            return Ok(());
        }
        "/hang" => {
            // Until the client gives up; the limit is only against being left behind.
            let _ = tokio::time::timeout(Duration::from_mins(2), stream.read_u8()).await;
            return Ok(());
        }
        _ => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    };
    stream.write_all(answer).await?;
    stream.shutdown().await?;
    // Reading what the client may still send keeps the close from becoming a reset.
    while stream.read_buf(&mut Vec::with_capacity(1024)).await? > 0 {}
    Ok(())
}
