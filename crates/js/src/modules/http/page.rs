//! Responses as pages: `Response.html()`, and the requests that a page asks for, `submitForm()` and `clickLink()`.

use throng_quickjs::{Call, Ctx, JsResult, Thrown, Value};

use super::response::{Body, HttpResponse};
use super::{prepare, send};
use crate::host::host;
use crate::modules::html::{self, Selection};

/// The response's body as a page.
fn page(object: &Value, response: &HttpResponse) -> JsResult<Selection> {
    let body = Body::of(object, response)?.ok_or_else(html::no_body)?;
    Ok(response.page_of(&body.bytes(response)?))
}

/// `response.html(selector?)`
pub(super) fn html(call: &Call<'_>) -> JsResult {
    let this = call.this();
    let page = page(&this, this.expect::<HttpResponse>()?)?;
    // Observed on k6 1.1: even `undefined` is a selector, which matches nothing.
    let selection = if call.is_empty() { page } else { page.find(&call.arg(0).to_text()?) };
    call.ctx().instance(selection)
}

/// One member of the options object; `None` where there is none.
fn option(options: &Value, name: &str) -> JsResult<Option<Value>> {
    if !options.is_object() {
        return Ok(None);
    }
    let value = options.get(name)?;
    Ok((!value.is_nullish()).then_some(value))
}

fn text_option(options: &Value, name: &str, default: &str) -> JsResult<String> {
    option(options, name)?.map_or_else(|| Ok(default.to_owned()), |value| value.to_text())
}

/// `response.clickLink({selector, params})`
pub(super) fn click_link(call: &Call<'_>) -> JsResult {
    let (ctx, this, options) = (call.ctx(), call.this(), call.arg(0));
    let response = this.expect::<HttpResponse>()?;
    let selector = text_option(&options, "selector", "a[href]")?;
    let link = page(&this, response)?.find(&selector).only_first();
    if link.is_empty() {
        return Err(missing("element", &selector, response));
    }
    let Some(href) = link.attr("href") else {
        let message =
            format!("the {} that {selector:?} finds in {} has no href", link.name(), response.url());
        return Err(Thrown::error(message));
    };
    let url = address(response, &href)?;
    request(ctx, "GET", &url, &ctx.undefined(), &options)
}

/// `response.submitForm({formSelector, fields, submitSelector, params})`
pub(super) fn submit_form(call: &Call<'_>) -> JsResult {
    let (ctx, this, options) = (call.ctx(), call.this(), call.arg(0));
    let response = this.expect::<HttpResponse>()?;
    let selector = text_option(&options, "formSelector", "form")?;
    let form = page(&this, response)?.find(&selector);
    if form.is_empty() {
        return Err(missing("form", &selector, response));
    }
    let method = form.attr("method").map_or_else(|| "GET".to_owned(), |method| method.to_uppercase());
    let url = address(response, &form.attr("action").unwrap_or_default())?;
    let body = fields(ctx, &form, &options)?;
    if method != "GET" {
        return request(ctx, &method, &url, &body, &options);
    }
    let mut url = url::Url::parse(&url).map_err(|error| Thrown::error(format!("{url:?}: {error}")))?;
    let mut query = Vec::new();
    for (name, value) in body.entries()? {
        let values = if value.is_array() { value.elements()? } else { vec![value] };
        for value in values {
            query.push((name.clone(), value.to_text()?));
        }
    }
    query.sort_by(|a, b| a.0.cmp(&b.0));
    // As in browsers: what the form sends takes the place of the address's own query.
    url.query_pairs_mut().clear().extend_pairs(&query);
    request(ctx, "GET", url.as_str(), &ctx.undefined(), &options)
}

/// What the form sends: its own fields, the button that sends it, and the script's fields over both.
fn fields(ctx: Ctx, form: &Selection, options: &Value) -> JsResult {
    let body = html::script_object(ctx, form)?;
    let button = form.find(&text_option(options, "submitSelector", "[type=\"submit\"]")?).only_first();
    if let (Some(name), Some(value)) = (button.attr("name"), button.value()) {
        body.define(&name, &value.to_value(ctx))?;
    }
    if let Some(fields) = option(options, "fields")? {
        for (name, value) in fields.entries()? {
            body.define(&name, &value)?;
        }
    }
    Ok(body)
}

/// `href` seen from the response's address.
fn address(response: &HttpResponse, href: &str) -> JsResult<String> {
    let joined = url::Url::parse(response.url()).and_then(|base| base.join(href));
    joined.map(String::from).map_err(|error| Thrown::error(format!("the address {href:?}: {error}")))
}

fn missing(what: &str, selector: &str, response: &HttpResponse) -> Thrown {
    Thrown::error(format!("there is no {what} that matches {selector:?} in {}", response.url()))
}

fn request(ctx: Ctx, method: &str, url: &str, body: &Value, options: &Value) -> JsResult {
    host(&ctx).refuse_in_init("an HTTP request")?;
    let params = option(options, "params")?.unwrap_or_else(|| ctx.undefined());
    send::send(ctx, prepare::prepare(ctx, method, &ctx.string(url), body, &params))
}
