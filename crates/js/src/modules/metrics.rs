//! `k6/metrics`: `Counter`, `Gauge`, `Rate` and `Trend`.
//!
//! A metric is registered when the script's top level constructs it, in a registry that all virtual users share. What a
//! script gets is a plain object with `name` and `add`, as in k6 (observed on k6 1.1); `add` works without its object.

use std::sync::Arc;

use throng_metrics::{Contains, Kind, MetricId, builtin};
use throng_quickjs::{Call, Class, Ctx, JsResult, Thrown, Value};

use super::{checks, tags};
use crate::host::{Host, Phase, host, now};
use crate::log::Level;

pub(super) fn exports(ctx: Ctx) -> JsResult {
    let exports = ctx.object();
    let constructors = [
        ("Counter", ctx.constructor_or_function("Counter", 2, |call| declare(call, Kind::Counter))),
        ("Gauge", ctx.constructor_or_function("Gauge", 2, |call| declare(call, Kind::Gauge))),
        ("Rate", ctx.constructor_or_function("Rate", 2, |call| declare(call, Kind::Rate))),
        ("Trend", ctx.constructor_or_function("Trend", 2, |call| declare(call, Kind::Trend))),
    ];
    for (name, constructor) in constructors {
        let prototype = ctx.object();
        prototype.define_hidden("constructor", &constructor)?;
        constructor.define_hidden("prototype", &prototype)?;
        exports.define(name, &constructor)?;
    }
    Ok(exports)
}

/// What `add` writes to.
struct Metric {
    id: MetricId,
    name: Arc<str>,
}

impl Class for Metric {
    const NAME: &'static str = "Metric";

    fn prototype(_: &Value) -> JsResult<()> {
        Ok(())
    }
}

/// `new Kind(name, isTime = false)`; as in k6, `new` can be left out.
fn declare(call: &Call<'_>, kind: Kind) -> JsResult {
    let ctx = call.ctx();
    let host = host(&ctx);
    if host.phase() != Phase::Init {
        return Err(Thrown::error(
            "metrics must be constructed in the init context (the top level of the script), so that all virtual users know \
             them",
        ));
    }
    let name = if call.is_empty() { String::new() } else { call.arg(0).to_text()? };
    let contains = if call.arg(1).truthy() { Contains::Time } else { Contains::Default };
    let registered = host.program.registry.register(&name, kind, contains);
    let id = registered.map_err(|error| Thrown::error(format!("cannot {error}")))?;
    let metric = ctx.instance(Metric { id, name: name.as_str().into() })?;
    let constructor = call.this();
    let object = if constructor.is_object() {
        ctx.object_with_prototype(&constructor.get("prototype")?)
    } else {
        ctx.object()
    };
    object.define_constant("name", &ctx.string(&name))?;
    object.define("add", &ctx.closure(2, &[&metric], add))?;
    Ok(object)
}

/// `add(value, tags?)`: whether the value was taken.
fn add(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let host = host(&ctx);
    let captured = call.captured(0);
    let metric = captured.expect::<Metric>()?;
    if host.phase() == Phase::Init {
        return Err(Thrown::error(format!(
            "cannot add to the metric {} in the init context (the top level of the script)",
            metric.name
        )));
    }
    let Some(value) = number(&call.arg(0))? else {
        let given =
            if call.is_empty() { "no value".to_owned() } else { format!("'{}'", call.arg(0).to_text()?) };
        return refuse(
            host,
            ctx,
            &format!("the metric {} takes a number or a boolean, not {given}", metric.name),
        );
    };
    // What handleSummary adds is in no summary.
    let is_kept = host.phase() != Phase::Summary;
    if checks::shape_the_tree(metric.id) {
        let own = tags::pairs(&call.arg(1), &format_args!("tag of metric {}", metric.name))?;
        let pairs: Vec<(&str, &str)> = own.iter().map(|(name, value)| (&**name, &**value)).collect();
        match metric.id {
            _ if !is_kept => {}
            builtin::CHECKS => checks::record(host, &pairs, value),
            _ => checks::record_group(host, &pairs, value),
        }
        return Ok(ctx.bool(true));
    }
    let tags = tags::with(host, &call.arg(1), &format_args!("metric {}", metric.name))?;
    if is_kept {
        host.recorder().add(metric.id, tags, value, now());
    }
    Ok(ctx.bool(true))
}

/// The number a value stands for: as JavaScript converts it, but null and what is not a number stand for none.
fn number(value: &Value) -> JsResult<Option<f64>> {
    if let Some(number) = value.as_number() {
        return Ok((!number.is_nan()).then_some(number));
    }
    if value.is_nullish() {
        return Ok(None);
    }
    // An empty array counts as 1 (observed on k6 1.1), one element as what it is.
    if value.is_array() && value.length()? == 0 {
        return Ok(Some(1.0));
    }
    let number = value.to_number()?;
    Ok((!number.is_nan()).then_some(number))
}

/// A warning, or with the option `throw` an error.
fn refuse(host: &Host, ctx: Ctx, message: &str) -> JsResult {
    if host.thread.settings.plan.as_ref().is_some_and(|plan| plan.options.throw) {
        return Err(Thrown::error(message));
    }
    host.log(Level::Warn, message);
    Ok(ctx.bool(false))
}
