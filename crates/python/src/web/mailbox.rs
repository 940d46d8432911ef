//! Questions on their way from the server's thread to gevent's hub.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};

use throng_server::Ask;

/// A queue with a descriptor that is readable while something is in it.
pub(super) struct Mailbox {
    asks: Mutex<Vec<Ask>>,
    bell: UnixStream,
    ear: UnixStream,
}

impl Mailbox {
    pub(super) fn new() -> io::Result<Self> {
        let (bell, ear) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        ear.set_nonblocking(true)?;
        Ok(Self { asks: Mutex::default(), bell, ear })
    }

    pub(super) fn put(&self, ask: Ask) {
        self.asks.lock().unwrap_or_else(PoisonError::into_inner).push(ask);
        // A full pipe rings already.
        let _ = (&self.bell).write(&[1]);
    }

    pub(super) fn take(&self) -> Vec<Ask> {
        let mut rung = [0; 64];
        while matches!((&self.ear).read(&mut rung), Ok(n) if n > 0) {}
        std::mem::take(&mut *self.asks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.ear.as_raw_fd()
    }
}
