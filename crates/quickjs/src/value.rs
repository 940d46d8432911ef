//! Owned script values and what can be done with them.

use std::fmt;

use rquickjs_sys as q;

use crate::{Atom, Call, Ctx, JsResult, Thrown};

/// An owned reference to a script value.
pub struct Value {
    raw: q::JSValue,
    ctx: Ctx,
}

/// The state of a promise.
pub enum PromiseState {
    /// Not settled yet.
    Pending,
    /// Settled with a value.
    Fulfilled(Value),
    /// Settled with a reason.
    Rejected(Value),
}

impl Clone for Value {
    fn clone(&self) -> Self {
        // SAFETY: the value is alive while we hold it.
        Self { raw: unsafe { q::JS_DupValueRT(self.ctx.rt(), self.raw) }, ctx: self.ctx }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        // SAFETY: we own one reference; the runtime outlives its values (crate invariant).
        unsafe {
            if q::JS_VALUE_HAS_REF_COUNT(self.raw) {
                q::JS_FreeValueRT(self.ctx.rt(), self.raw);
            }
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value(tag {})", self.raw.tag)
    }
}

impl Value {
    /// # Safety
    /// `raw` must be a live value of `ctx`'s runtime whose reference is handed over.
    pub(crate) unsafe fn from_raw(ctx: Ctx, raw: q::JSValue) -> Self {
        Self { raw, ctx }
    }

    /// # Safety
    /// `raw` must be a live value of `ctx`'s runtime; a new reference is taken.
    pub(crate) unsafe fn borrowed(ctx: Ctx, raw: q::JSValue) -> Self {
        // SAFETY: the caller's promise.
        Self { raw: unsafe { q::JS_DupValueRT(ctx.rt(), raw) }, ctx }
    }

    pub(crate) fn raw(&self) -> q::JSValue {
        self.raw
    }

    pub(crate) fn into_raw(self) -> q::JSValue {
        let raw = self.raw;
        std::mem::forget(self);
        raw
    }

    /// The context it belongs to.
    pub fn ctx(&self) -> Ctx {
        self.ctx
    }

    /// Checks a raw result: an exception marker becomes `Err(Thrown::Pending)`.
    pub(crate) fn checked(ctx: Ctx, raw: q::JSValue) -> JsResult {
        // SAFETY: callers pass results whose reference they own.
        unsafe { if q::JS_IsException(raw) { Err(Thrown::Pending) } else { Ok(Self::from_raw(ctx, raw)) } }
    }

    // --- kinds -----------------------------------------------------------------------------------

    /// `undefined`
    pub fn is_undefined(&self) -> bool {
        i32::try_from(self.raw.tag) == Ok(q::JS_TAG_UNDEFINED)
    }
    /// `null`
    pub fn is_null(&self) -> bool {
        i32::try_from(self.raw.tag) == Ok(q::JS_TAG_NULL)
    }
    /// `undefined` or `null`
    pub fn is_nullish(&self) -> bool {
        self.is_undefined() || self.is_null()
    }
    /// A boolean.
    pub fn is_bool(&self) -> bool {
        i32::try_from(self.raw.tag) == Ok(q::JS_TAG_BOOL)
    }
    /// A number.
    pub fn is_number(&self) -> bool {
        // SAFETY: reads the tag only.
        unsafe { q::JS_IsNumber(self.raw) }
    }
    /// A string.
    pub fn is_string(&self) -> bool {
        // SAFETY: reads the tag only.
        unsafe { q::JS_IsString(self.raw) }
    }
    /// A symbol.
    pub fn is_symbol(&self) -> bool {
        // SAFETY: reads the tag only.
        unsafe { q::JS_IsSymbol(self.raw) }
    }
    /// A `BigInt`.
    pub fn is_bigint(&self) -> bool {
        // SAFETY: reads the tag only.
        unsafe { q::JS_IsBigInt(self.raw) }
    }
    /// Any object, functions and arrays included.
    pub fn is_object(&self) -> bool {
        // SAFETY: reads the tag only.
        unsafe { q::JS_IsObject(self.raw) }
    }
    /// Something that can be called.
    pub fn is_function(&self) -> bool {
        // SAFETY: the value is alive.
        unsafe { q::JS_IsFunction(self.ctx.raw(), self.raw) }
    }
    /// An error that ends the script whatever it catches ([`Thrown::Abort`]).
    pub fn is_uncatchable(&self) -> bool {
        // SAFETY: the value is alive.
        unsafe { q::JS_IsUncatchableError(self.raw) }
    }
    /// An `async function` (or async generator function).
    pub fn is_async_function(&self) -> bool {
        // SAFETY: the value is alive.
        self.is_object() && unsafe { q::JS_IsAsyncFunction(self.raw) }
    }
    /// What `Array.isArray` says: an array, or a Proxy of one.
    pub fn is_array(&self) -> bool {
        // SAFETY: the value is alive.
        if unsafe { q::JS_IsArray(self.raw) } {
            return true;
        }
        // SAFETY: as above.
        if !unsafe { q::JS_IsProxy(self.raw) } {
            return false;
        }
        // SAFETY: it is a Proxy; a reference to its target is handed over, or an exception when it was revoked.
        let target = Self::checked(self.ctx, unsafe { q::JS_GetProxyTarget(self.ctx.raw(), self.raw) });
        if target.is_err() {
            self.ctx.drop_exception();
        }
        target.is_ok_and(|target| target.is_array())
    }
    /// An `Error` or one of its subclasses.
    pub fn is_error(&self) -> bool {
        // SAFETY: the value is alive.
        unsafe { q::JS_IsError(self.raw) }
    }
    /// A `Date`.
    pub fn is_date(&self) -> bool {
        // SAFETY: the value is alive.
        self.is_object() && unsafe { q::JS_IsDate(self.raw) }
    }
    /// A promise.
    pub fn is_promise(&self) -> bool {
        // SAFETY: the value is alive.
        self.is_object() && unsafe { q::JS_IsPromise(self.raw) }
    }

