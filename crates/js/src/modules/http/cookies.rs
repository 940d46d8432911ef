//! `http.cookieJar()` and `new http.CookieJar()`.

use throng_http::{SetCookie, Url, parse_http_date};
use throng_quickjs::{Call, Class, Ctx, JsResult, Thrown, Value};

use crate::host::host;
use crate::network::SharedJar;

/// A cookie jar as a script holds it.
pub(super) struct Jar(SharedJar);

impl Jar {
    /// The jar itself.
    pub(super) fn shared(&self) -> SharedJar {
        self.0.clone()
    }
}

impl Class for Jar {
    const NAME: &'static str = "CookieJar";

    fn prototype(proto: &Value) -> JsResult<()> {
        proto.method("cookiesForURL", 1, cookies_for_url)?;
        proto.method("set", 4, set)?;
        proto.method("clear", 1, clear)?;
        proto.method("delete", 2, delete)
    }
}

/// `new CookieJar()`: an empty one, which may also be made in the init context.
pub(super) fn constructor(ctx: Ctx) -> JsResult {
    ctx.class_constructor::<Jar, _>(0, |call| call.ctx().instance(Jar(SharedJar::default())))
}

/// `cookieJar()`: that of the virtual user.
pub(super) fn current(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    host(&ctx).refuse_in_init("http.cookieJar()")?;
    ctx.instance(Jar(host(&ctx).network.jar()))
}

fn url(call: &Call<'_>) -> JsResult<Url> {
    let value = call.arg(0);
    let parsed = if value.is_undefined() { Url::parse("") } else { value.with_str(Url::parse)? };
    parsed.map_err(|error| Thrown::error(error.to_string()))
}

/// `cookiesForURL(url)`: lists of values by name.
fn cookies_for_url(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let this = call.this();
    let (jar, url) = (this.expect::<Jar>()?, url(call)?);
    let result = ctx.object();
    let jar = jar.0.borrow();
    for (name, value) in jar.cookies_for(&url) {
        let values = result.get(name)?;
        if values.is_array() {
            values.set_index(values.length()?, ctx.string(value))?;
        } else {
            result.define(name, &ctx.array([ctx.string(value)]))?;
        }
    }
    Ok(result)
}

/// `set(url, name, value, {domain, path, expires, max_age, secure, http_only})`
fn set(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let this = call.this();
    let (jar, url) = (this.expect::<Jar>()?, url(call)?);
    let mut cookie =
        SetCookie { name: call.arg(1).to_text()?, value: call.arg(2).to_text()?, ..SetCookie::default() };
    let options = call.arg(3);
    if options.is_object() {
        for (name, value) in options.entries()? {
            match name.as_str() {
                "domain" => cookie.domain = value.to_text()?,
                "path" => cookie.path = value.to_text()?,
                "expires" => {
                    let text = value.to_text()?;
                    if !text.is_empty() {
                        let seconds = parse_http_date(&text).ok_or_else(|| {
                            Thrown::error(format!(
                                "the cookie's expires {text:?} is no date such as \"Mon, 02 Jan 2006 15:04:05 GMT\""
                            ))
                        })?;
                        cookie.expires = Some(seconds);
                    }
                }
                "max_age" => cookie.max_age = value.to_number()? as i64,
                "secure" => cookie.secure = value.truthy(),
                "http_only" => cookie.http_only = value.truthy(),
                _ => {}
            }
        }
    }
    jar.0.borrow_mut().set(&url, &cookie);
    Ok(ctx.bool(true))
}

/// `clear(url)`: all cookies that would be sent there.
fn clear(call: &Call<'_>) -> JsResult {
    let this = call.this();
    let (jar, url) = (this.expect::<Jar>()?, url(call)?);
    jar.0.borrow_mut().clear(&url);
    Ok(call.ctx().undefined())
}

/// `delete(url, name)`
fn delete(call: &Call<'_>) -> JsResult {
    let this = call.this();
    let (jar, url) = (this.expect::<Jar>()?, url(call)?);
    let name = call.arg(1).to_text()?;
    jar.0.borrow_mut().delete(&url, &name);
    Ok(call.ctx().undefined())
}
