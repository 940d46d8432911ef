//! The built-in objects of a context: those every script needs at once, the rest when a script first names them.
//!
//! Typed arrays, maps, sets, dates and proxies are 25 KB a virtual user, and most scripts use none or one of them. The
//! global object therefore has a prototype of its own, between it and `Object.prototype`: the engine asks it only for
//! globals that do not exist, and it makes the group that the name belongs to. From then on they are ordinary globals.
//!
//! What goja, k6's engine, does not have (observed on k6 1.1: `WeakRef`, `SharedArrayBuffer`, `Atomics`, `performance`,
//! `atob`, `DOMException`, `Float16Array`) is not there at all: libraries look for these names and bring their own.

use std::cell::{Cell, RefCell};
use std::ffi::c_int;

use rquickjs_sys as q;

use crate::date::Dates;
use crate::{Atom, Ctx, JsResult, Thrown};

/// Built-in objects that are made together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    TypedArrays,
    Collections,
    Date,
    Proxy,
}

const NAMES: &[(&str, Group)] = &[
    ("ArrayBuffer", Group::TypedArrays),
    ("DataView", Group::TypedArrays),
    ("Uint8Array", Group::TypedArrays),
    ("Uint8ClampedArray", Group::TypedArrays),
    ("Int8Array", Group::TypedArrays),
    ("Uint16Array", Group::TypedArrays),
    ("Int16Array", Group::TypedArrays),
    ("Uint32Array", Group::TypedArrays),
    ("Int32Array", Group::TypedArrays),
    ("Float32Array", Group::TypedArrays),
    ("Float64Array", Group::TypedArrays),
    ("BigInt64Array", Group::TypedArrays),
    ("BigUint64Array", Group::TypedArrays),
    ("Map", Group::Collections),
    ("Set", Group::Collections),
    ("WeakMap", Group::Collections),
    ("WeakSet", Group::Collections),
    ("Date", Group::Date),
    ("Proxy", Group::Proxy),
];

/// What comes with a group and is not in k6.
const UNWANTED: &[&str] = &["SharedArrayBuffer", "Atomics", "Float16Array"];

/// Which groups a context has, and the names by which scripts ask for them.
#[derive(Default)]
pub(crate) struct Intrinsics {
    made: Cell<u8>,
    names: RefCell<Vec<(Atom, Group)>>,
    dates: RefCell<Option<Dates>>,
}

impl Intrinsics {
    /// Lets go of the names and objects; called while the runtime still lives.
    pub(crate) fn forget(&self) {
        drop(self.names.take());
        drop(self.dates.take());
    }

    fn has(&self, group: Group) -> bool {
        self.made.get() & (1 << group as u8) != 0
    }
}

/// A context with what every script needs; null when there is no memory.
///
/// # Safety
/// `rt` must be a live runtime.
pub(crate) unsafe fn new_context(rt: *mut q::JSRuntime) -> *mut q::JSContext {
    // SAFETY: the runtime is alive; a context that is not complete is freed.
    unsafe {
        let ctx = q::JS_NewContextRaw(rt);
        if ctx.is_null() {
            return ctx;
        }
        let failed = q::JS_AddIntrinsicBaseObjects(ctx) != 0
            || q::JS_AddIntrinsicEval(ctx) != 0
            || q::JS_AddIntrinsicRegExp(ctx) != 0
            || q::JS_AddIntrinsicJSON(ctx) != 0
            || q::JS_AddIntrinsicPromise(ctx) != 0;
        if failed {
            q::JS_FreeContext(ctx);
            return std::ptr::null_mut();
        }
        ctx
    }
}

/// Engine-wide: QuickJS keeps the pointer.
static LOOKUP: q::JSClassExoticMethods = q::JSClassExoticMethods {
    get_own_property: Some(look_up),
    get_own_property_names: None,
    delete_property: None,
    define_own_property: None,
    has_property: None,
    get_property: None,
    set_property: None,
};

