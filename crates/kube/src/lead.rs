//! Talking to the post in a controller's pod, over a forwarded port: one connection for each request, so that nothing
//! has to be kept alive over hours.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;

use crate::connect::Connection;
use crate::error::{Error, Result};
use crate::forward;
use crate::wanted::port;

/// The post of a run.
#[derive(Clone)]
pub struct Lead {
    connection: Connection,
    pod: String,
    token: String,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase", tag = "stage")]
pub enum State {
    /// It waits for files.
    Waiting,
    /// The test runs.
    Running,
    /// It is over, with this code.
    Ended {
        /// The code.
        code: i32,
    },
}

/// A file of the results.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct ResultFile {
    /// Relative to the working directory of the test.
    pub path: String,
    /// In bytes.
    pub size: u64,
}

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

impl Lead {
    /// The post in this pod.
    pub fn new(connection: Connection, pod: String, token: String) -> Self {
        Self { connection, pod, token }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<hyper::Response<hyper::body::Incoming>> {
        let failed =
            |why: String| Error::Pod(format!("the controller (pod {}) does not answer: {why}", self.pod));
        let asked = async {
            let (stream, refused) = forward::open(&self.connection, &self.pod, port::POST).await?;
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
                .await
                .map_err(|error| failed(error.to_string()))?;
            tokio::spawn(connection);
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("host", "post")
                .header("authorization", format!("Bearer {}", self.token))
                .body(Full::new(body))
                .map_err(|error| failed(error.to_string()))?;
            match sender.send_request(request).await {
                Ok(response) => Ok(response),
                Err(error) => {
                    let why = tokio::time::timeout(Duration::from_millis(200), refused).await.ok().flatten();
                    Err(failed(why.unwrap_or_else(|| error.to_string())))
                }
            }
        };
        let response = tokio::time::timeout(PATIENCE, asked)
            .await
            .unwrap_or_else(|_| Err(failed(format!("no answer within {} seconds", PATIENCE.as_secs()))))?;
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::UNAUTHORIZED => Err(failed("it does not accept this run's token".into())),
            status => {
                let text = collect(response).await.unwrap_or_default();
                Err(failed(format!("{status} {}", String::from_utf8_lossy(&text))))
            }
        }
    }

    async fn json<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T> {
        let bytes = collect(self.ask(Method::GET, path, Bytes::new()).await?).await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::Pod(format!("the controller's answer cannot be read: {error}")))
    }

    /// How far it is.
    pub async fn state(&self) -> Result<State> {
        self.json("/state").await
    }

    /// Waits some seconds for the end.
    pub async fn wait(&self) -> Result<State> {
        self.json("/state?wait=20").await
    }

    /// Sends a file of the test.
    pub async fn upload(&self, path: &str, content: Vec<u8>) -> Result<()> {
        self.ask(Method::PUT, &format!("/files/{}", encode(path)), content.into()).await.map(drop)
    }

    /// Lets the test begin: its files are there.
    pub async fn start(&self) -> Result<()> {
        self.ask(Method::POST, "/start", Bytes::new()).await.map(drop)
    }

    /// Asks the test to end, as Ctrl-C does.
    pub async fn stop(&self) -> Result<()> {
        self.ask(Method::POST, "/stop", Bytes::new()).await.map(drop)
    }

    /// What the test wrote.
    pub async fn results(&self) -> Result<Vec<ResultFile>> {
        self.json("/results").await
    }

    /// Brings one file, piece by piece.
    pub async fn fetch(&self, path: &str, mut each: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result<()> {
        let mut response = self.ask(Method::GET, &format!("/results/{}", encode(path)), Bytes::new()).await?;
        let failed = |why: String| Error::Local(format!("cannot bring {path}: {why}"));
        while let Some(frame) = response.frame().await {
            let frame = frame.map_err(|error| failed(error.to_string()))?;
            if let Some(bytes) = frame.data_ref() {
                each(bytes).map_err(|error| failed(error.to_string()))?;
            }
        }
        Ok(())
    }

    /// Lets the pod end: everything was fetched.
    pub async fn done(&self) -> Result<()> {
        self.ask(Method::POST, "/done", Bytes::new()).await.map(drop)
    }
}

async fn collect(response: hyper::Response<hyper::body::Incoming>) -> Result<Bytes> {
    let whole = response.into_body().collect().await;
    whole
        .map(http_body_util::Collected::to_bytes)
        .map_err(|error| Error::Pod(format!("the controller's answer broke off: {error}")))
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// A path as part of an address.
pub(crate) fn encode(path: &str) -> String {
    let mut text = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_./~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    text
}
