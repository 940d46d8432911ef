//! State that the interpreter's lock protects.

use pyo3::Python;

/// A value that is only touched while the interpreter's lock is held, so that it needs no other.
///
/// Python objects may be used from every thread, and what is in ours (`Rc`, `Cell`) may not. Access needs a
/// [`Python`] token, which proves that the lock is held, and nothing here gives the lock away while it looks at the
/// value; so there is never more than one thread in it. Free-threaded interpreters, where a token proves less, do not
/// load modules for the stable ABI.
#[repr(C)]
pub(crate) struct GilBound<T> {
    /// [`MADE`] once there is a value.
    made: u64,
    value: T,
}

/// Python fills a new object with zeros and may run the garbage collector before the value is there.
const MADE: u64 = 0x7468_726f_6e67_2121;

// SAFETY: see the type: the value is reached only with the lock held, which also orders the accesses.
unsafe impl<T> Send for GilBound<T> {}
// SAFETY: as above; a shared reference alone gives no access.
unsafe impl<T> Sync for GilBound<T> {}

impl<T> GilBound<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { made: MADE, value }
    }

    /// The value, for the garbage collector, which holds the lock and gives no token; `None` if it comes while the
    /// object is still being made.
    ///
    /// # Safety
    ///
    /// Only for `__traverse__`.
    pub(crate) unsafe fn traversed(&self) -> Option<&T> {
        // SAFETY: the memory of an object without a value is all zeros, which is an integer. Volatile, as the compiler
        // may otherwise conclude from the type that the value is there.
        let made = unsafe { std::ptr::read_volatile(&raw const self.made) };
        (made == MADE).then_some(&self.value)
    }

    /// The value, for as long as the lock is held.
    pub(crate) fn get<'a>(&'a self, _py: Python<'a>) -> &'a T {
        &self.value
    }
}
