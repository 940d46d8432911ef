//! Making script values.

use rquickjs_sys as q;

use crate::intrinsics::Group;
use crate::{Ctx, Thrown, Value};

impl Ctx {
    /// A value that has no references to count.
    fn constant(self, raw: q::JSValue) -> Value {
        // SAFETY: undefined, null, booleans and numbers are the value itself.
        unsafe { Value::from_raw(self, raw) }
    }

    /// `undefined`
    pub fn undefined(self) -> Value {
        self.constant(q::JS_UNDEFINED)
    }
    /// `null`
    pub fn null(self) -> Value {
        self.constant(q::JS_NULL)
    }
    /// A boolean.
    pub fn bool(self, value: bool) -> Value {
        self.constant(if value { q::JS_TRUE } else { q::JS_FALSE })
    }
    /// A number.
    pub fn number(self, value: f64) -> Value {
        self.constant(q::JS_NewFloat64(value))
    }
    /// A number from an integer.
    pub fn int(self, value: i64) -> Value {
        self.number(value as f64)
    }
    /// A string.
    pub fn string(self, text: &str) -> Value {
        // SAFETY: pointer and length describe `text`; QuickJS copies it.
        unsafe {
            let raw = q::JS_NewStringLen(self.raw(), text.as_ptr().cast(), text.len() as q::size_t);
            Value::from_raw(self, raw)
        }
    }
    /// A string from bytes that should be UTF-8; what is not becomes U+FFFD.
    pub fn string_lossy(self, bytes: &[u8]) -> Value {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.string(text),
            Err(_) => self.string(&String::from_utf8_lossy(bytes)),
        }
    }
    /// A new plain object.
    pub fn object(self) -> Value {
        // SAFETY: hands over a reference.
        unsafe { Value::from_raw(self, q::JS_NewObject(self.raw())) }
    }
    /// A new object with the prototype `proto`.
    pub fn object_with_prototype(self, proto: &Value) -> Value {
        // SAFETY: hands over a reference.
        unsafe { Value::from_raw(self, q::JS_NewObjectProto(self.raw(), proto.raw())) }
    }
    /// A new array of these.
    pub fn array(self, values: impl IntoIterator<Item = Value>) -> Value {
        // SAFETY: hands over a reference.
        let array = unsafe { Value::from_raw(self, q::JS_NewArray(self.raw())) };
        for (i, value) in values.into_iter().enumerate() {
            let _ = array.set_index(i as u32, value);
        }
        array
    }
    /// A new `ArrayBuffer` with a copy of `bytes`.
    pub fn array_buffer(self, bytes: &[u8]) -> Value {
        self.need(Group::TypedArrays);
        // SAFETY: pointer and length describe `bytes`; QuickJS copies them.
        unsafe {
            let raw = q::JS_NewArrayBufferCopy(self.raw(), bytes.as_ptr(), bytes.len() as q::size_t);
            Value::from_raw(self, raw)
        }
    }
    /// A new `Uint8Array` with a copy of `bytes`.
    pub fn uint8_array(self, bytes: &[u8]) -> Value {
        self.need(Group::TypedArrays);
        // SAFETY: pointer and length describe `bytes`; QuickJS copies them.
        unsafe {
            let raw = q::JS_NewUint8ArrayCopy(self.raw(), bytes.as_ptr(), bytes.len() as q::size_t);
            Value::from_raw(self, raw)
        }
    }
    /// A new `Date` at these milliseconds since the epoch.
    pub fn date(self, epoch_ms: f64) -> Value {
        self.need(Group::Date);
        // SAFETY: hands over a reference.
        unsafe { Value::from_raw(self, q::JS_NewDate(self.raw(), epoch_ms)) }
    }
    /// A new promise with its two settling functions (resolve, reject).
    pub fn promise(self) -> Result<(Value, Value, Value), Thrown> {
        let mut functions = [q::JS_UNDEFINED; 2];
        // SAFETY: on success both functions are handed over.
        unsafe {
            let promise =
                Value::checked(self, q::JS_NewPromiseCapability(self.raw(), functions.as_mut_ptr()))?;
            let [resolve, reject] = functions;
            Ok((promise, Value::from_raw(self, resolve), Value::from_raw(self, reject)))
        }
    }
}
