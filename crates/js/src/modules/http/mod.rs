//! `k6/http`: requests, batches, cookies, and what scripts see of a response.
//!
//! The way of a request: [`prepare`] reads the script's arguments into a [`prepare::Prepared`], [`send`] waits for the
//! client and records every hop, [`response`] shows the result, making each property when a script first reads it.

mod batch;
mod body;
mod callback;
mod cookies;
mod file;
mod gjson;
mod page;
mod params;
mod prepare;
mod response;
mod send;
mod state;
mod tags;
mod template;

use throng_quickjs::{Call, Class, Ctx, JsResult, Lazy, Value};

use crate::host::host;

/// k6's constants, in its order.
const CONSTANTS: &[(&str, &str)] = &[
    ("TLS_1_0", "tls1.0"),
    ("TLS_1_1", "tls1.1"),
    ("TLS_1_2", "tls1.2"),
    ("TLS_1_3", "tls1.3"),
    ("OCSP_STATUS_GOOD", "good"),
    ("OCSP_STATUS_REVOKED", "revoked"),
    ("OCSP_STATUS_SERVER_FAILED", "server_failed"),
    ("OCSP_STATUS_UNKNOWN", "unknown"),
    ("OCSP_REASON_UNSPECIFIED", "unspecified"),
    ("OCSP_REASON_KEY_COMPROMISE", "key_compromise"),
    ("OCSP_REASON_CA_COMPROMISE", "ca_compromise"),
    ("OCSP_REASON_AFFILIATION_CHANGED", "affiliation_changed"),
    ("OCSP_REASON_SUPERSEDED", "superseded"),
    ("OCSP_REASON_CESSATION_OF_OPERATION", "cessation_of_operation"),
    ("OCSP_REASON_CERTIFICATE_HOLD", "certificate_hold"),
    ("OCSP_REASON_REMOVE_FROM_CRL", "remove_from_crl"),
    ("OCSP_REASON_PRIVILEGE_WITHDRAWN", "privilege_withdrawn"),
    ("OCSP_REASON_AA_COMPROMISE", "aa_compromise"),
];

/// Makes an export, given its name.
type Make = fn(Ctx, &str) -> JsResult;

/// The functions and classes, in k6's order.
const FUNCTIONS: &[(&str, Make)] = &[
    ("url", |ctx, name| Ok(ctx.function(name, 1, template::url))),
    ("CookieJar", |ctx, _| cookies::constructor(ctx)),
    ("cookieJar", |ctx, name| Ok(ctx.function(name, 0, cookies::current))),
    ("file", |ctx, name| Ok(ctx.function(name, 3, file::file))),
    ("get", |ctx, name| Ok(ctx.function(name, 2, |call| without_body(call, "GET")))),
    ("head", |ctx, name| Ok(ctx.function(name, 2, |call| without_body(call, "HEAD")))),
    ("post", |ctx, name| Ok(ctx.function(name, 3, |call| with_body(call, "POST")))),
    ("put", |ctx, name| Ok(ctx.function(name, 3, |call| with_body(call, "PUT")))),
    ("patch", |ctx, name| Ok(ctx.function(name, 3, |call| with_body(call, "PATCH")))),
    ("del", |ctx, name| Ok(ctx.function(name, 3, |call| with_body(call, "DELETE")))),
    ("options", |ctx, name| Ok(ctx.function(name, 3, |call| with_body(call, "OPTIONS")))),
    ("request", |ctx, name| Ok(ctx.function(name, 4, request))),
    ("asyncRequest", |ctx, name| Ok(ctx.function(name, 4, async_request))),
    ("batch", |ctx, name| Ok(ctx.function(name, 1, batch::batch))),
    ("setResponseCallback", |ctx, name| Ok(ctx.function(name, 1, callback::set))),
    ("expectedStatuses", |ctx, name| Ok(ctx.function(name, 1, callback::expected_statuses))),
];

/// The module's exports. A script uses one or two of them, so each is made when it is first read.
struct Exports;

impl Class for Exports {
    const NAME: &'static str = "Object";

    const LAZY: Option<Lazy<Self>> = Some(Lazy {
        names: &{
            let mut names = [""; CONSTANTS.len() + FUNCTIONS.len()];
            let mut i = 0;
            while i < names.len() {
                names[i] =
                    if i < CONSTANTS.len() { CONSTANTS[i].0 } else { FUNCTIONS[i - CONSTANTS.len()].0 };
                i += 1;
            }
            names
        },
        make: |ctx, _, index| match index.checked_sub(CONSTANTS.len()) {
            None => Ok(ctx.string(CONSTANTS[index].1)),
            Some(index) => {
                let (name, make) = FUNCTIONS[index];
                make(ctx, name)
            }
        },
    });

    fn prototype(_: &Value) -> JsResult<()> {
        Ok(())
    }
}

pub(super) fn exports(ctx: Ctx) -> JsResult {
    ctx.instance(Exports)
}

/// `get(url, params?)`, `head(url, params?)`
fn without_body(call: &Call<'_>, method: &'static str) -> JsResult {
    let ctx = call.ctx();
    host(&ctx).refuse_in_init("an HTTP request")?;
    let prepared = prepare::prepare(ctx, method, &call.arg(0), &ctx.undefined(), &call.arg(1));
    send::send(ctx, prepared)
}

/// `post(url, body?, params?)` and the like.
fn with_body(call: &Call<'_>, method: &'static str) -> JsResult {
    let ctx = call.ctx();
    host(&ctx).refuse_in_init("an HTTP request")?;
    let prepared = prepare::prepare(ctx, method, &call.arg(0), &call.arg(1), &call.arg(2));
    send::send(ctx, prepared)
}

/// `request(method, url, body?, params?)`
fn request(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    host(&ctx).refuse_in_init("an HTTP request")?;
    let method = prepare::method_name(&call.arg(0))?;
    let prepared = prepare::prepare(ctx, &method, &call.arg(1), &call.arg(2), &call.arg(3));
    send::send(ctx, prepared)
}

/// `asyncRequest(method, url, body?, params?)`
fn async_request(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    host(&ctx).refuse_in_init("an HTTP request")?;
    let method = prepare::method_name(&call.arg(0))?;
    let prepared = prepare::prepare(ctx, &method, &call.arg(1), &call.arg(2), &call.arg(3));
    send::send_async(ctx, prepared)
}
