//! What the module keeps for one virtual machine and for one thread.

use std::cell::{OnceCell, RefCell};
use std::hash::BuildHasher;
use std::rc::Rc;

use hashbrown::{DefaultHashBuilder, HashTable};
use throng_http::{Url, UrlError};
use throng_quickjs::{Atom, Ctx, JsResult, Value};

use super::callback::Callback;
use super::tags::TagCache;

/// One virtual machine's state.
#[derive(Default)]
pub(super) struct State {
    callback: RefCell<Callback>,
    params: OnceCell<Vec<Atom>>,
    methods: OnceCell<Vec<Value>>,
}

impl State {
    /// The virtual user's response callback.
    pub(super) fn callback(&self) -> Callback {
        self.callback.borrow().clone()
    }
    pub(super) fn set_callback(&self, callback: Callback) {
        *self.callback.borrow_mut() = callback;
    }

    /// The interned names of `names`, in their order; always called with the same ones.
    pub(super) fn params(&self, ctx: Ctx, names: &[&str]) -> &[Atom] {
        self.params.get_or_init(|| names.iter().map(|name| ctx.atom(name)).collect())
    }

    /// The methods of a response, which all responses share.
    pub(super) fn methods(&self, make: impl FnOnce() -> JsResult<Vec<Value>>) -> JsResult<&[Value]> {
        if let Some(methods) = self.methods.get() {
            return Ok(methods);
        }
        let methods = make()?;
        Ok(self.methods.get_or_init(|| methods))
    }
}

/// A URL that was parsed before, with what its samples were tagged with.
#[derive(Debug)]
pub(super) struct KnownUrl {
    /// As the script wrote it.
    text: Box<str>,
    /// Parsed.
    pub(super) url: Url,
    /// As the `url` and `name` tags show it: user and password masked.
    pub(super) masked: Box<str>,
    /// The tag sets of its samples.
    pub(super) tags: TagCache,
}

/// The URLs that the scripts of one thread use: a test calls the same few again and again.
#[derive(Debug, Default)]
pub(super) struct Urls {
    hasher: DefaultHashBuilder,
    known: RefCell<HashTable<Rc<KnownUrl>>>,
}

/// A script that makes up a URL for each request does not fill the memory.
const MAX_URLS: usize = 4096;

impl Urls {
    /// The URL of this text, parsed now or before.
    pub(super) fn get(&self, text: &str) -> Result<Rc<KnownUrl>, UrlError> {
        let hash = self.hasher.hash_one(text);
        if let Some(known) = self.known.borrow().find(hash, |known| *known.text == *text) {
            return Ok(known.clone());
        }
        let url = Url::parse(text)?;
        let masked = url.masked().into();
        let new = Rc::new(KnownUrl { text: text.into(), url, masked, tags: TagCache::default() });
        let mut known = self.known.borrow_mut();
        if known.len() >= MAX_URLS {
            known.clear();
        }
        known.insert_unique(hash, new.clone(), |known| self.hasher.hash_one(&*known.text));
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_parsed_once_and_the_number_kept_is_bounded() {
        let urls = Urls::default();
        let first = urls.get("http://u:p@a.test/x").unwrap();
        assert!(Rc::ptr_eq(&first, &urls.get("http://u:p@a.test/x").unwrap()));
        assert_eq!(&*first.masked, "http://****:****@a.test/x");
        for i in 0..2 * MAX_URLS {
            urls.get(&format!("http://a.test/{i}")).unwrap();
        }
        assert!(urls.known.borrow().len() <= MAX_URLS);
        assert!(urls.get("http://a b/").is_err());
    }
}
