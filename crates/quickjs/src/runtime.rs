//! One runtime with one context: the world of one virtual user.

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::ptr::NonNull;
use std::rc::Rc;

use rquickjs_sys as q;

use crate::intrinsics::{self, Intrinsics};
use crate::trace::Traces;
use crate::{Atom, Exception, Kind, Rejection, Resolver, Thrown, Value, alloc};

/// Limits of a runtime.
#[derive(Debug, Clone, Copy)]
pub struct RuntimeConfig {
    /// Bytes the script may hold; 0 is unlimited.
    pub memory_limit: usize,
    /// Bytes of stack the script may use; must leave room on the coroutine's stack for host frames.
    pub stack_limit: usize,
}

/// What the engine is told from its interrupt hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// Go on.
    Continue,
    /// End the script with an error that it cannot catch.
    Stop,
}

/// Bytes held by a runtime.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemoryUse {
    /// Bytes allocated, with the allocator's overhead.
    pub allocated: i64,
}

pub(crate) type InterruptHook = Box<dyn Fn() -> Interrupt>;

pub(crate) struct Inner {
    pub(crate) rt: *mut q::JSRuntime,
    pub(crate) ctx: *mut q::JSContext,
    pub(crate) classes: RefCell<Vec<crate::class::Registered>>,
    host: RefCell<Option<Rc<dyn Any>>>,
    resolver: RefCell<Option<Rc<dyn Resolver>>>,
    interrupt: RefCell<Option<InterruptHook>>,
    /// Rejected promises that have no handler yet, oldest first.
    rejections: RefCell<Vec<(Value, Rejection)>>,
    /// The last of them that was handled: what handles it often only passes it on.
    pub(crate) handled: RefCell<Option<Rejection>>,
    /// Set when the interrupt hook said stop, so that the host can tell it from an ordinary throw.
    pub(crate) stopped: Cell<bool>,
    pub(crate) intrinsics: Intrinsics,
    pub(crate) traces: Traces,
}

/// A handle to the context, valid while its [`Runtime`] lives (see the crate's invariant).
#[derive(Clone, Copy)]
pub struct Ctx(NonNull<Inner>);

/// Owns a QuickJS runtime and its only context.
pub struct Runtime {
    ctx: Ctx,
}

unsafe extern "C" fn on_interrupt(_rt: *mut q::JSRuntime, opaque: *mut c_void) -> c_int {
    // SAFETY: `opaque` is the Inner that Runtime::new registered and that outlives the runtime.
    let inner = unsafe { &*opaque.cast::<Inner>() };
    let Ok(hook) = inner.interrupt.try_borrow() else { return 0 };
    match hook.as_ref().map_or(Interrupt::Continue, |hook| hook()) {
        Interrupt::Continue => 0,
        Interrupt::Stop => {
            inner.stopped.set(true);
            1
        }
    }
}

unsafe extern "C" fn on_rejection(
    _: *mut q::JSContext,
    promise: q::JSValue,
    reason: q::JSValue,
    is_handled: bool,
    opaque: *mut c_void,
) {
    // SAFETY: `opaque` is the Inner that Runtime::new registered; the values are alive during the call.
    unsafe {
        let ctx = Ctx::from_inner(opaque);
        let promise = Value::borrowed(ctx, promise);
        if is_handled {
            let mut rejections = ctx.inner().rejections.borrow_mut();
            let found = rejections.iter().position(|(p, _)| p.same(&promise));
            let handled = found.map(|i| rejections.remove(i));
            drop(rejections);
            let handled = handled.map(|(_, rejection)| rejection).filter(|r| !r.reason.is_error());
            drop(ctx.inner().handled.replace(handled));
        } else {
            let rejection = ctx.rejected(Value::borrowed(ctx, reason));
            ctx.inner().rejections.borrow_mut().push((promise, rejection));
        }
    }
}

