//! `crypto.subtle` of the Web Crypto API: digests, and keys for HMAC. Other algorithms are refused by name.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use throng_quickjs::{Call, Class, Ctx, JsResult, Kind, Lazy, Thrown, Value};

use crate::event_loop::settled;
use crate::modules::{Hasher, fill_random};

/// A hash function that keys and digests can use.
struct Hash {
    name: &'static str,
    /// Its name in `k6/crypto`.
    ours: &'static str,
    /// What JSON web keys call its HMAC.
    jwk: &'static str,
    /// The bytes of a key that is made for it.
    key_length: usize,
}

const HASHES: [Hash; 4] = [
    Hash { name: "SHA-1", ours: "sha1", jwk: "HS1", key_length: 64 },
    Hash { name: "SHA-256", ours: "sha256", jwk: "HS256", key_length: 64 },
    Hash { name: "SHA-384", ours: "sha384", jwk: "HS384", key_length: 128 },
    Hash { name: "SHA-512", ours: "sha512", jwk: "HS512", key_length: 128 },
];

/// What is not there at all yet.
const REFUSED: [&str; 6] = ["encrypt", "decrypt", "deriveKey", "deriveBits", "wrapKey", "unwrapKey"];

/// The object.
pub(super) fn object(ctx: Ctx) -> JsResult {
    let subtle = ctx.object();
    subtle.export("digest", 2, |call| settled(call.ctx(), digest(call)))?;
    subtle.export("generateKey", 3, |call| settled(call.ctx(), generate_key(call)))?;
    subtle.export("importKey", 5, |call| settled(call.ctx(), import_key(call)))?;
    subtle.export("exportKey", 2, |call| settled(call.ctx(), export_key(call)))?;
    subtle.export("sign", 3, |call| settled(call.ctx(), sign(call)))?;
    subtle.export("verify", 4, |call| settled(call.ctx(), verify(call)))?;
    for name in REFUSED {
        let refuse = ctx.closure(0, &[&ctx.string(name)], |call| {
            let message = format!("crypto.subtle.{}() is not supported yet", call.captured(0).to_text()?);
            settled(call.ctx(), Err(Thrown::error(message)))
        });
        subtle.define(name, &refuse)?;
    }
    Ok(subtle)
}

/// An error whose `name` is one of the specification's.
pub(super) fn named_error(ctx: Ctx, name: &str, message: &str) -> Thrown {
    let error = ctx.new_error(Kind::Error, message);
    match error.define_hidden("name", &ctx.string(name)) {
        Ok(()) => Thrown::Value(error),
        Err(thrown) => thrown,
    }
}

/// A key for HMAC.
struct CryptoKey {
    hash: &'static Hash,
    extractable: bool,
    usages: Vec<String>,
    secret: Vec<u8>,
}

impl Class for CryptoKey {
    const NAME: &'static str = "CryptoKey";

    const LAZY: Option<Lazy<Self>> = Some(Lazy {
        names: &["type", "extractable", "algorithm", "usages"],
        make: |ctx, this, index| match index {
            0 => Ok(ctx.string("secret")),
            1 => Ok(ctx.bool(this.extractable)),
            2 => {
                let (algorithm, hash) = (ctx.object(), ctx.object());
                hash.define("name", &ctx.string(this.hash.name))?;
                algorithm.define("name", &ctx.string("HMAC"))?;
                algorithm.define("hash", &hash)?;
                algorithm.define("length", &ctx.int(this.secret.len() as i64 * 8))?;
                Ok(algorithm)
            }
            _ => Ok(ctx.array(this.usages.iter().map(|usage| ctx.string(usage)))),
        },
    });

    fn prototype(_: &Value) -> JsResult<()> {
        Ok(())
    }
}

impl CryptoKey {
    fn mac(&self, data: &[u8]) -> JsResult<Vec<u8>> {
        let hasher = Hasher::new(self.hash.ours, Some(&self.secret));
        let hasher = hasher.ok_or_else(|| Thrown::error("this key cannot be used"))?;
        hasher.update(data);
        Ok(hasher.digest())
    }

    fn expect_usage(&self, ctx: Ctx, usage: &str) -> JsResult<()> {
        if self.usages.iter().any(|known| known == usage) {
            return Ok(());
        }
        Err(named_error(ctx, "InvalidAccessError", &format!("the key's usages do not include {usage:?}")))
    }
}

/// The name of an algorithm, given as a text or as an object with a name.
fn name(algorithm: &Value) -> JsResult<String> {
    let name = if algorithm.is_object() { algorithm.get("name")? } else { algorithm.clone() };
    if name.is_string() { name.to_text() } else { Err(Thrown::type_error("the algorithm has no name")) }
}

fn hash(ctx: Ctx, algorithm: &Value) -> JsResult<&'static Hash> {
    let name = name(algorithm)?;
    HASHES
        .iter()
        .find(|hash| hash.name.eq_ignore_ascii_case(&name))
        .ok_or_else(|| named_error(ctx, "NotSupportedError", &format!("the hash {name:?} is not supported")))
}

/// Refuses every algorithm but HMAC.
fn only_hmac(ctx: Ctx, algorithm: &Value) -> JsResult<()> {
    let name = name(algorithm)?;
    if name.eq_ignore_ascii_case("HMAC") {
        return Ok(());
    }
    let message = format!("the algorithm {name} is not supported yet in crypto.subtle; HMAC and digests are");
    Err(named_error(ctx, "NotSupportedError", &message))
}

fn bytes(data: &Value) -> JsResult<Vec<u8>> {
    data.with_bytes(<[u8]>::to_vec)
        .ok_or_else(|| Thrown::type_error("the data is neither an ArrayBuffer nor a typed array"))
}

