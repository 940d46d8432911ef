//! `console`: log records with `source=console`.
//!
//! Arguments are joined by a space; there is no `%s` formatting. Objects print as JSON, as k6 does; functions as
//! `[object Function]` and cycles as `[Circular]`, as k6 does since 1.5.

use throng_quickjs::{Call, Ctx, JsResult, Value};

use crate::host::host;
use crate::log::Level;

pub(super) fn install(ctx: Ctx, globals: &Value) -> JsResult<()> {
    let console = ctx.object();
    console.method("log", 0, |call| write(call, Level::Info))?;
    console.method("info", 0, |call| write(call, Level::Info))?;
    console.method("debug", 0, |call| write(call, Level::Debug))?;
    console.method("warn", 0, |call| write(call, Level::Warn))?;
    console.method("error", 0, |call| write(call, Level::Error))?;
    globals.define_hidden("console", &console)
}

fn write(call: &Call<'_>, level: Level) -> JsResult {
    let ctx = call.ctx();
    let log = &host(&ctx).thread.log;
    if log.enabled(level) {
        let mut message = String::new();
        for i in 0..call.len() {
            if i > 0 {
                message.push(' ');
            }
            message.push_str(&show(ctx, &call.arg(i)));
        }
        log.log(level, &message, &[("source", "console")]);
    }
    Ok(ctx.undefined())
}

/// A value as the console prints it.
fn show(ctx: Ctx, value: &Value) -> String {
    let plain = |value: &Value| {
        value.to_text().unwrap_or_else(|_| {
            ctx.drop_exception();
            String::from("[object]")
        })
    };
    if value.is_function() {
        return "[object Function]".into();
    }
    if value.is_error() {
        let exception = ctx.describe(value);
        return crate::vm::describe(&host(&ctx).program, &exception);
    }
    if !value.is_object() {
        return plain(value);
    }
    match value.to_json() {
        Ok(Some(json)) => json,
        Ok(None) => plain(value),
        Err(_) => {
            ctx.drop_exception();
            "[object Circular]".into()
        }
    }
}