    // --- conversions -----------------------------------------------------------------------------

    /// Truthiness.
    pub fn truthy(&self) -> bool {
        // SAFETY: the value is alive.
        unsafe { q::JS_ToBool(self.ctx.raw(), self.raw) == 1 }
    }

    /// `String(value)`; lone surrogates become U+FFFD.
    pub fn to_text(&self) -> Result<String, Thrown> {
        let mut text = String::new();
        self.with_str(|s| s.clone_into(&mut text))?;
        Ok(text)
    }

    /// Lends `String(value)` without copying it to the heap when it is valid UTF-8; lone surrogates become U+FFFD.
    pub fn with_str<R>(&self, use_it: impl FnOnce(&str) -> R) -> Result<R, Thrown> {
        self.with_utf8(|text| match text {
            Ok(text) => use_it(text),
            Err(bytes) => use_it(&replace_surrogates(bytes)),
        })
    }

    /// Lends `String(value)` in UTF-8, or as the bytes that QuickJS has for it where lone surrogates have no UTF-8.
    pub(crate) fn with_utf8<R>(&self, use_it: impl FnOnce(Result<&str, &[u8]>) -> R) -> Result<R, Thrown> {
        let mut len: usize = 0;
        // SAFETY: QuickJS gives a buffer of `len` bytes that lives until freed, which happens below; `use_it`
        // cannot keep it. A panic would leak the buffer, which is harmless.
        unsafe {
            let text = q::JS_ToCStringLen(self.ctx.raw(), &raw mut len, self.raw);
            if text.is_null() {
                return Err(Thrown::Pending);
            }
            let bytes = std::slice::from_raw_parts(text.cast::<u8>(), len);
            let result = use_it(std::str::from_utf8(bytes).map_err(|_| bytes));
            q::JS_FreeCString(self.ctx.raw(), text);
            Ok(result)
        }
    }

    /// `Number(value)`.
    pub fn to_number(&self) -> Result<f64, Thrown> {
        let mut number = 0.0;
        // SAFETY: the value is alive; the result is written before 0 is returned.
        if unsafe { q::JS_ToFloat64(self.ctx.raw(), &raw mut number, self.raw) } < 0 {
            return Err(Thrown::Pending);
        }
        Ok(number)
    }

    /// The number it is, without converting other kinds.
    pub fn as_number(&self) -> Option<f64> {
        if self.is_number() { self.to_number().ok() } else { None }
    }

    /// The boolean it is, without converting other kinds.
    pub fn as_bool(&self) -> Option<bool> {
        self.is_bool().then(|| self.truthy())
    }

    /// The property name that `object[value]` looks up.
    pub fn to_atom(&self) -> Result<Atom, Thrown> {
        // SAFETY: the value is alive; the atom is handed over.
        let atom = unsafe { q::JS_ValueToAtom(self.ctx.raw(), self.raw) };
        if atom == q::JS_ATOM_NULL { Err(Thrown::Pending) } else { Ok(Atom::from_raw(self.ctx, atom)) }
    }

