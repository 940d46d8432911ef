//! Values between scripts and MongoDB.

use throng_quickjs::{Class, Ctx, JsResult, Thrown, Value};

use crate::databases::Value as Stored;
use crate::modules::{moment, scalar};

/// MongoDB itself takes no deeper documents.
const DEEPEST: usize = 100;

/// The key that MongoDB gives to documents.
pub(super) struct ObjectId([u8; 12]);

impl ObjectId {
    fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl Class for ObjectId {
    const NAME: &'static str = "ObjectID";

    fn prototype(proto: &Value) -> JsResult<()> {
        for name in ["hex", "toString", "toJSON"] {
            proto.method(name, 0, |call| Ok(call.ctx().string(&call.this().expect::<Self>()?.hex())))?;
        }
        proto.method("string", 0, |call| {
            let hex = call.this().expect::<Self>()?.hex();
            Ok(call.ctx().string(&format!("ObjectID(\"{hex}\")")))
        })
    }
}

/// What a script gives.
pub(super) fn of_script(value: &Value) -> JsResult<Stored> {
    read(value, 0)
}

fn read(value: &Value, depth: usize) -> JsResult<Stored> {
    if depth > DEEPEST {
        return Err(Thrown::range_error("a document is nested too deeply, or contains itself"));
    }
    if let Some(single) = scalar::of_script(value, format_args!("a value in a document"))? {
        return Ok(single);
    }
    if value.is_function() || value.is_symbol() {
        return Err(Thrown::type_error("a document cannot have a function or a symbol in it"));
    }
    if let Some(id) = value.downcast::<ObjectId>() {
        return Ok(Stored::Key(id.0));
    }
    if value.is_array() {
        let items = value.elements()?;
        return Ok(Stored::List(items.iter().map(|item| read(item, depth + 1)).collect::<JsResult<_>>()?));
    }
    let mut fields = Vec::new();
    for (name, field) in value.entries()? {
        // As JSON does, which has no form for it either.
        if !field.is_undefined() {
            fields.push((name, read(&field, depth + 1)?));
        }
    }
    Ok(Stored::Record(fields))
}

/// What a script sees.
pub(super) fn to_script(ctx: Ctx, value: Stored) -> JsResult {
    Ok(match value {
        Stored::Null => ctx.null(),
        Stored::Bool(truth) => ctx.bool(truth),
        Stored::Int(number) => ctx.int(number),
        Stored::Float(number) => ctx.number(number),
        Stored::Text(text) => ctx.string(&text),
        Stored::Bytes(bytes) => ctx.uint8_array(&bytes),
        Stored::Moment(microseconds) => return moment::date(ctx, microseconds),
        Stored::Key(key) => return ctx.instance(ObjectId(key)),
        Stored::List(items) => {
            let items: Vec<Value> =
                items.into_iter().map(|item| to_script(ctx, item)).collect::<JsResult<_>>()?;
            ctx.array(items)
        }
        Stored::Record(fields) => {
            let object = ctx.object();
            for (name, field) in fields {
                object.define(&name, &to_script(ctx, field)?)?;
            }
            object
        }
    })
}
