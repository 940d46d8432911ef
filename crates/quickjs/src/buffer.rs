//! The bytes behind buffers and their views.

use rquickjs_sys as q;

use crate::Value;

impl Value {
    /// Lends the bytes of an `ArrayBuffer`, typed array or `DataView`; `None` for anything else. `use_it` must not
    /// run script code.
    pub fn with_bytes<R>(&self, use_it: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let (data, length) = self.memory()?;
        // SAFETY: the bytes stay valid and unchanged while no script runs, which `use_it` promises.
        Some(use_it(unsafe { std::slice::from_raw_parts(data, length) }))
    }

    /// Where the bytes of a buffer or view are: never null, valid until script code runs.
    fn memory(&self) -> Option<(*mut u8, usize)> {
        let (buffer, range) = self.buffer_range()?;
        let mut size: q::size_t = 0;
        // SAFETY: it is a live ArrayBuffer. A null pointer comes with an exception (detached) or a size of 0.
        let data = unsafe { q::JS_GetArrayBuffer(self.ctx().raw(), &raw mut size, buffer.raw()) };
        if data.is_null() {
            self.ctx().drop_exception();
            return Some((std::ptr::NonNull::dangling().as_ptr(), 0));
        }
        let range = range.unwrap_or(0..size as usize);
        if range.start > range.end || range.end > size as usize {
            return Some((data, 0));
        }
        // SAFETY: the range was found to be inside the buffer.
        Some((unsafe { data.add(range.start) }, range.len()))
    }

    /// The `ArrayBuffer` behind a buffer or view, and the part of it that the view shows.
    fn buffer_range(&self) -> Option<(Value, Option<std::ops::Range<usize>>)> {
        if !self.is_object() {
            return None;
        }
        // SAFETY: the value is a live object; results are checked before use.
        unsafe {
            if q::JS_IsArrayBuffer(self.raw()) {
                return Some((self.clone(), None));
            }
            if q::JS_IsDataView(self.raw()) {
                let offset = self.get("byteOffset").ok()?.as_number()? as usize;
                let length = self.get("byteLength").ok()?.as_number()? as usize;
                return Some((self.get("buffer").ok()?, Some(offset..offset + length)));
            }
            if q::JS_GetTypedArrayType(self.raw()) < 0 {
                return None;
            }
            let (mut offset, mut length, mut element): (q::size_t, q::size_t, q::size_t) = (0, 0, 0);
            let buffer = q::JS_GetTypedArrayBuffer(
                self.ctx().raw(),
                self.raw(),
                &raw mut offset,
                &raw mut length,
                &raw mut element,
            );
            let buffer = Self::checked(self.ctx(), buffer).ok()?;
            Some((buffer, Some(offset as usize..(offset + length) as usize)))
        }
    }

    /// Copies `bytes` into the buffer or typed array it is, from its start; returns how many fitted.
    pub fn write_bytes(&self, bytes: &[u8]) -> Option<usize> {
        let (data, length) = self.memory()?;
        let count = bytes.len().min(length);
        // SAFETY: `data` is the script's own buffer of at least `count` bytes, which no reference points into now.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, count) };
        Some(count)
    }
}
