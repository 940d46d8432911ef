//! What a script sees of a response.
//!
//! Nearly all of it is never looked at: a load test checks the status and perhaps the body. So every property is made
//! when it is first read, and from then on is an ordinary one that the script may change.

use std::cell::{OnceCell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;

use bytes::Bytes;
use throng_http::{Headers, Method, Response, SetCookie, Timings, Url, canonical_name};
use throng_quickjs::{Call, Class, Ctx, JsResult, Lazy, Thrown, Value};

use super::gjson;
use super::page;
use super::params::ResponseType;
use super::state::State;
use crate::host::host;
use crate::modules::html::{self, Selection};

/// What `response.request` shows.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Headers,
    pub(super) body: Option<Bytes>,
    pub(super) cookies: Vec<(String, String)>,
}

/// A response, or what stands for one that never came.
#[derive(Debug, Default)]
pub(super) struct HttpResponse {
    pub(super) received: Option<Response>,
    /// What had been received of the body before it failed.
    pub(super) partial_body: Option<Bytes>,
    /// The last URL that was asked for in vain.
    pub(super) failed_url: Option<Url>,
    pub(super) error: String,
    pub(super) error_code: u16,
    pub(super) timings: Timings,
    pub(super) remote: Option<SocketAddr>,
    pub(super) response_type: ResponseType,
    pub(super) request: Option<Sent>,
    /// What has been made of the body.
    pub(super) parsed: RefCell<Option<Box<Parsed>>>,
    /// Set when the script has seen the body: then it may have put another in its place. The text it saw, if it was one.
    pub(super) shown: OnceCell<Option<Value>>,
}

/// Go's zero time in milliseconds, which k6 shows for a cookie without an expiry date.
const NO_EXPIRY: f64 = -6_795_364_578_871.0;

const METHODS: usize = 16;

/// The body where nothing was sent, for `json()` and `html()`. Observed on k6 1.1: whatever type was asked for, the script
/// sees an empty array, so that `body.includes()` is false and no exception.
static NOTHING: Bytes = Bytes::new();

impl Class for HttpResponse {
    const NAME: &'static str = "Response";

    const LAZY: Option<Lazy<Self>> = Some(Lazy {
        names: &[
            "remote_ip",
            "remote_port",
            "url",
            "status",
            "status_text",
            "proto",
            "headers",
            "cookies",
            "body",
            "timings",
            "tls_version",
            "tls_cipher_suite",
            "ocsp",
            "error",
            "error_code",
            "request",
            "clickLink",
            "html",
            "json",
            "submitForm",
        ],
        make: |ctx, this, index| match index {
            0 => Ok(ctx.string(&this.remote.map(|addr| addr.ip().to_string()).unwrap_or_default())),
            1 => Ok(ctx.int(this.remote.map_or(0, |addr| addr.port().into()))),
            2 => Ok(ctx.string(this.url())),
            3 => Ok(ctx.int(this.received.as_ref().map_or(0, |r| r.status.into()))),
            4 => Ok(ctx.string(&this.received.as_ref().map(Response::status_text).unwrap_or_default())),
            5 => Ok(ctx.string(this.received.as_ref().map_or("", |r| r.proto.as_str()))),
            6 => this.headers(ctx),
            7 => this.cookies(ctx),
            8 => Ok(this.body(ctx)),
            9 => ctx.instance(TimingsView(this.timings)),
            10 => Ok(ctx.string(this.tls().map_or("", |tls| tls.version.as_str()))),
            11 => Ok(ctx.string(this.tls().map_or("", |tls| tls.cipher_suite))),
            12 => ocsp(ctx),
            13 => Ok(ctx.string(&this.error)),
            14 => Ok(ctx.int(this.error_code.into())),
            15 => this.request(ctx),
            _ => method(ctx, index - METHODS),
        },
    });

    fn prototype(_: &Value) -> JsResult<()> {
        Ok(())
    }
}

/// The methods are own properties in k6, so that `Object.keys` shows them; all responses of a machine share them.
fn method(ctx: Ctx, index: usize) -> JsResult {
    let state = host(&ctx).state::<State>();
    let methods = state.methods(|| {
        Ok(vec![
            ctx.function("clickLink", 1, page::click_link),
            ctx.function("html", 1, page::html),
            ctx.function("json", 1, json),
            ctx.function("submitForm", 1, page::submit_form),
        ])
    })?;
    Ok(methods[index].clone())
}

impl HttpResponse {
    /// What stands for a response where the script's arguments made no request.
    pub(super) fn of_error(code: u16, message: String) -> Self {
        Self { error: message, error_code: code, ..Self::default() }
    }

