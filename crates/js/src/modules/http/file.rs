//! `http.file(data, filename?, contentType?)`: a part of a multipart body.

use throng_quickjs::{Call, Class, JsResult, Thrown, Value};

use crate::host::now;

/// Marks the object that `http.file` returns; what it holds are plain properties.
pub(super) struct FileData;

impl Class for FileData {
    const NAME: &'static str = "FileData";

    fn prototype(_: &Value) -> JsResult<()> {
        Ok(())
    }
}

/// The default content type of a file.
const OCTET_STREAM: &str = "application/octet-stream";

pub(super) fn file(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let data = call.arg(0);
    if !data.is_string() && data.with_bytes(|_| ()).is_none() {
        return Err(Thrown::error("http.file() needs a string or an ArrayBuffer as its first argument"));
    }
    let text = |i: usize, default: &dyn Fn() -> String| -> JsResult {
        let value = call.arg(i);
        if value.is_nullish() { Ok(ctx.string(&default())) } else { Ok(ctx.string(&value.to_text()?)) }
    };
    let file = ctx.instance(FileData)?;
    file.define("data", &data)?;
    // k6's default is the time in nanoseconds.
    file.define("filename", &text(1, &|| now().0.to_string())?)?;
    file.define("content_type", &text(2, &|| OCTET_STREAM.to_owned())?)?;
    Ok(file)
}
