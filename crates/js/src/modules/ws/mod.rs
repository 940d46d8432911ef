//! `k6/ws`: web sockets with callbacks. `connect()` lasts as long as the connection.
//!
//! While it lasts the virtual user does nothing else: messages and the socket's own timers call the script's handlers
//! one after the other, and everything ends when the socket is closed.

mod params;
mod session;

use std::fmt::Write as _;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use throng_http::{RequestError, Url, WebSocketAnswer, WebSocketEvent, WebSocketRequest};
use throng_metrics::{SystemTag, TagSetId, builtin};
use throng_quickjs::{Call, Ctx, JsResult, Thrown, Value};

use crate::host::{Host, host, now};
use crate::log::Level;
use params::Params;
use session::{GOING_AWAY, Session, Socket};

/// The handshake may take this long, as in k6.
const OPENING: Duration = Duration::from_mins(1);

pub(super) fn exports(ctx: Ctx) -> JsResult {
    let exports = ctx.object();
    exports.export("connect", 3, connect)?;
    Ok(exports)
}

/// `connect(url, params?, use)`
fn connect(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let host = host(&ctx);
    host.refuse_in_init("a WebSocket")?;
    let (params, user) = match call.len() {
        0 | 1 => (ctx.undefined(), ctx.undefined()),
        2 => (ctx.undefined(), call.arg(1)),
        _ => (call.arg(1), call.arg(2)),
    };
    if !user.is_function() {
        return Err(Thrown::type_error(
            "ws.connect() needs a function that uses the socket as its last argument",
        ));
    }
    let text = call.arg(0).to_text()?;
    let params = Params::read(ctx, &params)?;
    let started = Instant::now();
    let answer = open(host, &text, params.headers);
    let connecting = started.elapsed();
    let answer = answer?.unwrap_or_else(|| Err(RequestError::new(0, "malformed ws or wss URL")));
    let tags = tags(host, &text, &params.tags, answer.as_ref().ok());
    {
        let mut recorder = host.recorder();
        recorder.add(builtin::WS_SESSIONS, tags, 1.0, now());
        recorder.add(builtin::WS_CONNECTING, tags, milliseconds(connecting), now());
    }
    let opened = match answer {
        Ok(mut answer) => match answer.socket.take() {
            Some(socket) => Ok((answer, socket)),
            // Observed on k6 1.1: what the server said instead is all there is to see.
            None => Err((Some(answer), String::new())),
        },
        Err(error) => Err((None, error.message)),
    };
    let (answer, socket) = match opened {
        Ok(opened) => opened,
        Err((answer, error)) => {
            // As in k6, what never was open has a session too.
            let lasted = milliseconds(started.elapsed());
            host.recorder().add(builtin::WS_SESSION_DURATION, tags, lasted, now());
            return failed(ctx, host, &text, answer.as_ref(), error);
        }
    };
    let session = Rc::new(Session::new(socket, tags));
    let result = converse(ctx, host, &session, &user);
    if result.is_err() {
        // Observed on k6 1.1: after an exception as well as when the iteration is interrupted.
        session.hang_up();
    }
    // Handlers hold the socket that holds them: undone here, or the cycle would live as long as the virtual user.
    session.clear();
    // Observed on k6 1.1: an iteration that is interrupted leaves no duration of its session.
    if !matches!(result, Err(Thrown::Abort)) {
        host.recorder().add(builtin::WS_SESSION_DURATION, tags, milliseconds(started.elapsed()), now());
    }
    result?;
    response(ctx, &text, Some(&answer), "")
}

/// Opens the connection; `None` where the address is none.
fn open(
    host: &Host,
    text: &str,
    mut headers: throng_http::Headers,
) -> JsResult<Option<Result<WebSocketAnswer, RequestError>>> {
    let http = match text.split_once("://") {
        Some(("ws", rest)) => format!("http://{rest}"),
        Some(("wss", rest)) => format!("https://{rest}"),
        _ => return Ok(None),
    };
    let Ok(url) = Url::parse(&http) else { return Ok(None) };
    let mut cookies = headers.get("Cookie").unwrap_or_default().to_owned();
    for (name, value) in host.network.jar().borrow().cookies_for(&url) {
        let separator = if cookies.is_empty() { "" } else { "; " };
        let _ = write!(cookies, "{separator}{name}={value}");
    }
    if !cookies.is_empty() {
        headers.set("Cookie", cookies);
    }
    let client = host.network.client(host).map_err(|error| Thrown::error(error.to_string()))?.clone();
    let request = WebSocketRequest { url, headers, timeout: OPENING };
    host.wait(client.open_websocket(request)).map(Some)
}

/// The tags of the session's samples.
fn tags(host: &Host, url: &str, own: &[(String, String)], answer: Option<&WebSocketAnswer>) -> TagSetId {
    let status = answer.map(|answer| answer.status.to_string());
    let subproto = answer.map(|answer| {
        String::from_utf8_lossy(answer.header("Sec-WebSocket-Protocol").unwrap_or_default()).into_owned()
    });
    let system = [
        (SystemTag::Url, Some(url)),
        (SystemTag::Status, status.as_deref()),
        (SystemTag::Subproto, subproto.as_deref()),
    ];
    let enabled = host.recorder().system_tags();
    let mut pairs: Vec<(&str, &str)> = own.iter().map(|(name, value)| (&**name, &**value)).collect();
    pairs.extend(system.into_iter().filter_map(|(tag, value)| {
        value.filter(|_| enabled.contains(tag)).map(|value| (tag.as_str(), value))
    }));
    host.tags_with(&pairs)
}

