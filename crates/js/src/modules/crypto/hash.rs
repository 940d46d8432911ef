//! One kind of hash object for all algorithms, keyed or not.

use std::cell::RefCell;

use hmac::digest::Digest;
use hmac::digest::crypto_common::BlockSizeUser;
use hmac::{Mac, SimpleHmac};
use throng_quickjs::{Class, JsResult, Value};

use super::{bytes, encode};

/// What has been fed so far.
trait State {
    fn update(&mut self, bytes: &[u8]);
    /// The digest; more can be fed afterwards, as k6 allows.
    fn digest(&self) -> Vec<u8>;
}

struct Plain<D>(D);

impl<D: Digest + Clone> State for Plain<D> {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
    fn digest(&self) -> Vec<u8> {
        self.0.clone().finalize().to_vec()
    }
}

struct Keyed<D: Digest + BlockSizeUser>(SimpleHmac<D>);

impl<D: Digest + BlockSizeUser + Clone> State for Keyed<D> {
    fn update(&mut self, bytes: &[u8]) {
        Mac::update(&mut self.0, bytes);
    }
    fn digest(&self) -> Vec<u8> {
        self.0.clone().finalize().into_bytes().to_vec()
    }
}

fn state<D: Digest + BlockSizeUser + Clone + 'static>(key: Option<&[u8]>) -> Option<Box<dyn State>> {
    Some(match key {
        None => Box::new(Plain(D::new())),
        // Any length of key is allowed, so this is never `None`.
        Some(key) => Box::new(Keyed(SimpleHmac::<D>::new_from_slice(key).ok()?)),
    })
}

/// A hash in progress; also the object that `createHash` and `createHMAC` give to a script.
pub(crate) struct Hasher(RefCell<Box<dyn State>>);

impl Hasher {
    /// Starts the algorithm of this name; with a key, its HMAC. `None` for unknown names.
    pub(crate) fn new(name: &str, key: Option<&[u8]>) -> Option<Self> {
        let state = match name {
            "md4" => state::<md4::Md4>(key),
            "md5" => state::<md5::Md5>(key),
            "sha1" => state::<sha1::Sha1>(key),
            "sha256" => state::<sha2::Sha256>(key),
            "sha384" => state::<sha2::Sha384>(key),
            "sha512" => state::<sha2::Sha512>(key),
            "sha512_224" => state::<sha2::Sha512_224>(key),
            "sha512_256" => state::<sha2::Sha512_256>(key),
            "ripemd160" => state::<ripemd::Ripemd160>(key),
            _ => None,
        };
        Some(Self(RefCell::new(state?)))
    }

    pub(crate) fn update(&self, bytes: &[u8]) {
        self.0.borrow_mut().update(bytes);
    }

    pub(crate) fn digest(&self) -> Vec<u8> {
        self.0.borrow().digest()
    }
}

impl Class for Hasher {
    const NAME: &'static str = "Hasher";

    fn prototype(proto: &Value) -> JsResult<()> {
        proto.method("update", 1, |call| {
            let this = call.this();
            let hasher = this.expect::<Self>()?;
            bytes::with(&call.arg(0), "update()", |bytes| hasher.update(bytes))?;
            Ok(call.ctx().undefined())
        })?;
        proto.method("digest", 1, |call| {
            let this = call.this();
            encode(call.ctx(), &this.expect::<Self>()?.digest(), &call.arg(0))
        })
    }
}
