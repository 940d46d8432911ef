//! One virtual machine: a runtime with the globals, the module loader and the script's top level run once.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use throng_quickjs::fiber::Suspender;
use throng_quickjs::{
    Ctx, Exception, Interrupt, JsResult, PromiseState, Runtime, RuntimeConfig, Thrown, Value,
};

use crate::event_loop::{Failure, unhandled};
use crate::globals;
use crate::host::{Host, Identity, Phase, ThreadContext};
use crate::loader::Loader;
use crate::program::{Format, Program};

/// Bytes of stack reserved for a virtual user; only touched pages (8 KB for a usual script) are real.
pub const STACK_SIZE: usize = 2 << 20;
/// What of it the script may use; the rest is for host functions that run on the same stack.
pub const STACK_LIMIT: usize = STACK_SIZE - 128 * 1024;
/// A script that computes longer than this steps aside, so that the others of its thread keep their timing.
const TIME_SLICE: Duration = Duration::from_micros(1500);

/// A script's failure, ready to be shown.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ScriptError {
    /// It threw: message and stack, with places in the user's files.
    #[error("{0}")]
    Thrown(String),
    /// A promise was rejected and nobody handled it: message and stack as above.
    #[error("{0}")]
    Rejected(String),
    /// What a lifecycle function returned, or what the script exports, cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// It was stopped from outside.
    #[error("the virtual user was stopped")]
    Aborted,
}

/// A virtual machine whose top level has run.
pub struct Vm {
    // Order matters: what holds script values goes before the runtime.
    exports: Value,
    host: Rc<Host>,
    runtime: Runtime,
}

impl Vm {
    /// Makes a machine and runs the script's top level. Must be called inside a fiber.
    pub fn load(
        suspender: Rc<Suspender>,
        thread: Rc<ThreadContext>,
        program: Arc<Program>,
        identity: Identity,
    ) -> Result<Self, ScriptError> {
        let config = RuntimeConfig { memory_limit: thread.settings.memory_limit, stack_limit: STACK_LIMIT };
        let runtime = Runtime::new(&config).map_err(|e| ScriptError::Thrown(e.to_string()))?;
        let host = Rc::new(Host::new(suspender.clone(), thread, program.clone(), identity));
        host.network.set_owner(Rc::downgrade(&host));
        runtime.set_host(host.clone());
        runtime.set_resolver(Rc::new(Loader));
        runtime.set_interrupt(move || {
            if suspender.is_aborted() {
                return Interrupt::Stop;
            }
            if suspender.resumed_at().is_some_and(|at| at.elapsed() > TIME_SLICE)
                && suspender.yield_now().is_err()
            {
                return Interrupt::Stop;
            }
            Interrupt::Continue
        });
        let ctx = runtime.ctx();
        let exports = globals::install(ctx)
            .map_err(Failure::from)
            .and_then(|()| Self::run_top_level(ctx, &host))
            .map_err(|failure| script_error(&program, ctx, failure))?;
        let vm = Self { exports, host, runtime };
        if let Some(overrides) = program.overrides() {
            vm.override_options(&overrides).map_err(|thrown| vm.error(thrown))?;
        }
        Ok(vm)
    }

    fn run_top_level(ctx: Ctx, host: &Host) -> Result<Value, Failure> {
        let name = host.program.source.url.to_string();
        let module = crate::loader::module(ctx, &name)?;
        match module.format {
            Format::EsModule => {
                if !host.program.is_sealed() {
                    crate::loader::read_imports(ctx, &name)?;
                }
                let evaluated = ctx.evaluate_module(&name, &module.code);
                let (handle, evaluated) =
                    evaluated.map_err(|thrown| crate::loader::blame(ctx, &name, thrown))?;
                settle(ctx, host, &evaluated)?;
                Ok(handle.namespace()?)
            }
            Format::CommonJs => {
                let exports = crate::loader::require_name(ctx, &name)?;
                host.events.run(ctx, &host.suspender)?;
                Ok(exports)
            }
        }
    }

