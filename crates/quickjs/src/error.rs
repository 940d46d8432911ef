//! Errors that cross the border: thrown by host functions, caught from scripts.

use std::ffi::c_int;
use std::fmt;

use rquickjs_sys as q;

use crate::{Ctx, Value};

/// Which constructor a host error is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `Error`
    Error,
    /// `TypeError`
    Type,
    /// `RangeError`
    Range,
    /// `ReferenceError`
    Reference,
    /// `SyntaxError`
    Syntax,
}

/// What a host function ends with when it does not return a value.
#[derive(Debug)]
pub enum Thrown {
    /// QuickJS already holds the exception (a call into the script threw).
    Pending,
    /// A new error of this kind with this message.
    New(Kind, String),
    /// This very value is thrown.
    Value(Value),
    /// The virtual user is being stopped: neither `catch` nor `finally` of the script runs.
    Abort,
}

impl Thrown {
    /// A plain `Error`.
    pub fn error(message: impl Into<String>) -> Self {
        Self::New(Kind::Error, message.into())
    }
    /// A `TypeError`.
    pub fn type_error(message: impl Into<String>) -> Self {
        Self::New(Kind::Type, message.into())
    }
    /// A `RangeError`.
    pub fn range_error(message: impl Into<String>) -> Self {
        Self::New(Kind::Range, message.into())
    }
}

/// An exception taken out of the engine, in plain Rust data.
#[derive(Debug, Clone, Default)]
pub struct Exception {
    /// `name: message`, or the thrown value as a string.
    pub message: String,
    /// The stack as QuickJS prints it (`    at f (file:line:column)` lines), empty when a non-error was thrown.
    pub stack: String,
    /// When a non-error was thrown: the stack that the engine noted last. It may be that of an error that was made
    /// earlier and never thrown, so it is to be believed only if it begins at a `throw`.
    pub noted: String,
    /// True when it was raised to stop the virtual user and no script code may handle it.
    pub uncatchable: bool,
}

/// Why a promise was rejected, and what is known of where.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// What it was rejected with.
    pub reason: Value,
    /// Of what is no error: the stack that was noted last, as in [`Exception::noted`].
    noted: Option<Value>,
    /// Of what is no error: the stack when the promise was rejected. It is taken then, handled or not: later it is gone,
    /// and QuickJS has it only as a text. That costs as much as an `Error` does, about a microsecond.
    stack: Option<Value>,
}

unsafe extern "C" {
    /// QuickJS's door for its own `quickjs-libc`, which is not part of this build.
    fn js_std_cmd(command: c_int, ...) -> usize;
}

/// The command that hands over the noted stack (quickjs-ng 0.16; the tests see it when that changes).
const TAKE_BACKTRACE: c_int = 2;

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.stack.is_empty() {
            write!(f, "\n{}", self.stack.trim_end())?;
        }
        Ok(())
    }
}

impl std::error::Error for Exception {}

impl Ctx {
    /// Makes `thrown` the engine's pending exception, as a host function must before it returns.
    pub(crate) fn raise(self, thrown: Thrown) -> q::JSValue {
        match thrown {
            Thrown::Pending => q::JS_EXCEPTION,
            Thrown::Value(value) => {
                // SAFETY: JS_Throw takes over the reference that into_raw gives up.
                unsafe { q::JS_Throw(self.raw(), value.into_raw()) }
            }
            Thrown::New(kind, message) => {
                let value = self.new_error(kind, &message);
                // SAFETY: as above.
                unsafe { q::JS_Throw(self.raw(), value.into_raw()) }
            }
            Thrown::Abort => {
                // SAFETY: a fresh error object of this context; JS_Throw takes it over.
                unsafe {
                    let error = q::JS_NewError(self.raw());
                    q::JS_SetUncatchableError(self.raw(), error);
                    q::JS_Throw(self.raw(), error)
                }
            }
        }
    }

    /// A new error object, not thrown, with the stack of the running script.
    pub fn new_error(self, kind: Kind, message: &str) -> Value {
        let text = std::ffi::CString::new(message.replace('\0', "\u{fffd}")).unwrap_or_default();
        // SAFETY: the format takes exactly one C string; the constructors return a fresh reference. They cut
        // long messages, so the message is set again as a property.
        let value = unsafe {
            let format = c"%s".as_ptr();
            let raw = match kind {
                Kind::Error => q::JS_NewPlainError(self.raw(), format, text.as_ptr()),
                Kind::Type => q::JS_NewTypeError(self.raw(), format, text.as_ptr()),
                Kind::Range => q::JS_NewRangeError(self.raw(), format, text.as_ptr()),
                Kind::Reference => q::JS_NewReferenceError(self.raw(), format, text.as_ptr()),
                Kind::Syntax => q::JS_NewSyntaxError(self.raw(), format, text.as_ptr()),
            };
            Value::from_raw(self, raw)
        };
        if message.len() >= 200 {
            let _ = value.define_hidden("message", &self.string(message));
        }
        value
    }

