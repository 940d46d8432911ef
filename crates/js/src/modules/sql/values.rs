//! Values between scripts and SQL, as the extension's Go makes them: bytes are arrays of numbers, and so is what its
//! drivers leave undecoded.

use throng_quickjs::{Ctx, JsResult, Thrown, Value};

use crate::databases::Value as Stored;
use crate::modules::moment;

/// Whole numbers up to here are exact in a script.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The value for the placeholder number `place`.
pub(super) fn of_script(value: &Value, place: usize) -> JsResult<Stored> {
    if value.is_nullish() {
        return Ok(Stored::Null);
    }
    if let Some(truth) = value.as_bool() {
        return Ok(Stored::Bool(truth));
    }
    if let Some(number) = value.as_number() {
        let is_whole = number.fract() == 0.0 && number.abs() <= EXACT;
        return Ok(if is_whole { Stored::Int(number as i64) } else { Stored::Float(number) });
    }
    if value.is_string() {
        return Ok(Stored::Text(value.to_text()?));
    }
    if value.is_bigint() {
        let text = value.to_text()?;
        let number = text.parse().map_err(|_| {
            Thrown::range_error(format!("value {place} of the statement, {text}n, has more than 64 bits"))
        })?;
        return Ok(Stored::Int(number));
    }
    if value.is_date() {
        let milliseconds = value.invoke("getTime", &[])?.to_number()?;
        if !milliseconds.is_finite() {
            return Err(Thrown::range_error(format!("value {place} of the statement is an invalid Date")));
        }
        return Ok(Stored::Moment((milliseconds * 1000.0) as i64));
    }
    if let Some(bytes) = value.with_bytes(<[u8]>::to_vec) {
        return Ok(Stored::Bytes(bytes));
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