    // --- properties ------------------------------------------------------------------------------

    /// Reads a property.
    pub fn get(&self, name: &str) -> JsResult {
        self.get_atom(&self.ctx.atom(name))
    }
    /// Reads a property by its interned name.
    pub fn get_atom(&self, name: &Atom) -> JsResult {
        // SAFETY: value and atom are alive.
        Self::checked(self.ctx, unsafe { q::JS_GetProperty(self.ctx.raw(), self.raw, name.raw()) })
    }
    /// Reads an element.
    pub fn get_index(&self, index: u32) -> JsResult {
        // SAFETY: the value is alive.
        Self::checked(self.ctx, unsafe { q::JS_GetPropertyUint32(self.ctx.raw(), self.raw, index) })
    }
    /// Writes a property as an assignment does.
    pub fn set(&self, name: &str, value: &Value) -> Result<(), Thrown> {
        self.set_atom(&self.ctx.atom(name), value.clone())
    }
    /// Writes a property by its interned name.
    pub fn set_atom(&self, name: &Atom, value: Value) -> Result<(), Thrown> {
        // SAFETY: JS_SetProperty takes over the reference.
        let done = unsafe { q::JS_SetProperty(self.ctx.raw(), self.raw, name.raw(), value.into_raw()) };
        if done < 0 { Err(Thrown::Pending) } else { Ok(()) }
    }
    /// Writes an element.
    pub fn set_index(&self, index: u32, value: Value) -> Result<(), Thrown> {
        // SAFETY: JS_SetPropertyUint32 takes over the reference.
        let done = unsafe { q::JS_SetPropertyUint32(self.ctx.raw(), self.raw, index, value.into_raw()) };
        if done < 0 { Err(Thrown::Pending) } else { Ok(()) }
    }
    /// Defines an own, writable, enumerable, configurable property, whatever setters the prototype has.
    pub fn define(&self, name: &str, value: &Value) -> Result<(), Thrown> {
        self.define_flags(&self.ctx.atom(name), value.clone(), q::JS_PROP_C_W_E)
    }
    /// As [`Value::define`], by interned name.
    pub fn define_atom(&self, name: &Atom, value: Value) -> Result<(), Thrown> {
        self.define_flags(name, value, q::JS_PROP_C_W_E)
    }
    /// Defines an own property that enumeration does not show.
    pub fn define_hidden(&self, name: &str, value: &Value) -> Result<(), Thrown> {
        self.define_flags(&self.ctx.atom(name), value.clone(), q::JS_PROP_CONFIGURABLE | q::JS_PROP_WRITABLE)
    }
    /// Defines an own property that cannot be changed.
    pub fn define_constant(&self, name: &str, value: &Value) -> Result<(), Thrown> {
        self.define_flags(&self.ctx.atom(name), value.clone(), q::JS_PROP_ENUMERABLE)
    }
    pub(crate) fn define_flags(&self, name: &Atom, value: Value, flags: u32) -> Result<(), Thrown> {
        // SAFETY: JS_DefinePropertyValue takes over the reference.
        let done = unsafe {
            q::JS_DefinePropertyValue(self.ctx.raw(), self.raw, name.raw(), value.into_raw(), flags as i32)
        };
        if done < 0 { Err(Thrown::Pending) } else { Ok(()) }
    }
    /// Defines an accessor property; either function may be `undefined`.
    pub fn define_accessor(&self, name: &str, getter: Value, setter: Value) -> Result<(), Thrown> {
        self.accessor_flags(name, getter, setter, q::JS_PROP_ENUMERABLE)
    }
    /// As [`Value::define_accessor`], and enumeration does not show it.
    pub(crate) fn define_hidden_accessor(
        &self,
        name: &str,
        getter: Value,
        setter: Value,
    ) -> Result<(), Thrown> {
        self.accessor_flags(name, getter, setter, 0)
    }
    fn accessor_flags(&self, name: &str, getter: Value, setter: Value, flags: u32) -> Result<(), Thrown> {
        let mut flags = flags
            | q::JS_PROP_CONFIGURABLE
            | q::JS_PROP_HAS_CONFIGURABLE
            | q::JS_PROP_HAS_ENUMERABLE
            | q::JS_PROP_HAS_GET;
        if !setter.is_undefined() {
            flags |= q::JS_PROP_HAS_SET;
        }
        let atom = self.ctx.atom(name);
        // SAFETY: JS_DefinePropertyGetSet takes over both references.
        let done = unsafe {
            q::JS_DefinePropertyGetSet(
                self.ctx.raw(),
                self.raw,
                atom.raw(),
                getter.into_raw(),
                setter.into_raw(),
                flags as i32,
            )
        };
        if done < 0 { Err(Thrown::Pending) } else { Ok(()) }
    }
    /// Whether the property exists on it or its prototypes.
    pub fn has(&self, name: &str) -> bool {
        let atom = self.ctx.atom(name);
        // SAFETY: value and atom are alive.
        self.is_object() && unsafe { q::JS_HasProperty(self.ctx.raw(), self.raw, atom.raw()) == 1 }
    }
    /// As [`Value::has`], by interned name.
    pub fn has_atom(&self, name: &Atom) -> bool {
        // SAFETY: value and atom are alive.
        self.is_object() && unsafe { q::JS_HasProperty(self.ctx.raw(), self.raw, name.raw()) == 1 }
    }
    /// Removes an own property.
    pub fn delete(&self, name: &str) -> Result<(), Thrown> {
        let atom = self.ctx.atom(name);
        // SAFETY: value and atom are alive.
        let done = unsafe { q::JS_DeleteProperty(self.ctx.raw(), self.raw, atom.raw(), 0) };
        if done < 0 { Err(Thrown::Pending) } else { Ok(()) }
    }
    /// Own enumerable string keys in order, as `Object.keys`.
    pub fn keys(&self) -> Result<Vec<Atom>, Thrown> {
        let mut table = std::ptr::null_mut();
        let mut count = 0u32;
        let flags = (q::JS_GPN_STRING_MASK | q::JS_GPN_ENUM_ONLY) as i32;
        // SAFETY: on success the table holds `count` entries, whose atoms are duplicated before it is freed.
        unsafe {
            let ctx = self.ctx.raw();
            if q::JS_GetOwnPropertyNames(ctx, &raw mut table, &raw mut count, self.raw, flags) < 0 {
                return Err(Thrown::Pending);
            }
            let keys = (0..count as usize)
                .map(|i| Atom::from_raw(self.ctx, q::JS_DupAtomRT(self.ctx.rt(), (*table.add(i)).atom)))
                .collect();
            q::JS_FreePropertyEnum(ctx, table, count);
            Ok(keys)
        }
    }
    /// Own enumerable string-keyed entries in order, names as text.
    pub fn entries(&self) -> Result<Vec<(String, Value)>, Thrown> {
        self.keys()?.into_iter().map(|key| Ok((key.to_text()?, self.get_atom(&key)?))).collect()
    }
    /// `length`, for arrays and array-likes.
    pub fn length(&self) -> Result<u32, Thrown> {
        let mut length = 0i64;
        // SAFETY: the result is written before 0 is returned.
        if unsafe { q::JS_GetLength(self.ctx.raw(), self.raw, &raw mut length) } < 0 {
            return Err(Thrown::Pending);
        }
        Ok(u32::try_from(length).unwrap_or(u32::MAX))
    }
    /// The elements of an array or array-like.
    pub fn elements(&self) -> Result<Vec<Value>, Thrown> {
        (0..self.length()?).map(|i| self.get_index(i)).collect()
    }
    /// `Object.freeze(value)`.
    pub fn freeze(&self) -> Result<(), Thrown> {
        // SAFETY: the value is alive.
        if unsafe { q::JS_FreezeObject(self.ctx.raw(), self.raw) } < 0 {
            Err(Thrown::Pending)
        } else {
            Ok(())
        }
    }
    /// Sets the prototype.
    pub fn set_prototype(&self, proto: &Value) -> Result<(), Thrown> {
        // SAFETY: both values are alive.
        let done = unsafe { q::JS_SetPrototype(self.ctx.raw(), self.raw, proto.raw) };
        if done < 0 { Err(Thrown::Pending) } else { Ok(()) }
    }
    /// `value instanceof constructor`.
    pub fn is_instance_of(&self, constructor: &Value) -> bool {
        // SAFETY: both values are alive.
        unsafe { q::JS_IsInstanceOf(self.ctx.raw(), self.raw, constructor.raw) == 1 }
    }
    /// `a === b`.
    pub fn same(&self, other: &Value) -> bool {
        // SAFETY: both values are alive.
        unsafe { q::JS_IsStrictEqual(self.ctx.raw(), self.raw, other.raw) }
    }