impl Runtime {
    /// Makes a runtime on the *current* stack: create it inside the coroutine that will run it, because
    /// QuickJS measures its stack limit from here.
    ///
    /// # Errors
    /// When memory for the context cannot be had.
    pub fn new(config: &RuntimeConfig) -> Result<Self, Exception> {
        let out_of_memory =
            || Exception { message: "out of memory creating a virtual user".into(), ..Exception::default() };
        // SAFETY: the hooks are valid for the life of the process; null results are checked; Inner is boxed
        // and freed only after the runtime.
        unsafe {
            let (functions, slabs) = alloc::functions();
            let rt = q::JS_NewRuntime2(&raw const functions, slabs);
            if rt.is_null() {
                return Err(out_of_memory());
            }
            if config.memory_limit > 0 {
                q::JS_SetMemoryLimit(rt, config.memory_limit as q::size_t);
            }
            q::JS_UpdateStackTop(rt);
            q::JS_SetMaxStackSize(rt, config.stack_limit as q::size_t);
            let ctx = intrinsics::new_context(rt);
            if ctx.is_null() {
                q::JS_FreeRuntime(rt);
                return Err(out_of_memory());
            }
            let inner = Box::new(Inner {
                rt,
                ctx,
                classes: RefCell::default(),
                host: RefCell::default(),
                resolver: RefCell::default(),
                interrupt: RefCell::default(),
                rejections: RefCell::default(),
                handled: RefCell::default(),
                stopped: Cell::new(false),
                intrinsics: Intrinsics::default(),
                traces: Traces::default(),
            });
            let inner = NonNull::from(Box::leak(inner));
            q::JS_SetContextOpaque(ctx, inner.as_ptr().cast());
            q::JS_SetInterruptHandler(rt, Some(on_interrupt), inner.as_ptr().cast());
            q::JS_SetHostPromiseRejectionTracker(rt, Some(on_rejection), inner.as_ptr().cast());
            crate::module::install(rt, inner.as_ptr().cast());
            let runtime = Self { ctx: Ctx(inner) };
            runtime.ctx.install_lazy_intrinsics().map_err(|_| out_of_memory())?;
            Ok(runtime)
        }
    }

    /// The context.
    pub fn ctx(&self) -> Ctx {
        self.ctx
    }

    /// Gives the script's modules a resolver.
    pub fn set_resolver(&self, resolver: Rc<dyn Resolver>) {
        *self.ctx.inner().resolver.borrow_mut() = Some(resolver);
    }

    /// Installs the hook that is asked every few thousand steps whether the script may go on. It may
    /// suspend the coroutine.
    pub fn set_interrupt(&self, hook: impl Fn() -> Interrupt + 'static) {
        *self.ctx.inner().interrupt.borrow_mut() = Some(Box::new(hook));
    }

    /// Keeps the host's own state with the context; [`Ctx::host`] finds it again.
    pub fn set_host<T: 'static>(&self, host: Rc<T>) {
        *self.ctx.inner().host.borrow_mut() = Some(host);
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let inner = self.ctx.0;
        // SAFETY: nothing uses the context after its runtime (crate invariant). Host state goes first since
        // it may hold values; Inner goes last since finalisers read it.
        unsafe {
            drop(inner.as_ref().host.take());
            drop(inner.as_ref().resolver.take());
            *inner.as_ref().interrupt.borrow_mut() = None;
            drop(inner.as_ref().rejections.take());
            drop(inner.as_ref().handled.take());
            inner.as_ref().intrinsics.forget();
            inner.as_ref().traces.forget();
            for class in inner.as_ref().classes.take() {
                class.free(inner.as_ref().rt);
            }
            q::JS_FreeContext(inner.as_ref().ctx);
            q::JS_FreeRuntime(inner.as_ref().rt);
            drop(Box::from_raw(inner.as_ptr()));
        }
    }
}

impl Ctx {
    /// # Safety
    /// `ctx` must be a context made by [`Runtime::new`].
    pub(crate) unsafe fn from_raw(ctx: *mut q::JSContext) -> Self {
        // SAFETY: Runtime::new stored the Inner there.
        unsafe { Self(NonNull::new_unchecked(q::JS_GetContextOpaque(ctx).cast())) }
    }