    /// Writes options that the script did not set itself into what it exports.
    fn override_options(&self, json: &str) -> JsResult<()> {
        let Some(options) = self.export("options").filter(Value::is_object) else { return Ok(()) };
        for (name, value) in self.ctx().parse_json(json, "options")?.entries()? {
            // A frozen object keeps what it has.
            if options.set(&name, &value).is_err() {
                self.ctx().drop_exception();
            }
        }
        Ok(())
    }

    /// The context.
    pub fn ctx(&self) -> Ctx {
        self.runtime.ctx()
    }

    /// The host state.
    pub fn host(&self) -> &Rc<Host> {
        &self.host
    }

    /// An export of the entry module.
    pub fn export(&self, name: &str) -> Option<Value> {
        // A CommonJS entry may export a bare function as its default.
        let value = self.exports.get(name).ok().filter(|v| !v.is_undefined());
        value.or_else(|| (name == "default" && self.exports.is_function()).then(|| self.exports.clone()))
    }

    /// The names of what the entry exports, in order.
    pub fn export_names(&self) -> Vec<String> {
        let keys = self.exports.keys().unwrap_or_default();
        let mut names: Vec<String> = keys.iter().filter_map(|k| k.to_text().ok()).collect();
        if self.exports.is_function() && !names.iter().any(|n| n == "default") {
            names.push("default".into());
        }
        names
    }

    /// Calls a function of the script and waits until it, its timers and its asynchronous operations are done.
    pub fn call(&self, function: &Value, args: &[&Value]) -> Result<Value, ScriptError> {
        let ctx = self.ctx();
        ctx.forget_noted_stack();
        let result = function.call(&ctx.undefined(), args).map_err(Failure::from).and_then(|result| {
            self.host.events.run(ctx, &self.host.suspender)?;
            Ok(unwrap_promise(result)?)
        });
        result.map_err(|failure| {
            let error = script_error(&self.host.program, ctx, failure);
            self.host.drop_timers();
            if !matches!(error, ScriptError::Aborted) {
                // What the failed call left behind must not run, or be reported, as part of the next one.
                while ctx.run_jobs().is_err() {
                    ctx.drop_exception();
                }
                let _ = ctx.take_unhandled_rejection();
            }
            error
        })
    }

    /// Describes a failure with places in the user's files.
    pub fn error(&self, thrown: Thrown) -> ScriptError {
        script_error(&self.host.program, self.ctx(), thrown.into())
    }

    /// Moves on in its life.
    pub fn set_phase(&self, phase: Phase) {
        self.host.set_phase(phase);
    }
}

/// The value of a promise, or the value itself. A promise that nothing outstanding can settle is as good as its value
/// `undefined`: k6 ends such iterations without an error (observed on k6 1.1).
fn unwrap_promise(value: Value) -> JsResult {
    match value.promise_state() {
        None => Ok(value),
        Some(PromiseState::Fulfilled(value)) => Ok(value),
        Some(PromiseState::Rejected(reason)) => Err(Thrown::Value(reason)),
        Some(PromiseState::Pending) => Ok(value.ctx().undefined()),
    }
}

/// Waits until a promise (of a module's evaluation) settles.
pub(crate) fn settle(ctx: Ctx, host: &Host, promise: &Value) -> Result<Value, Failure> {
    host.events.run(ctx, &host.suspender).or_else(|failure| match (failure, promise.promise_state()) {
        // The rejection of the module itself is reported as what it is, not as an unhandled one.
        (Failure::Unhandled(rejection), Some(PromiseState::Rejected(reason)))
            if reason.same(&rejection.reason) =>
        {
            Err(Failure::Evaluation(rejection))
        }
        (_, Some(PromiseState::Rejected(_))) => Ok(()),
        (failure, _) => Err(failure),
    })?;
    if let Some(PromiseState::Pending) = promise.promise_state() {
        return Err(Thrown::error(
            "the top-level await never ends: nothing that could end it is outstanding",
        )
        .into());
    }
    Ok(unwrap_promise(promise.clone())?)
}

