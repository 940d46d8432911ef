//! From a script's arguments to a request.

use std::borrow::Cow;
use std::rc::Rc;

use bytes::Bytes;
use throng_http::{BodyMode, Framing, Method, Request, RequestError, Url};
use throng_metrics::TagSetId;
use throng_quickjs::{Ctx, JsResult, Thrown, Value};

use super::body::{Body, body};
use super::params::{Params, ResponseType};
use super::response::Sent;
use super::state::{KnownUrl, State, Urls};
use super::tags::Tagging;
use super::template::UrlTemplate;
use crate::host::{Host, host};
use crate::log::Level;

/// A request ready to go.
pub(super) struct Prepared {
    pub(super) request: Request,
    pub(super) tagging: Tagging,
    pub(super) response_type: ResponseType,
    /// What `response.request` will show.
    pub(super) sent: Sent,
    pub(super) throw: bool,
}

/// Why there is no request.
pub(super) enum Failure {
    /// The arguments make no request: a response with an error, or an exception where the `throw` option is set.
    Request {
        /// k6's error code; 0 for none.
        code: u16,
        message: String,
    },
    /// An exception in any case.
    Thrown(Thrown),
}

impl Failure {
    /// A failure without an error code.
    pub(super) fn plain(message: impl Into<String>) -> Self {
        Self::Request { code: 0, message: message.into() }
    }
}

impl From<Thrown> for Failure {
    fn from(thrown: Thrown) -> Self {
        Self::Thrown(thrown)
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self::Request { code: error.code, message: error.message }
    }
}

/// The method's name as `request()` was given it: k6 sends it as it is, and GET for nothing.
pub(super) fn method_name(value: &Value) -> JsResult<Cow<'static, str>> {
    if value.is_nullish() {
        return Ok("GET".into());
    }
    let name = value.to_text()?;
    Ok(if name.is_empty() { "GET".into() } else { name.into() })
}

/// Reads the arguments of a request.
pub(super) fn prepare(
    ctx: Ctx,
    method: &str,
    url: &Value,
    body_value: &Value,
    params_value: &Value,
) -> Result<Prepared, Failure> {
    let host = host(&ctx);
    let state = host.state::<State>();
    let (url, template) = read_url(ctx, url)?;
    let Body { bytes: body, content_type } = body(body_value)?;
    let mut params = Params::new(host, &state);
    params.read(ctx, &state, params_value)?;
    if let Some(content_type) = content_type
        && params.headers.get("Content-Type").is_none()
    {
        params.headers.set("Content-Type", content_type);
    }
    let method = Method::new(method);
    check_content_length(host, &method, &url.url, &mut params, body.as_ref());

    let jar = params.jar.unwrap_or_else(|| host.network.jar());
    let cookies_sent = cookies_sent(&jar, &url.url, &params.cookies);
    let sent = Sent {
        method: method.clone(),
        url: url.url.clone(),
        headers: params.headers.clone(),
        body: body.clone(),
        cookies: cookies_sent,
    };
    let base: TagSetId = host.tags();
    let tagging = Tagging {
        base,
        // Observed on k6 1.1: a template is only a name where there is no other.
        name: params.name.or_else(|| template.filter(|_| !has_name(host, base))),
        own: params.tags,
        callback: params.callback,
        url: url.clone(),
        metadata: host.sample_metadata(),
    };
    let discard = params.response_type == ResponseType::None;
    let request = Request {
        method,
        url: url.url.clone(),
        headers: params.headers,
        body,
        framing: Framing::Length,
        timeout: params.timeout,
        redirects: params.redirects,
        auth: params.auth,
        compression: params.compression,
        body_mode: if discard { BodyMode::Discard } else { BodyMode::Keep },
        jar: Some(jar),
        cookies: params.cookies,
        patience: None,
        says_empty: false,
    };
    Ok(Prepared { request, tagging, response_type: params.response_type, sent, throw: params.throw })
}

/// Whether the tags of the run, the scenario or the virtual user have a `name`.
fn has_name(host: &Host, tags: TagSetId) -> bool {
    host.thread.recorder.borrow().tags(tags).get("name").is_some()
}

/// The URL, and the name of its template if it is one.
fn read_url(ctx: Ctx, value: &Value) -> Result<(Rc<KnownUrl>, Option<Box<str>>), Failure> {
    let urls = host(&ctx).thread.state::<Urls>();
    let parse = |value: &Value| -> Result<Rc<KnownUrl>, Failure> {
        let known = value.with_str(|text| urls.get(text))?;
        known.map_err(|error| RequestError::from(&error).into())
    };
    if value.is_string() {
        return Ok((parse(value)?, None));
    }
    if value.downcast::<UrlTemplate>().is_some() {
        let name = value.get("name")?.to_text()?;
        return Ok((parse(&value.get("url")?)?, Some(name.into())));
    }
    let shown = if value.is_undefined() {
        "nothing was given".to_owned()
    } else {
        format!("it is {}", value.to_text()?)
    };
    let message = format!("invalid URL: it must be a string or an http.url template, but {shown}");
    Err(Failure::Request { code: throng_http::code::INVALID_URL, message })
}

/// The cookies that will go out, for `response.request`; empty for the usual request, at no cost.
fn cookies_sent(
    jar: &crate::network::SharedJar,
    url: &Url,
    own: &[throng_http::RequestCookie],
) -> Vec<(String, String)> {
    let jar = jar.borrow();
    if jar.is_empty() && own.is_empty() {
        return Vec::new();
    }
    let replaced = |name: &str| own.iter().any(|cookie| cookie.replace && cookie.name == name);
    let kept = jar.cookies_for(url).into_iter().filter(|(name, _)| !replaced(name));
    let own = own.iter().map(|cookie| (cookie.name.clone(), cookie.value.clone()));
    own.chain(kept.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

/// A script's own `Content-Length` is not sent; when it is wrong, the script should know.
fn check_content_length(host: &Host, method: &Method, url: &Url, params: &mut Params, body: Option<&Bytes>) {
    if params.headers.is_empty() {
        return;
    }
    let Some(given) = params.headers.get("Content-Length") else { return };
    let length = body.map_or(0, Bytes::len);
    if given.trim().parse() != Ok(length) {
        let text = format!(
            "the Content-Length {given:?} of the {method} request for {} is ignored: the body has {length} bytes",
            url.masked()
        );
        host.log(Level::Warn, &text);
    }
    params.headers.remove("Content-Length");
}
