//! The `throng` binary; everything is in `throng_cli`.

use std::process::ExitCode;

/// Small blocks by the million are this program's life; the C library's allocator costs measurably more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    throng_cli::face::main(std::env::args_os()).into()
}
