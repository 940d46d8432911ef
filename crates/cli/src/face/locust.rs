//! The locust face: hands the command line to our `locust` package in the user's own Python.
//!
//! Everything that a locustfile can see (options, order of start-up, exit codes) is the package's; see
//! `python/locust/main.py`.

use std::ffi::OsString;

use super::python::{self, Start};
use crate::exit::Exit;

/// Behaves as `locust ARGS`; returns only if that cannot be started.
pub(super) fn main(args: Vec<OsString>) -> Exit {
    python::start(Start::Locust, args)
}

/// `throng run FILE.py ARGS` is `locust -f FILE.py ARGS`; `--workers`, as for k6 scripts, is Locust's `--processes`.
pub(super) fn run(mut args: Vec<OsString>) -> Exit {
    for arg in &mut args {
        if let Some(rest) = arg.to_str().and_then(|arg| arg.strip_prefix("--workers"))
            && (rest.is_empty() || rest.starts_with('='))
        {
            *arg = format!("--processes{rest}").into();
        }
    }
    let names_file = args.iter().any(|arg| arg == "-f" || arg == "--locustfile");
    if !names_file && let Some(place) = args.iter().position(|arg| super::own::is_python(arg.as_ref())) {
        args.insert(place, "-f".into());
    }
    main(args)
}