    /// # Safety
    /// `inner` must come from [`Runtime::new`].
    pub(crate) unsafe fn from_inner(inner: *mut c_void) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self(NonNull::new_unchecked(inner.cast())) }
    }

    pub(crate) fn inner(&self) -> &Inner {
        // SAFETY: the runtime is alive (crate invariant).
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn raw(self) -> *mut q::JSContext {
        self.inner().ctx
    }

    pub(crate) fn rt(self) -> *mut q::JSRuntime {
        self.inner().rt
    }

    pub(crate) fn resolver(self) -> Option<Rc<dyn Resolver>> {
        self.inner().resolver.borrow().clone()
    }

    /// The host's state, as [`Runtime::set_host`] stored it.
    ///
    /// # Panics
    /// When none of this type was set: a host programming error.
    pub fn host<T: 'static>(&self) -> &T {
        let host = self.inner().host.borrow();
        let any: &dyn Any = &**host.as_ref().expect("host state is set before any script runs");
        let found: &T = any.downcast_ref().expect("host state has one type");
        // SAFETY: the Rc in `host` is replaced only by set_host (once, before scripts run) and dropped with
        // the runtime, which outlives every use of the context.
        unsafe { &*std::ptr::from_ref(found) }
    }

    /// Whether the interrupt hook ended the script, and forgets it.
    pub fn take_stopped(self) -> bool {
        self.inner().stopped.replace(false)
    }

    /// The global object.
    pub fn globals(self) -> Value {
        // SAFETY: hands over a reference.
        unsafe { Value::from_raw(self, q::JS_GetGlobalObject(self.raw())) }
    }

    /// Interns a property name.
    pub fn atom(self, name: &str) -> Atom {
        // SAFETY: pointer and length describe `name`.
        let raw = unsafe { q::JS_NewAtomLen(self.raw(), name.as_ptr().cast(), name.len() as q::size_t) };
        Atom::from_raw(self, raw)
    }

    /// Runs the jobs (promise reactions) that are queued now, until none is left.
    ///
    /// # Errors
    /// The exception of the first job that threw; the rest stays queued.
    pub fn run_jobs(self) -> Result<(), Thrown> {
        loop {
            let mut at = std::ptr::null_mut();
            // SAFETY: both pointers are valid.
            match unsafe { q::JS_ExecutePendingJob(self.rt(), &raw mut at) } {
                0 => return Ok(()),
                n if n < 0 => return Err(Thrown::Pending),
                _ => {}
            }
        }
    }

    /// Whether a promise reaction waits to run.
    pub fn has_jobs(self) -> bool {
        // SAFETY: the runtime is alive.
        unsafe { q::JS_IsJobPending(self.rt()) }
    }

    /// The oldest rejection that nobody handled so far; all are forgotten.
    pub fn take_unhandled_rejection(self) -> Option<Rejection> {
        if self.inner().rejections.borrow().is_empty() {
            return None;
        }
        let rejections = self.inner().rejections.take();
        rejections.into_iter().next().map(|(_, rejection)| rejection)
    }

    /// A rejection for this reason that was handled a moment ago, forgotten now.
    pub(crate) fn take_handled(self, reason: &Value) -> Option<Rejection> {
        self.inner().handled.take().filter(|handled| handled.reason.same(reason))
    }

    /// Runs the garbage collector for cycles.
    pub fn collect(self) {
        // SAFETY: the runtime is alive.
        unsafe { q::JS_RunGC(self.rt()) }
    }

    /// Bytes held.
    pub fn memory(self) -> MemoryUse {
        // SAFETY: the struct is plain integers, filled by the call.
        unsafe {
            let mut usage: q::JSMemoryUsage = std::mem::zeroed();
            q::JS_ComputeMemoryUsage(self.rt(), &raw mut usage);
            MemoryUse { allocated: usage.malloc_size }
        }
    }

    /// What is held, by kind, for whoever looks for memory: a line each.
    #[doc(hidden)]
    pub fn memory_report(self) -> String {
        // SAFETY: the struct is plain integers, filled by the call.
        let usage = unsafe {
            let mut usage: q::JSMemoryUsage = std::mem::zeroed();
            q::JS_ComputeMemoryUsage(self.rt(), &raw mut usage);
            usage
        };
        format!("{usage:#?}")
    }

    /// How many bytes the script holds and how many it may, if there is a limit. Walks the whole heap.
    pub(crate) fn memory_and_limit(self) -> Option<(u64, u64)> {
        // SAFETY: the struct is plain integers, filled by the call.
        let usage = unsafe {
            let mut usage: q::JSMemoryUsage = std::mem::zeroed();
            q::JS_ComputeMemoryUsage(self.rt(), &raw mut usage);
            usage
        };
        let limit = u64::try_from(usage.malloc_limit).ok().filter(|limit| *limit > 0)?;
        Some((u64::try_from(usage.malloc_size).unwrap_or_default(), limit))
    }

    pub(crate) fn class_of<T: 'static>(self) -> Option<crate::class::ClassRef> {
        let id = TypeId::of::<T>();
        self.inner().classes.borrow().iter().find(|c| c.type_id == id).map(crate::class::Registered::as_ref)
    }

    /// A plain error as `Thrown`, for hosts that want the value of a kind.
    pub fn thrown(self, kind: Kind, message: &str) -> Thrown {
        Thrown::Value(self.new_error(kind, message))
    }
}
