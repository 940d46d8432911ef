//! Setup data as JSON, by k6's rules rather than those of `JSON.stringify` (observed on k6 1.1): `undefined` becomes
//! `null`, a `Date` its RFC 3339 text, a `Uint8Array` base64, a `Map` an array of pairs; a function or NaN is an error.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use throng_quickjs::{JsResult, Thrown, Value};

/// Deeper than any real data; a cycle ends here.
const MAX_DEPTH: usize = 500;

/// The JSON of what `setup` returned; `None` for nothing.
pub(crate) fn setup_json(value: &Value) -> JsResult<Option<String>> {
    if value.is_undefined() {
        return Ok(None);
    }
    let mut json = String::new();
    write(value, &mut json, 0)?;
    Ok(Some(json))
}

fn write(value: &Value, json: &mut String, depth: usize) -> JsResult<()> {
    if depth > MAX_DEPTH {
        return Err(Thrown::error("the data that setup() returned is nested too deeply, or contains itself"));
    }
    if value.is_nullish() {
        json.push_str("null");
    } else if let Some(flag) = value.as_bool() {
        json.push_str(if flag { "true" } else { "false" });
    } else if let Some(number) = value.as_number() {
        if !number.is_finite() {
            return Err(Thrown::error(format!("setup() returned {number}, which has no form in JSON")));
        }
        json.push_str(&value.to_json()?.unwrap_or_default());
    } else if value.is_string() {
        json.push_str(&value.to_json()?.unwrap_or_default());
    } else if value.is_function() || value.is_symbol() || value.is_bigint() {
        return Err(Thrown::error("setup() returned data with a function, symbol or BigInt in it, which has no form in JSON"));
    } else if value.is_date() {
        let text = value.invoke("toISOString", &[])?;
        json.push_str(&text.to_json()?.unwrap_or_default());
    } else if value.is_array() {
        write_list(value.elements()?, json, depth)?;
    } else if let Some(base64) = value.with_bytes(|bytes| STANDARD.encode(bytes)) {
        json.push('"');
        json.push_str(&base64);
        json.push('"');
    } else if value.is_instance_of(&value.ctx().globals().get("Map")?) {
        let pairs = value.ctx().globals().get("Array")?.invoke("from", &[value])?;
        write_list(pairs.elements()?, json, depth)?;
    } else {
        json.push('{');
        for (i, (name, entry)) in value.entries()?.into_iter().enumerate() {
            if i > 0 {
                json.push(',');
            }
            json.push_str(&value.ctx().string(&name).to_json()?.unwrap_or_default());
            json.push(':');
            write(&entry, json, depth + 1)?;
        }
        json.push('}');
    }
    Ok(())
}

fn write_list(items: Vec<Value>, json: &mut String, depth: usize) -> JsResult<()> {
    json.push('[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            json.push(',');
        }
        write(item, json, depth + 1)?;
    }
    json.push(']');
    Ok(())
}
