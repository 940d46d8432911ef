//! The post: what runs in the pods beside the test. Files come through it, results go through it, and it ends when
//! somebody has them or nobody came.
//!
//! In a controller's pod it is a small server on a port of its own, for those who know the run's token; in a worker's it
//! only fetches the files and becomes the test.

mod files;
mod process;
mod results;
mod serve;

use std::ffi::OsString;
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::error::{Error, Result};
use crate::lead::{ResultFile, State};
use crate::wanted::port;

pub use files::join;
pub use process::become_test;

/// Where files come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilesFrom {
    /// There are none.
    Nowhere,
    /// A folder: a mounted `ConfigMap` or `Secret`.
    Folder(PathBuf),
    /// Whoever starts the run sends them.
    Upload,
    /// The post of the controller, at `host:port`.
    Controller(String),
}

/// What a post is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orders {
    /// A folder that it may write to.
    pub work: PathBuf,
    /// Where files come from.
    pub files: FilesFrom,
    /// The working directory, within the files.
    pub folder: String,
    /// What to run.
    pub command: Vec<String>,
    /// How long to keep results.
    pub hold: Duration,
    /// The deployment of workers to take away at the end, as namespace and name.
    pub release: Option<(String, String)>,
    /// What those who ask must know.
    pub token: String,
    /// The address to listen on; all of this kind.
    pub listen: IpAddr,
}

/// Variables that a test gets.
pub type Variables = Vec<(OsString, OsString)>;

/// Makes ready what a test needs beside its files, in the folder that it will work in: packages of Python, which are the
/// command line's to know. It may take its time; what it gives are variables for the test.
pub type Install = Box<dyn FnOnce(&Path) -> std::result::Result<Variables, String> + Send>;

/// How long somebody may take to send files. Whoever started the run may be gone, and a pod that waits costs.
const UPLOAD: Duration = Duration::from_mins(30);
/// Whoever waits for the end of a test hears of it within this time.
const LEAST_HOLD: Duration = Duration::from_secs(5);
/// The code of a test that was stopped before it began: that of a signal.
const STOPPED: i32 = 105;

/// What the server and the test share.
struct Shared {
    orders: Orders,
    state: watch::Sender<State>,
    /// Somebody wants the test to begin.
    begin: watch::Sender<bool>,
    /// How often somebody wanted the test to end.
    stop: watch::Sender<u32>,
    /// Somebody has all results.
    done: watch::Sender<bool>,
    /// What the test began with, once it has begun.
    files: Mutex<Option<Vec<ResultFile>>>,
    /// What it wrote.
    results: Mutex<Vec<ResultFile>>,
}

impl Shared {
    /// The copy of the files that the test works in.
    fn test(&self) -> PathBuf {
        self.orders.work.join("test")
    }
}

/// Runs the test of a controller's pod to its end, and gives its code.
pub async fn lead(orders: Orders, install: Install, say: impl Fn(String)) -> Result<i32> {
    let uploads = orders.files == FilesFrom::Upload;
    let shared = Arc::new(Shared {
        state: watch::Sender::new(State::Waiting),
        begin: watch::Sender::new(!uploads),
        stop: watch::Sender::new(0),
        done: watch::Sender::new(false),
        files: Mutex::default(),
        results: Mutex::default(),
        orders: on_this_network(orders),
    });
    let signals = process::watch_signals(Arc::clone(&shared))?;
    let test = shared.test();
    files::prepare(&shared.orders, &test).await?;
    let address = shared.orders.listen;
    let listener = tokio::net::TcpListener::bind((address, port::POST))
        .await
        .map_err(|error| Error::Local(format!("cannot listen on {address}:{}: {error}", port::POST)))?;
    let server = tokio::spawn(serve::serve(listener, Arc::clone(&shared)));

    let mut begin = shared.begin.subscribe();
    let begun = tokio::select! {
        begun = begin.wait_for(|begin| *begin) => begun.is_ok(),
        // Nobody sent the files, and the pod is to end.
        () = stopped(&shared) => false,
        () = tokio::time::sleep(UPLOAD) => {
            return Err(Error::Local(format!("nobody sent the files of the test within {} minutes", UPLOAD.as_secs() / 60)));
        }
    };
    let code = if begun { run(&shared, install).await? } else { STOPPED };
    shared.state.send_replace(State::Ended { code });
    if let Some((namespace, name)) = &shared.orders.release
        && let Err(error) = release(namespace, name).await
    {
        say(format!("the workers stay until the run is deleted: {error}"));
    }
    let mut done = shared.done.subscribe();
    tokio::select! {
        _ = done.wait_for(|done| *done) => {}
        () = signals.wait() => {}
        () = tokio::time::sleep(shared.orders.hold.max(LEAST_HOLD)) => {}
    }
    server.abort();
    Ok(code)
}

async fn stopped(shared: &Shared) {
    // The sender lives as long as this function's caller.
    let _ = shared.stop.subscribe().wait_for(|stop| *stop > 0).await;
}

/// What is to be made ready is, beside the server, which goes on answering.
async fn install(install: Install, folder: PathBuf) -> Result<Variables> {
    let done = tokio::task::spawn_blocking(move || install(&folder)).await;
    done.map_err(|error| Error::Local(error.to_string()))?.map_err(Error::Unusable)
}

async fn run(shared: &Arc<Shared>, install: Install) -> Result<i32> {
    let test = shared.test();
    let folder = test.join(&shared.orders.folder);
    let variables = self::install(install, folder.clone()).await?;
    let before = results::snapshot(&test);
    *shared.files.lock().unwrap_or_else(PoisonError::into_inner) = Some(results::listed(&before));
    shared.state.send_replace(State::Running);
    let code = process::run(shared, &folder, variables).await?;
    let files = results::changed(&test, &before);
    *shared.results.lock().unwrap_or_else(PoisonError::into_inner) = files;
    Ok(code)
}

/// All addresses are of another kind where pods have IPv6 only; what the test listens on too.
fn on_this_network(mut orders: Orders) -> Orders {
    if std::env::var("POD_IP").is_ok_and(|address| address.contains(':')) {
        orders.listen = Ipv6Addr::UNSPECIFIED.into();
        for word in &mut orders.command {
            *word = if word == "0.0.0.0" { "::".into() } else { word.replace("0.0.0.0:", "[::]:") };
        }
    }
    orders
}

/// Takes the workers away, so that they do not start again and look for a controller that is no more.
async fn release(namespace: &str, name: &str) -> Result<()> {
    use k8s_openapi::api::apps::v1::Deployment;
    use kube::api::{Patch, PatchParams};
    let connection = crate::connect::Connection::open(&crate::connect::Place::default()).await?;
    let deployments: kube::Api<Deployment> = kube::Api::namespaced(connection.client.clone(), namespace);
    let patch = serde_json::json!({"spec": {"replicas": 0}});
    let patched = deployments.patch_scale(name, &PatchParams::default(), &Patch::Merge(&patch)).await;
    match patched {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(connection.explain("take the workers away", error)),
    }
}
