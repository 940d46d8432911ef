//! Errors that cross the border: thrown by host functions, caught from scripts.

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
    /// True when it was raised to stop the virtual user and no script code may handle it.
    pub uncatchable: bool,
}

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
        // SAFETY: JS_GetException hands over the reference.
        let (uncatchable, value) = unsafe {
            let raw = q::JS_GetException(self.raw());
            (q::JS_IsUncatchableError(raw), Value::from_raw(self, raw))
        };
        let mut exception = self.describe(&value);
        exception.uncatchable = uncatchable;
        exception
    }

    /// Takes the pending exception as the thrown value itself.
    pub fn take_exception_value(self) -> Value {
        // SAFETY: JS_GetException hands over the reference.
        unsafe { Value::from_raw(self, q::JS_GetException(self.raw())) }
    }

    /// Describes a thrown value, without running script code more than `toString` does.
    pub fn describe(self, value: &Value) -> Exception {
        // Out of memory while the error object itself was made leaves `null`; so does a script that throws it, and
        // what the script held may be freed by now.
        if value.is_null()
            && let Some((used, limit)) = self.memory_and_limit()
        {
            let message = if used > limit / 10 * 9 {
                "InternalError: out of memory".to_owned()
            } else {
                let limit = limit >> 20;
                format!(
                    "null (thrown by the script, or it ran out of its {limit} MiB of memory, which THRONG_VU_MEMORY sets)"
                )
            };
            return Exception { message, ..Exception::default() };
        }
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
            value
                .get("stack")
                .ok()
                .filter(Value::is_string)
                .and_then(|s| s.to_text().ok())
                .unwrap_or_default()
        } else {
            String::new()
        };
        self.drop_exception();
        Exception { message, stack, uncatchable: false }
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
