//! Stacks of errors: what QuickJS keeps, and what a script reads as `stack`.
//!
//! The engine's text has one frame a line and no message. k6's begins with `Name: message` and names places in the user's
//! files. So the accessor on `Error.prototype` is replaced by one that has the host make such a text when a script first
//! asks, from then on an own property, as in goja; an error that nobody reads costs what it did. `Error.captureStackTrace`,
//! which k6 does not have and libraries use where it is, gives the same text.

use std::cell::RefCell;
use std::ffi::c_int;

use rquickjs_sys as q;

use crate::call::{guard, slice};
use crate::{Atom, Call, Ctx, JsResult, Thrown, Value};

/// Makes the text that scripts read, of `Name: message` and QuickJS's frames.
pub type StackText = fn(ctx: Ctx, title: &str, frames: &str) -> String;

/// What a context needs for it.
#[derive(Default)]
pub(crate) struct Traces(RefCell<Option<Installed>>);

struct Installed {
    text: StackText,
    /// The engine's own getter.
    getter: Value,
    prototype: Value,
    /// The name, a symbol, under which an object keeps frames that are not the engine's, once there is such an object.
    kept: Option<Atom>,
}

impl Traces {
    /// Lets go of the objects; called while the runtime still lives.
    pub(crate) fn forget(&self) {
        drop(self.0.take());
    }
}

/// `Error.captureStackTrace`, made when a script first names it. Engine-wide: QuickJS keeps the pointer.
struct Capture(q::JSCFunctionListEntry);
// SAFETY: it is only read.
unsafe impl Sync for Capture {}

static CAPTURE: Capture = Capture(q::JSCFunctionListEntry {
    name: c"captureStackTrace".as_ptr(),
    prop_flags: (q::JS_PROP_WRITABLE | q::JS_PROP_CONFIGURABLE) as u8,
    def_type: q::JS_DEF_CFUNC as u8,
    magic: 0,
    u: q::JSCFunctionListEntry__bindgen_ty_1 {
        func: q::JSCFunctionListEntry__bindgen_ty_1__bindgen_ty_1 {
            length: 2,
            cproto: q::JSCFunctionEnum_JS_CFUNC_generic as u8,
            cfunc: q::JSCFunctionType { generic: Some(capture) },
        },
    },
});

unsafe extern "C" fn capture(
    ctx: *mut q::JSContext,
    _: q::JSValue,
    argc: c_int,
    argv: *mut q::JSValue,
) -> q::JSValue {
    // SAFETY: QuickJS calls with a context of ours and as many arguments as it says.
    unsafe {
        let (ctx, args) = (Ctx::from_raw(ctx), slice(argv, argc));
        let arg = |i: usize| args.get(i).map_or_else(|| ctx.undefined(), |raw| Value::borrowed(ctx, *raw));
        guard(ctx, || ctx.capture_stack(&arg(0), &arg(1)))
    }
}

impl Ctx {
    /// Has `text` make what scripts read as `stack`.
    pub fn install_stacks(self, text: StackText) -> JsResult<()> {
        let error = self.globals().get("Error")?;
        let prototype = error.get("prototype")?;
        let getter = prototype.own_getter("stack")?;
        prototype.define_hidden_accessor(
            "stack",
            self.getter("stack", |call| call.ctx().read_stack(&call.this())),
            self.function("stack", 1, write_stack),
        )?;
        error.delete("captureStackTrace")?;
        // SAFETY: the object is alive and does not have the property; the entry is static.
        if unsafe { q::JS_SetPropertyFunctionList(self.raw(), error.raw(), &raw const CAPTURE.0, 1) } < 0 {
            return Err(Thrown::Pending);
        }
        *self.inner().traces.0.borrow_mut() = Some(Installed { text, getter, prototype, kept: None });
        Ok(())
    }

    /// Where the script is now, as QuickJS puts it; not a string when there was no memory.
    pub(crate) fn current_stack(self) -> Option<Value> {
        // SAFETY: hands over a reference.
        unsafe { Value::from_raw(self, q::JS_NewError(self.raw())) }.frames()
    }