    /// Whether nothing was sent, and so there is neither a request nor a body.
    fn is_refused(&self) -> bool {
        self.request.is_none()
    }

    pub(super) fn url(&self) -> &str {
        let received = self.received.as_ref().map(|received| &received.url);
        received.or(self.failed_url.as_ref()).map_or("", Url::as_str)
    }

    fn tls(&self) -> Option<throng_http::TlsInfo> {
        self.received.as_ref().and_then(|received| received.tls)
    }

    /// The body's bytes, if there is one by k6's rules: statuses that have none by definition give `null`, an empty
    /// body does not (observed on k6 1.1).
    pub(super) fn bytes(&self) -> Option<&Bytes> {
        if self.is_refused() {
            return Some(&NOTHING);
        }
        if self.response_type == ResponseType::None {
            return None;
        }
        match &self.received {
            Some(received) if matches!(received.status, 100..=199 | 204 | 304) => None,
            Some(received) => Some(&received.body),
            None => self.partial_body.as_ref(),
        }
    }

    fn body(&self, ctx: Ctx) -> Value {
        if self.is_refused() {
            let _ = self.shown.set(None);
            return ctx.array([]);
        }
        let body = match self.bytes() {
            None => ctx.null(),
            Some(bytes) if self.response_type == ResponseType::Binary => ctx.array_buffer(bytes),
            Some(bytes) => ctx.string_lossy(bytes),
        };
        // Not a buffer, whose bytes may change as well; a text holds nothing that could lead back here.
        let _ = self.shown.set(body.is_string().then(|| body.clone()));
        body
    }

    fn headers(&self, ctx: Ctx) -> JsResult {
        let object = ctx.object();
        let Some(received) = &self.received else { return Ok(object) };
        let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
        for (name, value) in &received.head {
            if is_of_the_connection(name, value) {
                continue;
            }
            let name = canonical_name(&String::from_utf8_lossy(name));
            match headers.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => {
                    values.extend_from_slice(b", ");
                    values.extend_from_slice(value);
                }
                None => headers.push((name, value.to_vec())),
            }
        }
        for (name, value) in headers {
            object.define(&name, &ctx.string_lossy(&value))?;
        }
        Ok(object)
    }

    fn cookies(&self, ctx: Ctx) -> JsResult {
        let object = ctx.object();
        let Some(received) = &self.received else { return Ok(object) };
        for cookie in received.head.get_all("Set-Cookie").filter_map(SetCookie::parse) {
            let entry = ctx.object();
            entry.define("name", &ctx.string(&cookie.name))?;
            entry.define("value", &ctx.string(&cookie.value))?;
            entry.define("domain", &ctx.string(&cookie.domain))?;
            entry.define("path", &ctx.string(&cookie.path))?;
            entry.define("http_only", &ctx.bool(cookie.http_only))?;
            entry.define("secure", &ctx.bool(cookie.secure))?;
            entry.define("max_age", &ctx.int(cookie.max_age))?;
            let expires = cookie.expires.map_or(NO_EXPIRY, |seconds| seconds as f64 * 1000.0);
            entry.define("expires", &ctx.number(expires))?;
            push(ctx, &object, &cookie.name, entry)?;
        }
        Ok(object)
    }

    fn request(&self, ctx: Ctx) -> JsResult {
        let Some(sent) = &self.request else { return Ok(ctx.null()) };
        let request = ctx.object();
        request.define("method", &ctx.string(sent.method.as_str()))?;
        request.define("url", &ctx.string(sent.url.as_str()))?;
        let headers = ctx.object();
        let put = |name: &str, value: &str| headers.define(name, &ctx.array([ctx.string(value)]));
        if sent.headers.get("User-Agent").is_none()
            && let Ok(shared) = host(&ctx).thread.http()
            && let Some(agent) = &shared.config().user_agent
        {
            put("User-Agent", agent)?;
        }
        for (name, value) in sent.headers.iter().filter(|(name, _)| *name != "Cookie") {
            put(name, value)?;
        }
        let mut line = sent.headers.get("Cookie").unwrap_or_default().to_owned();
        for (name, value) in &sent.cookies {
            push_cookie(&mut line, name, value);
        }
        if !line.is_empty() {
            put("Cookie", &line)?;
        }
        request.define("headers", &headers)?;
        request.define("body", &ctx.string_lossy(sent.body.as_deref().unwrap_or_default()))?;
        let cookies = ctx.object();
        for (name, value) in &sent.cookies {
            let cookie = ctx.object();
            cookie.define("name", &ctx.string(name))?;
            cookie.define("value", &ctx.string(value))?;
            // k6 always shows false here.
            cookie.define("replace", &ctx.bool(false))?;
            push(ctx, &cookies, name, cookie)?;
        }
        request.define("cookies", &cookies)?;
        Ok(request)
    }
}

