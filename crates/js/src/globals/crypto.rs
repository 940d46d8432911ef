//! The global `crypto`: `getRandomValues` and `randomUUID` of the Web Crypto API; `subtle` has a file of its own.

use throng_quickjs::{Call, Ctx, JsResult, Thrown, Value};

use super::subtle;
use crate::modules::fill_random;

/// What one call of `getRandomValues` may fill, as the specification says.
const MOST_BYTES: usize = 65_536;

pub(super) fn install(ctx: Ctx, globals: &Value) -> JsResult<()> {
    let make = ctx.getter("crypto", |call| {
        let (ctx, globals) = (call.ctx(), call.ctx().globals());
        let crypto = object(ctx)?;
        globals.define_hidden("crypto", &crypto)?;
        Ok(crypto)
    });
    // Made when it is first read: few scripts do.
    globals.define_accessor("crypto", make, ctx.undefined())
}

fn object(ctx: Ctx) -> JsResult {
    let crypto = ctx.object();
    crypto.export("getRandomValues", 1, get_random_values)?;
    crypto.export("randomUUID", 0, random_uuid)?;
    crypto.define("subtle", &subtle::object(ctx)?)?;
    Ok(crypto)
}

/// `getRandomValues(array)`: fills an integer typed array and returns it.
fn get_random_values(call: &Call<'_>) -> JsResult {
    const INTEGERS: [&str; 9] = [
        "Int8Array",
        "Uint8Array",
        "Uint8ClampedArray",
        "Int16Array",
        "Uint16Array",
        "Int32Array",
        "Uint32Array",
        "BigInt64Array",
        "BigUint64Array",
    ];
    let (ctx, array) = (call.ctx(), call.arg(0));
    let globals = ctx.globals();
    let is_integers = INTEGERS
        .iter()
        .any(|name| globals.get(name).is_ok_and(|constructor| array.is_instance_of(&constructor)));
    let length = array.with_bytes(<[u8]>::len);
    let (true, Some(length)) = (array.is_object() && is_integers, length) else {
        return Err(Thrown::type_error("crypto.getRandomValues() needs a typed array of integers"));
    };
    if length > MOST_BYTES {
        let message =
            format!("crypto.getRandomValues() fills at most {MOST_BYTES} bytes at once, not {length}");
        return Err(subtle::named_error(ctx, "QuotaExceededError", &message));
    }
    let mut bytes = vec![0; length];
    fill_random(&mut bytes)?;
    array.write_bytes(&bytes);
    Ok(array)
}

/// `randomUUID()`: a version 4 UUID (RFC 9562 section 5.4).
fn random_uuid(call: &Call<'_>) -> JsResult {
    let mut bytes = [0; 16];
    fill_random(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    let uuid = [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-");
    Ok(call.ctx().string(&uuid))
}