    // --- calls -----------------------------------------------------------------------------------

    /// Calls it as a function.
    pub fn call(&self, this: &Value, args: &[&Value]) -> JsResult {
        let mut raw: [q::JSValue; 4] = [q::JS_UNDEFINED; 4];
        let mut many = Vec::new();
        let argv = if args.len() <= raw.len() {
            for (slot, arg) in raw.iter_mut().zip(args) {
                *slot = arg.raw;
            }
            raw.as_mut_ptr()
        } else {
            many.extend(args.iter().map(|arg| arg.raw));
            many.as_mut_ptr()
        };
        // SAFETY: the arguments are borrowed for the call; QuickJS takes its own references.
        let result = unsafe { q::JS_Call(self.ctx.raw(), self.raw, this.raw, args.len() as i32, argv) };
        Self::checked(self.ctx, result)
    }
    /// Calls a method by name.
    pub fn invoke(&self, method: &str, args: &[&Value]) -> JsResult {
        self.get(method)?.call(self, args)
    }
    /// `new value(...args)`.
    pub fn construct(&self, args: &[&Value]) -> JsResult {
        let mut argv: Vec<_> = args.iter().map(|arg| arg.raw).collect();
        // SAFETY: as for `call`.
        let result =
            unsafe { q::JS_CallConstructor(self.ctx.raw(), self.raw, argv.len() as i32, argv.as_mut_ptr()) };
        Self::checked(self.ctx, result)
    }
    /// As `super(...)` in the constructor of `new_target`, with the arguments of a call.
    pub(crate) fn construct_as(&self, new_target: &Self, call: &Call<'_>) -> JsResult {
        let args = call.args();
        // SAFETY: QuickJS keeps the arguments alive during the call that they are of, and does not write to them.
        let result = unsafe {
            q::JS_CallConstructor2(
                self.ctx.raw(),
                self.raw,
                new_target.raw,
                args.len() as i32,
                args.as_ptr().cast_mut(),
            )
        };
        Self::checked(self.ctx, result)
    }