    /// As text.
    pub fn stack_here(self) -> Option<String> {
        self.current_stack()?.to_text().map_err(|_| self.drop_exception()).ok()
    }

    fn read_stack(self, this: &Value) -> JsResult {
        // In goja the property is an error's own, so that what has an error as its prototype shows that one's.
        let found = this.along(|at| at.frames().map(|frames| (at.clone(), frames)))?;
        let Some((error, frames)) = found else { return Ok(self.undefined()) };
        let stack = match self.stack_text(&error, &frames)? {
            Some(text) => self.string(&text),
            None => frames,
        };
        // What is frozen is asked again each time.
        if error.define_hidden("stack", &stack).is_err() {
            self.drop_exception();
        }
        Ok(stack)
    }

    /// What a script reads for these frames; `None` for what a script's own `Error.prepareStackTrace` made.
    fn stack_text(self, of: &Value, frames: &Value) -> JsResult<Option<String>> {
        let frames = if frames.is_string() { frames.to_text()? } else { return Ok(None) };
        if !frames.is_empty() && !frames.starts_with("    at ") {
            return Ok(None);
        }
        let text = self.inner().traces.0.borrow().as_ref().map(|installed| installed.text);
        let Some(text) = text else { return Ok(None) };
        Ok(Some(text(self, &title(of)?, &frames)))
    }

    /// `Error.captureStackTrace(target, above)`: frames down to the one of `above` are left out. It is known by its name,
    /// as the engine's text shows no more.
    fn capture_stack(self, target: &Value, above: &Value) -> JsResult {
        if !target.is_object() {
            return Err(Thrown::type_error("not an object"));
        }
        let mut frames = self.current_stack().unwrap_or_else(|| self.undefined());
        if frames.is_string() {
            let name = if above.is_function() { above.get("name")?.to_text()? } else { String::new() };
            frames = frames.with_str(|text| self.string(below(text, &name)))?;
        }
        let prototype = self.inner().traces.0.borrow().as_ref().map(|installed| installed.prototype.clone());
        let is_prototype = |at: &Value| prototype.as_ref().is_some_and(|prototype| prototype.same(at));
        if is_prototype(target) {
            // All errors that have none of their own read theirs through it.
        } else if target.along(|at| is_prototype(at).then_some(()))?.is_some() {
            target.delete("stack")?;
            target.keep_frames(&frames)?;
        } else {
            let text = self.stack_text(target, &frames)?;
            target.define_hidden("stack", &text.map_or(frames, |text| self.string(&text)))?;
        }
        Ok(self.undefined())
    }
}

/// The frames below the innermost one of the function `name`; without such, below that of the host function that runs.
fn below<'a>(frames: &'a str, name: &str) -> &'a str {
    let after_line = |from: usize| frames[from..].find('\n').map_or(frames.len(), |end| from + end + 1);
    let own = after_line(0);
    let frame = format!("    at {name} (");
    if name.is_empty() {
        return &frames[own..];
    }
    let found = frames[own..].lines().position(|line| line.starts_with(&frame));
    let skipped = found.map_or(0, |lines| lines + 1);
    &frames[(0..skipped).fold(own, |at, _| after_line(at))..]
}

/// `Name: message`, as `Error.prototype.toString` has it, which a subclass may have replaced: goja asks the two.
fn title(of: &Value) -> JsResult<String> {
    let text = |property: &str, missing: &str| {
        let value = of.get(property)?;
        if value.is_undefined() { Ok(missing.to_owned()) } else { value.to_text() }
    };
    let (name, message) = (text("name", "Error")?, text("message", "")?);
    Ok(if name.is_empty() || message.is_empty() { name + &message } else { format!("{name}: {message}") })
}

/// `error.stack = …`: an ordinary property, as it is in goja.
fn write_stack(call: &Call<'_>) -> JsResult {
    let this = call.this();
    if !this.is_object() {
        return Err(Thrown::type_error("not an object"));
    }
    let is_prototype = |installed: &Installed| installed.prototype.same(&this);
    // There it would be in the way of all that have none of their own.
    if !call.ctx().inner().traces.0.borrow().as_ref().is_some_and(is_prototype) {
        this.define_hidden("stack", &call.arg(0))?;
    }
    Ok(call.ctx().undefined())
}

