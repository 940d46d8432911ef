//! Getting the content of a module or an opened file: from disk, or over https while the script is loaded.

use bytes::Bytes;
use url::Url;

use crate::host::ThreadContext;

/// What was read.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The content.
    pub content: Bytes,
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A local file.
    #[error("cannot read {path}: {source}")]
    File {
        /// Which one.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A remote module.
    #[error("cannot import {url}: {reason}")]
    Remote {
        /// Which one.
        url: String,
        /// Why.
        reason: String,
    },
}

/// Reads `url`, a `file:` or `https:` URL.
pub async fn fetch(thread: &ThreadContext, url: &Url) -> Result<Fetched, FetchError> {
    let _ = thread;
    if url.scheme() == "file" {
        let path = url.to_file_path().unwrap_or_else(|()| url.path().into());
        // The init context is the one place where a thread may wait for a disk: nothing is measured yet.
        let content = std::fs::read(&path)
            .map_err(|source| FetchError::File { path: path.display().to_string(), source })?;
        return Ok(Fetched { content: content.into() });
    }
    Err(FetchError::Remote { url: url.to_string(), reason: "remote modules are not supported yet".into() })
}
