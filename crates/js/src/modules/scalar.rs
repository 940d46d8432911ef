//! Single values that a script gives to a database.

use std::fmt;

use throng_quickjs::{JsResult, Thrown, Value};

use crate::databases::Value as Stored;

/// Whole numbers up to here are exact in a script.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// `value`, if it is a single one: null, a boolean, a number, a string, a `BigInt`, a `Date` or bytes. `what` names it in
/// errors.
pub(super) fn of_script(value: &Value, what: fmt::Arguments<'_>) -> JsResult<Option<Stored>> {
    if value.is_nullish() {
        return Ok(Some(Stored::Null));
    }
    if let Some(truth) = value.as_bool() {
        return Ok(Some(Stored::Bool(truth)));
    }
    if let Some(number) = value.as_number() {
        let is_whole = number.fract() == 0.0 && number.abs() <= EXACT;
        return Ok(Some(if is_whole { Stored::Int(number as i64) } else { Stored::Float(number) }));
    }
    if value.is_string() {
        return Ok(Some(Stored::Text(value.to_text()?)));
    }
    if value.is_bigint() {
        let text = value.to_text()?;
        let number = text
            .parse()
            .map_err(|_| Thrown::range_error(format!("{what}, {text}n, has more than 64 bits")))?;
        return Ok(Some(Stored::Int(number)));
    }
    if value.is_date() {
        let milliseconds = value.invoke("getTime", &[])?.to_number()?;
        if !milliseconds.is_finite() {
            return Err(Thrown::range_error(format!("{what} is an invalid Date")));
        }
        return Ok(Some(Stored::Moment((milliseconds * 1000.0) as i64)));
    }
    Ok(value.with_bytes(<[u8]>::to_vec).map(Stored::Bytes))
}
