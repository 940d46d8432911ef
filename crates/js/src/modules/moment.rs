//! A moment from a database as scripts see it: a `Date` that also answers as Go's `time.Time` does in k6.
//!
//! Scripts written for k6 know Go's time: `unix()`, `unixMilli()`, and its text (`2024-01-02 03:04:05 +0000 UTC`), of
//! which they cut the date.

use std::cell::RefCell;

use throng_quickjs::{Call, Ctx, JsResult, Value};

use crate::host::host;

/// The prototype of such dates, made once a virtual machine.
#[derive(Default)]
struct Prototype(RefCell<Option<Value>>);

/// The date at these microseconds since the epoch; a script's dates have milliseconds.
pub(crate) fn date(ctx: Ctx, microseconds: i64) -> JsResult {
    let date = ctx.date(microseconds.div_euclid(1000) as f64);
    let state = host(&ctx).state::<Prototype>();
    let known = state.0.borrow().clone();
    let prototype = if let Some(prototype) = known {
        prototype
    } else {
        let made = prototype(ctx)?;
        *state.0.borrow_mut() = Some(made.clone());
        made
    };
    date.set_prototype(&prototype)?;
    Ok(date)
}

fn prototype(ctx: Ctx) -> JsResult {
    let prototype = ctx.object_with_prototype(&ctx.globals().get("Date")?.get("prototype")?);
    prototype.method("unix", 0, |call| Ok(call.ctx().number((milliseconds(call)? / 1000.0).floor())))?;
    prototype.method("unixMilli", 0, |call| Ok(call.ctx().number(milliseconds(call)?)))?;
    prototype.method("toJSON", 1, |call| Ok(call.ctx().string(&format!("{}Z", trimmed(call)?))))?;
    for name in ["toString", "string"] {
        prototype.method(name, 0, |call| {
            Ok(call.ctx().string(&format!("{} +0000 UTC", trimmed(call)?.replacen('T', " ", 1))))
        })?;
    }
    Ok(prototype)
}

fn milliseconds(call: &Call<'_>) -> JsResult<f64> {
    call.this().invoke("getTime", &[])?.to_number()
}

/// `2024-01-02T03:04:05.6`: as Go writes it, without noughts at the end of the fraction.
fn trimmed(call: &Call<'_>) -> JsResult<String> {
    let text = call.this().invoke("toISOString", &[])?.to_text()?;
    let (time, fraction) = text.trim_end_matches('Z').split_once('.').unwrap_or((&text, ""));
    Ok(match fraction.trim_end_matches('0') {
        "" => time.to_owned(),
        fraction => format!("{time}.{fraction}"),
    })
}
