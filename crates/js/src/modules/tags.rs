//! Tags as scripts give them: an object of strings, numbers and booleans.

use std::cell::Cell;
use std::fmt::Display;

use throng_metrics::TagSetId;
use throng_quickjs::{JsResult, Thrown, Value};

use crate::host::Host;

/// Tag objects are small; up to this many entries need no allocation.
const USUAL: usize = 8;

/// Space to lay names and values out in, kept by each virtual user between calls.
#[derive(Default)]
struct Scratch {
    text: Cell<String>,
    ends: Cell<Vec<(usize, usize)>>,
}

/// The current tags with those of `tags` (if it is an object) laid over them. `owner` names what they are for, in errors.
pub(crate) fn with(host: &Host, tags: &Value, owner: &dyn Display) -> JsResult<TagSetId> {
    if !tags.is_object() {
        return Ok(host.tags());
    }
    let scratch = host.state::<Scratch>();
    let (mut text, mut ends) = (scratch.text.take(), scratch.ends.take());
    text.clear();
    ends.clear();
    let read = lay_out(tags, &mut text, &mut ends, owner);
    let id = read.map(|()| {
        let mut usual = [("", ""); USUAL];
        let mut many = Vec::new();
        let mut from = 0;
        for (i, &(name, value)) in ends.iter().enumerate() {
            let pair = (&text[from..name], &text[name..value]);
            from = value;
            if ends.len() <= USUAL { usual[i] = pair } else { many.push(pair) }
        }
        host.tags_with(if ends.len() <= USUAL { &usual[..ends.len()] } else { &many })
    });
    scratch.text.set(text);
    scratch.ends.set(ends);
    id
}

fn lay_out(
    tags: &Value,
    text: &mut String,
    ends: &mut Vec<(usize, usize)>,
    owner: &dyn Display,
) -> JsResult<()> {
    for key in tags.keys()? {
        let value = tags.get_atom(&key)?;
        key.to_value().with_str(|name| text.push_str(name))?;
        let name = text.len();
        if !is_scalar(&value) {
            let from = ends.last().map_or(0, |last| last.1);
            return Err(not_scalar(&text[from..], &format_args!("tag of {owner}")));
        }
        value.with_str(|value| text.push_str(value))?;
        ends.push((name, text.len()));
    }
    Ok(())
}

/// Tags given as an object, as texts; none of what is no object. `what` names what they are for, in errors.
pub(crate) fn pairs(tags: &Value, what: &dyn Display) -> JsResult<Vec<(String, String)>> {
    if !tags.is_object() {
        return Ok(Vec::new());
    }
    let pair = |(name, value): (String, Value)| {
        if is_scalar(&value) { Ok((name, value.to_text()?)) } else { Err(not_scalar(&name, what)) }
    };
    tags.entries()?.into_iter().map(pair).collect()
}

/// Whether a value can be a tag's.
pub(crate) fn is_scalar(value: &Value) -> bool {
    value.is_string() || value.is_number() || value.is_bool()
}

/// The error for a value that cannot.
pub(crate) fn not_scalar(name: &str, what: &dyn Display) -> Thrown {
    Thrown::type_error(format!("the value of {name:?}, a {what}, must be a string, a number or a boolean"))
}
