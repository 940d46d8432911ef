//! `k6/x/redis` and `k6/experimental/redis`, which are the same: a client for Redis whose methods give promises.
//!
//! A method is a line of [`commands::COMMANDS`]; what its arguments may be and what its reply becomes is said there.

mod commands;
mod options;

use std::rc::Rc;

use throng_quickjs::{Call, Class, Ctx, JsResult, Kind, Thrown, Value};

use crate::databases::{self, Refused, Value as Stored};
use crate::event_loop::settled;
use crate::host::{Phase, host};
use commands::{COMMANDS, Command, Reply};

pub(super) fn exports(ctx: Ctx) -> JsResult {
    let exports = ctx.object();
    exports.define("Client", &ctx.class_constructor::<Client, _>(1, construct)?)?;
    Ok(exports)
}

/// `new Client(options)`
fn construct(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let mut options = options::read(&call.arg(0))?;
    let host = host(&ctx);
    if let (Some(tls), Some(plan)) = (&mut options.tls, &host.thread.settings.plan) {
        tls.is_unchecked = plan.options.insecure_skip_tls_verify;
    }
    let log = &host.thread.log;
    let opened = databases::provided().and_then(|databases| databases.redis(&options, log));
    let opened = opened.map_err(|refused| Thrown::error(refused.0))?;
    ctx.instance(Client { opened: Rc::from(opened) })
}

/// A client as a script holds it.
struct Client {
    opened: Rc<dyn databases::Redis>,
}

impl Class for Client {
    const NAME: &'static str = "Client";

    fn prototype(proto: &Value) -> JsResult<()> {
        let ctx = proto.ctx();
        for (index, command) in COMMANDS.iter().enumerate() {
            let run = ctx.closure(command.arity(), &[&ctx.int(index as i64)], |call| {
                let index = call.captured(0).as_number().unwrap_or_default() as usize;
                run(call, &COMMANDS[index])
            });
            proto.define_hidden(command.method, &run)?;
        }
        Ok(())
    }
}

/// Sends a command; gives a promise, which is rejected also for what is wrong with the arguments.
fn run(call: &Call<'_>, command: &'static Command) -> JsResult {
    let ctx = call.ctx();
    let this = call.this();
    let client = this.expect::<Client>()?;
    let host = host(&ctx);
    if host.phase() == Phase::Init {
        let text = "Redis cannot be used in the init context (the top level of the script)";
        return settled(ctx, Err(refusal(ctx, text)));
    }
    match command.request(call) {
        Ok(request) => {
            let operation = client.opened.command(request);
            host.events.promise(ctx, operation, |ctx, reply| answer(ctx, command.reply, reply))
        }
        Err(thrown) => settled(ctx, Err(thrown)),
    }
}

/// What a script gets of a reply.
fn answer(ctx: Ctx, wanted: Reply, reply: Result<Stored, Refused>) -> JsResult {
    let reply = reply.map_err(|refused| refusal(ctx, &refused.0))?;
    match (wanted, reply) {
        // Go's client takes the absence of a value for an error, and so does k6.
        (Reply::Present | Reply::Any, Stored::Null) => Err(refusal(ctx, "redis: nil")),
        // Go's client reads seconds, but leaves -1 (no limit) and -2 (no key) the nanoseconds that they are to it.
        (Reply::Seconds, Stored::Int(number)) if number < 0 => Ok(ctx.number(number as f64 / 1e9)),
        (Reply::Truth, Stored::Int(number)) => Ok(ctx.bool(number == 1)),
        (Reply::Pairs, Stored::List(items)) => {
            let object = ctx.object();
            let mut items = items.into_iter();
            while let (Some(name), Some(value)) = (items.next(), items.next()) {
                object.define(&text(&name), &to_script(ctx, &value))?;
            }
            Ok(object)
        }
        (_, reply) => Ok(to_script(ctx, &reply)),
    }
}

/// Why a promise is rejected: an error whose text is nothing but the reason, as in k6.
fn refusal(ctx: Ctx, text: &str) -> Thrown {
    let error = ctx.new_error(Kind::Error, text);
    match error.define_hidden("name", &ctx.string("")) {
        Ok(()) => Thrown::Value(error),
        Err(thrown) => thrown,
    }
}

fn text(value: &Stored) -> String {
    match value {
        Stored::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Stored::Text(text) => text.clone(),
        Stored::Int(number) => number.to_string(),
        _ => String::new(),
    }
}

fn to_script(ctx: Ctx, value: &Stored) -> Value {
    match value {
        Stored::Int(number) => ctx.int(*number),
        Stored::Bytes(bytes) => ctx.string_lossy(bytes),
        Stored::Text(text) => ctx.string(text),
        Stored::List(items) => ctx.array(items.iter().map(|item| to_script(ctx, item))),
        // A server has no others.
        Stored::Null
        | Stored::Key(_)
        | Stored::Bool(_)
        | Stored::Float(_)
        | Stored::Moment(_)
        | Stored::Record(_) => ctx.null(),
    }
}
