//! Host objects: a Rust value behind a script object, with properties that are made when first read.

use std::any::TypeId;
use std::ffi::{CString, c_int};

use rquickjs_sys as q;

use crate::call::guard;
use crate::{Ctx, JsResult, Thrown, Value};

/// A Rust type that scripts hold as an object. Its methods take `&self`; state that changes sits in cells.
///
/// A host object must not own [`Value`]s that lead back to it: such a cycle is freed only with the runtime.
pub trait Class: Sized + 'static {
    /// The class name, as `Object.prototype.toString` shows it.
    const NAME: &'static str;

    /// Own enumerable properties that are made on first access, in order; see [`Lazy`].
    const LAZY: Option<Lazy<Self>> = None;

    /// Fills the prototype with methods; runs once a runtime.
    fn prototype(proto: &Value) -> JsResult<()>;
}

/// Properties that cost nothing until a script reads them: they appear as ordinary own properties and become so.
pub struct Lazy<T> {
    /// The names, in the order enumeration shows them.
    pub names: &'static [&'static str],
    /// Makes property number `index`.
    pub make: fn(ctx: Ctx, this: &T, index: usize) -> JsResult,
}

/// A class as one runtime knows it.
pub(crate) struct Registered {
    pub(crate) type_id: TypeId,
    id: q::JSClassID,
    /// Atoms of the lazy properties, each with one reference of ours.
    names: Vec<q::JSAtom>,
    /// QuickJS keeps pointers to these two.
    exotic: *mut q::JSClassExoticMethods,
    proto: q::JSValue,
}

#[derive(Clone, Copy)]
pub(crate) struct ClassRef {
    id: q::JSClassID,
}

impl Registered {
    pub(crate) fn as_ref(&self) -> ClassRef {
        ClassRef { id: self.id }
    }

    /// # Safety
    /// Called once, while the runtime lives.
    pub(crate) unsafe fn free(self, rt: *mut q::JSRuntime) {
        // SAFETY: we own these references. The exotic table stays: finalising the last objects may read it.
        unsafe {
            for atom in self.names {
                q::JS_FreeAtomRT(rt, atom);
            }
            q::JS_FreeValueRT(rt, self.proto);
            let _ = self.exotic;
        }
    }
}

unsafe extern "C" fn finalize<T: Class>(_rt: *mut q::JSRuntime, object: q::JSValue) {
    let mut id = 0;
    // SAFETY: the opaque pointer of an object of this class is null or the Box that `instance` leaked.
    unsafe {
        let opaque = q::JS_GetAnyOpaque(object, &raw mut id).cast::<T>();
        if !opaque.is_null() {
            drop(Box::from_raw(opaque));
        }
    }
}

/// Looks a lazy property up and, if the class has it, makes it an own property of the object.
unsafe extern "C" fn own_property<T: Class>(
    ctx: *mut q::JSContext,
    desc: *mut q::JSPropertyDescriptor,
    object: q::JSValue,
    name: q::JSAtom,
) -> c_int {
    // SAFETY: called by QuickJS for an object of this class, in a context of ours.
    unsafe {
        let ctx = Ctx::from_raw(ctx);
        let Some(lazy) = T::LAZY else { return 0 };
        let index = {
            let classes = ctx.inner().classes.borrow();
            let Some(class) = classes.iter().find(|c| c.type_id == TypeId::of::<T>()) else { return 0 };
            match class.names.iter().position(|atom| *atom == name) {
                Some(index) => index,
                None => return 0,
            }
        };
        let mut id = 0;
        let this = q::JS_GetAnyOpaque(object, &raw mut id).cast::<T>();
        if this.is_null() {
            return 0;
        }
        let made = guard(ctx, || (lazy.make)(ctx, &*this, index));
        if q::JS_IsException(made) {
            return -1;
        }
        let flags = q::JS_PROP_C_W_E as c_int;
        let kept = q::JS_DupValueRT(ctx.rt(), made);
        if q::JS_DefinePropertyValue(ctx.raw(), object, name, kept, flags) < 0 {
            q::JS_FreeValueRT(ctx.rt(), made);
            return -1;
        }
        if desc.is_null() {
            q::JS_FreeValueRT(ctx.rt(), made);
        } else {
            (*desc).flags = flags;
            (*desc).value = made;
            (*desc).getter = q::JS_UNDEFINED;
            (*desc).setter = q::JS_UNDEFINED;
        }
        1
    }
}

/// Lists the lazy properties that are not own properties yet.
unsafe extern "C" fn own_names<T: Class>(
    ctx: *mut q::JSContext,
    table: *mut *mut q::JSPropertyEnum,
    count: *mut u32,
    object: q::JSValue,
) -> c_int {
    // SAFETY: as above; the table is allocated with the engine's allocator, as QuickJS frees it.
    unsafe {
        let ctx = Ctx::from_raw(ctx);
        let names: Vec<q::JSAtom> = {
            let classes = ctx.inner().classes.borrow();
            classes
                .iter()
                .find(|c| c.type_id == TypeId::of::<T>())
                .map(|c| c.names.clone())
                .unwrap_or_default()
        };
        // Materialised ones stand in the object's own shape; listing them here too would double them.
        let mut own = std::ptr::null_mut();
        let mut own_count = 0u32;
        let class = q::JS_GetAnyOpaque(object, &mut 0);
        let mut present = Vec::new();
        if !class.is_null() {
            SHAPE_ONLY.with(|flag| flag.set(true));
            let done = q::JS_GetOwnPropertyNames(
                ctx.raw(),
                &raw mut own,
                &raw mut own_count,
                object,
                q::JS_GPN_STRING_MASK as c_int,
            );
            SHAPE_ONLY.with(|flag| flag.set(false));
            if done < 0 {
                return -1;
            }
            present.extend((0..own_count as usize).map(|i| (*own.add(i)).atom));
            q::JS_FreePropertyEnum(ctx.raw(), own, own_count);
        }
        let missing: Vec<_> = names.into_iter().filter(|n| !present.contains(n)).collect();
        let bytes = (missing.len().max(1) * size_of::<q::JSPropertyEnum>()) as q::size_t;
        let list = q::js_malloc(ctx.raw(), bytes).cast::<q::JSPropertyEnum>();
        if list.is_null() {
            return -1;
        }
        for (i, atom) in missing.iter().enumerate() {
            list.add(i)
                .write(q::JSPropertyEnum { is_enumerable: true, atom: q::JS_DupAtomRT(ctx.rt(), *atom) });
        }
        *table = list;
        *count = missing.len() as u32;
        0
    }
}

