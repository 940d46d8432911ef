//! The locust face: named, so that nobody takes its absence for a defect.

use super::{early_terminal, fail_early};
use crate::exit::Exit;
use crate::failure::Failure;

/// Refuses; `program` is what the user typed.
pub(super) fn main(program: &str) -> Exit {
    let message = format!("{program}: running locustfiles is not supported yet; k6 scripts are");
    fail_early(&early_terminal(), &Failure::new(Exit::Usage, message))
}