/// `digest(algorithm, data)`
fn digest(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let hash = hash(ctx, &call.arg(0))?;
    let data = bytes(&call.arg(1))?;
    let hasher = Hasher::new(hash.ours, None).ok_or_else(|| Thrown::error("this hash cannot be used"))?;
    hasher.update(&data);
    Ok(ctx.array_buffer(&hasher.digest()))
}

/// The `hash` of an algorithm for HMAC.
fn hash_of_key(ctx: Ctx, algorithm: &Value) -> JsResult<&'static Hash> {
    let chosen = if algorithm.is_object() { algorithm.get("hash")? } else { ctx.undefined() };
    if chosen.is_nullish() {
        return Err(named_error(ctx, "SyntaxError", "the algorithm HMAC needs a hash"));
    }
    hash(ctx, &chosen)
}

fn usages(ctx: Ctx, list: &Value) -> JsResult<Vec<String>> {
    let usages: Vec<String> = if list.is_array() {
        list.elements()?.iter().map(Value::to_text).collect::<JsResult<_>>()?
    } else {
        vec![]
    };
    if usages.is_empty() {
        return Err(named_error(ctx, "SyntaxError", "the usages of a secret key cannot be empty"));
    }
    match usages.iter().find(|usage| !matches!(usage.as_str(), "sign" | "verify")) {
        Some(other) => {
            Err(named_error(ctx, "SyntaxError", &format!("a key for HMAC cannot be used to {other}")))
        }
        None => Ok(usages),
    }
}

/// `generateKey(algorithm, extractable, usages)`
fn generate_key(call: &Call<'_>) -> JsResult {
    let (ctx, algorithm) = (call.ctx(), call.arg(0));
    only_hmac(ctx, &algorithm)?;
    let hash = hash_of_key(ctx, &algorithm)?;
    let length = algorithm.get("length")?;
    let bits = if length.is_nullish() { hash.key_length as f64 * 8.0 } else { length.to_number()? };
    if !(8.0..=65_536.0).contains(&bits) || bits % 8.0 != 0.0 {
        return Err(named_error(
            ctx,
            "OperationError",
            "the length of a key is a number of bits, in whole bytes",
        ));
    }
    let mut secret = vec![0; (bits / 8.0) as usize];
    fill_random(&mut secret)?;
    let usages = usages(ctx, &call.arg(2))?;
    ctx.instance(CryptoKey { hash, extractable: call.arg(1).truthy(), usages, secret })
}

/// `importKey(format, keyData, algorithm, extractable, usages)`
fn import_key(call: &Call<'_>) -> JsResult {
    let (ctx, data, algorithm) = (call.ctx(), call.arg(1), call.arg(2));
    only_hmac(ctx, &algorithm)?;
    let hash = hash_of_key(ctx, &algorithm)?;
    let secret = match call.arg(0).to_text()?.as_str() {
        "raw" => bytes(&data)?,
        "jwk" => {
            let text = if data.is_object() { data.get("k")?.to_text()? } else { String::new() };
            URL_SAFE_NO_PAD
                .decode(text.trim_end_matches('='))
                .map_err(|_| named_error(ctx, "DataError", "the key's k is not base64url"))?
        }
        other => {
            let message = format!("a key for HMAC cannot be read from the format {other:?}");
            return Err(named_error(ctx, "NotSupportedError", &message));
        }
    };
    if secret.is_empty() {
        return Err(named_error(ctx, "DataError", "the key is empty"));
    }
    let usages = usages(ctx, &call.arg(4))?;
    ctx.instance(CryptoKey { hash, extractable: call.arg(3).truthy(), usages, secret })
}

/// `exportKey(format, key)`
fn export_key(call: &Call<'_>) -> JsResult {
    let (ctx, key) = (call.ctx(), call.arg(1));
    let key = key.expect::<CryptoKey>()?;
    if !key.extractable {
        return Err(named_error(ctx, "InvalidAccessError", "the key is not extractable"));
    }
    match call.arg(0).to_text()?.as_str() {
        "raw" => Ok(ctx.array_buffer(&key.secret)),
        "jwk" => {
            let jwk = ctx.object();
            jwk.define("kty", &ctx.string("oct"))?;
            jwk.define("k", &ctx.string(&URL_SAFE_NO_PAD.encode(&key.secret)))?;
            jwk.define("alg", &ctx.string(key.hash.jwk))?;
            jwk.define("ext", &ctx.bool(true))?;
            jwk.define("key_ops", &ctx.array(key.usages.iter().map(|usage| ctx.string(usage))))?;
            Ok(jwk)
        }
        other => {
            let message = format!("a key for HMAC cannot be written in the format {other:?}");
            Err(named_error(ctx, "NotSupportedError", &message))
        }
    }
}

/// `sign(algorithm, key, data)`
fn sign(call: &Call<'_>) -> JsResult {
    let (ctx, key) = (call.ctx(), call.arg(1));
    only_hmac(ctx, &call.arg(0))?;
    let key = key.expect::<CryptoKey>()?;
    key.expect_usage(ctx, "sign")?;
    Ok(ctx.array_buffer(&key.mac(&bytes(&call.arg(2))?)?))
}

/// `verify(algorithm, key, signature, data)`
fn verify(call: &Call<'_>) -> JsResult {
    let (ctx, key) = (call.ctx(), call.arg(1));
    only_hmac(ctx, &call.arg(0))?;
    let key = key.expect::<CryptoKey>()?;
    key.expect_usage(ctx, "verify")?;
    let signature = bytes(&call.arg(2))?;
    // Nobody learns anything from the time that this takes: the key is the tester's own.
    Ok(ctx.bool(key.mac(&bytes(&call.arg(3))?)? == signature))
}
