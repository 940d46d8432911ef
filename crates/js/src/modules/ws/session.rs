//! One connection as its script uses it: handlers, timers, and the methods of the socket object.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use throng_http::WebSocket;
use throng_metrics::{TagSetId, builtin};
use throng_quickjs::{Call, Class, Ctx, JsResult, Thrown, Value};

use crate::host::{host, now};

/// What `close()` says if it is given no code, as in k6.
pub(super) const GOING_AWAY: u16 = 1001;

/// A callback, and the period of one that repeats.
type Timer = (Value, Option<Duration>);

/// See the module's description.
pub(super) struct Session {
    pub(super) socket: RefCell<WebSocket>,
    /// The tags of the session's samples.
    pub(super) tags: TagSetId,
    handlers: RefCell<Vec<(String, Value)>>,
    /// By due time and number.
    timers: RefCell<BTreeMap<(Instant, u64), Timer>>,
    next_timer: Cell<u64>,
    /// When pings were sent, by their number.
    pings: RefCell<Vec<(u64, Instant)>>,
    next_ping: Cell<u64>,
    over: Cell<bool>,
}

impl Session {
    pub(super) fn new(socket: WebSocket, tags: TagSetId) -> Self {
        Self {
            socket: RefCell::new(socket),
            tags,
            handlers: RefCell::default(),
            timers: RefCell::default(),
            next_timer: Cell::default(),
            pings: RefCell::default(),
            next_ping: Cell::default(),
            over: Cell::new(false),
        }
    }

    /// Whether it was closed, by either side.
    pub(super) fn is_over(&self) -> bool {
        self.over.get()
    }

    /// Calls the handlers of an event in the order in which they were set.
    pub(super) fn emit(&self, event: &str, args: &[&Value]) -> JsResult<()> {
        let handlers: Vec<Value> =
            self.handlers.borrow().iter().filter(|(name, _)| name == event).map(|(_, f)| f.clone()).collect();
        for handler in handlers {
            handler.call(&handler.ctx().undefined(), args)?;
        }
        Ok(())
    }

    /// Closes it, once: says so to the server and to the script.
    pub(super) fn end(&self, ctx: Ctx, code: u16) -> JsResult<()> {
        if self.over.replace(true) {
            return Ok(());
        }
        self.socket.borrow_mut().close(code, "");
        self.emit("close", &[&ctx.int(code.into())])
    }

    /// Says to the server that nobody is here any more, as far as the connection takes it at once: whoever is
    /// interrupted has no time left.
    pub(super) fn hang_up(&self) {
        let mut socket = self.socket.borrow_mut();
        socket.close(GOING_AWAY, "");
        let _ = socket.poll_flush(&mut Context::from_waker(Waker::noop()));
    }

    /// Forgets the script's functions.
    pub(super) fn clear(&self) {
        self.over.set(true);
        let handlers = std::mem::take(&mut *self.handlers.borrow_mut());
        let timers = std::mem::take(&mut *self.timers.borrow_mut());
        drop((handlers, timers));
    }

    pub(super) fn next_timer(&self) -> Option<Instant> {
        self.timers.borrow().keys().next().map(|(at, _)| *at)
    }

    /// The callback of the timer that is due, if one is; those that repeat are set again.
    pub(super) fn take_due_timer(&self) -> Option<Value> {
        let mut timers = self.timers.borrow_mut();
        let key = *timers.keys().next()?;
        if key.0 > Instant::now() {
            return None;
        }
        let (callback, every) = timers.remove(&key)?;
        if let Some(every) = every {
            timers.insert((Instant::now() + every, key.1), (callback.clone(), Some(every)));
        }
        Some(callback)
    }

    fn set_timer(&self, callback: Value, delay: Duration, repeat: bool) {
        let number = self.next_timer.replace(self.next_timer.get() + 1);
        self.timers
            .borrow_mut()
            .insert((Instant::now() + delay, number), (callback, repeat.then_some(delay)));
    }

    /// When the ping was sent that this answers.
    pub(super) fn take_ping(&self, payload: &[u8]) -> Option<Instant> {
        let number: u64 = str::from_utf8(payload).ok()?.parse().ok()?;
        let mut pings = self.pings.borrow_mut();
        let at = pings.iter().position(|(known, _)| *known == number)?;
        Some(pings.remove(at).1)
    }
}

/// The socket as the script holds it.
pub(super) struct Socket(pub(super) Rc<Session>);

impl Class for Socket {
    const NAME: &'static str = "Socket";

    fn prototype(proto: &Value) -> JsResult<()> {
        proto.method("on", 2, on)?;
        proto.method("send", 1, |call| {
            let text = if call.is_empty() { String::new() } else { call.arg(0).to_text()? };
            sent(call, |socket| socket.send_text(&text))
        })?;
        proto.method("sendBinary", 1, |call| {
            let message = call.arg(0);
            let bytes = message.with_bytes(<[u8]>::to_vec);
            let bytes = bytes.ok_or_else(|| Thrown::type_error("sendBinary() needs an ArrayBuffer"))?;
            sent(call, |socket| socket.send_binary(&bytes))
        })?;
        proto.method("ping", 0, |call| {
            let this = call.this();
            let session = &this.expect::<Self>()?.0;
            let number = session.next_ping.replace(session.next_ping.get() + 1);
            session.pings.borrow_mut().push((number, Instant::now()));
            session.socket.borrow_mut().ping(number.to_string().as_bytes());
            Ok(call.ctx().undefined())
        })?;
        proto.method("setTimeout", 2, |call| set_timer(call, "setTimeout", false))?;
        proto.method("setInterval", 2, |call| set_timer(call, "setInterval", true))?;
        proto.method("close", 1, |call| {
            let code = call.arg(0);
            let code = if code.is_nullish() { GOING_AWAY } else { code.to_number()? as u16 };
            call.this().expect::<Self>()?.0.end(call.ctx(), code)?;
            Ok(call.ctx().undefined())
        })
    }
}

/// `on(event, handler)`
fn on(call: &Call<'_>) -> JsResult {
    let (this, handler) = (call.this(), call.arg(1));
    let event = call.arg(0).to_text()?;
    // Observed on k6 1.1: what is no function is never called, and no error.
    if handler.is_function() {
        this.expect::<Socket>()?.0.handlers.borrow_mut().push((event, handler));
    }
    Ok(call.ctx().undefined())
}

/// Sends a message and counts it.
fn sent(call: &Call<'_>, send: impl FnOnce(&mut WebSocket)) -> JsResult {
    let (ctx, this) = (call.ctx(), call.this());
    let session = &this.expect::<Socket>()?.0;
    send(&mut session.socket.borrow_mut());
    host(&ctx).recorder().add(builtin::WS_MSGS_SENT, session.tags, 1.0, now());
    Ok(ctx.undefined())
}

fn set_timer(call: &Call<'_>, name: &str, repeat: bool) -> JsResult {
    let (this, callback) = (call.this(), call.arg(0));
    if !callback.is_function() {
        return Err(Thrown::type_error(format!("{name}() needs a function")));
    }
    let delay = call.arg(1).to_number()?;
    if delay.is_nan() || delay <= 0.0 {
        return Err(Thrown::error(format!("{name}() needs a time above 0, in milliseconds")));
    }
    // As k6: fractions of a millisecond count; what is longer than any test is as good as never.
    let delay = Duration::try_from_secs_f64(delay / 1000.0).unwrap_or(Duration::from_hours(876_600));
    this.expect::<Socket>()?.0.set_timer(callback, delay.min(Duration::from_hours(876_600)), repeat);
    Ok(call.ctx().undefined())
}
