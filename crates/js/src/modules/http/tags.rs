//! The tags of a request's samples, and the samples.
//!
//! A repeated plain request finds its tag set by comparing a few integers with those of the last requests to the same
//! URL; everything else (tags of its own, redirects, errors with a text) asks the recorder, which is one hash lookup.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use throng_http::{Hop, Method, Proto, TlsVersion};
use throng_metrics::{HttpSample, Recorder, SystemTag, TagSet, TagSetId};

use super::callback::Callback;
use super::state::KnownUrl;
use crate::host::ThreadContext;

/// The tag sets of one URL's recent samples.
#[derive(Debug, Default)]
pub(super) struct TagCache(RefCell<Vec<(Key, TagSetId)>>);

/// More kinds of results than this for one URL are not worth remembering.
const MAX_KEYS: usize = 16;

/// What decides the tags of a plain request to a given URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    base: TagSetId,
    method: u8,
    status: u16,
    error_code: u16,
    proto: Option<Proto>,
    tls: Option<TlsVersion>,
    expected: Option<bool>,
}

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

impl Key {
    fn new(base: TagSetId, hop: &Hop, expected: Option<bool>) -> Option<Self> {
        let method = METHODS.iter().position(|known| *known == hop.method.as_str())?;
        Some(Self {
            base,
            method: method as u8,
            status: hop.status,
            error_code: hop.error_code.unwrap_or_default(),
            proto: hop.proto,
            tls: hop.tls_version,
            expected,
        })
    }
}

impl TagCache {
    fn find(&self, key: &Key) -> Option<TagSetId> {
        self.0.borrow().iter().find(|(known, _)| known == key).map(|(_, tags)| *tags)
    }

    fn keep(&self, key: Key, tags: TagSetId) {
        let mut known = self.0.borrow_mut();
        if known.len() >= MAX_KEYS {
            known.clear();
        }
        known.push((key, tags));
    }
}

/// What the samples of one request are tagged with, apart from its result.
#[derive(Debug, Clone)]
pub(super) struct Tagging {
    /// The virtual user's tags when the request was made.
    pub(super) base: TagSetId,
    pub(super) url: Rc<KnownUrl>,
    /// Stands for both `name` and `url`, as does a tag `name` of the run, the scenario or the virtual user without it.
    pub(super) name: Option<Box<str>>,
    /// The request's own tags, without `name`.
    pub(super) own: Vec<(String, String)>,
    pub(super) callback: Callback,
    /// What raw samples carry beside their tags.
    pub(super) metadata: Option<Arc<TagSet>>,
}

impl Tagging {
    /// Records the samples of all hops.
    pub(super) fn record(&self, thread: &ThreadContext, hops: &[Hop]) {
        let mut recorder = thread.recorder.borrow_mut();
        if recorder.wants_raw() {
            recorder.metadata(self.metadata.clone());
        }
        for (i, hop) in hops.iter().enumerate() {
            // A challenge that was answered is what a script with digest authentication expects (observed on k6 1.1).
            let answered = hop.status == 401 && i + 1 < hops.len();
            let expected = self.callback.expects(hop.status).map(|expected| expected || answered);
            // Redirects lead elsewhere, and digest authentication takes the user out of the URL.
            let same_url = i == 0 && hop.url == self.url.url;
            let tags = self.tags(&mut recorder, hop, same_url, expected);
            let ms = |duration: std::time::Duration| duration.as_nanos() as f64 / 1e6;
            let t = &hop.timings;
            let sample = HttpSample {
                duration: ms(t.duration()),
                blocked: ms(t.blocked),
                connecting: ms(t.connecting),
                tls_handshaking: ms(t.tls_handshaking),
                sending: ms(t.sending),
                waiting: ms(t.waiting),
                receiving: ms(t.receiving),
                failed: expected.map(|expected| !expected),
            };
            recorder.add_http(tags, &sample, hop.ended_at.into());
        }
    }

    fn tags(&self, recorder: &mut Recorder, hop: &Hop, same_url: bool, expected: Option<bool>) -> TagSetId {
        let plain = same_url
            && self.name.is_none()
            && self.own.is_empty()
            && hop.error.is_none()
            && !recorder.system_tags().contains(SystemTag::Ip);
        let key = if plain { Key::new(self.base, hop, expected) } else { None };
        if let Some(tags) = key.and_then(|key| self.url.tags.find(&key)) {
            return tags;
        }
        let tags = self.make_tags(recorder, hop, same_url, expected);
        // A folded set stands for others too, so raw outputs need it made each time.
        if let Some(key) = key.filter(|_| !tags.is_folded()) {
            self.url.tags.keep(key, tags);
        }
        tags
    }

    fn make_tags(
        &self,
        recorder: &mut Recorder,
        hop: &Hop,
        same_url: bool,
        expected: Option<bool>,
    ) -> TagSetId {
        let masked = if same_url { None } else { Some(hop.url.masked()) };
        let base = self.name.is_none().then(|| recorder.tags(self.base).clone());
        let name = self.name.as_deref().or_else(|| base.as_ref()?.get("name"));
        let url = name.or(masked.as_deref()).unwrap_or(&self.url.masked);
        let status = Digits::of(hop.status);
        let code = hop.error_code.map(Digits::of);
        let ip = hop.remote_addr.map(|addr| addr.ip().to_string());
        let system: [(SystemTag, Option<&str>); 10] = [
            (SystemTag::Method, Some(Method::as_str(&hop.method))),
            (SystemTag::Name, Some(url)),
            (SystemTag::Url, Some(url)),
            (SystemTag::Status, Some(status.as_str())),
            (SystemTag::Proto, hop.proto.map(Proto::as_str)),
            (SystemTag::ExpectedResponse, expected.map(|expected| if expected { "true" } else { "false" })),
            (SystemTag::Error, hop.error.as_deref()),
            (SystemTag::ErrorCode, code.as_ref().map(Digits::as_str)),
            (SystemTag::TlsVersion, hop.tls_version.map(TlsVersion::as_str)),
            (SystemTag::Ip, ip.as_deref()),
        ];
        let enabled = recorder.system_tags();
        let mut pairs: Vec<(&str, &str)> = Vec::with_capacity(system.len() + self.own.len() + 1);
        pairs.extend(self.own.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        // A `name` that the script chose is a tag like its others where the system tag is off.
        if let Some(name) = self.name.as_deref().filter(|_| !enabled.contains(SystemTag::Name)) {
            pairs.push(("name", name));
        }
        // Observed on k6 1.1: what the system knows goes before a script's tag of the same name.
        pairs.extend(system.into_iter().filter_map(|(tag, value)| {
            value.filter(|_| enabled.contains(tag)).map(|value| (tag.as_str(), value))
        }));
        recorder.with_tags(self.base, &pairs)
    }
}

/// A small number as text, without an allocation.
struct Digits {
    text: [u8; 5],
    start: usize,
}

impl Digits {
    fn of(mut n: u16) -> Self {
        let (mut text, mut start) = ([b'0'; 5], 4);
        loop {
            text[start] = b'0' + (n % 10) as u8;
            n /= 10;
            if n == 0 {
                return Self { text, start };
            }
            start -= 1;
        }
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.text[self.start..]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_text() {
        for n in [0, 7, 10, 404, 1050, u16::MAX] {
            assert_eq!(Digits::of(n).as_str(), n.to_string());
        }
    }
}
