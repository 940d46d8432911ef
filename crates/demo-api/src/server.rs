//! Listening, serving on threads of its own, and stopping in an orderly way.

use std::io::Write as _;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::store::Store;
use crate::{Config, DemoError, api, sample};

/// How long requests in flight may take after a stop was asked for.
const GRACE: Duration = Duration::from_secs(5);

/// Serves on the calling thread until SIGINT or SIGTERM, then finishes the requests in flight.
///
/// Prints `listening on http://ADDRESS` on standard output once requests are accepted.
pub fn run(config: Config) -> Result<(), DemoError> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let bound = Bound::new(config).await?;
        // A closed standard output is no reason not to serve.
        let mut stdout = std::io::stdout();
        let _ = writeln!(stdout, "listening on http://{}", bound.address).and_then(|()| stdout.flush());
        bound
            .serve(async move {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            })
            .await
    })
}

/// The application on a thread of its own, for tests and for `throng demo`-like commands.
///
/// Dropping it stops the application and waits for its thread.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), DemoError>>>,
}

impl Server {
    /// Starts the application and returns once it accepts requests.
    pub fn start(config: Config) -> Result<Self, DemoError> {
        let runtime = runtime()?;
        let bound = runtime.block_on(Bound::new(config))?;
        let address = bound.address;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("demo-api".to_owned()).spawn(move || {
            runtime.block_on(bound.serve(async move {
                // An error means that the handle is gone, which asks for the same.
                let _ = stopped.await;
            }))
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// The address that is listened on, with the port that was chosen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://ADDRESS`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Finishes the requests in flight and stops.
    pub fn stop(mut self) -> Result<(), DemoError> {
        self.shut_down()
    }

    fn shut_down(&mut self) -> Result<(), DemoError> {
        drop(self.stop.take());
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(std::io::Error::other("the serving thread panicked").into()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.shut_down();
    }
}

/// One thread is enough for a demo and leaves the other cores to the load generator.
fn runtime() -> Result<Runtime, DemoError> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// Listening, its database prepared, not yet serving.
struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    store: Store,
}

impl Bound {
    async fn new(config: Config) -> Result<Self, DemoError> {
        let failed = |source| DemoError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let store = Store::open(&config).await?;
        Ok(Self { listener, address, store })
    }

    async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), DemoError> {
        let app: Router = api::routes(self.store.clone()).merge(sample::routes());
        // Small answers must not wait for Nagle's algorithm: a load test would measure that wait.
        let listener = self.listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let (stopping, grace_begins) = oneshot::channel();
        let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
            stop.await;
            let _ = stopping.send(());
        });
        let expired = async {
            if grace_begins.await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(GRACE).await;
        };
        let served = tokio::select! {
            result = serving.into_future() => result,
            () = expired => Ok(()),
        };
        self.store.close().await;
        Ok(served?)
    }
}
