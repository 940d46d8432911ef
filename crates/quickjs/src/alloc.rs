//! The allocator behind a runtime: mimalloc, called directly.
//!
//! `JS_NewRuntime` would use the C library's malloc, which measured 40 % more CPU for small blocks.
//! `usable_size` is given so that the runtime's memory limit counts what is really held.

use std::ffi::c_void;

use libmimalloc_sys as mi;
use rquickjs_sys as q;

// SAFETY (all five): the contracts of mimalloc's functions are those of their C namesakes, which is what
// QuickJS expects of its hooks; the opaque pointer is unused.
unsafe extern "C" fn calloc(_: *mut c_void, count: q::size_t, size: q::size_t) -> *mut c_void {
    // SAFETY: see above.
    unsafe { mi::mi_calloc(count as usize, size as usize) }
}
unsafe extern "C" fn malloc(_: *mut c_void, size: q::size_t) -> *mut c_void {
    // SAFETY: see above.
    unsafe { mi::mi_malloc(size as usize) }
}
unsafe extern "C" fn free(_: *mut c_void, block: *mut c_void) {
    // SAFETY: see above.
    unsafe { mi::mi_free(block) }
}
unsafe extern "C" fn realloc(_: *mut c_void, block: *mut c_void, size: q::size_t) -> *mut c_void {
    // SAFETY: see above.
    unsafe { mi::mi_realloc(block, size as usize) }
}
unsafe extern "C" fn usable_size(block: *const c_void) -> q::size_t {
    // SAFETY: see above.
    unsafe { mi::mi_usable_size(block) as q::size_t }
}

/// The hooks for `JS_NewRuntime2`.
pub(crate) fn functions() -> q::JSMallocFunctions {
    q::JSMallocFunctions {
        js_calloc: Some(calloc),
        js_malloc: Some(malloc),
        js_free: Some(free),
        js_realloc: Some(realloc),
        js_malloc_usable_size: Some(usable_size),
    }
}