/// What a connection that was not made gives: a response that says why, or an exception with the `throw` option.
fn failed(ctx: Ctx, host: &Host, url: &str, answer: Option<&WebSocketAnswer>, error: String) -> JsResult {
    let reason = if error.is_empty() { "the server does not speak the protocol" } else { &error };
    let plan = host.thread.settings.plan.as_ref();
    if plan.is_some_and(|plan| plan.options.throw) {
        return Err(Thrown::error(format!("the WebSocket {url} could not be opened: {reason}")));
    }
    // The response says it to the script: k6 logs nothing.
    let fields = [("error", reason), ("url", url)];
    host.thread.log.log(Level::Debug, "the WebSocket could not be opened", &fields);
    response(ctx, "", answer, &error)
}

fn response(ctx: Ctx, url: &str, answer: Option<&WebSocketAnswer>, error: &str) -> JsResult {
    let headers = ctx.object();
    let mut seen: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, value) in answer.map(|answer| &*answer.headers).unwrap_or_default() {
        let name = throng_http::canonical_name(name);
        match seen.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => {
                values.extend_from_slice(b", ");
                values.extend_from_slice(value);
            }
            None => seen.push((name, value.clone())),
        }
    }
    for (name, value) in seen {
        headers.define(&name, &ctx.string_lossy(&value))?;
    }
    let response = ctx.object();
    response.define("url", &ctx.string(url))?;
    response.define("status", &ctx.int(answer.map_or(0, |answer| answer.status.into())))?;
    response.define("headers", &headers)?;
    response.define("body", &ctx.string_lossy(answer.map(|answer| &*answer.body).unwrap_or_default()))?;
    response.define("error", &ctx.string(error))?;
    Ok(response)
}

/// Lets the script use the socket until it is closed.
fn converse(ctx: Ctx, host: &Host, session: &Rc<Session>, user: &Value) -> JsResult<()> {
    let socket = ctx.instance(Socket(session.clone()))?;
    user.call(&ctx.undefined(), &[&socket])?;
    serve(ctx, host, session).map_err(|thrown| told(ctx, host, session, thrown))
}

/// Observed on k6 1.1: handlers of `close` hear of an exception in a handler before the iteration ends with it.
fn told(ctx: Ctx, host: &Host, session: &Session, thrown: Thrown) -> Thrown {
    if !matches!(thrown, Thrown::Pending) || host.suspender.is_aborted() {
        return thrown;
    }
    let value = ctx.take_exception_value();
    // Nothing of the script runs after `exec.test.abort()`.
    if !value.is_uncatchable() && session.end(ctx, GOING_AWAY).is_err() {
        if host.suspender.is_aborted() {
            return Thrown::Abort;
        }
        ctx.drop_exception();
    }
    Thrown::Value(value)
}

/// Calls the script's handlers until the socket is closed.
fn serve(ctx: Ctx, host: &Host, session: &Session) -> JsResult<()> {
    session.emit("open", &[])?;
    while !session.is_over() {
        if let Some(callback) = session.take_due_timer() {
            callback.call(&ctx.undefined(), &[])?;
            continue;
        }
        let due = session.next_timer();
        let sleep = due.map(|at| host.thread.reactor.sleep_until(at));
        let event = host.wait(async {
            let mut sleep = std::pin::pin!(sleep);
            poll_fn(|cx| {
                if let Poll::Ready(event) = session.socket.borrow_mut().poll_next(cx) {
                    return Poll::Ready(Some(event));
                }
                match sleep.as_mut().as_pin_mut() {
                    Some(sleep) => sleep.poll(cx).map(|()| None),
                    None => Poll::Pending,
                }
            })
            .await
        })?;
        if let Some(event) = event {
            handle(ctx, host, session, event)?;
        }
    }
    // The closing frame goes out, as far as the connection takes it.
    let flushed = poll_fn(|cx| session.socket.borrow_mut().poll_flush(cx));
    host.wait(async {
        let _ = flushed.await;
    })
}

fn handle(
    ctx: Ctx,
    host: &Host,
    session: &Session,
    event: Result<WebSocketEvent, RequestError>,
) -> JsResult<()> {
    let received = || host.recorder().add(builtin::WS_MSGS_RECEIVED, session.tags, 1.0, now());
    match event {
        Ok(WebSocketEvent::Text(text)) => {
            received();
            session.emit("message", &[&ctx.string(&text)])
        }
        Ok(WebSocketEvent::Binary(bytes)) => {
            received();
            session.emit("binaryMessage", &[&ctx.array_buffer(&bytes)])
        }
        Ok(WebSocketEvent::Ping(_)) => session.emit("ping", &[]),
        Ok(WebSocketEvent::Pong(payload)) => {
            if let Some(sent) = session.take_ping(&payload) {
                let milliseconds = milliseconds(sent.elapsed());
                host.recorder().add(builtin::WS_PING, session.tags, milliseconds, now());
            }
            session.emit("pong", &[])
        }
        Ok(WebSocketEvent::Close(code, reason)) => {
            // Observed on k6 1.1: only a normal end and going away are no errors.
            if !matches!(code, 1000 | 1001) {
                let separator = if reason.is_empty() { "" } else { ": " };
                report(ctx, session, &format!("websocket: close {code}{separator}{reason}"))?;
            }
            session.end(ctx, code)
        }
        Err(error) => {
            report(ctx, session, &error.message)?;
            // RFC 6455: how a connection is said to have ended that nobody closed.
            session.end(ctx, 1006)
        }
    }
}

/// Calls the handlers of `error` with an object whose `error()` says what happened.
fn report(ctx: Ctx, session: &Session, message: &str) -> JsResult<()> {
    let error = ctx.object();
    error.define("error", &ctx.closure(0, &[&ctx.string(message)], |call| Ok(call.captured(0))))?;
    session.emit("error", &[&error])
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}
