//! `k6/data`: `SharedArray`, an array of which the process holds one copy.
//!
//! Its items are kept as JSON texts in the program; reading one parses it and freezes the result, every time, so that no
//! virtual user holds more than what it looks at. A script sees a Proxy over an array: `Array.isArray`, iteration,
//! destructuring and the array methods work as on any array.

use std::sync::Arc;

use throng_quickjs::{Call, Class, Ctx, JsResult, Kind, Thrown, Value};

use crate::host::host;

pub(super) fn exports(ctx: Ctx) -> JsResult {
    let exports = ctx.object();
    let constructor = ctx.constructor_or_function("SharedArray", 2, construct);
    // Of no use but to `instanceof`, which is false for every array, as in k6.
    let prototype = ctx.object();
    prototype.define_hidden("constructor", &constructor)?;
    constructor.define_hidden("prototype", &prototype)?;
    exports.define("SharedArray", &constructor)?;
    Ok(exports)
}

/// `new SharedArray(name, make)`: `make` runs once for each name in the whole process. `new` can be left out.
fn construct(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let host = host(&ctx);
    host.only_in_init("new SharedArray()")?;
    let make = call.arg(1);
    if !make.is_function() {
        return Err(Thrown::type_error(
            "new SharedArray() needs a function that makes the array as its second argument",
        ));
    }
    let name = call.arg(0).to_text()?;
    if name.is_empty() {
        return Err(Thrown::error("new SharedArray() needs a name as its first argument"));
    }
    if make.is_async_function() {
        return Err(Thrown::error(format!(
            "the function that makes the SharedArray {name:?} cannot be async"
        )));
    }
    let texts = host.program.shared_array(&name, || {
        let array = make.call(&ctx.undefined(), &[])?;
        if !array.is_array() {
            return Err(Thrown::type_error(format!(
                "the function that makes the SharedArray {name:?} must return an array"
            )));
        }
        texts(&array)
    })?;
    view(ctx, texts)
}

/// The items as JSON texts; what JSON has no form for becomes an empty text.
fn texts(array: &Value) -> JsResult<Arc<[Box<str>]>> {
    let text = |index| Ok(array.get_index(index)?.to_json()?.unwrap_or_default().into_boxed_str());
    (0..array.length()?).map(text).collect()
}

/// The Proxy that a script sees.
fn view(ctx: Ctx, texts: Arc<[Box<str>]>) -> JsResult {
    // The length is the target's own: a Proxy may not hide it.
    let target = ctx.array([]);
    target.set("length", &ctx.number(texts.len() as f64))?;
    let handler = ctx.instance(Items(texts))?;
    ctx.globals().get("Proxy")?.construct(&[&target, &handler])
}

/// The handler of the Proxy.
struct Items(Arc<[Box<str>]>);

impl Items {
    /// The item that a property name stands for; `None` for names that are no index, `Some(None)` out of range.
    #[expect(
        clippy::option_option,
        reason = "a name that is no index is looked up elsewhere, an index is not"
    )]
    fn text(&self, key: &Value) -> JsResult<Option<Option<&str>>> {
        if !key.is_string() {
            return Ok(None);
        }
        let index = key.with_str(|name| {
            // Only the canonical form is an index: neither "01" nor "1.0".
            let digits = name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
            if digits { name.parse::<usize>().ok() } else { None }
        })?;
        Ok(index.map(|index| self.0.get(index).map(|text| &**text)))
    }

    fn item(ctx: Ctx, text: &str) -> JsResult {
        if text.is_empty() {
            return Err(Thrown::New(
                Kind::Syntax,
                "this item of the SharedArray was undefined, a function or a symbol, which JSON has no form for".into(),
            ));
        }
        let item = ctx.parse_json(text, "SharedArray")?;
        freeze(item.clone())?;
        Ok(item)
    }
}

/// Freezes a value that came from JSON, with all that is in it.
pub(super) fn freeze(value: Value) -> JsResult<()> {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        if value.is_object() {
            for key in value.keys()? {
                open.push(value.get_atom(&key)?);
            }
            value.freeze()?;
        }
    }
    Ok(())
}

fn immutable(_: &Call<'_>) -> JsResult {
    Err(Thrown::type_error("SharedArray is immutable"))
}

impl Class for Items {
    const NAME: &'static str = "SharedArrayItems";

    fn prototype(proto: &Value) -> JsResult<()> {
        proto.method("get", 3, |call| {
            let this = call.this();
            let (target, key) = (call.arg(0), call.arg(1));
            match this.expect::<Self>()?.text(&key)? {
                Some(Some(text)) => Self::item(call.ctx(), text),
                Some(None) => Ok(call.ctx().undefined()),
                None => target.get_atom(&key.to_atom()?),
            }
        })?;
        proto.method("has", 2, |call| {
            let this = call.this();
            let (target, key) = (call.arg(0), call.arg(1));
            let has = match this.expect::<Self>()?.text(&key)? {
                Some(text) => text.is_some(),
                None => target.has_atom(&key.to_atom()?),
            };
            Ok(call.ctx().bool(has))
        })?;
        proto.method("ownKeys", 1, |call| {
            let (ctx, this) = (call.ctx(), call.this());
            let indices = (0..this.expect::<Self>()?.0.len()).map(|i| ctx.string(&i.to_string()));
            Ok(ctx.array(indices.chain([ctx.string("length")])))
        })?;
        proto.method("getOwnPropertyDescriptor", 2, |call| {
            let (ctx, this) = (call.ctx(), call.this());
            let descriptor = ctx.object();
            let is_index = match this.expect::<Self>()?.text(&call.arg(1))? {
                Some(Some(text)) => {
                    descriptor.define("value", &Self::item(ctx, text)?)?;
                    true
                }
                _ if call.arg(1).is_string() && call.arg(1).to_text()? == "length" => {
                    descriptor.define("value", &call.arg(0).get("length")?)?;
                    false
                }
                _ => return Ok(ctx.undefined()),
            };
            // As the array that it stands for would say; that writing fails all the same is the traps' doing.
            descriptor.define("writable", &ctx.bool(true))?;
            descriptor.define("enumerable", &ctx.bool(is_index))?;
            descriptor.define("configurable", &ctx.bool(is_index))?;
            Ok(descriptor)
        })?;
        for trap in ["set", "deleteProperty", "defineProperty", "preventExtensions", "setPrototypeOf"] {
            proto.method(trap, 0, immutable)?;
        }
        Ok(())
    }
}
