//! The globals a k6 script finds: `console`, `__ENV`, `__VU`, `__ITER`, `open`, `require`, timers, `global`.

mod console;
mod crypto;
mod locale_compare;
mod open;
mod subtle;
pub(crate) mod timers;

use throng_quickjs::{Ctx, JsResult};

use crate::host::host;
use crate::loader;

/// Installs them in a new machine.
pub(crate) fn install(ctx: Ctx) -> JsResult<()> {
    let globals = ctx.globals();
    ctx.install_json_parse()?;
    ctx.install_stacks(crate::vm::stack_text)?;
    console::install(ctx, &globals)?;
    crypto::install(ctx, &globals)?;
    locale_compare::install(&globals)?;
    timers::install(&globals)?;
    globals.method("open", 2, open::open)?;
    let host = host(&ctx);
    globals.define_hidden("require", &loader::require_function(ctx, host.program.source.url.as_str()))?;
    globals.define("__VU", &ctx.int(host.identity.number as i64))?;
    globals.define_accessor(
        "__ENV",
        ctx.getter("__ENV", |call| environment(call.ctx())),
        ctx.function("__ENV", 1, |call| {
            call.ctx().globals().define("__ENV", &call.arg(0))?;
            Ok(call.ctx().undefined())
        }),
    )?;
    if !host.program.is_base_mode() {
        globals.define_hidden("global", &globals)?;
    }
    Ok(())
}

/// Makes `__ENV` when it is first read: most virtual users never do, and the process environment is large.
fn environment(ctx: Ctx) -> JsResult {
    let env = ctx.object();
    for (name, value) in &host(&ctx).program.env {
        env.define(name, &ctx.string(value))?;
    }
    ctx.globals().define("__ENV", &env)?;
    Ok(env)
}