impl Value {
    /// The frames of an error as QuickJS has them (or what a script's `Error.prepareStackTrace` returned), whatever scripts
    /// read or wrote as its `stack`.
    pub(crate) fn frames(&self) -> Option<Value> {
        let ctx = self.ctx();
        let (getter, kept) = match &*ctx.inner().traces.0.borrow() {
            Some(installed) => (Some(installed.getter.clone()), installed.kept.clone()),
            None => (None, None),
        };
        let kept = kept.and_then(|kept| self.get_atom(&kept).map_err(|_| ctx.drop_exception()).ok());
        let kept = kept.filter(|kept| !kept.is_undefined());
        let frames = match (kept, getter) {
            (Some(kept), _) => Ok(kept),
            (None, Some(getter)) => getter.call(self, &[]),
            (None, None) => self.get("stack"),
        };
        frames.map_err(|_| ctx.drop_exception()).ok().filter(|frames| !frames.is_undefined())
    }

    /// Gives an error other frames than those of where it was made.
    pub fn keep_frames(&self, frames: &Value) -> JsResult<()> {
        let ctx = self.ctx();
        let known = ctx.inner().traces.0.borrow().as_ref().and_then(|installed| installed.kept.clone());
        let kept = if let Some(kept) = known {
            kept
        } else {
            // SAFETY: the description is a C string; a reference is handed over.
            let symbol =
                unsafe { Value::checked(ctx, q::JS_NewSymbol(ctx.raw(), c"stack".as_ptr(), false))? };
            let kept = symbol.to_atom()?;
            if let Some(installed) = &mut *ctx.inner().traces.0.borrow_mut() {
                installed.kept = Some(kept.clone());
            }
            kept
        };
        self.define_flags(&kept, frames.clone(), q::JS_PROP_CONFIGURABLE | q::JS_PROP_WRITABLE)
    }

    /// What `find` has for it or the first of its prototypes; not without end, which a proxy's can be.
    fn along<T>(&self, find: impl Fn(&Value) -> Option<T>) -> JsResult<Option<T>> {
        let (ctx, mut at) = (self.ctx(), self.clone());
        for _ in 0..100 {
            if !at.is_object() {
                break;
            }
            if let Some(found) = find(&at) {
                return Ok(Some(found));
            }
            // SAFETY: the value is alive; the reference is handed over.
            at = unsafe { Value::checked(ctx, q::JS_GetPrototype(ctx.raw(), at.raw()))? };
        }
        Ok(None)
    }

    /// The getter of an own accessor.
    fn own_getter(&self, name: &str) -> JsResult {
        let ctx = self.ctx();
        let atom = ctx.atom(name);
        let mut desc = q::JSPropertyDescriptor {
            flags: 0,
            value: q::JS_UNDEFINED,
            getter: q::JS_UNDEFINED,
            setter: q::JS_UNDEFINED,
        };
        // SAFETY: value and atom are alive; when it is found, the references in the descriptor are handed over.
        unsafe {
            match q::JS_GetOwnProperty(ctx.raw(), &raw mut desc, self.raw(), atom.raw()) {
                1 => {
                    drop(Value::from_raw(ctx, desc.value));
                    drop(Value::from_raw(ctx, desc.setter));
                    Ok(Value::from_raw(ctx, desc.getter))
                }
                0 => Ok(ctx.undefined()),
                _ => Err(Thrown::Pending),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn frames_down_to_a_function_are_left_out() {
        let frames =
            "    at captureStackTrace (native)\n    at B (f:1:1)\n    at A (f:2:1)\n    at f (f:3:1)\n";
        assert_eq!(below(frames, "A"), "    at f (f:3:1)\n");
        assert_eq!(below(frames, "f"), "");
        assert_eq!(below(frames, "unknown"), "    at B (f:1:1)\n    at A (f:2:1)\n    at f (f:3:1)\n");
        assert_eq!(below(frames, ""), "    at B (f:1:1)\n    at A (f:2:1)\n    at f (f:3:1)\n");
        assert_eq!(below("", "A"), "");
    }
}
