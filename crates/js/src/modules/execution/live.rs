//! `exec.vu.metrics.tags` and `.metadata`: objects whose entries are those of the virtual user's samples.
//!
//! Each is a Proxy without content of its own: what a script writes takes effect on the samples that follow, and what it
//! reads is what they would carry.

use throng_quickjs::{Call, Class, Ctx, JsResult, Value};

use super::after_init;
use crate::host::{Host, host};
use crate::modules::tags::{is_scalar, not_scalar};

/// Which of the two an object shows; the Proxy's handler.
#[derive(Clone, Copy)]
pub(super) enum Live {
    /// Dimensions of every sample.
    Tags,
    /// What only raw samples carry.
    Metadata,
}

pub(super) fn object(ctx: Ctx, live: Live) -> JsResult {
    let handler = ctx.instance(live)?;
    ctx.globals().get("Proxy")?.construct(&[&ctx.object(), &handler])
}

impl Live {
    fn what(self) -> &'static str {
        match self {
            Self::Tags => "tag of the virtual user",
            Self::Metadata => "metadata entry of the virtual user",
        }
    }

    fn entries(self, host: &Host) -> Vec<(String, String)> {
        match self {
            Self::Tags => host.current_tags().iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            Self::Metadata => host.metadata(),
        }
    }

    /// The value of the entry that a property name stands for; `None` for symbols and unknown names.
    fn read(self, host: &Host, key: &Value) -> JsResult<Option<String>> {
        after_init(host, "virtual user")?;
        if !key.is_string() {
            return Ok(None);
        }
        let name = key.to_text()?;
        Ok(match self {
            Self::Tags => host.current_tags().get(&name).map(str::to_owned),
            Self::Metadata => host.metadata().into_iter().find(|(n, _)| *n == name).map(|(_, value)| value),
        })
    }

    fn write(self, host: &Host, key: &Value, value: Option<String>) -> JsResult<()> {
        after_init(host, "virtual user")?;
        let name = key.to_text()?;
        match self {
            Self::Tags => host.set_own_tag(&name, value),
            Self::Metadata => host.set_metadata(&name, value),
        }
        Ok(())
    }

    /// `object[key] = value`
    fn assign(self, host: &Host, key: &Value, value: &Value) -> JsResult<()> {
        if !is_scalar(value) {
            return Err(not_scalar(&key.to_text()?, &self.what()));
        }
        self.write(host, key, Some(value.to_text()?))
    }
}

fn of(call: &Call<'_>) -> JsResult<Live> {
    call.this().expect::<Live>().copied()
}

impl Class for Live {
    const NAME: &'static str = "LiveEntries";

    fn prototype(proto: &Value) -> JsResult<()> {
        proto.method("get", 3, |call| {
            let (ctx, key) = (call.ctx(), call.arg(1));
            match of(call)?.read(host(&ctx), &key)? {
                Some(value) => Ok(ctx.string(&value)),
                None => call.arg(0).get_atom(&key.to_atom()?),
            }
        })?;
        proto.method("has", 2, |call| {
            let (ctx, key) = (call.ctx(), call.arg(1));
            let has = of(call)?.read(host(&ctx), &key)?.is_some() || call.arg(0).has_atom(&key.to_atom()?);
            Ok(ctx.bool(has))
        })?;
        proto.method("set", 4, |call| {
            let ctx = call.ctx();
            of(call)?.assign(host(&ctx), &call.arg(1), &call.arg(2))?;
            Ok(ctx.bool(true))
        })?;
        proto.method("defineProperty", 3, |call| {
            let ctx = call.ctx();
            of(call)?.assign(host(&ctx), &call.arg(1), &call.arg(2).get("value")?)?;
            Ok(ctx.bool(true))
        })?;
        proto.method("deleteProperty", 2, |call| {
            let (ctx, live, key) = (call.ctx(), of(call)?, call.arg(1));
            if live.read(host(&ctx), &key)?.is_some() {
                live.write(host(&ctx), &key, None)?;
            }
            Ok(ctx.bool(true))
        })?;
        proto.method("ownKeys", 1, |call| {
            let ctx = call.ctx();
            after_init(host(&ctx), "virtual user")?;
            Ok(ctx.array(of(call)?.entries(host(&ctx)).iter().map(|(name, _)| ctx.string(name))))
        })?;
        proto.method("getOwnPropertyDescriptor", 2, |call| {
            let ctx = call.ctx();
            let Some(value) = of(call)?.read(host(&ctx), &call.arg(1))? else { return Ok(ctx.undefined()) };
            let descriptor = ctx.object();
            descriptor.define("value", &ctx.string(&value))?;
            for flag in ["writable", "enumerable", "configurable"] {
                descriptor.define(flag, &ctx.bool(true))?;
            }
            Ok(descriptor)
        })?;
        // An object that cannot be extended could not take new tags.
        proto.method("preventExtensions", 1, |call| Ok(call.ctx().bool(false)))
    }
}
