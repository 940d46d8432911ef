//! The page of a locustfile: `throng_server` on a thread of its own, and its two ways to Python.
//!
//! That thread never touches the interpreter. What it asks lies in a [`mailbox`] until a watcher of gevent's hub wakes a
//! greenlet; what it is told once a second is made here of the statistics in Rust ([`feed`]) and of a JSON text with
//! the rest.

mod ask;
mod feed;
mod mailbox;
mod server;

pub(crate) use ask::WebAsk;
pub(crate) use feed::Named;
pub(crate) use server::WebServer;
