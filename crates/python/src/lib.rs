//! `locust._core`: the native half of throng's Locust runtime, loaded by the user's own CPython.
//!
//! The package in `python/locust` is the other half. What a request needs is here: sessions and responses, statistics,
//! and the reactor that waits inside gevent's hub ([`driver`]). Rules for this code: nothing is borrowed across a call
//! into Python or a switch of greenlets, and the interpreter's lock is never given up while a greenlet waits.

mod cookies;
mod driver;
mod failure;
mod gil;
mod greenlet;
mod headers;
mod json;
mod lag;
mod process;
mod response;
mod session;
mod sink;
mod stats;
mod transport;
mod web;
mod wire;

/// What locustfiles reach as `locust._core`; internal to the package.
#[pyo3::pymodule]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::cookies::Cookies;
    #[pymodule_export]
    use super::driver::{sleep, switches};
    #[pymodule_export]
    use super::headers::CaseInsensitiveDict;
    #[pymodule_export]
    use super::lag::{lag, watch_lag, worst_lag};
    #[pymodule_export]
    use super::process::{cpu_seconds, memory_bytes};
    #[pymodule_export]
    use super::response::{FastRequest, SentRequest};
    #[pymodule_export]
    use super::session::{ClientPool, Rename, Session, UserAgent};
    #[pymodule_export]
    use super::sink::Sink;
    #[pymodule_export]
    use super::stats::{
        Latest, Stats, StatsEntry, StatsError, bucket_response_time, percentile, proper_round, set_bucketing,
    };
    #[pymodule_export]
    use super::web::{WebAsk, WebServer};
    #[pymodule_export]
    use super::wire::{Connection, WireError, pack_message, unpack_message};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::response::add_to(module)
    }
}