/// Headers about the connection, which Go, and so k6, does not show.
fn is_of_the_connection(name: &[u8], value: &[u8]) -> bool {
    let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
    let closes =
        || value.split(|b| *b == b',').any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"));
    is("Transfer-Encoding") || is("Trailer") || (is("Connection") && closes())
}

/// Appends to the list `object[name]`.
fn push(ctx: Ctx, object: &Value, name: &str, item: Value) -> JsResult<()> {
    let list = object.get(name)?;
    if list.is_array() {
        list.set_index(list.length()?, item)
    } else {
        object.define(name, &ctx.array([item]))
    }
}

fn push_cookie(line: &mut String, name: &str, value: &str) {
    if !line.is_empty() {
        line.push_str("; ");
    }
    line.push_str(name);
    line.push('=');
    if value.contains([' ', ',']) {
        line.push('"');
        line.push_str(value);
        line.push('"');
    } else {
        line.push_str(value);
    }
}

/// k6's shape of it; the status itself is not looked up.
fn ocsp(ctx: Ctx) -> JsResult {
    let ocsp = ctx.object();
    for name in ["produced_at", "this_update", "next_update", "revoked_at"] {
        ocsp.define(name, &ctx.int(0))?;
    }
    ocsp.define("revocation_reason", &ctx.string(""))?;
    ocsp.define("status", &ctx.string(""))?;
    Ok(ocsp)
}

/// `response.timings`: milliseconds.
struct TimingsView(Timings);

impl Class for TimingsView {
    const NAME: &'static str = "ResponseTimings";

    const LAZY: Option<Lazy<Self>> = Some(Lazy {
        names: &[
            "duration",
            "blocked",
            "looking_up",
            "connecting",
            "tls_handshaking",
            "sending",
            "waiting",
            "receiving",
        ],
        make: |ctx, Self(t), index| {
            let phase = match index {
                0 => t.duration(),
                1 => t.blocked,
                // k6 always reports zero.
                2 => std::time::Duration::ZERO,
                3 => t.connecting,
                4 => t.tls_handshaking,
                5 => t.sending,
                6 => t.waiting,
                _ => t.receiving,
            };
            Ok(ctx.number(phase.as_nanos() as f64 / 1e6))
        },
    });

    fn prototype(_: &Value) -> JsResult<()> {
        Ok(())
    }
}

/// A body for selectors and as a page, each made when it is first asked for. A script may put another body in its place.
pub(super) struct Parsed {
    from: Bytes,
    /// `None` inside when it is not JSON.
    json: OnceCell<Option<Rc<serde_json::Value>>>,
    page: OnceCell<Selection>,
}

impl std::fmt::Debug for Parsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parsed").field("from", &self.from).finish_non_exhaustive()
    }
}

impl HttpResponse {
    /// A body as JSON, parsed once while it stays the same; `None` when it is not JSON.
    fn json_of(&self, body: &Bytes) -> Option<Rc<serde_json::Value>> {
        self.with_parsed(body, |parsed| {
            parsed.json.get_or_init(|| serde_json::from_slice(body).ok().map(Rc::new)).clone()
        })
    }

    /// A body as a page, likewise.
    pub(super) fn page_of(&self, body: &Bytes) -> Selection {
        self.with_parsed(body, |parsed| {
            parsed.page.get_or_init(|| html::parse(&String::from_utf8_lossy(body), self.url())).clone()
        })
    }

    fn with_parsed<R>(&self, body: &Bytes, use_it: impl FnOnce(&Parsed) -> R) -> R {
        let mut parsed = self.parsed.borrow_mut();
        if parsed.as_ref().is_some_and(|parsed| !is_same(&parsed.from, body)) {
            *parsed = None;
        }
        use_it(parsed.get_or_insert_with(|| {
            Box::new(Parsed { from: body.clone(), json: OnceCell::new(), page: OnceCell::new() })
        }))
    }

    /// A copy of a body's bytes, or what was made of the same ones before.
    fn copy_of(&self, body: &[u8]) -> Bytes {
        match &*self.parsed.borrow() {
            Some(parsed) if parsed.from == body => parsed.from.clone(),
            _ => Bytes::copy_from_slice(body),
        }
    }
}

/// Compares the bytes of what is not the very same piece of memory.
fn is_same(one: &Bytes, other: &Bytes) -> bool {
    std::ptr::eq(&raw const **one, &raw const **other) || one == other
}

/// Where what `json()` gave is kept: on the object itself, so that the garbage collector sees it.
const GIVEN: &str = "\u{0}json";

