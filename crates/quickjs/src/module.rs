//! Modules: the host resolves specifiers and supplies bytecode or ready-made exports.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

use rquickjs_sys as q;

use crate::{Atom, Compiled, Ctx, JsResult, Thrown, Value};

/// What the host gives for a module name.
pub enum ModuleSource {
    /// An ES module's bytecode.
    Code(Compiled),
    /// The exports of a module that is not an ES module: each name becomes a named export, with the value the object
    /// has now, and `default` is the second value.
    Exports {
        /// The named exports.
        names: Vec<String>,
        /// Where their values are read from.
        exports: Value,
        /// The default export.
        default: Value,
    },
}

/// The host's side of module loading.
pub trait Resolver {
    /// The absolute name of what `base` imports as `specifier`.
    fn resolve(&self, ctx: Ctx, base: &str, specifier: &str) -> JsResult<String>;
    /// The module of this absolute name.
    fn load(&self, ctx: Ctx, name: &str) -> JsResult<ModuleSource>;
    /// Fills `import.meta` of a module.
    fn meta(&self, ctx: Ctx, name: &str, meta: &Value) -> JsResult<()>;
}

/// A module of this runtime; modules live as long as the context.
#[derive(Clone, Copy)]
pub struct ModuleHandle {
    ctx: Ctx,
    raw: *mut q::JSModuleDef,
}

pub(crate) unsafe fn install(rt: *mut q::JSRuntime, inner: *mut c_void) {
    // SAFETY: both hooks match the types QuickJS declares; `inner` outlives the runtime.
    unsafe { q::JS_SetModuleLoaderFunc(rt, Some(normalize), Some(load), inner) }
}

unsafe fn text<'a>(raw: *const c_char) -> std::borrow::Cow<'a, str> {
    // SAFETY: QuickJS passes NUL-terminated names that live for the call.
    unsafe { CStr::from_ptr(raw).to_string_lossy() }
}

unsafe extern "C" fn normalize(
    _: *mut q::JSContext,
    base: *const c_char,
    specifier: *const c_char,
    opaque: *mut c_void,
) -> *mut c_char {
    // SAFETY: `opaque` is the Inner given to `install`; the result is allocated as QuickJS frees it.
    unsafe {
        let ctx = Ctx::from_inner(opaque);
        let (base, specifier) = (text(base), text(specifier));
        let name = ctx
            .resolver()
            .ok_or_else(|| Thrown::error(format!("cannot import {specifier:?} here")))
            .and_then(|resolver| resolver.resolve(ctx, &base, &specifier));
        match name {
            Ok(name) => q::js_strndup(ctx.raw(), name.as_ptr().cast(), name.len() as q::size_t),
            Err(thrown) => {
                ctx.raise(thrown);
                std::ptr::null_mut()
            }
        }
    }
}

unsafe extern "C" fn load(
    _: *mut q::JSContext,
    name: *const c_char,
    opaque: *mut c_void,
) -> *mut q::JSModuleDef {
    // SAFETY: as above.
    unsafe {
        let ctx = Ctx::from_inner(opaque);
        let name = text(name);
        let module = match ctx.resolver() {
            Some(resolver) => resolver.load(ctx, &name).and_then(|source| ctx.define_module(&name, source)),
            None => Err(Thrown::error(format!("cannot import {name:?} here"))),
        };
        match module {
            Ok(module) => module.raw,
            Err(thrown) => {
                ctx.raise(thrown);
                std::ptr::null_mut()
            }
        }
    }
}

/// Hands the values kept with a ready-made module to its exports.
unsafe extern "C" fn fill_exports(raw: *mut q::JSContext, module: *mut q::JSModuleDef) -> c_int {
    // SAFETY: called by QuickJS when the module is instantiated, in a context of ours; the private value was set by
    // `define_module`.
    unsafe {
        let ctx = Ctx::from_raw(raw);
        let kept = Value::from_raw(ctx, q::JS_GetModulePrivateValue(raw, module));
        let fill = || -> JsResult<()> {
            let (exports, default) = (kept.get("exports")?, kept.get("default")?);
            for name in kept.get("names")?.elements()? {
                let name = name.to_text()?;
                let value = if name == "default" { default.clone() } else { exports.get(&name)? };
                let name = CString::new(name).unwrap_or_default();
                if q::JS_SetModuleExport(raw, module, name.as_ptr(), value.into_raw()) < 0 {
                    return Err(Thrown::Pending);
                }
            }
            Ok(())
        };
        let filled = fill();
        // It has served; the names in it are worth a kilobyte.
        q::JS_SetModulePrivateValue(raw, module, q::JS_UNDEFINED);
        match filled {
            Ok(()) => 0,
            Err(thrown) => {
                ctx.raise(thrown);
                -1
            }
        }
    }
}

