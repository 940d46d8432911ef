//! What the virtual users of one thread have in common.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use throng_reactor::{Handle, READ_BUFFER_LEN};

use crate::config::ClientConfig;
use crate::net::Resolver;
use crate::tls::TlsSettings;

/// A write buffer that grew beyond this is not kept.
const WRITE_BUFFER_KEPT: usize = 64 * 1024;

/// One thread's name cache, buffers and settings, shared by its clients.
pub struct Shared {
    pub(crate) handle: Handle,
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) resolver: Resolver,
    pub(crate) tls: TlsSettings,
    /// Where response bytes are read to and parsed; only ever held within one poll. It is not the
    /// reactor's own buffer because TLS needs that one for the ciphertext at the same time.
    pub(crate) read_buffer: RefCell<Box<[u8]>>,
    write_buffer: RefCell<Vec<u8>>,
}

impl Shared {
    /// For the clients on `handle`'s thread.
    pub fn new(handle: Handle, config: Arc<ClientConfig>) -> Rc<Self> {
        Rc::new(Self {
            resolver: Resolver::new(config.dns),
            tls: TlsSettings::default(),
            handle,
            config,
            read_buffer: RefCell::new(vec![0; READ_BUFFER_LEN].into_boxed_slice()),
            write_buffer: RefCell::default(),
        })
    }

    /// The settings.
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// The reactor.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// An empty buffer for a request, usually one that was used before.
    pub(crate) fn take_write_buffer(&self) -> Vec<u8> {
        self.write_buffer.take()
    }

    /// Gives a buffer back for the next request.
    pub(crate) fn return_write_buffer(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= WRITE_BUFFER_KEPT {
            buffer.clear();
            *self.write_buffer.borrow_mut() = buffer;
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("handle", &self.handle).finish_non_exhaustive()
    }
}
