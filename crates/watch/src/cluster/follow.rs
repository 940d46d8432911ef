//! Following objects: all that are there, then each change, over watches that end, expire and break.
//!
//! A task of its own lists and watches, so that whoever takes what it sees can do so beside other things. A watch that
//! ends goes on from the version it had; where that is forgotten (410) everything is listed again, which is no failure.
//! What is one is told each time, and tried again after a while.

use std::fmt::Debug;
use std::time::Duration;

use futures_util::StreamExt as _;
use kube::Api;
use kube::api::{ListParams, WatchEvent, WatchParams};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::explain::{Trouble, explain};
use crate::backoff::Backoff;

/// A watch is ended by the server after so many seconds, and begun again.
const LENGTH: u32 = 240;
/// Servers send a bookmark about once a minute: a watch that is silent for longer is dead.
const SILENCE: Duration = Duration::from_secs(150);
/// How long a server may take to answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
const GONE: u16 = 410;

/// What is told of the objects.
#[derive(Debug)]
pub(crate) enum Seen {
    /// All there are: at the beginning, and after changes were missed.
    All(Vec<Value>),
    /// This one is new or changed.
    Applied(Value),
    /// This one is gone.
    Removed(Value),
    /// It cannot be seen now.
    Failed(Trouble),
}

/// Which of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Which {
    pub(crate) labels: Option<String>,
    pub(crate) fields: Option<String>,
}

impl Which {
    pub(crate) fn named(name: &str) -> Self {
        Self { labels: None, fields: Some(format!("metadata.name={name}")) }
    }

    pub(crate) fn labelled(selector: &str) -> Self {
        Self { labels: (!selector.is_empty()).then(|| selector.to_owned()), fields: None }
    }
}

/// Follows them until the receiver is dropped.
pub(crate) fn follow<K>(api: Api<K>, which: Which) -> mpsc::Receiver<Seen>
where
    K: kube::Resource + Clone + DeserializeOwned + Serialize + Debug + Send + Sync + 'static,
{
    let (sender, seen) = mpsc::channel(256);
    tokio::spawn(async move {
        let mut follower = Follower { api, which, version: None, backoff: Backoff::default(), sender };
        // Ends with an error when nobody listens any more.
        while follower.round().await.is_some() {}
    });
    seen
}

struct Follower<K: Clone + DeserializeOwned + Debug> {
    api: Api<K>,
    which: Which,
    /// Up to where is known; none if all of it has to be listed.
    version: Option<String>,
    backoff: Backoff,
    sender: mpsc::Sender<Seen>,
}

impl<K> Follower<K>
where
    K: kube::Resource + Clone + DeserializeOwned + Serialize + Debug + Send + Sync + 'static,
{
    /// Lists if need be, and watches until the watch is over. None if nobody listens.
    async fn round(&mut self) -> Option<()> {
        let version = match self.version.clone() {
            Some(version) => version,
            None => match timeout(PATIENCE, self.list()).await {
                Ok(Ok((version, all))) => {
                    self.sender.send(Seen::All(all)).await.ok()?;
                    self.version = Some(version.clone());
                    version
                }
                Ok(Err(error)) => return self.failed(explain(&error)).await,
                Err(_) => return self.failed(Trouble::silent(PATIENCE)).await,
            },
        };
        let params = WatchParams {
            label_selector: self.which.labels.clone(),
            field_selector: self.which.fields.clone(),
            ..WatchParams::default().timeout(LENGTH)
        };
        let stream = match timeout(PATIENCE, self.api.watch(&params, &version)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return self.broken(&error).await,
            Err(_) => return self.failed(Trouble::silent(PATIENCE)).await,
        };
        let mut stream = std::pin::pin!(stream);
        loop {
            let event = match timeout(SILENCE, stream.next()).await {
                Ok(Some(Ok(event))) => event,
                Ok(Some(Err(error))) => return self.broken(&error).await,
                // The server ended it, as it does every few minutes.
                Ok(None) => return self.pause().await,
                Err(_) => return self.failed(Trouble::silent(SILENCE)).await,
            };
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    self.note(&object);
                    self.sender.send(Seen::Applied(json(&object))).await.ok()?;
                }
                WatchEvent::Deleted(object) => {
                    self.note(&object);
                    self.sender.send(Seen::Removed(json(&object))).await.ok()?;
                }
                WatchEvent::Bookmark(bookmark) => {
                    self.backoff.reset();
                    self.version = Some(bookmark.metadata.resource_version);
                }
                WatchEvent::Error(status) if status.code == GONE => {
                    self.version = None;
                    return Some(());
                }
                WatchEvent::Error(status) => {
                    return self.failed(explain(&kube::Error::Api(status))).await;
                }
            }
        }
    }

    async fn list(&self) -> Result<(String, Vec<Value>), kube::Error> {
        let params = ListParams {
            label_selector: self.which.labels.clone(),
            field_selector: self.which.fields.clone(),
            ..ListParams::default()
        };
        let list = self.api.list(&params).await?;
        Ok((list.metadata.resource_version.unwrap_or_default(), list.items.iter().map(json).collect()))
    }

    fn note(&mut self, object: &K) {
        self.backoff.reset();
        if let Some(version) = &object.meta().resource_version {
            self.version = Some(version.clone());
        }
    }

    async fn broken(&mut self, error: &kube::Error) -> Option<()> {
        match error {
            kube::Error::Api(status) if status.code == GONE => {
                self.version = None;
                Some(())
            }
            other => self.failed(explain(other)).await,
        }
    }

    async fn failed(&mut self, trouble: Trouble) -> Option<()> {
        // Changes may be missed until it works again: then all of it is told anew.
        self.version = None;
        self.sender.send(Seen::Failed(trouble)).await.ok()?;
        tokio::select! {
            () = tokio::time::sleep(self.backoff.next()) => Some(()),
            () = self.sender.closed() => None,
        }
    }

    /// A server that ends every watch at once must not be asked in a loop.
    async fn pause(&mut self) -> Option<()> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        (!self.sender.is_closed()).then_some(())
    }
}

/// The objects come from JSON.
fn json<K: Serialize>(object: &K) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}
