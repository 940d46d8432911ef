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

use throng_quickjs::{Call, Ctx, JsResult};

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

pub(super) fn exports(ctx: Ctx) -> JsResult {
    let exports = ctx.object();
    for (name, value) in CONSTANTS {
        exports.define(name, &ctx.string(value))?;
    }
    exports.export("url", 1, template::url)?;
    exports.define("CookieJar", &cookies::constructor(ctx)?)?;
    exports.export("cookieJar", 0, cookies::current)?;
    exports.export("file", 3, file::file)?;
    exports.export("get", 2, |call| without_body(call, "GET"))?;
    exports.export("head", 2, |call| without_body(call, "HEAD"))?;
    exports.export("post", 3, |call| with_body(call, "POST"))?;
    exports.export("put", 3, |call| with_body(call, "PUT"))?;
    exports.export("patch", 3, |call| with_body(call, "PATCH"))?;
    exports.export("del", 3, |call| with_body(call, "DELETE"))?;
    exports.export("options", 3, |call| with_body(call, "OPTIONS"))?;
    exports.export("request", 4, request)?;
    exports.export("asyncRequest", 4, async_request)?;
    exports.export("batch", 1, batch::batch)?;
    exports.export("setResponseCallback", 1, callback::set)?;
    exports.export("expectedStatuses", 1, callback::expected_statuses)?;
    Ok(exports)
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
