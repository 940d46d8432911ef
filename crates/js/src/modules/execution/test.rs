//! `exec.test`: ending or failing the test, and its options.

use throng_quickjs::{Call, Ctx, JsResult, Thrown};

use crate::host::{Host, Phase, host};
use crate::log::Level;
use crate::modules::freeze;

pub(super) fn object(ctx: Ctx) -> JsResult {
    let object = ctx.object();
    object.define_constant("abort", &ctx.function("abort", 1, abort))?;
    object.define_constant("fail", &ctx.function("fail", 1, fail))?;
    object.accessor("options", options)?;
    Ok(object)
}

/// `abort(message?)`: no iteration goes on, `teardown` and the summary still run. Nothing of the script runs after it, not
/// even `catch` and `finally`.
fn abort(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let host = host(&ctx);
    let text = with_message("test aborted", call)?;
    if host.phase() == Phase::Summary {
        return Err(Thrown::error(format!("{text} (in handleSummary(), where the test is over already)")));
    }
    // Observed on k6 1.1: it says where, but not of setup() and teardown().
    let place = match host.phase() {
        Phase::Init | Phase::Iteration => place(ctx, host).unwrap_or_default(),
        _ => String::new(),
    };
    host.thread.settings.control.abort(&(text + &place));
    Err(Thrown::Abort)
}

/// ` at f (file:…)`: the innermost function of the script.
fn place(ctx: Ctx, host: &Host) -> Option<String> {
    let stack = ctx.stack_here()?;
    let stack = host.program.translate_stack(&stack);
    let frame = stack
        .lines()
        .map(str::trim)
        .find(|frame| frame.starts_with("at ") && !frame.ends_with("(native)"))?;
    Some(format!(" {frame}"))
}

/// `fail(message?)`: the test goes on, and ends as failed.
fn fail(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let host = host(&ctx);
    if host.phase() == Phase::Init {
        return Err(Thrown::error(
            "exec.test.fail() cannot be used in the init context (the top level of the script)",
        ));
    }
    host.thread.settings.control.fail();
    host.log(Level::Error, &with_message("test marked as failed", call)?);
    Ok(ctx.undefined())
}

fn with_message(what: &str, call: &Call<'_>) -> JsResult<String> {
    let message = call.arg(0);
    if message.is_nullish() {
        return Ok(what.to_owned());
    }
    Ok(format!("{what}: {}", message.to_text()?))
}

/// The options after all layers were merged, frozen.
fn options(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let host = host(&ctx);
    super::after_init(host, "test's options")?;
    match host.program.options() {
        Some(json) => {
            let options = ctx.parse_json(&json, "options")?;
            freeze(options.clone())?;
            Ok(options)
        }
        None => Ok(ctx.undefined()),
    }
}
