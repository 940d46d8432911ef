//! ``http.url`…` ``: a URL whose samples are named after the template, so that an id in a path does not make a series
//! of its own.

use throng_http::Url;
use throng_quickjs::{Call, Class, JsResult, Thrown, Value};

/// Marks the object that `http.url` returns; what it holds are plain properties.
pub(super) struct UrlTemplate;

impl Class for UrlTemplate {
    const NAME: &'static str = "URL";

    fn prototype(_: &Value) -> JsResult<()> {
        Ok(())
    }
}

/// The tag function: `url` has the values filled in, `name` keeps `${}` in their place.
pub(super) fn url(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    if !call.arg(0).is_array() {
        return Err(Thrown::type_error("http.url is a template tag: write http.url`https://…/${id}`"));
    }
    let (mut url, mut name) = (String::new(), String::new());
    for (i, piece) in call.arg(0).elements()?.iter().enumerate() {
        if i > 0 {
            name.push_str("${}");
            let value = call.arg(i);
            // Observed on k6 1.1: null and undefined leave nothing.
            if !value.is_nullish() {
                value.with_str(|text| url.push_str(text))?;
            }
        }
        piece.with_str(|text| {
            url.push_str(text);
            name.push_str(text);
        })?;
    }
    let parsed = Url::parse(&url).map_err(|error| Thrown::error(format!("invalid URL: {error}")))?;
    let masked = if parsed.credentials().is_some() { parsed.masked() } else { url.clone() };
    let template = ctx.instance(UrlTemplate)?;
    template.define("name", &ctx.string(&name))?;
    template.define("url", &ctx.string(&url))?;
    template.define("clean_url", &ctx.string(&masked))?;
    Ok(template)
}
