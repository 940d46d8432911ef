//! `k6`: `check`, `group`, `sleep`, `fail`, `randomSeed`.

use std::time::{Duration, Instant};

use throng_metrics::SystemTag;
use throng_quickjs::{Call, Ctx, JsResult, Thrown};

use super::{checks, tags};
use crate::host::{Host, host};

pub(super) fn exports(ctx: Ctx) -> JsResult {
    let exports = ctx.object();
    exports.export("check", 3, check)?;
    exports.export("group", 2, group)?;
    exports.export("sleep", 1, sleep)?;
    exports.export("fail", 1, fail)?;
    exports.export("randomSeed", 1, random_seed)?;
    Ok(exports)
}

/// `check(value, {name: predicate | value}, tags?)`: one sample of `checks` a name. A predicate that throws fails its
/// check and the error goes on at once.
fn check(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let host = host(&ctx);
    host.refuse_in_init("check()")?;
    let (value, mut checks) = (call.arg(0), call.arg(1));
    if checks.is_nullish() {
        return Err(Thrown::type_error("check() needs an object with the checks as its second argument"));
    }
    if !checks.is_object() {
        // Observed on k6 1.1: a text is checked letter by letter, a number is no check at all.
        checks = ctx.globals().get("Object")?.call(&ctx.undefined(), &[&checks])?;
    }
    let extra = tags::pairs(&call.arg(2), &"tag of a check")?;
    let mut all = true;
    for key in checks.keys()? {
        let predicate = checks.get_atom(&key)?;
        let name = key.to_text()?;
        if name.contains("::") {
            return Err(Thrown::error(format!("the name of a check may not contain '::' ({name:?})")));
        }
        let outcome = if predicate.is_async_function() {
            return Err(Thrown::error(format!(
                "check {name:?} is an async function, which check() cannot wait for; await its result first"
            )));
        } else if predicate.is_function() {
            predicate.call(&ctx.undefined(), &[&value]).map(|result| result.truthy())
        } else {
            Ok(predicate.truthy())
        };
        let passed = matches!(outcome, Ok(true));
        // An abort is not a failed check: the iteration counts as interrupted and emits nothing more.
        if !matches!(outcome, Err(Thrown::Abort)) && !host.suspender.is_aborted() {
            record(host, &name, passed, &extra);
        }
        outcome?;
        all &= passed;
    }
    Ok(ctx.bool(all))
}

/// The check's name is its tag `check`, whatever the script's own tags say.
fn record(host: &Host, name: &str, passed: bool, extra: &[(String, String)]) {
    let value = f64::from(u8::from(passed));
    let is_named = host.recorder().system_tags().contains(SystemTag::Check);
    if extra.is_empty() && is_named {
        return checks::record(host, &[("check", name)], value);
    }
    let mut pairs: Vec<(&str, &str)> = extra.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    if is_named {
        pairs.push(("check", name));
    }
    checks::record(host, &pairs, value);
}

/// `group(name, function)`: the samples inside carry the group's path; its own duration is a sample too.
fn group(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let host = host(&ctx);
    host.refuse_in_init("group()")?;
    let (name, function) = (call.arg(0).to_text()?, call.arg(1));
    if name.contains("::") {
        return Err(Thrown::error(format!("the name of a group may not contain '::' ({name:?})")));
    }
    if !function.is_function() {
        return Err(Thrown::type_error("group() needs a function as its second argument"));
    }
    if function.is_async_function() {
        return Err(Thrown::error("group() cannot wait for an async function; call it inside a plain one"));
    }
    let path = format!("{}::{name}", host.group());
    let outer = host.set_group(path.into());
    let started = Instant::now();
    let result = function.call(&ctx.undefined(), &[]);
    if !host.suspender.is_aborted() {
        // Tagged with the inner path, as in k6.
        let duration = started.elapsed().as_secs_f64() * 1000.0;
        checks::record_group(host, &[], duration);
    }
    host.set_group(outer);
    result
}

/// A virtual user that sleeps this long gives back the stack that its last request needed, some 20 KB; what that costs
/// (a microsecond, and the pages' first touch later) is lost in such a pause.
const LONG_SLEEP: Duration = Duration::from_millis(500);

/// `sleep(seconds)`
fn sleep(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let seconds = call.arg(0).to_number()?;
    if seconds > 0.0 {
        let host = host(&ctx);
        let duration = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        if duration >= LONG_SLEEP {
            host.suspender.release_stack();
        }
        host.wait(host.thread.reactor.sleep(duration))?;
    }
    Ok(ctx.undefined())
}

/// `fail(message)`: ends the iteration with an error.
fn fail(call: &Call<'_>) -> JsResult {
    let message = if call.is_empty() { String::new() } else { call.arg(0).to_text()? };
    Err(Thrown::error(message))
}

/// `randomSeed(integer)`: makes `Math.random` of this virtual user repeatable.
fn random_seed(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let seed = call.arg(0).to_number()?;
    let state = ctx.number(seed.trunc());
    // A small, well-known generator (mulberry32) in place of the engine's own, which cannot be seeded.
    let random = ctx.closure(0, &[&ctx.array([state])], |call| {
        let cell = call.captured(0);
        let state = (cell.get_index(0)?.to_number()? as i64 as u32).wrapping_add(0x6D2B_79F5);
        cell.set_index(0, call.ctx().number(f64::from(state)))?;
        let mut t = (state ^ (state >> 15)).wrapping_mul(state | 1);
        t ^= t.wrapping_add((t ^ (t >> 7)).wrapping_mul(t | 0x3D));
        Ok(call.ctx().number(f64::from(t ^ (t >> 14)) / 4_294_967_296.0))
    });
    ctx.globals().get("Math")?.define_hidden("random", &random)?;
    Ok(ctx.undefined())
}
