//! The files of the test in a pod: a copy that may be written to, and Python packages.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{FilesFrom, Install, Orders, Variables};
use crate::error::{Error, Result};
use crate::files::below;

/// How long a worker tries to get files from the controller.
const PATIENCE: Duration = Duration::from_mins(10);

/// Makes the folder that the test works in, with what is there already.
pub(super) async fn prepare(orders: &Orders, test: &Path) -> Result<()> {
    make(test)?;
    match &orders.files {
        FilesFrom::Nowhere | FilesFrom::Upload => {}
        FilesFrom::Folder(folder) => copy(folder, test)?,
        FilesFrom::Controller(address) => fetch_all(address, &orders.token, test).await?,
    }
    make(&test.join(&orders.folder))
}

fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Error::Local(format!("cannot make the folder {}: {error}", folder.display())))
}

/// Copies a mounted volume: its files are links into a folder whose name begins with two dots.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let failed = |error: std::io::Error| Error::Local(format!("cannot copy {}: {error}", from.display()));
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("..") {
            continue;
        }
        let (source, place) = (entry.path(), to.join(&name));
        if std::fs::metadata(&source).map_err(failed)?.is_dir() {
            make(&place)?;
            copy(&source, &place)?;
        } else {
            // Not a copy of the file with its mode, which is read-only in some volumes.
            let content = std::fs::read(&source).map_err(failed)?;
            std::fs::write(&place, content).map_err(failed)?;
        }
    }
    Ok(())
}

/// Writes a file that somebody sent.
pub(super) fn write(test: &Path, path: &str, content: &[u8]) -> std::io::Result<()> {
    let place = below(test, path)
        .ok_or_else(|| std::io::Error::other("it would lie outside of the test's folder"))?;
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(place, content)
}

/// Prepares a worker's pod; what is left to do is to become the test, in the folder that is given, with these variables.
pub async fn join(orders: &Orders, install: Install) -> Result<(PathBuf, Variables)> {
    let test = orders.work.join("test");
    prepare(orders, &test).await?;
    let folder = test.join(&orders.folder);
    let variables = super::install(install, folder.clone()).await?;
    Ok((folder, variables))
}

async fn fetch_all(address: &str, token: &str, test: &Path) -> Result<()> {
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let error = match fetch_once(address, token, test).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if tokio::time::Instant::now() > end {
            return Err(Error::Local(format!(
                "cannot get the files from the controller at {address}: {error}"
            )));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn fetch_once(address: &str, token: &str, test: &Path) -> std::result::Result<(), String> {
    let listed = get(address, token, "/files").await?;
    let files: Vec<crate::lead::ResultFile> =
        serde_json::from_slice(&listed).map_err(|error| error.to_string())?;
    for file in files {
        let content = get(address, token, &format!("/files/{}", crate::lead::encode(&file.path))).await?;
        write(test, &file.path, &content).map_err(|error| format!("{}: {error}", file.path))?;
    }
    Ok(())
}

async fn get(address: &str, token: &str, path: &str) -> std::result::Result<Bytes, String> {
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let request = Request::builder()
        .uri(path)
        .header("host", "post")
        .header("authorization", format!("Bearer {token}"))
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    if !response.status().is_success() {
        return Err(format!("it answers {}", response.status()));
    }
    let body = response.into_body().collect().await.map_err(|error| error.to_string())?;
    Ok(body.to_bytes())
}