thread_local! {
    /// Set while `own_names` asks for the names in the object's shape, so that the inner call lists nothing.
    static SHAPE_ONLY: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

unsafe extern "C" fn own_names_guarded<T: Class>(
    ctx: *mut q::JSContext,
    table: *mut *mut q::JSPropertyEnum,
    count: *mut u32,
    object: q::JSValue,
) -> c_int {
    // SAFETY: as for `own_names`; an empty table is a null pointer with count 0.
    unsafe {
        if SHAPE_ONLY.with(std::cell::Cell::get) {
            *table = std::ptr::null_mut();
            *count = 0;
            return 0;
        }
        own_names::<T>(ctx, table, count, object)
    }
}

impl Ctx {
    fn register<T: Class>(self) -> JsResult<ClassRef> {
        if let Some(class) = self.class_of::<T>() {
            return Ok(class);
        }
        let name = CString::new(T::NAME).unwrap_or_default();
        let exotic = match T::LAZY {
            None => std::ptr::null_mut(),
            Some(_) => Box::into_raw(Box::new(q::JSClassExoticMethods {
                get_own_property: Some(own_property::<T>),
                get_own_property_names: Some(own_names_guarded::<T>),
                delete_property: None,
                define_own_property: None,
                has_property: None,
                get_property: None,
                set_property: None,
            })),
        };
        let proto = self.object();
        let mut id = 0;
        // SAFETY: QuickJS copies the definition and the name; `exotic` stays for the life of the process.
        unsafe {
            q::JS_NewClassID(self.rt(), &raw mut id);
            let def = q::JSClassDef {
                class_name: name.as_ptr(),
                finalizer: Some(finalize::<T>),
                gc_mark: None,
                call: None,
                exotic,
            };
            if q::JS_NewClass(self.rt(), id, &raw const def) < 0 {
                return Err(Thrown::Pending);
            }
            q::JS_SetClassProto(self.raw(), id, proto.clone().into_raw());
        }
        let names = T::LAZY.map_or(&[][..], |lazy| lazy.names);
        let names = names
            .iter()
            // SAFETY: pointer and length describe the name.
            .map(|n| unsafe { q::JS_NewAtomLen(self.raw(), n.as_ptr().cast(), n.len() as q::size_t) })
            .collect();
        self.inner().classes.borrow_mut().push(Registered {
            type_id: TypeId::of::<T>(),
            id,
            names,
            exotic,
            proto: proto.clone().into_raw(),
        });
        T::prototype(&proto)?;
        Ok(ClassRef { id })
    }

    /// A new script object that owns `value`.
    pub fn instance<T: Class>(self, value: T) -> JsResult {
        let class = self.register::<T>()?;
        // SAFETY: the class exists; the object takes the Box, which `finalize` frees.
        unsafe {
            let object = Value::checked(self, q::JS_NewObjectClass(self.raw(), class.id as c_int as _))?;
            q::JS_SetOpaque(object.raw(), Box::into_raw(Box::new(value)).cast());
            Ok(object)
        }
    }

    /// The prototype object of a class.
    pub fn prototype_of<T: Class>(self) -> JsResult {
        let class = self.register::<T>()?;
        // SAFETY: the class exists; a reference is handed over.
        unsafe { Ok(Value::from_raw(self, q::JS_GetClassProto(self.raw(), class.id))) }
    }

    /// A constructor function for a class: `new Name()` calls `f`, which returns an [`Ctx::instance`]; `instanceof`
    /// and `constructor` work.
    pub fn class_constructor<T: Class, F: Fn(&crate::Call<'_>) -> JsResult + Copy>(
        self,
        arity: i32,
        f: F,
    ) -> JsResult {
        let constructor = self.constructor(T::NAME, arity, f);
        let proto = self.prototype_of::<T>()?;
        // SAFETY: both are live objects.
        unsafe { q::JS_SetConstructor(self.raw(), constructor.raw(), proto.raw()) };
        Ok(constructor)
    }
}

impl Value {
    /// The Rust value behind the object, if it is one of class `T`.
    pub fn downcast<T: Class>(&self) -> Option<&T> {
        let class = self.ctx().class_of::<T>()?;
        // SAFETY: JS_GetOpaque checks the class; the Box lives as long as the object, which `self` keeps alive.
        unsafe { q::JS_GetOpaque(self.raw(), class.id).cast::<T>().as_ref() }
    }

    /// As [`Value::downcast`], with a `TypeError` that names what was expected.
    pub fn expect<T: Class>(&self) -> JsResult<&T> {
        self.downcast::<T>().ok_or_else(|| Thrown::type_error(format!("this is not a {}", T::NAME)))
    }
}
