//! `console`: log records with `source=console`.
//!
//! Arguments are joined by a space; there is no `%s` formatting. Objects print as JSON, and where JSON has no form for them
//! as `[object Object]`, as in k6. Functions print as `[object Function]` and errors with their stack, where k6 1.1 prints
//! `null` and `{}`.

use std::fmt::Write as _;

use throng_quickjs::{Call, Ctx, JsResult, Value};

use crate::host::host;
use crate::log::Level;

pub(super) fn install(ctx: Ctx, globals: &Value) -> JsResult<()> {
    let console = ctx.object();
    // As listed by `Object.keys(console)` of k6 1.1.
    console.export("debug", 0, |call| write(call, Level::Debug))?;
    console.export("error", 0, |call| write(call, Level::Error))?;
    console.export("info", 0, |call| write(call, Level::Info))?;
    console.export("log", 0, |call| write(call, Level::Info))?;
    console.export("warn", 0, |call| write(call, Level::Warn))?;
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
    if value.is_function() {
        return "[object Function]".into();
    }
    if value.is_error() {
        let exception = ctx.describe(value);
        return crate::vm::describe(&host(&ctx).program, &exception);
    }
    if value.is_symbol() {
        return ctx.describe(value).message;
    }
    if value.is_object() {
        match value.to_json() {
            Ok(Some(json)) => return escape(json),
            Ok(None) => {}
            // A cycle or a BigInt inside.
            Err(_) => ctx.drop_exception(),
        }
    }
    value.to_text().unwrap_or_else(|_| {
        ctx.drop_exception();
        String::from("[object Object]")
    })
}

/// JSON as k6 writes it: safe inside of HTML.
fn escape(json: String) -> String {
    const UNSAFE: [char; 5] = ['<', '>', '&', '\u{2028}', '\u{2029}'];
    if !json.contains(UNSAFE) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if UNSAFE.contains(&c) {
            let _ = write!(escaped, "\\u{:04x}", c as u32);
        } else {
            escaped.push(c);
        }
    }
    escaped
}
