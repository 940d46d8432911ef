//! Values between scripts and MongoDB.

use throng_quickjs::{Class, Ctx, JsResult, Thrown, Value};

use crate::databases::Value as Stored;
use crate::modules::moment;

/// Whole numbers up to here are exact in a script.
const EXACT: f64 = 9_007_199_254_740_992.0;
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
    if value.is_nullish() {
        return Ok(Stored::Null);
    }
    if let Some(truth) = value.as_bool() {
        return Ok(Stored::Bool(truth));
    }
    if let Some(number) = value.as_number() {
        let is_whole = number.fract() == 0.0 && number.abs() <= EXACT;
        return Ok(if is_whole { Stored::Int(number as i64) } else { Stored::Float(number) });
    }
    if value.is_string() {
        return Ok(Stored::Text(value.to_text()?));
    }
    if value.is_bigint() {
        let text = value.to_text()?;
        let number =
            text.parse().map_err(|_| Thrown::range_error(format!("{text}n has more than 64 bits")))?;
        return Ok(Stored::Int(number));
    }
    if value.is_function() || value.is_symbol() {
        return Err(Thrown::type_error("a document cannot have a function or a symbol in it"));
    }
    if let Some(id) = value.downcast::<ObjectId>() {
        return Ok(Stored::Key(id.0));
    }
    if value.is_date() {
        let milliseconds = value.invoke("getTime", &[])?.to_number()?;
        if !milliseconds.is_finite() {
            return Err(Thrown::range_error("a document has an invalid Date in it"));
        }
        return Ok(Stored::Moment((milliseconds * 1000.0) as i64));
    }
    if let Some(bytes) = value.with_bytes(<[u8]>::to_vec) {
        return Ok(Stored::Bytes(bytes));
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