fn script_error(program: &Program, ctx: Ctx, failure: Failure) -> ScriptError {
    let is_rejection = matches!(failure, Failure::Unhandled(_));
    let exception = match failure {
        Failure::Thrown(Thrown::Abort) => return ScriptError::Aborted,
        Failure::Thrown(thrown) => ctx.into_exception(thrown),
        Failure::Unhandled(rejection) => unhandled(ctx, &rejection),
        Failure::Evaluation(rejection) => ctx.describe_rejection(&rejection),
        Failure::Rejected(text) => return ScriptError::Rejected(text),
    };
    ctx.take_stopped();
    if exception.uncatchable {
        return ScriptError::Aborted;
    }
    let text = describe(program, &exception);
    if is_rejection { ScriptError::Rejected(text) } else { ScriptError::Thrown(text) }
}

/// An exception as k6 prints it: the message, then the stack with a tab before each frame.
pub(crate) fn describe(program: &Program, exception: &Exception) -> String {
    let mut text = in_words_of_k6(&exception.message);
    if !carries_its_place(&text) {
        let stack = program.translate_throw(&exception.noted);
        text.push_str(&stack.unwrap_or_else(|| program.translate_stack(&exception.stack)));
    }
    // Modules are linked before anything runs, so that no stack says who imports what is not there.
    if let Some((name, module)) = missing_export(&exception.message)
        && let Some(place) = program.place_of_import(module, Some(name))
    {
        text.push_str("\n\tat ");
        text.push_str(&place);
    }
    text
}

/// Whether a message of ours names its place, which is one line at its end. A script's may quote the stack of another error.
fn carries_its_place(message: &str) -> bool {
    let place = message.split_once("\n\tat ").map(|(_, place)| place);
    place.is_some_and(|place| !place.contains('\n'))
}

/// What a script reads as `stack`: as above, with a line end.
pub(crate) fn stack_text(ctx: Ctx, title: &str, frames: &str) -> String {
    let host = crate::host::host(&ctx);
    format!("{}{}\n", in_words_of_k6(title), host.program.translate_stack(frames))
}

/// What QuickJS says, and what k6's engine says of the same (observed on k6 1.1): people search logs for these words.
/// Only where neither says less than the other; scripts see `message` as QuickJS made it.
const WORDS: [(&str, &str); 7] = [
    ("TypeError: value is not iterable", "TypeError: object is not iterable"),
    ("TypeError: not a constructor", "TypeError: Value is not a constructor"),
    (
        "TypeError: class constructors must be invoked with 'new'",
        "TypeError: Class constructor cannot be invoked without 'new'",
    ),
    (
        "ReferenceError: this is not initialized",
        "ReferenceError: Must call super constructor in derived class before accessing 'this'",
    ),
    ("TypeError: circular reference", "TypeError: Converting circular structure to JSON"),
    (
        "TypeError: parent class must be constructor",
        "TypeError: Class extends value is not a constructor or null",
    ),
    ("RangeError: invalid array length", "RangeError: Invalid array length"),
];

fn in_words_of_k6(message: &str) -> String {
    if let Some(rest) = message.strip_prefix("TypeError: cannot read property ") {
        return format!("TypeError: Cannot read property {rest}");
    }
    let known = WORDS.iter().find(|(ours, _)| *ours == message);
    known.map_or(message, |(_, theirs)| theirs).to_owned()
}

/// The export and the module of QuickJS's complaint that a module does not have it.
fn missing_export(message: &str) -> Option<(&str, &str)> {
    let (_, names) = message.strip_prefix("SyntaxError: ")?.split_once(" export '")?;
    names.strip_suffix('\'')?.split_once("' in module '")
}
