//! `requests.auth.HTTPDigestAuth`: a 401 is answered once, and the challenge is kept for the requests after it.

use std::cell::{Cell, RefCell};

use throng_http::{Challenge, Head, Headers, Method, Url, client_nonce};

/// What an authentication object knows.
pub(super) struct Digest {
    pub(super) credentials: (String, String),
    challenge: RefCell<Option<Challenge>>,
    answers: Cell<u32>,
}

impl Digest {
    pub(super) fn new(credentials: (String, String)) -> Self {
        Self { credentials, challenge: RefCell::default(), answers: Cell::default() }
    }

    /// Takes the challenge of a response; false if there is none that can be answered.
    pub(super) fn take_challenge(&self, head: &Head) -> bool {
        let found = head.get_all("WWW-Authenticate").find_map(Challenge::parse);
        let is_there = found.is_some();
        self.challenge.replace(found);
        self.answers.set(0);
        is_there
    }

    /// Adds the answer to the last challenge, if there was one.
    pub(super) fn apply(&self, headers: &mut Headers, method: &Method, url: &Url, body: &[u8]) {
        let challenge = self.challenge.borrow();
        let Some(challenge) = &*challenge else { return };
        self.answers.set(self.answers.get() + 1);
        let target = if url.target().starts_with('/') {
            url.target().to_owned()
        } else {
            format!("/{}", url.target())
        };
        let count = (self.answers.get(), &*client_nonce());
        let answer = challenge.answer(&self.credentials, method.as_str(), &target, body, count);
        headers.remove("Authorization");
        headers.append_verbatim("Authorization", answer);
    }
}
