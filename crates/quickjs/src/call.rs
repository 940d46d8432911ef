//! Host functions: how a Rust `fn` becomes a script function, at the price of one C function object.

use std::any::Any;
use std::ffi::{CString, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rquickjs_sys as q;

use crate::{Ctx, Thrown, Value};

/// What a host function returns.
pub type JsResult<T = Value> = Result<T, Thrown>;

/// The arguments of one call from a script.
pub struct Call<'a> {
    ctx: Ctx,
    this: q::JSValue,
    args: &'a [q::JSValue],
    data: &'a [q::JSValue],
}

impl Call<'_> {
    /// The context.
    pub fn ctx(&self) -> Ctx {
        self.ctx
    }
    /// `this`; in a constructor, `new.target`.
    pub fn this(&self) -> Value {
        // SAFETY: QuickJS keeps it alive during the call.
        unsafe { Value::borrowed(self.ctx, self.this) }
    }
    /// How many arguments were given.
    pub fn len(&self) -> usize {
        self.args.len()
    }
    /// Whether none was given.
    pub fn is_empty(&self) -> bool {
        self.args.is_empty()
    }
    /// Argument `i`, `undefined` when it was not given.
    pub fn arg(&self, i: usize) -> Value {
        match self.args.get(i) {
            // SAFETY: QuickJS keeps the arguments alive during the call.
            Some(raw) => unsafe { Value::borrowed(self.ctx, *raw) },
            None => self.ctx.undefined(),
        }
    }
    /// All arguments.
    pub(crate) fn args(&self) -> &[q::JSValue] {
        self.args
    }
    /// The value captured at place `i` by [`Ctx::closure`].
    pub fn captured(&self, i: usize) -> Value {
        // SAFETY: QuickJS keeps captured values alive with the function.
        unsafe { Value::borrowed(self.ctx, self.data[i]) }
    }
}

/// Runs `body` and turns its result, or its panic, into what QuickJS expects.
pub(crate) fn guard(ctx: Ctx, body: impl FnOnce() -> JsResult) -> q::JSValue {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => value.into_raw(),
        Ok(Err(thrown)) => ctx.raise(thrown),
        Err(panic) => ctx.raise(Thrown::New(crate::Kind::Error, panic_message(panic.as_ref()))),
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    format!("internal error in throng (please report it): {text}")
}

/// Conjures the function item `F`, which carries no data.
fn item<F: Copy>() -> F {
    const { assert!(size_of::<F>() == 0, "host functions must not capture; use Ctx::closure") };
    // SAFETY: F is a zero-sized Copy type that exists (its constructor took one), so any pointer holds one.
    unsafe { std::ptr::NonNull::<F>::dangling().as_ptr().read() }
}

pub(crate) unsafe fn slice<'a>(argv: *mut q::JSValue, count: c_int) -> &'a [q::JSValue] {
    if argv.is_null() || count <= 0 {
        return &[];
    }
    // SAFETY: QuickJS passes `count` values at `argv`, alive for the call.
    unsafe { std::slice::from_raw_parts(argv, count as usize) }
}

unsafe extern "C" fn plain<F: Fn(&Call<'_>) -> JsResult + Copy>(
    ctx: *mut q::JSContext,
    this: q::JSValue,
    argc: c_int,
    argv: *mut q::JSValue,
) -> q::JSValue {
    // SAFETY: QuickJS calls with a context of ours and `argc` arguments.
    let (ctx, args) = unsafe { (Ctx::from_raw(ctx), slice(argv, argc)) };
    guard(ctx, || item::<F>()(&Call { ctx, this, args, data: &[] }))
}

unsafe extern "C" fn getter<F: Fn(&Call<'_>) -> JsResult + Copy>(
    ctx: *mut q::JSContext,
    this: q::JSValue,
) -> q::JSValue {
    // SAFETY: as above.
    let ctx = unsafe { Ctx::from_raw(ctx) };
    guard(ctx, || item::<F>()(&Call { ctx, this, args: &[], data: &[] }))
}