unsafe extern "C" fn look_up(
    ctx: *mut q::JSContext,
    desc: *mut q::JSPropertyDescriptor,
    _: q::JSValue,
    name: q::JSAtom,
) -> c_int {
    // SAFETY: called by QuickJS in a context of ours.
    let ctx = unsafe { Ctx::from_raw(ctx) };
    let intrinsics = &ctx.inner().intrinsics;
    let found =
        intrinsics.names.borrow().iter().find(|(known, _)| known.raw() == name).map(|(_, group)| *group);
    let Some(group) = found.filter(|group| !intrinsics.has(*group)) else { return 0 };
    if ctx.make(group).is_err() {
        return -1;
    }
    if desc.is_null() {
        return 1;
    }
    // SAFETY: the global exists now; the descriptor takes over the reference.
    unsafe {
        let global = ctx.globals();
        let value = q::JS_GetProperty(ctx.raw(), global.raw(), name);
        if q::JS_IsException(value) {
            return -1;
        }
        (*desc).flags = (q::JS_PROP_CONFIGURABLE | q::JS_PROP_WRITABLE) as c_int;
        (*desc).value = value;
        (*desc).getter = q::JS_UNDEFINED;
        (*desc).setter = q::JS_UNDEFINED;
    }
    1
}

impl Ctx {
    /// Puts the lookup behind the global object.
    pub(crate) fn install_lazy_intrinsics(self) -> JsResult<()> {
        *self.inner().intrinsics.names.borrow_mut() =
            NAMES.iter().map(|(name, group)| (self.atom(name), *group)).collect();
        let mut id = 0;
        // SAFETY: the definition is copied, the table it points to is static; Object.prototype is the prototype of a
        // new object, whose references are handed over or borrowed as each function says.
        unsafe {
            q::JS_NewClassID(self.rt(), &raw mut id);
            let def = q::JSClassDef {
                class_name: c"Object".as_ptr(),
                finalizer: None,
                gc_mark: None,
                call: None,
                exotic: (&raw const LOOKUP).cast_mut(),
            };
            if q::JS_NewClass(self.rt(), id, &raw const def) < 0 {
                return Err(Thrown::Pending);
            }
            let object_prototype = self.globals().get("Object")?.get("prototype")?;
            q::JS_SetClassProto(self.raw(), id, object_prototype.into_raw());
            let lookup = crate::Value::checked(self, q::JS_NewObjectClass(self.raw(), id as c_int as _))?;
            self.globals().set_prototype(&lookup)
        }
    }

    /// Makes a group if the context does not have it; for host functions that make such objects.
    pub(crate) fn need(self, group: Group) {
        if !self.inner().intrinsics.has(group) && self.make(group).is_err() {
            self.drop_exception();
        }
    }

    fn make(self, group: Group) -> JsResult<()> {
        let intrinsics = &self.inner().intrinsics;
        // Before it is made: defining the globals looks them up.
        intrinsics.made.set(intrinsics.made.get() | (1 << group as u8));
        // SAFETY: the context is alive and does not have these objects yet.
        let failed = unsafe {
            match group {
                Group::TypedArrays => q::JS_AddIntrinsicTypedArrays(self.raw()),
                Group::Collections => q::JS_AddIntrinsicMapSet(self.raw()),
                Group::Date => q::JS_AddIntrinsicDate(self.raw()),
                Group::Proxy => q::JS_AddIntrinsicProxy(self.raw()),
            }
        };
        if failed != 0 {
            return Err(Thrown::Pending);
        }
        match group {
            Group::TypedArrays => UNWANTED.iter().try_for_each(|name| self.globals().delete(name)),
            Group::Date => {
                *intrinsics.dates.borrow_mut() = Some(self.install_date_texts()?);
                Ok(())
            }
            Group::Collections | Group::Proxy => Ok(()),
        }
    }

    /// What the texts of dates stand on.
    pub(crate) fn dates(self) -> JsResult<Dates> {
        let dates = self.inner().intrinsics.dates.borrow().clone();
        dates.ok_or_else(|| Thrown::error("there was no memory to make Date"))
    }
}
