//! The `params` argument of a request.

use std::time::Duration;

use throng_http::{Algorithm, Auth, Headers, RedirectPolicy, RequestCookie};
use throng_quickjs::{Ctx, JsResult, Thrown, Value};

use super::callback::Callback;
use super::cookies::Jar;
use super::prepare::Failure;
use super::state::State;
use crate::host::Host;
use crate::network::SharedJar;

/// What a script wants of the response's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum ResponseType {
    /// A string.
    #[default]
    Text,
    /// An `ArrayBuffer`.
    Binary,
    /// Nothing.
    None,
}

/// The parameters of one request, with the run's defaults filled in.
#[derive(Debug)]
pub(super) struct Params {
    pub(super) headers: Headers,
    pub(super) cookies: Vec<RequestCookie>,
    /// Tags without `name`.
    pub(super) tags: Vec<(String, String)>,
    /// The `name` tag.
    pub(super) name: Option<Box<str>>,
    pub(super) jar: Option<SharedJar>,
    pub(super) redirects: RedirectPolicy,
    pub(super) timeout: Duration,
    pub(super) auth: Auth,
    pub(super) compression: Vec<Algorithm>,
    pub(super) response_type: ResponseType,
    pub(super) callback: Callback,
    pub(super) throw: bool,
}

/// The keys we know; the order is that of the arms in [`Params::read`].
const NAMES: [&str; 12] = [
    "headers",
    "tags",
    "timeout",
    "cookies",
    "redirects",
    "responseType",
    "responseCallback",
    "jar",
    "auth",
    "compression",
    "throw",
    "name",
];

impl Params {
    /// The defaults of this run and virtual user.
    pub(super) fn new(host: &Host, state: &State) -> Self {
        let options = host.thread.settings.plan.as_ref().map(|plan| &plan.options);
        let discard = options.is_some_and(|options| options.discard_response_bodies);
        let max = options.map_or(RedirectPolicy::default().max, |options| options.max_redirects);
        // A chosen limit is exceeded silently; one of ten cannot be told from k6's own.
        let redirects = RedirectPolicy { max, is_default: max == RedirectPolicy::default().max };
        Self {
            headers: Headers::new(),
            cookies: Vec::new(),
            tags: Vec::new(),
            name: None,
            jar: None,
            redirects,
            timeout: Duration::from_mins(1),
            auth: Auth::default(),
            compression: Vec::new(),
            response_type: if discard { ResponseType::None } else { ResponseType::Text },
            callback: state.callback(),
            throw: options.is_some_and(|options| options.throw),
        }
    }

    /// Reads what the script gave; anything that is no object says nothing, and unknown keys are ignored, as in k6.
    pub(super) fn read(&mut self, ctx: Ctx, state: &State, params: &Value) -> Result<(), Failure> {
        if !params.is_object() {
            return Ok(());
        }
        let names = state.params(ctx, &NAMES);
        for key in params.keys()? {
            let Some(place) = names.iter().position(|name| name.id() == key.id()) else { continue };
            let value = params.get_atom(&key)?;
            match NAMES[place] {
                "headers" => self.read_headers(&value)?,
                "tags" => self.read_tags(&value)?,
                "timeout" => self.timeout = timeout(&value)?,
                "cookies" => self.read_cookies(&value)?,
                "redirects" => {
                    let max = value.to_number()?;
                    // NaN and negative numbers become 0, as in k6.
                    self.redirects = RedirectPolicy { max: max as u32, is_default: false };
                }
                "responseType" => self.response_type = response_type(&value)?,
                "responseCallback" if value.is_undefined() => {}
                "responseCallback" => {
                    self.callback = Callback::from_value(&value).ok_or_else(|| {
                        Failure::plain(
                            "responseCallback must be what http.expectedStatuses() returns, or null",
                        )
                    })?;
                }
                "jar" => self.jar = value.downcast::<Jar>().map(Jar::shared),
                "auth" => self.auth = auth(&value)?,
                "compression" => {
                    let text = value.to_text()?;
                    if !text.trim().is_empty() {
                        self.compression =
                            Algorithm::parse_list(&text).map_err(|e| Failure::plain(e.to_string()))?;
                    }
                }
                "throw" => self.throw = value.truthy(),
                _ => {}
            }
        }
        Ok(())
    }

    fn read_headers(&mut self, headers: &Value) -> JsResult<()> {
        if !headers.is_object() {
            return Ok(());
        }
        for key in headers.keys()? {
            let value = headers.get_atom(&key)?.to_text()?;
            key.to_value().with_str(|name| self.headers.set(name, value))?;
        }
        Ok(())
    }

    fn read_tags(&mut self, tags: &Value) -> Result<(), Failure> {
        if !tags.is_object() {
            return Ok(());
        }
        for (name, value) in tags.entries()? {
            if !value.is_string() && !value.is_number() && !value.is_bool() {
                return Err(Failure::plain(format!(
                    "the tag {name:?} of a request must be a string, a number or a boolean"
                )));
            }
            let value = value.to_text()?;
            if name == "name" {
                self.name = Some(value.into());
            } else {
                self.tags.push((name, value));
            }
        }
        Ok(())
    }

    fn read_cookies(&mut self, cookies: &Value) -> JsResult<()> {
        if !cookies.is_object() {
            return Ok(());
        }
        for (name, value) in cookies.entries()? {
            if value.is_nullish() {
                continue;
            }
            let (value, replace) = if value.is_object() {
                let text = value.get("value")?;
                let text = if text.is_nullish() { String::new() } else { text.to_text()? };
                (text, value.get("replace")?.truthy())
            } else {
                (value.to_text()?, false)
            };
            self.cookies.push(RequestCookie { name, value, replace });
        }
        Ok(())
    }
}

/// A number of milliseconds or a text such as `1m30s`; negative ones end the request at once.
fn timeout(value: &Value) -> Result<Duration, Failure> {
    let wrong = || Failure::plain("timeout must be a number of milliseconds or a duration such as \"1m30s\"");
    if let Some(millis) = value.as_number() {
        return Ok(Duration::try_from_secs_f64(millis / 1000.0).unwrap_or(Duration::ZERO));
    }
    if !value.is_string() {
        return Err(wrong());
    }
    let text = value.to_text()?;
    if let Ok(millis) = text.parse::<f64>() {
        return Ok(Duration::try_from_secs_f64(millis / 1000.0).unwrap_or(Duration::ZERO));
    }
    let negative = text.strip_prefix('-');
    let duration = throng_plan::duration::parse(negative.unwrap_or(&text))
        .map_err(|_| Failure::plain(format!("timeout {text:?} is not a duration such as \"1m30s\"")))?;
    Ok(if negative.is_some() { Duration::ZERO } else { duration })
}

fn response_type(value: &Value) -> Result<ResponseType, Failure> {
    match value.to_text()?.as_str() {
        "text" => Ok(ResponseType::Text),
        "binary" => Ok(ResponseType::Binary),
        "none" => Ok(ResponseType::None),
        other => Err(Failure::plain(format!(
            "responseType {other:?} is none of \"text\", \"binary\" and \"none\""
        ))),
    }
}

fn auth(value: &Value) -> JsResult<Auth> {
    Ok(match value.to_text()?.as_str() {
        "digest" => Auth::Digest,
        "ntlm" => return Err(Thrown::error("auth \"ntlm\" is not supported yet")),
        _ => Auth::Automatic,
    })
}