/// What `json()`, `html()` and what stands on them read.
pub(super) enum Body {
    Own(Bytes),
    /// What the script has put in its place, or a buffer that it may have written to.
    Shown(Value),
}

impl Body {
    /// Of a response object; `None` where there is no body.
    pub(super) fn of(object: &Value, response: &HttpResponse) -> JsResult<Option<Self>> {
        let own = || response.bytes().cloned().map(Self::Own);
        let Some(shown) = response.shown.get() else { return Ok(own()) };
        let body = object.get("body")?;
        if response.is_refused() && body.is_array() {
            return Ok(own());
        }
        if shown.as_ref().is_some_and(|shown| shown.same(&body)) {
            return Ok(own());
        }
        Ok((!body.is_nullish()).then_some(Self::Shown(body)))
    }

    pub(super) fn bytes(self, response: &HttpResponse) -> JsResult<Bytes> {
        let body = match self {
            Self::Own(bytes) => return Ok(bytes),
            Self::Shown(body) => body,
        };
        if body.is_string() {
            return Ok(response.copy_of(body.to_text()?.as_bytes()));
        }
        body.with_bytes(|bytes| response.copy_of(bytes))
            .ok_or_else(|| Thrown::error("the body was set to what is neither a string nor an ArrayBuffer"))
    }
}

/// `response.json(selector?)`
fn json(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let object = call.this();
    let this = object.expect::<HttpResponse>()?;
    let body = Body::of(&object, this)?.ok_or_else(|| {
        Thrown::error(
            "there is no body to read as JSON; the request may have failed, or the body was not kept",
        )
    })?;
    // Observed on k6 1.1: even `undefined` is a selector, which leads nowhere.
    if !call.is_empty() {
        let path = call.arg(0).to_text()?;
        let document = this.json_of(&body.bytes(this)?);
        // A body that is no JSON has nothing at any path, as in k6.
        return match document.as_ref().and_then(|document| gjson::select(document, &path)) {
            Some(found) => from_json(ctx, &found),
            None => Ok(ctx.undefined()),
        };
    }
    // Observed on k6 1.1: once made it stays, whatever other body the script gives it.
    let given = object.get(GIVEN)?;
    if !given.is_undefined() {
        return Ok(given);
    }
    let bytes = &*body.bytes(this)?;
    let parsed = match str::from_utf8(bytes) {
        Ok(text) => ctx.parse_json(text, "body"),
        Err(_) => ctx.parse_json(&String::from_utf8_lossy(bytes), "body"),
    };
    let parsed = parsed.map_err(|thrown| {
        drop(ctx.into_exception(thrown));
        not_json(bytes)
    })?;
    object.define_hidden(GIVEN, &parsed)?;
    Ok(parsed)
}

/// Says where the body stops being JSON.
fn not_json(bytes: &[u8]) -> Thrown {
    let text = String::from_utf8_lossy(bytes);
    let place = match serde_json::from_str::<serde_json::Value>(&text) {
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
            format!("line {}, column {}: {reason}", error.line(), error.column())
        }
        Ok(_) => "the JavaScript engine refuses it".to_owned(),
    };
    Thrown::error(format!("cannot read the body as JSON, {place}"))
}

fn from_json(ctx: Ctx, value: &serde_json::Value) -> JsResult {
    match value {
        serde_json::Value::Null => Ok(ctx.null()),
        serde_json::Value::Bool(flag) => Ok(ctx.bool(*flag)),
        serde_json::Value::Number(number) => Ok(ctx.number(number.as_f64().unwrap_or(f64::NAN))),
        serde_json::Value::String(text) => Ok(ctx.string(text)),
        other => ctx.parse_json(&other.to_string(), "body"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_parsed_anew_only_when_it_is_another() {
        let response = HttpResponse::default();
        let json = |body: &'static str| response.json_of(&response.copy_of(body.as_bytes()));
        let once = json("[1]").unwrap();
        assert!(Rc::ptr_eq(&once, &json("[1]").unwrap()));
        assert_eq!((json("[2]").map(|two| two.to_string()).as_deref(), json("[")), (Some("[2]"), None));
        assert!(!Rc::ptr_eq(&once, &json("[1]").unwrap()));

        let page = |body: &'static str| response.page_of(&response.copy_of(body.as_bytes()));
        let once = page("<p>1</p>");
        assert!(Rc::ptr_eq(once.page(), page("<p>1</p>").page()));
        assert_eq!(page("<b>2</b>").find("b").name(), "b");
        assert!(!Rc::ptr_eq(once.page(), page("<p>1</p>").page()));
    }
}
