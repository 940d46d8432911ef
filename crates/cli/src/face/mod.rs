//! The three faces of the binary and how one is chosen.
//!
//! The name it is called by decides (`k6` and `locust` are links to it), or else the first argument:
//! `throng k6 run …` is `k6 run …`.

mod databases;
mod invocation;
pub mod k6;
mod locust;
mod own;
mod python;

use std::ffi::OsString;
use std::path::Path;

pub use invocation::Invocation;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::logging::LogSetup;
use crate::terminal::{Colour, Terminal};

/// Runs what the arguments ask for, the program's name first.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Exit {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let name = args.first().map(|arg| Path::new(arg).file_stem().unwrap_or_default().to_owned());
    if !args.is_empty() {
        args.remove(0);
    }
    throng_databases::install();
    match name.as_deref().and_then(std::ffi::OsStr::to_str) {
        Some("k6") => k6::main("k6", args),
        Some("locust") => locust::main(args),
        _ => own::main(args),
    }
}

/// The terminal and log as far as the environment alone decides: before flags are read, and when they
/// cannot be.
fn early_terminal() -> Terminal {
    // Observed on k6 1.1: it counts that they are set, not to what.
    let plain = ["NO_COLOR", "K6_NO_COLOR"].iter().any(|name| std::env::var_os(name).is_some());
    Terminal::of_process(if plain { Colour::Never } else { Colour::Auto })
}

/// Tells why a command failed, before a logger could be set up, and ends with its code.
fn fail_early(terminal: &Terminal, failure: &Failure) -> Exit {
    // Standard error can always be opened.
    if let Ok(log) = LogSetup::default().open(terminal) {
        log.error(&failure.message);
    }
    failure.exit
}