    // --- promises --------------------------------------------------------------------------------

    /// The state of the promise it is; `None` when it is none.
    pub fn promise_state(&self) -> Option<PromiseState> {
        if !self.is_promise() {
            return None;
        }
        // SAFETY: it is a promise; JS_PromiseResult hands over a reference.
        unsafe {
            let ctx = self.ctx.raw();
            let result = || Self::from_raw(self.ctx, q::JS_PromiseResult(ctx, self.raw));
            Some(match q::JS_PromiseState(ctx, self.raw) {
                q::JSPromiseStateEnum_JS_PROMISE_FULFILLED => PromiseState::Fulfilled(result()),
                q::JSPromiseStateEnum_JS_PROMISE_REJECTED => PromiseState::Rejected(result()),
                _ => PromiseState::Pending,
            })
        }
    }

    /// `JSON.stringify(value)`; `None` for what JSON has no form for.
    pub fn to_json(&self) -> Result<Option<String>, Thrown> {
        // SAFETY: the value is alive; the result is handed over.
        let text = unsafe { q::JS_JSONStringify(self.ctx.raw(), self.raw, q::JS_UNDEFINED, q::JS_UNDEFINED) };
        let text = Self::checked(self.ctx, text)?;
        if text.is_undefined() { Ok(None) } else { text.to_text().map(Some) }
    }
}

/// A script's string as UTF-8. QuickJS writes a lone surrogate in the three bytes UTF-8 would have for it; each becomes
/// one U+FFFD, as in the browsers' `TextEncoder` (the standard library would write three).
fn replace_surrogates(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        match std::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                return text;
            }
            Err(error) => {
                let (valid, invalid) = rest.split_at(error.valid_up_to());
                text.push_str(&String::from_utf8_lossy(valid));
                text.push('\u{fffd}');
                let surrogate = matches!(invalid, [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..]);
                let length = if surrogate { 3 } else { error.error_len().unwrap_or(invalid.len()) };
                rest = &invalid[length..];
            }
        }
    }
}

impl Atom {
    /// The name.
    pub fn to_text(&self) -> Result<String, Thrown> {
        self.to_value().to_text()
    }
    /// The name as a string value.
    pub fn to_value(&self) -> Value {
        let ctx = self.ctx();
        // SAFETY: the atom is alive; a reference is handed over.
        unsafe { Value::from_raw(ctx, q::JS_AtomToValue(ctx.raw(), self.raw())) }
    }
}
