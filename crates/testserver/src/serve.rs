//! Accepting connections and serving the routes over HTTP/1.1 and HTTP/2, in the clear or over TLS.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{answers, auth, cookies, echo, encodings, page, websocket};

/// The how-manyth connection of this process a request came over, from 1.
#[derive(Clone, Copy)]
pub struct Connection(pub u64);

static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

/// Serves on a free port of the loopback interface.
pub async fn listen(tls: Option<TlsAcceptor>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let app = Router::new()
        .merge(answers::routes())
        .merge(auth::routes())
        .merge(cookies::routes())
        .merge(echo::routes())
        .merge(encodings::routes())
        .merge(page::routes())
        .merge(websocket::routes());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let app = app.clone();
            let tls = tls.clone();
            tokio::spawn(async move {
                match tls {
                    None => serve(stream, app).await,
                    // A client that refuses our certificate ends here, as it should.
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(stream, app).await;
                        }
                    }
                }
            });
        }
    });
    Ok(address)
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, app: Router) {
    let connection = Connection(CONNECTIONS.fetch_add(1, Ordering::Relaxed) + 1);
    let service = TowerToHyperService::new(app.layer(Extension(connection)));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().auto_date_header(false);
    builder.http2().auto_date_header(false);
    // Clients may go away at any point; that is for them to report.
    let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
}
