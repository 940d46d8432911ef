//! Compiling source to bytecode once, so that each virtual user only reads it.

use std::ffi::CString;

use rquickjs_sys as q;

use crate::{Ctx, JsResult, Thrown, Value};

/// The bytecode of a module or of a script, without its source but with its line numbers.
#[derive(Clone)]
pub struct Compiled {
    bytes: std::sync::Arc<[u8]>,
}

impl Compiled {
    /// Its size in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }
    /// Never true: even an empty module has bytecode.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl Ctx {
    fn compile(self, source: &str, name: &str, kind: u32) -> JsResult<Compiled> {
        let name = CString::new(name).unwrap_or_default();
        let length = source.len();
        // QuickJS wants the byte after the source to be a NUL.
        let mut text = Vec::with_capacity(length + 1);
        text.extend_from_slice(source.as_bytes());
        text.push(0);
        let flags = kind | q::JS_EVAL_FLAG_COMPILE_ONLY;
        // SAFETY: text and name are NUL-terminated and outlive the call; the written object is copied and freed
        // with the engine's own allocator.
        unsafe {
            let ctx = self.raw();
            let code =
                q::JS_Eval(ctx, text.as_ptr().cast(), length as q::size_t, name.as_ptr(), flags as i32);
            let code = Value::checked(self, code)?;
            let mut size: q::size_t = 0;
            let flags = q::JS_WRITE_OBJ_BYTECODE | q::JS_WRITE_OBJ_STRIP_SOURCE;
            let bytes = q::JS_WriteObject(ctx, &raw mut size, code.raw(), flags as i32);
            if bytes.is_null() {
                return Err(Thrown::Pending);
            }
            let compiled = Compiled { bytes: std::slice::from_raw_parts(bytes, size as usize).into() };
            q::js_free(ctx, bytes.cast());
            Ok(compiled)
        }
    }

    /// Compiles an ES module; `name` is what stack traces and relative imports see. The name stays registered with
    /// this context: compile in a runtime of its own, not in the one that will run the module. QuickJS asks that
    /// runtime's resolver for every import at once, which is how a host learns what a module imports.
    pub fn compile_module(self, source: &str, name: &str) -> JsResult<Compiled> {
        self.compile(source, name, q::JS_EVAL_TYPE_MODULE)
    }

    /// Compiles a classic script (sloppy mode); running it gives its completion value.
    pub fn compile_script(self, source: &str, name: &str) -> JsResult<Compiled> {
        self.compile(source, name, q::JS_EVAL_TYPE_GLOBAL)
    }

    /// # Errors
    /// When the bytecode is not of this engine's version.
    pub(crate) fn read(self, code: &Compiled) -> JsResult {
        // SAFETY: pointer and length describe the bytes, which JS_WriteObject of this very engine made.
        let raw = unsafe {
            q::JS_ReadObject(
                self.raw(),
                code.bytes.as_ptr(),
                code.bytes.len() as q::size_t,
                q::JS_READ_OBJ_BYTECODE as i32,
            )
        };
        Value::checked(self, raw)
    }

    /// Runs a compiled script and returns its completion value.
    pub fn run_script(self, code: &Compiled) -> JsResult {
        let function = self.read(code)?;
        self.forget_noted_stack();
        // SAFETY: JS_EvalFunction takes over the reference.
        Value::checked(self, unsafe { q::JS_EvalFunction(self.raw(), function.into_raw()) })
    }
}
