//! The parameters of `ws.connect()`.

use throng_http::Headers;
use throng_quickjs::{Ctx, JsResult, Thrown, Value};

use crate::modules::tags::{is_scalar, not_scalar};

/// See the module's description.
#[derive(Default)]
pub(super) struct Params {
    pub(super) headers: Headers,
    pub(super) tags: Vec<(String, String)>,
}

impl Params {
    /// Reads what the script gave; what is no object says nothing.
    pub(super) fn read(_: Ctx, params: &Value) -> JsResult<Self> {
        let mut read = Self::default();
        if !params.is_object() {
            return Ok(read);
        }
        let headers = params.get("headers")?;
        if headers.is_object() {
            for (name, value) in headers.entries()? {
                read.headers.set(&name, value.to_text()?);
            }
        }
        let tags = params.get("tags")?;
        if tags.is_object() {
            for (name, value) in tags.entries()? {
                if !is_scalar(&value) {
                    return Err(not_scalar(&name, &"tag of a WebSocket"));
                }
                read.tags.push((name, value.to_text()?));
            }
        }
        if !params.get("jar")?.is_nullish() {
            return Err(Thrown::error("the parameter jar of ws.connect() is not supported yet"));
        }
        let compression = params.get("compression")?;
        if !compression.is_nullish() && !compression.to_text()?.is_empty() {
            return Err(Thrown::error("the parameter compression of ws.connect() is not supported yet"));
        }
        Ok(read)
    }
}
