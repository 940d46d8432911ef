//! `JSON.parse` for response bodies: half of what a script that reads JSON costs, so it is ours.
//!
//! QuickJS reads JSON at some 25 ns a byte, most of it in making one hidden class ("shape") after another for
//! objects that look alike. [`build`] makes the same values through the public interface at a third of that: it
//! expects an object's keys to be those of the last object at its depth, keeps the shapes on the way alive while it
//! parses ([`template`]), and hands whole arrays over. Whatever it does not like it leaves to QuickJS, which then
//! says what is wrong, in its own words: there is one source of error messages.

mod build;
mod scan;
mod template;

use std::ffi::CString;

use rquickjs_sys as q;

use crate::{Call, Ctx, JsResult, Thrown, Value};

impl Ctx {
    /// Parses JSON; `origin` names it in the error.
    pub fn parse_json(self, text: &str, origin: &str) -> JsResult {
        match build::parse(self, text) {
            Ok(value) => Ok(value),
            Err(build::Refused::Threw) => Err(Thrown::Pending),
            Err(build::Refused::Syntax) => self.parse_json_slowly(text, origin),
        }
    }

    /// The engine's own parser.
    fn parse_json_slowly(self, text: &str, origin: &str) -> JsResult {
        let origin = CString::new(origin).unwrap_or_default();
        // QuickJS wants the byte after the text to be a NUL.
        let Ok(text) = CString::new(text) else {
            return Err(Thrown::New(crate::Kind::Syntax, "unexpected NUL character in JSON".into()));
        };
        // SAFETY: both are NUL-terminated and outlive the call.
        let raw = unsafe {
            let length = text.as_bytes().len() as q::size_t;
            q::JS_ParseJSON(self.raw(), text.as_ptr(), length, origin.as_ptr())
        };
        Value::checked(self, raw)
    }

    /// Puts the faster parser behind the script's `JSON.parse`. With a reviver, and for text that is no JSON, the
    /// engine's own function is called.
    ///
    /// # Errors
    /// When the script's global `JSON` is not there.
    pub fn install_json_parse(self) -> JsResult<()> {
        let json = self.globals().get("JSON")?;
        let original = json.get("parse")?;
        let parse = self.closure(2, &[&original], parse);
        self.name_function(&parse, "parse")?;
        json.define_hidden("parse", &parse)
    }

    fn name_function(self, function: &Value, name: &str) -> JsResult<()> {
        function.define_flags(&self.atom("name"), self.string(name), q::JS_PROP_CONFIGURABLE)
    }
}

fn parse(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let text = call.arg(0);
    if text.is_string() && !call.arg(1).is_function() {
        // Text with half a surrogate pair in it has no UTF-8; the engine's own keeps it as it is.
        match text.with_utf8(|text| text.map(|text| build::parse(ctx, text)).ok())? {
            Some(Ok(value)) => return Ok(value),
            Some(Err(build::Refused::Threw)) => return Err(Thrown::Pending),
            Some(Err(build::Refused::Syntax)) | None => {}
        }
    }
    call.captured(0).call(&call.this(), &[&text, &call.arg(1)])
}
