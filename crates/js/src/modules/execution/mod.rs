//! `k6/execution`: what a script can ask about the run, its scenario, its virtual user and the test.
//!
//! The objects are made of accessors, so that a script can keep them from the init context on; outside of where they mean
//! something the accessors throw, as in k6.

mod live;
mod test;

use std::time::Instant;

use throng_engine::{Detail, Iteration, Progress, Time};
use throng_plan::Scenario;
use throng_quickjs::{Call, Class, Ctx, JsResult, Lazy, Thrown, Value};

use crate::host::{Host, Phase, host};
use live::Live;

pub(super) fn exports(ctx: Ctx) -> JsResult {
    let exports = ctx.object();
    exports.define("instance", &instance(ctx)?)?;
    exports.define("scenario", &scenario(ctx)?)?;
    exports.define("test", &test::object(ctx)?)?;
    exports.define("vu", &vu(ctx)?)?;
    Ok(exports)
}

/// An error in the init context, where there is no run yet.
fn after_init(host: &Host, what: &str) -> JsResult<()> {
    if host.phase() == Phase::Init {
        return Err(Thrown::error(format!(
            "there is no information about the {what} in the init context (the top level of the script)"
        )));
    }
    Ok(())
}

// --- instance --------------------------------------------------------------------------------------

fn instance(ctx: Ctx) -> JsResult {
    let object = ctx.object();
    object.accessor("currentTestRunDuration", |call| {
        let ctx = call.ctx();
        let host = host(&ctx);
        after_init(host, "instance")?;
        let started = host.thread.settings.control.started();
        Ok(ctx.number(started.map_or(0.0, |at| at.elapsed().as_secs_f64() * 1000.0)))
    })?;
    object.accessor("iterationsCompleted", |call| count(call, |progress| progress.complete))?;
    object.accessor("iterationsInterrupted", |call| count(call, |progress| progress.interrupted))?;
    object.accessor("vusActive", |call| count(call, |progress| progress.active_vus))?;
    object.accessor("vusInitialized", |call| count(call, |progress| progress.initialised_vus))?;
    Ok(object)
}

fn count(call: &Call<'_>, of: impl Fn(&Progress) -> u64) -> JsResult {
    let ctx = call.ctx();
    let host = host(&ctx);
    after_init(host, "instance")?;
    let engine = host.thread.settings.engine.as_ref();
    Ok(ctx.int(engine.map_or(0, |engine| of(&engine.progress(engine_time(host)))) as i64))
}

/// Now, as the engine counts it.
fn engine_time(host: &Host) -> Time {
    let started = host.thread.settings.control.scenarios_started();
    started.map_or(Time::ZERO, |(at, _)| Time::from(Instant::now().saturating_duration_since(at)))
}

// --- scenario --------------------------------------------------------------------------------------

fn scenario(ctx: Ctx) -> JsResult {
    let object = ctx.object();
    object
        .accessor("name", |call| in_scenario(call, |ctx, _, scenario, _| Ok(ctx.string(&scenario.name))))?;
    object.accessor("executor", |call| {
        in_scenario(call, |ctx, _, scenario, _| Ok(ctx.string(scenario.executor.name())))
    })?;
    object.accessor("startTime", |call| {
        in_scenario(call, |ctx, host, scenario, _| {
            let zero = host.thread.settings.control.scenarios_started().map_or(0, |(_, unix)| unix.0);
            let at = u128::from(zero) + scenario.start_time.as_nanos();
            Ok(ctx.number((at / 1_000_000) as f64))
        })
    })?;
    object.accessor("progress", |call| {
        in_scenario(call, |ctx, host, _, iteration| Ok(progress(ctx, host, iteration)))
    })?;
    object.accessor("iterationInInstance", |call| {
        in_scenario(call, |ctx, _, _, iteration| Ok(ctx.int(iteration.in_instance as i64)))
    })?;
    object.accessor("iterationInTest", |call| {
        in_scenario(call, |ctx, _, _, iteration| Ok(ctx.int(iteration.in_test as i64)))
    })?;
    Ok(object)
}

fn in_scenario(call: &Call<'_>, read: impl Fn(Ctx, &Host, &Scenario, Iteration) -> JsResult) -> JsResult {
    let ctx = call.ctx();
    let host = host(&ctx);
    let found = host.iteration().and_then(|iteration| {
        let plan = host.thread.settings.plan.as_ref()?;
        Some((plan.scenarios.get(iteration.scenario.index())?, iteration))
    });
    match found {
        Some((scenario, iteration)) => read(ctx, host, scenario, iteration),
        None => Err(Thrown::error(
            "there is no information about the scenario outside of a virtual user's iteration",
        )),
    }
}

/// From 0 to 1. k6 counts iterations that ended, where the terminal's bar counts those that began (observed on k6 1.1).
fn progress(ctx: Ctx, host: &Host, iteration: Iteration) -> Value {
    let Some(engine) = host.thread.settings.engine.as_ref() else { return ctx.number(0.0) };
    let progress = engine.scenario_progress(iteration.scenario, engine_time(host));
    ctx.number(match progress.detail {
        Detail::Shared { total, .. } | Detail::PerVu { total, .. } if total > 0 => {
            (progress.complete + progress.interrupted) as f64 / total as f64
        }
        _ => progress.fraction,
    })
}

// --- vu --------------------------------------------------------------------------------------------

/// `vu`; its `metrics` is made when a script first reads it.
struct Vu;

impl Class for Vu {
    const NAME: &'static str = "VuInfo";
    const LAZY: Option<Lazy<Self>> = Some(Lazy {
        names: &["metrics"],
        make: |ctx, _, _| {
            after_init(host(&ctx), "virtual user")?;
            let metrics = ctx.object();
            metrics.define_constant("tags", &live::object(ctx, Live::Tags)?)?;
            metrics.define_constant("metadata", &live::object(ctx, Live::Metadata)?)?;
            Ok(metrics)
        },
    });

    fn prototype(_: &Value) -> JsResult<()> {
        Ok(())
    }
}

fn vu(ctx: Ctx) -> JsResult {
    let object = ctx.instance(Vu)?;
    object.accessor("idInInstance", |call| of_vu(call, |host| host.identity.in_instance))?;
    object.accessor("idInTest", |call| of_vu(call, |host| host.identity.in_test))?;
    object.accessor("iterationInInstance", |call| {
        of_vu(call, |host| host.iteration().map_or(0, |i| i.in_vu))
    })?;
    object.accessor("iterationInScenario", |call| {
        of_vu(call, |host| host.iteration().map_or(0, |i| i.in_vu_scenario))
    })?;
    // The old name of `metrics.tags`.
    object.accessor("tags", |call| call.this().get("metrics")?.get("tags"))?;
    Ok(object)
}

fn of_vu(call: &Call<'_>, read: impl Fn(&Host) -> u64) -> JsResult {
    let ctx = call.ctx();
    after_init(host(&ctx), "virtual user")?;
    Ok(ctx.int(read(host(&ctx)) as i64))
}
