//! Signals need a process of their own: a handler is for the whole of it.

use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::raise;
use throng_cli::logging::{Format, Level, Logger, Sink};
use throng_cli::signals::{Signal, listen};

const PATIENCE: Duration = Duration::from_secs(30);

fn silent() -> Logger {
    Logger::new(Sink::None, Format::Raw, Level::Error)
}

#[test]
fn the_first_signal_asks_and_the_second_ends_the_process() {
    // The process that is ended is this test again.
    if std::env::var_os("THRONG_TEST_SECOND_SIGNAL").is_some() {
        let (told, first) = mpsc::channel();
        let _listener = listen(silent(), move |signal| told.send(signal).unwrap()).unwrap();
        raise(SIGTERM).unwrap();
        assert_eq!(first.recv_timeout(PATIENCE), Ok(Signal::Terminate));
        raise(SIGINT).unwrap();
        std::thread::sleep(PATIENCE);
        return;
    }
    let (told, first) = mpsc::channel();
    let listener = listen(silent(), move |signal| told.send(signal).unwrap()).unwrap();
    raise(SIGINT).unwrap();
    assert_eq!(first.recv_timeout(PATIENCE), Ok(Signal::Interrupt));
    drop(listener);

    let again = Command::new(std::env::current_exe().unwrap())
        .env("THRONG_TEST_SECOND_SIGNAL", "1")
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(105));
}
