//! greenlet's C interface, which is how Rust waits inside a user's code.
//!
//! greenlet publishes a table of functions in a capsule; the places in it are part of its ABI and have not changed
//! since version 1. Switching away from a greenlet moves its part of the C stack aside, so what lives across a switch
//! must not point into another greenlet's stack: everything shared is on the heap.

use std::ffi::c_void;

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// Places in the capsule's table.
const GET_CURRENT: usize = 4;
const SWITCH: usize = 6;

type GetCurrent = unsafe extern "C" fn() -> *mut ffi::PyObject;
type Switch =
    unsafe extern "C" fn(*mut ffi::PyObject, *mut ffi::PyObject, *mut ffi::PyObject) -> *mut ffi::PyObject;

struct Api {
    get_current: GetCurrent,
    switch: Switch,
}

static API: PyOnceLock<Api> = PyOnceLock::new();

fn api(py: Python<'_>) -> PyResult<&Api> {
    API.get_or_try_init(py, || {
        // SAFETY: the name is a C string; the call sets an exception when it returns null.
        let table = unsafe { ffi::PyCapsule_Import(c"greenlet._C_API".as_ptr(), 0) };
        if table.is_null() {
            return Err(PyErr::fetch(py));
        }
        let table = table.cast::<*const c_void>();
        // SAFETY: greenlet's table has twelve entries, of which these two have these types (greenlet.h).
        let (get_current, switch) = unsafe { (*table.add(GET_CURRENT), *table.add(SWITCH)) };
        if get_current.is_null() || switch.is_null() {
            return Err(PyRuntimeError::new_err("use this greenlet: its C interface is not the known one"));
        }
        // SAFETY: as above; function pointers and data pointers have the same size on every platform of CPython.
        let api = unsafe {
            Api {
                get_current: std::mem::transmute::<*const c_void, GetCurrent>(get_current),
                switch: std::mem::transmute::<*const c_void, Switch>(switch),
            }
        };
        Ok(api)
    })
}

/// The greenlet that runs.
pub(crate) fn current(py: Python<'_>) -> PyResult<Py<PyAny>> {
    let api = api(py)?;
    // SAFETY: the lock is held; the result is a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(py, (api.get_current)()) }.map(Bound::unbind)
}

/// Runs `target` until something switches back here. The error is an exception that was thrown in meanwhile: a kill, a
/// timeout, or what ended a child.
pub(crate) fn switch(target: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = target.py();
    let api = api(py)?;
    // SAFETY: the lock is held, `target` is a greenlet that we own a reference to, and null stands for no arguments.
    let result = unsafe { (api.switch)(target.as_ptr(), std::ptr::null_mut(), std::ptr::null_mut()) };
    // SAFETY: the result is a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(py, result) }.map(drop)
}