    /// Takes the pending exception out of the engine.
    pub fn take_exception(self) -> Exception {
        let value = self.take_exception_value();
        let noted = self.take_noted_stack();
        let mut exception = self.describe_thrown(&value, noted.as_ref());
        exception.uncatchable = value.is_uncatchable();
        exception
    }

    /// The stack of the oldest error or throw since the last one that the script caught, or since this was last asked.
    /// QuickJS keeps it also for what is no error; a string, or `null` when there was no memory for one.
    fn take_noted_stack(self) -> Option<Value> {
        let mut stack = q::JS_UNDEFINED;
        // SAFETY: this command writes one value, whose reference is handed over.
        let stack = unsafe {
            js_std_cmd(TAKE_BACKTRACE, self.raw(), &raw mut stack);
            Value::from_raw(self, stack)
        };
        (!stack.is_undefined()).then_some(stack)
    }

    /// Forgets the noted stack, so that what is thrown from now on has its own.
    pub fn forget_noted_stack(self) {
        drop(self.take_noted_stack());
        drop(self.inner().handled.take());
    }

    /// A rejection's reason, with where the engine is now or where it was thrown.
    pub(crate) fn rejected(self, reason: Value) -> Rejection {
        let noted = self.take_noted_stack();
        if reason.is_error() {
            return Rejection { reason, noted: None, stack: None };
        }
        if let Some(passed_on) = self.take_handled(&reason) {
            return passed_on;
        }
        let stack = self.current_stack();
        drop(self.take_noted_stack());
        Rejection { reason, noted, stack }
    }

    /// Describes why a promise was rejected.
    pub fn describe_rejection(self, rejection: &Rejection) -> Exception {
        let mut exception = self.describe_thrown(&rejection.reason, rejection.noted.as_ref());
        exception.uncatchable = rejection.reason.is_uncatchable();
        if let Some(stack) = &rejection.stack {
            exception.stack = stack.to_text().unwrap_or_default();
        }
        exception
    }

    /// Takes the pending exception as the thrown value itself.
    pub fn take_exception_value(self) -> Value {
        // SAFETY: JS_GetException hands over the reference.
        unsafe { Value::from_raw(self, q::JS_GetException(self.raw())) }
    }

    fn describe_thrown(self, value: &Value, noted: Option<&Value>) -> Exception {
        let noted = noted.filter(|_| !value.is_error());
        // Out of memory while the error object itself was made leaves `null`. Then there was none for the stack either,
        // or there is little left.
        let is_full = || self.memory_and_limit().is_some_and(|(used, limit)| used > limit / 10 * 9);
        if value.is_null() && (noted.is_some_and(Value::is_null) || is_full()) {
            return Exception { message: "InternalError: out of memory".to_owned(), ..Exception::default() };
        }
        let mut exception = self.describe(value);
        exception.noted =
            noted.filter(|noted| noted.is_string()).and_then(|n| n.to_text().ok()).unwrap_or_default();
        exception
    }

    /// Describes a value that may have been thrown, without running script code more than `toString` does.
    pub fn describe(self, value: &Value) -> Exception {
        let text = if value.is_symbol() {
            value.get("description").and_then(|d| d.to_text())
        } else {
            value.to_text()
        };
        let message = text.unwrap_or_else(|_| {
            self.drop_exception();
            "exception".into()
        });
        let stack = if value.is_error() {
            value.frames().filter(Value::is_string).and_then(|s| s.to_text().ok()).unwrap_or_default()
        } else {
            String::new()
        };
        self.drop_exception();
        Exception { message, stack, ..Exception::default() }
    }

    /// Forgets a pending exception.
    pub fn drop_exception(self) {
        // SAFETY: JS_GetException hands over the reference (or an uninitialised marker, which is free to drop).
        unsafe { q::JS_FreeValueRT(self.rt(), q::JS_GetException(self.raw())) }
    }

    /// Turns a host error into the exception that the script would have seen.
    pub fn into_exception(self, thrown: Thrown) -> Exception {
        self.raise(thrown);
        self.take_exception()
    }
}