unsafe extern "C" fn capturing<F: Fn(&Call<'_>) -> JsResult + Copy>(
    ctx: *mut q::JSContext,
    this: q::JSValue,
    argc: c_int,
    argv: *mut q::JSValue,
    captured: c_int,
    data: *mut q::JSValue,
) -> q::JSValue {
    // SAFETY: as above; `captured` (the magic) is the number of values at `data`.
    let (ctx, args, data) = unsafe { (Ctx::from_raw(ctx), slice(argv, argc), slice(data, captured)) };
    guard(ctx, || item::<F>()(&Call { ctx, this, args, data }))
}

impl Ctx {
    fn c_function(self, name: &str, arity: i32, f: q::JSCFunction, kind: q::JSCFunctionEnum) -> Value {
        let name = CString::new(name).unwrap_or_default();
        // SAFETY: the function pointer lives for the process; the name is copied.
        unsafe { Value::from_raw(self, q::JS_NewCFunction2(self.raw(), f, name.as_ptr(), arity, kind, 0)) }
    }

    /// A script function that calls `f`, which must not capture anything.
    pub fn function<F: Fn(&Call<'_>) -> JsResult + Copy>(self, name: &str, arity: i32, f: F) -> Value {
        let _ = f;
        self.c_function(name, arity, Some(plain::<F>), q::JSCFunctionEnum_JS_CFUNC_generic)
    }

    /// A constructor that may also be called without `new`; then `this` is no object.
    pub fn constructor_or_function<F: Fn(&Call<'_>) -> JsResult + Copy>(
        self,
        name: &str,
        arity: i32,
        f: F,
    ) -> Value {
        let _ = f;
        self.c_function(name, arity, Some(plain::<F>), q::JSCFunctionEnum_JS_CFUNC_constructor_or_func)
    }

    /// A constructor (`new Name()`; a plain call is a `TypeError`) that calls `f`.
    pub fn constructor<F: Fn(&Call<'_>) -> JsResult + Copy>(self, name: &str, arity: i32, f: F) -> Value {
        let _ = f;
        self.c_function(name, arity, Some(plain::<F>), q::JSCFunctionEnum_JS_CFUNC_constructor)
    }

    /// A getter for [`Value::define_accessor`].
    pub fn getter<F: Fn(&Call<'_>) -> JsResult + Copy>(self, name: &str, f: F) -> Value {
        let _ = f;
        let typed: unsafe extern "C" fn(*mut q::JSContext, q::JSValue) -> q::JSValue = getter::<F>;
        // SAFETY: QuickJS keeps all kinds of C functions behind one pointer type and calls it by its kind; the
        // kind given here is the one of `typed`.
        let erased: q::JSCFunction = unsafe { std::mem::transmute(typed) };
        self.c_function(name, 0, erased, q::JSCFunctionEnum_JS_CFUNC_getter)
    }

    /// A script function that calls `f` with these values captured ([`Call::captured`]).
    pub fn closure<F: Fn(&Call<'_>) -> JsResult + Copy>(
        self,
        arity: i32,
        captured: &[&Value],
        f: F,
    ) -> Value {
        let _ = f;
        let mut data: Vec<q::JSValue> = captured.iter().map(|v| v.raw()).collect();
        let count = data.len() as c_int;
        // SAFETY: QuickJS takes its own references to the captured values.
        unsafe {
            let raw = q::JS_NewCFunctionData(
                self.raw(),
                Some(capturing::<F>),
                arity,
                count,
                count,
                data.as_mut_ptr(),
            );
            Value::from_raw(self, raw)
        }
    }
}

impl Value {
    /// Adds a method (a hidden property, as built-in methods are).
    pub fn method<F: Fn(&Call<'_>) -> JsResult + Copy>(&self, name: &str, arity: i32, f: F) -> JsResult<()> {
        self.define_hidden(name, &self.ctx().function(name, arity, f))
    }

    /// Adds an own, enumerable function, as on a module's exports.
    pub fn export<F: Fn(&Call<'_>) -> JsResult + Copy>(&self, name: &str, arity: i32, f: F) -> JsResult<()> {
        self.define(name, &self.ctx().function(name, arity, f))
    }

    /// Adds a read-only accessor.
    pub fn accessor<F: Fn(&Call<'_>) -> JsResult + Copy>(&self, name: &str, f: F) -> JsResult<()> {
        let ctx = self.ctx();
        self.define_accessor(name, ctx.getter(name, f), ctx.undefined())
    }
}
