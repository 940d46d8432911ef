//! Setup data and options as JSON, by k6's rules rather than those of `JSON.stringify` (observed on k6 1.1): `undefined` becomes
//! `null`, a `Date` its RFC 3339 text, a `Uint8Array` base64, other typed arrays and `Set` arrays, a `Map` an array of pairs; a
//! function or NaN is an error.

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
    write(value, &mut json, 0).map_err(|fault| fault.thrown(|what| format!("setup() returned {what}")))?;
    Ok(Some(json))
}

/// The JSON of the exported options. What cannot be an option is an error that says where it stands, so that
/// `vus: Number(__ENV.VUS)` without that variable is no run with one virtual user. `place` finds a path such as
/// `scenarios.a.vus` in the script.
pub(crate) fn options_json(value: &Value, place: impl FnOnce(&str) -> Option<String>) -> JsResult<String> {
    let mut json = String::new();
    write(value, &mut json, 0).map_err(|fault| {
        let path: String = fault.path.iter().rev().map(String::as_str).collect();
        match fault.thrown(|what| format!("options{path} is {what}")) {
            Thrown::New(kind, text) => match place(&path) {
                Some(place) => Thrown::New(kind, format!("{text}\n\tat {place}")),
                None => Thrown::New(kind, text),
            },
            thrown => thrown,
        }
    })?;
    Ok(json)
}

/// What has no form in JSON, and the steps that lead to it, last one first.
struct Fault {
    why: Why,
    path: Vec<String>,
}

enum Why {
    Unfit(String),
    TooDeep,
    Thrown(Thrown),
}

impl Fault {
    fn unfit(what: impl Into<String>) -> Self {
        Self { why: Why::Unfit(what.into()), path: Vec::new() }
    }

    fn thrown(self, say: impl FnOnce(&str) -> String) -> Thrown {
        match self.why {
            Why::Unfit(what) => Thrown::error(format!("{}, which has no form in JSON", say(&what))),
            Why::TooDeep => {
                Thrown::error(format!("{}, nested too deeply or inside itself", say("an object")))
            }
            Why::Thrown(thrown) => thrown,
        }
    }

    fn at(mut self, step: String) -> Self {
        self.path.push(step);
        self
    }
}

impl From<Thrown> for Fault {
    fn from(thrown: Thrown) -> Self {
        Self { why: Why::Thrown(thrown), path: Vec::new() }
    }
}

fn write(value: &Value, json: &mut String, depth: usize) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault { why: Why::TooDeep, path: Vec::new() });
    }
    if value.is_nullish() {
        json.push_str("null");
    } else if let Some(number) = value.as_number() {
        if !number.is_finite() {
            return Err(Fault::unfit(value.to_text()?));
        }
        json.push_str(&value.to_json()?.unwrap_or_default());
    } else if value.is_string() || value.is_bool() {
        json.push_str(&value.to_json()?.unwrap_or_default());
    } else if value.is_bigint() {
        json.push_str(&value.to_text()?);
    } else if value.is_symbol() {
        write(&value.get("description")?, json, depth)?;
    } else if value.is_function() {
        return Err(Fault::unfit("a function"));
    } else if value.is_date() {
        write_date(value, json)?;
    } else if value.is_array() {
        write_list(value.elements()?, json, depth)?;
    } else {
        write_object(value, json, depth)?;
    }
    Ok(())
}

/// In Go's form of RFC 3339: no more digits of a second than there are.
fn write_date(date: &Value, json: &mut String) -> JsResult<()> {
    if date.invoke("getTime", &[])?.to_number()?.is_nan() {
        json.push_str("null");
        return Ok(());
    }
    // Always with a fraction, so that no zeros but its own are cut.
    let text = date.invoke("toISOString", &[])?.to_text()?;
    json.push('"');
    json.push_str(text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.'));
    json.push_str("Z\"");
    Ok(())
}

fn write_object(value: &Value, json: &mut String, depth: usize) -> Result<(), Fault> {
    let globals = value.ctx().globals();
    let is = |constructor: &str| globals.get(constructor).is_ok_and(|c| value.is_instance_of(&c));
    if is("Uint8Array") || is("Uint8ClampedArray") {
        json.push('"');
        json.push_str(&value.with_bytes(|bytes| STANDARD.encode(bytes)).unwrap_or_default());
        json.push('"');
        return Ok(());
    }
    let is_view = globals.get("ArrayBuffer")?.invoke("isView", &[value])?.truthy();
    if (is_view && !is("DataView")) || is("Map") || is("Set") {
        let list = globals.get("Array")?.invoke("from", &[value])?;
        return write_list(list.elements()?, json, depth);
    }
    if is("Number") || is("Boolean") || is("String") {
        return write(&value.invoke("valueOf", &[])?, json, depth + 1);
    }
    json.push('{');
    for (i, (name, entry)) in value.entries()?.into_iter().enumerate() {
        if i > 0 {
            json.push(',');
        }
        json.push_str(&value.ctx().string(&name).to_json()?.unwrap_or_default());
        json.push(':');
        write(&entry, json, depth + 1).map_err(|fault| fault.at(format!(".{name}")))?;
    }
    json.push('}');
    Ok(())
}

fn write_list(items: Vec<Value>, json: &mut String, depth: usize) -> Result<(), Fault> {
    json.push('[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            json.push(',');
        }
        write(item, json, depth + 1).map_err(|fault| fault.at(format!("[{i}]")))?;
    }
    json.push(']');
    Ok(())
}