impl Ctx {
    fn define_module(self, name: &str, source: ModuleSource) -> JsResult<ModuleHandle> {
        match source {
            ModuleSource::Code(code) => {
                let value = self.read(&code)?;
                // SAFETY: module bytecode reads as a module value; the context keeps the module alive after the
                // value is gone.
                let raw = unsafe { q::JSValue::module_pointer(&value) };
                let module = ModuleHandle { ctx: self, raw };
                module.fill_meta(name)?;
                Ok(module)
            }
            ModuleSource::Exports { mut names, exports, default } => {
                names.retain(|n| n != "default" && !n.contains('\0'));
                names.push("default".into());
                let c_name = CString::new(name).unwrap_or_default();
                // SAFETY: the names are copied; the private value takes over its reference.
                unsafe {
                    let raw = q::JS_NewCModule(self.raw(), c_name.as_ptr(), Some(fill_exports));
                    if raw.is_null() {
                        return Err(Thrown::Pending);
                    }
                    for export in &names {
                        let export = CString::new(export.as_str()).unwrap_or_default();
                        q::JS_AddModuleExport(self.raw(), raw, export.as_ptr());
                    }
                    let kept = self.object();
                    kept.set("exports", &exports)?;
                    kept.set("default", &default)?;
                    kept.set("names", &self.array(names.iter().map(|n| self.string(n))))?;
                    q::JS_SetModulePrivateValue(self.raw(), raw, kept.into_raw());
                    Ok(ModuleHandle { ctx: self, raw })
                }
            }
        }
    }

    /// The name of the script or module whose function called all others that are running, below any host function.
    pub fn outermost_script(self) -> Option<String> {
        /// Frames are numbered from the innermost; deeper ones than this are not looked at.
        const DEEPEST: c_int = 200;
        let mut outermost = None;
        for level in 0..DEEPEST {
            // SAFETY: the context is alive; an atom is handed over (none for host functions and beyond the last frame).
            let atom = unsafe { q::JS_GetScriptOrModuleName(self.raw(), level) };
            if atom != q::JS_ATOM_NULL {
                outermost = Some(Atom::from_raw(self, atom));
            }
        }
        outermost.and_then(|name| name.to_text().ok())
    }

    /// Instantiates and evaluates an ES module and all it imports. The value is the promise of its evaluation (top-level
    /// await): run jobs until it settles.
    pub fn evaluate_module(self, name: &str, code: &Compiled) -> JsResult<(ModuleHandle, Value)> {
        let value = self.read(code)?;
        // SAFETY: module bytecode reads as a module value; JS_EvalFunction takes over the reference.
        unsafe {
            let module = ModuleHandle { ctx: self, raw: q::JSValue::module_pointer(&value) };
            module.fill_meta(name)?;
            if q::JS_ResolveModule(self.raw(), value.raw()) < 0 {
                return Err(Thrown::Pending);
            }
            // Loading what it imports may have made errors that nobody saw.
            self.forget_noted_stack();
            let promise = Value::checked(self, q::JS_EvalFunction(self.raw(), value.into_raw()))?;
            Ok((module, promise))
        }
    }
}

trait ModulePointer {
    unsafe fn module_pointer(value: &Value) -> *mut q::JSModuleDef;
}
impl ModulePointer for q::JSValue {
    unsafe fn module_pointer(value: &Value) -> *mut q::JSModuleDef {
        // SAFETY: the caller knows that the value is a module.
        unsafe { q::JS_VALUE_GET_PTR(value.raw()).cast() }
    }
}

impl ModuleHandle {
    fn fill_meta(self, name: &str) -> JsResult<()> {
        let Some(resolver) = self.ctx.resolver() else { return Ok(()) };
        // SAFETY: the module is alive with its context; a reference is handed over.
        let meta = unsafe { q::JS_GetImportMeta(self.ctx.raw(), self.raw) };
        resolver.meta(self.ctx, name, &Value::checked(self.ctx, meta)?)
    }

    /// The namespace object with the module's exports.
    pub fn namespace(self) -> JsResult {
        // SAFETY: the module is alive with its context.
        Value::checked(self.ctx, unsafe { q::JS_GetModuleNamespace(self.ctx.raw(), self.raw) })
    }
}
