//! From a [`RunSpec`] to an exit code: assembles the script host, engine, metrics and outputs.

use crate::exit::Exit;
use crate::spec::RunSpec;

/// Does what `spec` asks for and tells how it went.
pub fn run(spec: RunSpec) -> Exit {
    spec.log.error("this build cannot run scripts yet");
    Exit::Other
}
