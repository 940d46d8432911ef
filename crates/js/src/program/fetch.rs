//! Getting the content of a module or an opened file: from disk, or over https while the script is loaded.

use bytes::Bytes;
use throng_http::{Client, Method, Request};
use url::Url;

use super::module_cache::ModuleCache;
use crate::host::ThreadContext;
use crate::log::Level;

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
    /// A file that the process that loaded the script first did not read.
    #[error(
        "cannot read {0}: it is not among the files that the controller sent, as its own run of the script's top level \
         neither imported nor opened it"
    )]
    NotBundled(String),
}

impl FetchError {
    pub(super) fn not_bundled(url: &Url) -> Self {
        let path = url.to_file_path().map(|path| path.display().to_string());
        Self::NotBundled(path.unwrap_or_else(|()| url.to_string()))
    }
}

/// Reads `url`, a `file:` or `https:` URL.
pub(super) async fn fetch(thread: &ThreadContext, url: &Url) -> Result<Bytes, FetchError> {
    if url.scheme() == "file" {
        let path = url.to_file_path().unwrap_or_else(|()| url.path().into());
        // The init context is the one place where a thread may wait for a disk: nothing is measured yet.
        let content = std::fs::read(&path)
            .map_err(|source| FetchError::File { path: path.display().to_string(), source })?;
        return Ok(content.into());
    }
    remote(thread, url, ModuleCache::from_env().as_ref()).await
}

/// Why a download brought nothing.
enum Failed {
    /// The server could not be asked.
    Network(String),
    /// It was asked, and has no such module.
    Refused(String),
}

/// Downloads a module; where the network fails, the copy of the last time serves.
async fn remote(thread: &ThreadContext, url: &Url, cache: Option<&ModuleCache>) -> Result<Bytes, FetchError> {
    let failed = |reason| FetchError::Remote { url: url.to_string(), reason };
    match download(thread, url).await {
        Ok(content) => {
            if let Some(error) = cache.and_then(|cache| cache.store(url, &content).err()) {
                thread.log.log(Level::Debug, &format!("cannot keep a copy of {url}: {error}"), &[]);
            }
            Ok(content)
        }
        Err(Failed::Refused(reason)) => Err(failed(reason)),
        Err(Failed::Network(reason)) => {
            let Some(kept) = cache.and_then(|cache| cache.load(url)) else { return Err(failed(reason)) };
            let text = format!("cannot download {url}, so the copy of the last time is used: {reason}");
            thread.log.log(Level::Warn, &text, &[]);
            Ok(kept.into())
        }
    }
}

/// As k6 does: first with `_k6=1` in the query, by which a server can tell what for, then without.
async fn download(thread: &ThreadContext, url: &Url) -> Result<Bytes, Failed> {
    let shared = thread.http().map_err(|error| Failed::Network(error.to_string()))?;
    let client = Client::new(shared);
    let mut marked = url.clone();
    marked.query_pairs_mut().append_pair("_k6", "1");
    let mut status = String::new();
    for url in [&marked, url] {
        let parsed =
            throng_http::Url::parse(url.as_str()).map_err(|error| Failed::Refused(error.to_string()))?;
        // The default timeout of a request, 60 s, is also k6's for modules.
        let outcome = client.send(Request::new(Method::GET, parsed)).await;
        let response = outcome.result.map_err(|error| Failed::Network(error.message))?;
        if response.status == 200 {
            return Ok(response.body);
        }
        status = response.status_text();
    }
    Err(Failed::Refused(format!("the server answered {status}")))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::{Arc, Mutex};
    use std::thread;

    use throng_metrics::{Recorder, RecorderConfig, Registry};
    use throng_reactor::Reactor;

    use super::*;
    use crate::log::Log;
    use crate::settings::{Control, Settings};
    use crate::vm::STACK_SIZE;

    #[derive(Default)]
    struct Lines(Mutex<Vec<String>>);

    impl Log for Lines {
        fn enabled(&self, _: Level) -> bool {
            true
        }
        fn log(&self, _: Level, message: &str, _: &[(&str, &str)]) {
            self.0.lock().unwrap().push(message.to_owned());
        }
    }

    /// Answers by the request's target, for as many requests as there are answers; gives the targets.
    fn server(answers: &'static [(&'static str, &'static str)]) -> (String, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let targets = thread::spawn(move || {
            let mut seen = Vec::new();
            let (mut stream, _) = listener.accept().unwrap();
            for _ in answers {
                let mut buffer = [0; 4096];
                let n = stream.read(&mut buffer).unwrap();
                let target = String::from_utf8_lossy(&buffer[..n]).split(' ').nth(1).unwrap().to_owned();
                let (status, body) = answers[seen.len()];
                let text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                stream.write_all(text.as_bytes()).unwrap();
                seen.push(target);
            }
            seen
        });
        (address, targets)
    }

    fn fetch_with(url: &str, cache: Option<&ModuleCache>) -> (Result<Bytes, String>, Vec<String>) {
        let mut reactor = Reactor::new().unwrap();
        let log = Arc::new(Lines::default());
        let settings = Settings {
            plan: None,
            engine: None,
            memory_limit: 0,
            control: Arc::new(Control::default()),
            member: None,
        };
        let recorder = Recorder::new(Arc::new(Registry::new()), RecorderConfig::default());
        let thread =
            ThreadContext::new(reactor.handle(), recorder, STACK_SIZE, Arc::new(settings), log.clone());
        let url = Url::parse(url).unwrap();
        let cache = cache.cloned();
        let result = reactor.run_until(async move { remote(&thread, &url, cache.as_ref()).await }).unwrap();
        let lines = log.0.lock().unwrap().clone();
        (result.map_err(|error| error.to_string()), lines)
    }

    #[test]
    fn a_module_is_asked_for_with_the_mark_and_then_without() {
        let (address, targets) = server(&[("404 Not Found", ""), ("200 OK", "export default 1")]);
        let (content, _) = fetch_with(&format!("{address}/m.js?v=1"), None);
        assert_eq!(content.unwrap(), "export default 1");
        assert_eq!(targets.join().unwrap(), ["/m.js?v=1&_k6=1", "/m.js?v=1"]);
    }

    #[test]
    fn a_missing_module_says_what_the_server_answered() {
        let (address, targets) = server(&[("404 Not Found", ""), ("404 Not Found", "")]);
        let (content, _) = fetch_with(&format!("{address}/m.js"), None);
        assert_eq!(
            content.unwrap_err(),
            format!("cannot import {address}/m.js: the server answered 404 Not Found")
        );
        assert_eq!(targets.join().unwrap(), ["/m.js?_k6=1", "/m.js"]);
    }

    #[test]
    fn the_last_copy_serves_when_the_network_fails() {
        let directory = std::env::temp_dir().join(format!("throng-modules-{}", std::process::id()));
        let cache = ModuleCache::in_directory(&directory);
        let (address, targets) = server(&[("200 OK", "export default 1")]);
        let url = format!("{address}/m.js");
        assert!(fetch_with(&url, Some(&cache)).0.is_ok());
        // The server is gone once it has answered.
        targets.join().unwrap();
        let (content, lines) = fetch_with(&url, Some(&cache));
        assert_eq!(content.unwrap(), "export default 1");
        assert!(
            lines[0].contains("copy of the last time") && lines[0].contains("connection refused"),
            "{lines:?}"
        );
        let (content, _) = fetch_with(&url, None);
        assert!(content.unwrap_err().contains("connection refused"));
        std::fs::remove_dir_all(directory).unwrap();
    }
}
