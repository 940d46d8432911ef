//! Values between scripts and SQL, as the extension's Go makes them: bytes are arrays of numbers, and so is what its
//! drivers leave undecoded.

use throng_quickjs::{Ctx, JsResult, Thrown, Value};

use crate::databases::Value as Stored;
use crate::modules::{moment, scalar};

/// The value for the placeholder number `place`.
pub(super) fn of_script(value: &Value, place: usize) -> JsResult<Stored> {
    if let Some(single) = scalar::of_script(value, format_args!("value {place} of the statement"))? {
        return Ok(single);
    }
    let what = match () {
        () if value.is_array() => "an array",
        () if value.is_function() => "a function",
        () if value.is_symbol() => "a symbol",
        () => "an object",
    };
    Err(Thrown::type_error(format!(
        "value {place} of the statement is {what}: a placeholder takes a string, a number, a boolean, null, a Date or bytes"
    )))
}

/// A column's value as a script sees it.
pub(super) fn to_script(ctx: Ctx, value: Stored) -> JsResult {
    Ok(match value {
        // Keys are MongoDB's alone.
        Stored::Null | Stored::Key(_) => ctx.null(),
        Stored::Bool(truth) => ctx.bool(truth),
        Stored::Int(number) => ctx.int(number),
        Stored::Float(number) => ctx.number(number),
        Stored::Text(text) => ctx.string(&text),
        Stored::Bytes(bytes) => ctx.array(bytes.into_iter().map(|byte| ctx.int(i64::from(byte)))),
        Stored::Moment(microseconds) => return moment::date(ctx, microseconds),
        Stored::List(items) => {
            let items: Vec<Value> =
                items.into_iter().map(|item| to_script(ctx, item)).collect::<JsResult<_>>()?;
            ctx.array(items)
        }
        Stored::Record(fields) => {
            let object = ctx.object();
            for (name, field) in fields {
                object.define(&name, &to_script(ctx, field)?)?;
            }
            object
        }
    })
}
