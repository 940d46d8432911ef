//! A virtual machine's way to the network: its HTTP client, its cookies and the bytes that went either way.
//!
//! The client is made on first use, so that a script without requests pays nothing for it. All clients of one thread
//! stand on one [`throng_http::Shared`], all threads on one [`throng_http::ClientConfig`] (rate limit included).

mod config;
mod debug;

use std::cell::{OnceCell, RefCell};
use std::rc::{Rc, Weak};

use throng_http::{Client, CookieJar};
use throng_metrics::builtin;

pub use config::{NetworkError, client_config};

use crate::host::{Host, now};

/// A cookie jar as scripts and requests share it.
pub(crate) type SharedJar = Rc<RefCell<CookieJar>>;

/// One virtual machine's connections and cookies.
#[derive(Default)]
pub(crate) struct Network {
    client: OnceCell<Rc<Client>>,
    jar: RefCell<SharedJar>,
    /// The machine this belongs to, for debugging dumps.
    owner: OnceCell<Weak<Host>>,
}

impl Network {
    /// The client, made now if this is its first use.
    pub(crate) fn client(&self, host: &Host) -> Result<&Rc<Client>, NetworkError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let shared = host.thread.http()?;
        // The local addresses are dealt by the number of the virtual user, from 0.
        let client = Client::for_vu(shared, host.identity.in_instance.saturating_sub(1));
        if let Some(level) = host.thread.settings.plan.as_ref().and_then(|plan| plan.options.http_debug)
            && let Some(owner) = self.owner.get()
        {
            client.set_debug(Some(debug::dumps(level, owner.clone())));
        }
        Ok(self.client.get_or_init(|| Rc::new(client)))
    }

    /// Says whose network this is; once.
    pub(crate) fn set_owner(&self, owner: Weak<Host>) {
        let _ = self.owner.set(owner);
    }

    /// The cookies of the running iteration.
    pub(crate) fn jar(&self) -> SharedJar {
        self.jar.borrow().clone()
    }

    /// What happens at the end of an iteration, and of setup and teardown: the bytes become samples (k6 emits both
    /// always, even when they are 0), and the cookies are forgotten unless `noCookiesReset` keeps them.
    pub(crate) fn end_of_iteration(&self, host: &Host) {
        let (sent, received) = self.client.get().map_or((0, 0), |client| {
            client.end_iteration();
            client.take_bytes()
        });
        let (tags, at) = (host.tags(), now());
        {
            let mut recorder = host.recorder();
            recorder.add(builtin::DATA_SENT, tags, sent as f64, at);
            recorder.add(builtin::DATA_RECEIVED, tags, received as f64, at);
        }
        let keep = host.thread.settings.plan.as_ref().is_some_and(|plan| plan.options.no_cookies_reset);
        if !keep && (Rc::strong_count(&self.jar.borrow()) > 1 || !self.jar.borrow().borrow().is_empty()) {
            // A jar object that the script kept goes on with the old cookies, as in k6.
            *self.jar.borrow_mut() = SharedJar::default();
        }
    }
}
