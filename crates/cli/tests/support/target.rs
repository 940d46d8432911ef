//! A web server that remembers what was asked for and when. Paths with `missing` or `broken` fail, those with `slow`
//! take a while.

#![allow(dead_code, reason = "each test program uses some of it")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

#[derive(Default)]
struct Requests {
    list: Mutex<Vec<(Instant, String)>>,
    more: Condvar,
}

/// See the module's description.
pub(crate) struct Target {
    address: SocketAddr,
    requests: Arc<Requests>,
}

impl Target {
    pub(crate) fn start() -> Self {
        Self::at("127.0.0.1")
    }

    pub(crate) fn at(host: &str) -> Self {
        let listener = TcpListener::bind((host, 0)).unwrap();
        let (address, requests) = (listener.local_addr().unwrap(), Arc::new(Requests::default()));
        let shared = requests.clone();
        // Ends with the process: nothing else stops an accepting thread.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let requests = shared.clone();
                std::thread::spawn(move || answer(stream, &requests));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until so many requests have come.
    pub(crate) fn wait_for(&self, count: usize) {
        let list = self.requests.list.lock().unwrap();
        let (list, _) = self
            .requests
            .more
            .wait_timeout_while(list, Duration::from_mins(1), |list| list.len() < count)
            .unwrap();
        assert!(list.len() >= count, "only {} requests came", list.len());
    }

    pub(crate) fn count(&self) -> usize {
        self.requests.list.lock().unwrap().len()
    }

    /// How many requests came in each second since the first.
    pub(crate) fn per_second(&self) -> Vec<usize> {
        let list = self.requests.list.lock().unwrap();
        let mut counts = Vec::new();
        let first = list.iter().map(|(at, _)| *at).min().unwrap();
        for (at, _) in &*list {
            let second = (*at - first).as_secs() as usize;
            counts.resize(counts.len().max(second + 1), 0);
            counts[second] += 1;
        }
        counts
    }

    /// How many different paths were asked for.
    pub(crate) fn distinct(&self) -> usize {
        self.requests.list.lock().unwrap().iter().map(|(_, path)| path).collect::<BTreeSet<_>>().len()
    }

    /// Nothing but this path was asked for.
    #[track_caller]
    pub(crate) fn expect_only(&self, wanted: &str) {
        let list = self.requests.list.lock().unwrap();
        let other = list.iter().find(|(_, path)| path != wanted);
        assert!(other.is_none(), "{other:?}");
    }

    /// Each path was asked for once.
    #[track_caller]
    pub(crate) fn expect_no_doubles(&self) {
        let list = self.requests.list.lock().unwrap();
        let mut seen = BTreeSet::new();
        let twice: Vec<&String> =
            list.iter().map(|(_, path)| path).filter(|path| !seen.insert(*path)).collect();
        assert!(twice.is_empty(), "asked for twice: {twice:?}");
    }
}

fn answer(stream: TcpStream, requests: &Requests) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        requests.list.lock().unwrap().push((Instant::now(), path.clone()));
        requests.more.notify_all();
        while line.trim_end() != "" {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
        }
        if path.contains("slow") {
            std::thread::sleep(Duration::from_millis(50));
        }
        let status = match &path {
            path if path.contains("missing") => "404 Not Found",
            path if path.contains("broken") => "500 No",
            _ => "200 OK",
        };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok");
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
