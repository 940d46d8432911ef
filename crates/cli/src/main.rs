//! The `throng` binary; everything is in `throng_cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    throng_cli::face::main(std::env::args_os()).into()
}
