//! Sending: waiting for the client, recording every hop, making the response.

use std::pin::pin;
use std::rc::Rc;

use throng_http::{Client, Outcome, RequestError, Warning};
use throng_quickjs::{Ctx, JsResult, Thrown, Value};

use super::params::ResponseType;
use super::prepare::{Failure, Prepared};
use super::response::{HttpResponse, Sent};
use super::tags::Tagging;
use crate::event_loop::settled;
use crate::host::{Host, ThreadContext, host};
use crate::log::Level;

/// Everything about a request that is not the request itself.
pub(super) struct Context {
    pub(super) tagging: Tagging,
    response_type: ResponseType,
    sent: Sent,
    pub(super) throw: bool,
}

impl Prepared {
    /// The request, and what is needed once it is done.
    pub(super) fn split(self) -> (throng_http::Request, Context) {
        let Self { request, tagging, response_type, sent, throw } = self;
        (request, Context { tagging, response_type, sent, throw })
    }
}

/// The virtual user's client.
pub(super) fn client(host: &Host) -> JsResult<&Rc<Client>> {
    host.network.client(host).map_err(|error| Thrown::error(error.to_string()))
}

/// Sends a request while the script waits.
pub(super) fn send(ctx: Ctx, prepared: Result<Prepared, Failure>) -> JsResult {
    let host = host(&ctx);
    let (request, context) = match prepared {
        Ok(prepared) => prepared.split(),
        Err(failure) => return refused(ctx, failure),
    };
    // Pinned here, since the future is large and every move of it is a copy.
    let operation = pin!(client(host)?.send(request));
    let outcome = host.wait(operation)?;
    context.tagging.record(&host.thread, &outcome.hops);
    context.finish(ctx, outcome)
}

/// Sends a request beside the script; gives a promise.
pub(super) fn send_async(ctx: Ctx, prepared: Result<Prepared, Failure>) -> JsResult {
    let host = host(&ctx);
    let (request, context) = match prepared {
        Ok(prepared) => prepared.split(),
        Err(failure) => return settled(ctx, refused(ctx, failure)),
    };
    let (client, thread) = (client(host)?.clone(), host.thread.clone());
    let operation = async move {
        let outcome = client.send(request).await;
        context.tagging.record(&thread, &outcome.hops);
        (context, outcome)
    };
    host.events.promise(ctx, operation, |ctx, (context, outcome)| context.finish(ctx, outcome))
}

/// What becomes of a request that its arguments did not allow: observed on k6 1.1, only the `throw` option makes it an
/// exception, `params.throw` does not.
fn refused(ctx: Ctx, failure: Failure) -> JsResult {
    let (code, message) = match failure {
        Failure::Thrown(thrown) => return Err(thrown),
        Failure::Request { code, message } => (code, message),
    };
    let host = host(&ctx);
    if throws(host) {
        return Err(Thrown::error(message));
    }
    warn(&host.thread, "Request Failed", &message);
    ctx.instance(HttpResponse::of_error(code, message))
}

/// Whether the `throw` option is set.
pub(super) fn throws(host: &Host) -> bool {
    host.thread.settings.plan.as_ref().is_some_and(|plan| plan.options.throw)
}

/// Logs a failed request as k6 does.
pub(super) fn warn(thread: &ThreadContext, message: &str, error: &str) {
    if thread.log.enabled(Level::Warn) {
        thread.log.log(Level::Warn, message, &[("error", error)]);
    }
}

impl Context {
    /// The response as the script gets it, or the exception.
    pub(super) fn finish(self, ctx: Ctx, outcome: Outcome) -> JsResult {
        let thread = &host(&ctx).thread;
        if let Some(Warning::TooManyRedirects { requests }) = outcome.warning {
            let text = format!(
                "stopped after {requests} redirects and returned the last redirection; set redirects in the request's \
                 parameters, or the option maxRedirects, to say how many are wanted"
            );
            thread.log.log(Level::Warn, &text, &[("url", &self.tagging.url.masked)]);
        }
        let Outcome { hops, result, .. } = outcome;
        let last = hops.last();
        let mut response = HttpResponse {
            timings: last.map(|hop| hop.timings).unwrap_or_default(),
            remote: last.and_then(|hop| hop.remote_addr),
            response_type: self.response_type,
            ..HttpResponse::default()
        };
        match result {
            Ok(received) => {
                response.error_code = throng_http::code_of_status(received.status).unwrap_or_default();
                response.received = Some(received);
            }
            Err(error) => {
                // Observed on k6 1.1: thrown whatever the options say.
                if error.message.starts_with("unsupported response status") {
                    return Err(Thrown::error(error.message));
                }
                let text = self.describe(&error);
                if self.throw {
                    return Err(Thrown::error(text));
                }
                warn(thread, "Request Failed", &text);
                response.error = error.message;
                response.error_code = error.code;
                response.partial_body = error.partial_body;
                response.failed_url =
                    Some(hops.last().map_or_else(|| self.sent.url.clone(), |hop| hop.url.clone()));
            }
        }
        response.request = Some(self.sent);
        ctx.instance(response)
    }

    /// The error with what was tried, `Get "http://…": …`.
    fn describe(&self, error: &RequestError) -> String {
        let method = self.sent.method.as_str();
        let mut name = String::with_capacity(method.len());
        for (i, c) in method.chars().enumerate() {
            name.push(if i == 0 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() });
        }
        format!("{name} {:?}: {}", self.tagging.url.masked, error.message)
    }
}

/// Sends nothing: the response that stands before the first malformed item of a batch.
pub(super) fn blank(ctx: Ctx) -> JsResult<Value> {
    ctx.instance(HttpResponse::default())
}
