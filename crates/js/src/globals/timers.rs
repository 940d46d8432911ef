//! `setTimeout` and its kin, also exported by `k6/timers`.

use std::time::Duration;

use throng_quickjs::{Call, JsResult, Thrown, Value};

use crate::host::host;

pub(super) fn install(globals: &Value) -> JsResult<()> {
    globals.method("setTimeout", 2, |call| set(call, false))?;
    globals.method("setInterval", 2, |call| set(call, true))?;
    globals.method("clearTimeout", 1, clear)?;
    globals.method("clearInterval", 1, clear)
}

/// The exports of `k6/timers`.
pub(crate) fn exports(ctx: throng_quickjs::Ctx) -> JsResult {
    let (exports, globals) = (ctx.object(), ctx.globals());
    for name in ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] {
        exports.define(name, &globals.get(name)?)?;
    }
    Ok(exports)
}

fn set(call: &Call<'_>, repeat: bool) -> JsResult {
    let callback = call.arg(0);
    if !callback.is_function() {
        let name = if repeat { "setInterval" } else { "setTimeout" };
        return Err(Thrown::type_error(format!("{name}'s callback must be a function")));
    }
    let delay = call.arg(1).to_number()?;
    let delay = if delay.is_finite() && delay > 0.0 {
        Duration::from_secs_f64(delay / 1000.0)
    } else {
        Duration::ZERO
    };
    let args = (2..call.len()).map(|i| call.arg(i)).collect();
    let id = host(&call.ctx()).events.set_timer(callback, args, delay, repeat);
    Ok(call.ctx().int(id as i64))
}

fn clear(call: &Call<'_>) -> JsResult {
    if let Some(id) = call.arg(0).as_number() {
        host(&call.ctx()).events.clear_timer(id as u64);
    }
    Ok(call.ctx().undefined())
}
