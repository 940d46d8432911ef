//! `k6/crypto`: hashes, HMAC and random bytes.

mod hash;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use throng_quickjs::{Call, Ctx, JsResult, Thrown, Value};

use super::{bytes, encoding};
pub(crate) use hash::Hasher;

/// Names of the algorithms, which are also the names of the functions that hash in one call.
const ALGORITHMS: [&str; 9] =
    ["md4", "md5", "sha1", "sha256", "sha384", "sha512", "sha512_224", "sha512_256", "ripemd160"];

pub(super) fn exports(ctx: Ctx) -> JsResult {
    let exports = ctx.object();
    for name in ALGORITHMS {
        let hash = ctx.closure(2, &[&ctx.string(name)], |call| {
            let name = call.captured(0).to_text()?;
            let hasher = hasher(&name, None)?;
            bytes::with(&call.arg(0), &format!("crypto.{name}()"), |bytes| hasher.update(bytes))?;
            encode(call.ctx(), &hasher.digest(), &call.arg(1))
        });
        exports.define(name, &hash)?;
    }
    exports.export("hmac", 4, |call| {
        let hasher = keyed(call, "crypto.hmac()")?;
        bytes::with(&call.arg(2), "crypto.hmac()", |bytes| hasher.update(bytes))?;
        encode(call.ctx(), &hasher.digest(), &call.arg(3))
    })?;
    exports.export("createHash", 1, |call| call.ctx().instance(hasher(&call.arg(0).to_text()?, None)?))?;
    exports.export("createHMAC", 2, |call| call.ctx().instance(keyed(call, "crypto.createHMAC()")?))?;
    exports.export("hexEncode", 1, |call| {
        let text = bytes::with(&call.arg(0), "crypto.hexEncode()", |bytes| hex::encode(bytes))?;
        Ok(call.ctx().string(&text))
    })?;
    exports.export("randomBytes", 1, random_bytes)?;
    Ok(exports)
}

fn keyed(call: &Call<'_>, owner: &str) -> JsResult<Hasher> {
    let name = call.arg(0).to_text()?;
    bytes::with(&call.arg(1), owner, |key| hasher(&name, Some(key)))?
}

fn hasher(name: &str, key: Option<&[u8]>) -> JsResult<Hasher> {
    Hasher::new(name, key).ok_or_else(|| {
        Thrown::error(format!("there is no hash algorithm {name:?}; there are {}", ALGORITHMS.join(", ")))
    })
}

/// A digest in the encoding that the script named.
fn encode(ctx: Ctx, digest: &[u8], encoding: &Value) -> JsResult {
    let name = if encoding.is_nullish() { String::new() } else { encoding.to_text()? };
    Ok(match name.as_str() {
        "hex" => ctx.string(&hex::encode(digest)),
        "base64" => ctx.string(&STANDARD.encode(digest)),
        "base64url" => ctx.string(&encoding::URL.encode(digest)),
        "base64rawurl" => ctx.string(&encoding::RAW_URL.encode(digest)),
        "binary" => ctx.array_buffer(digest),
        _ => {
            return Err(Thrown::error(format!(
                "there is no output encoding {name:?}; there are hex, base64, base64url, base64rawurl and binary"
            )));
        }
    })
}

/// The most bytes that one call makes: as many as fit any real use, few enough to never exhaust the machine.
const MOST_RANDOM_BYTES: f64 = 1e9;

/// `randomBytes(size)`: an `ArrayBuffer` of unpredictable bytes.
fn random_bytes(call: &Call<'_>) -> JsResult {
    let size = call.arg(0).to_number()?.trunc();
    if !(1.0..=MOST_RANDOM_BYTES).contains(&size) {
        return Err(Thrown::range_error("crypto.randomBytes() needs a number of bytes from 1 to 1e9"));
    }
    let mut bytes = vec![0; size as usize];
    fill_random(&mut bytes)?;
    Ok(call.ctx().array_buffer(&bytes))
}

/// Fills `bytes` from the operating system's generator.
pub(crate) fn fill_random(bytes: &mut [u8]) -> JsResult<()> {
    getrandom::fill(bytes)
        .map_err(|error| Thrown::error(format!("the system gives no random bytes: {error}")))
}
