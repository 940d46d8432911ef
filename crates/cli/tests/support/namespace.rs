//! A network namespace with two ways to this one: one that can be cut, and one that stays.

use std::process::{Command, Stdio};

use crate::cluster::{Process, TOKEN};
use crate::support::THRONG;

/// See the module's description. It is taken down when this is dropped.
pub(crate) struct Namespace {
    name: String,
    cut_host: String,
    open_host: String,
}

/// The ends of the two ways that are within.
const CUT: &str = "cut";
const OPEN: &str = "open";

impl Namespace {
    /// Nothing, and a word on it, where there is no right to make one.
    #[expect(clippy::print_stderr, reason = "a test that is skipped has to say so")]
    pub(crate) fn new() -> Option<Self> {
        let id = std::process::id() % 250;
        let name = format!("throng-chaos-{id}");
        let made = Command::new("ip").args(["netns", "add", &name]).stderr(Stdio::null()).status();
        if !made.is_ok_and(|status| status.success()) {
            eprintln!("skipped: a network namespace takes `ip` (iproute2) and the rights of root");
            return None;
        }
        // Addresses for benchmarks of networks (RFC 2544), which nobody routes.
        let (cut_host, open_host) = (format!("198.18.{id}.1"), format!("198.19.{id}.1"));
        for (end, net) in [(CUT, "198.18"), (OPEN, "198.19")] {
            let link = format!("thr{id}{end}");
            let (inside, outside) = (format!("{net}.{id}.2/24"), format!("{net}.{id}.1/24"));
            ip(&["link", "add", &link, "type", "veth", "peer", "name", end, "netns", &name]);
            ip(&["addr", "add", &outside, "dev", &link]);
            ip(&["link", "set", &link, "up"]);
            ip(&["-n", &name, "addr", "add", &inside, "dev", end]);
            ip(&["-n", &name, "link", "set", end, "up"]);
        }
        Some(Self { name, cut_host, open_host })
    }

    /// This side's address on the way that can be cut.
    pub(crate) fn cut_host(&self) -> &str {
        &self.cut_host
    }

    /// The one on the way that stays.
    pub(crate) fn open_host(&self) -> &str {
        &self.open_host
    }

    /// Packets are lost from now on, without a word to either side.
    pub(crate) fn cut(&self) {
        ip(&["-n", &self.name, "link", "set", CUT, "down"]);
    }

    pub(crate) fn heal(&self) {
        ip(&["-n", &self.name, "link", "set", CUT, "up"]);
    }

    /// A worker within.
    pub(crate) fn worker(&self, address: &str, name: &str) -> Process {
        let link = THRONG.link().display().to_string();
        let args = ["netns", "exec", &self.name, &link, "worker", "--controller", address, "--name", name];
        Process::spawn(Command::new("ip").args(args).args(["--threads", "1"]), TOKEN)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Takes both ways with it.
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

#[track_caller]
fn ip(args: &[&str]) {
    assert!(Command::new("ip").args(args).status().unwrap().success(), "ip {args:?}");
}
