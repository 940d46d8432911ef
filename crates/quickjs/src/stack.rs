//! Stacks for coroutines: one reserved slab a chunk, so that fifty thousand virtual users do not need a
//! hundred thousand memory mappings (`vm.max_map_count` is 65,530).
//!
//! A stack is virtual memory; only the pages that were touched (8 KB for a usual script) are real. The guard
//! page at its end is installed with `MADV_GUARD_INSTALL` (Linux 6.13), which does not split the mapping; on
//! older kernels it is `mprotect`ed, as long as the kernel allows more mappings.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use corosensei::stack::{Stack, StackPointer};

const PAGE: usize = 4096;
const CHUNK: usize = 64;
const MADV_GUARD_INSTALL: i32 = 102;

/// Hands out stacks of one size and takes them back. One a thread.
pub struct StackPool {
    size: usize,
    free: RefCell<Vec<usize>>,
}

/// A stack in use; it goes back to its pool when dropped.
pub(crate) struct PooledStack {
    pool: Rc<StackPool>,
    bottom: usize,
}

impl StackPool {
    /// A pool of stacks of `size` bytes (rounded up to pages).
    pub fn new(size: usize) -> Rc<Self> {
        Rc::new(Self { size: size.next_multiple_of(PAGE).max(16 * PAGE), free: RefCell::default() })
    }

    /// Bytes of one stack.
    pub fn stack_size(&self) -> usize {
        self.size
    }

    pub(crate) fn take(self: &Rc<Self>) -> io::Result<PooledStack> {
        if self.free.borrow().is_empty() {
            self.grow()?;
        }
        let bottom = self.free.borrow_mut().pop().unwrap_or_default();
        Ok(PooledStack { pool: self.clone(), bottom })
    }

    fn grow(&self) -> io::Result<()> {
        let length = self.size * CHUNK;
        // SAFETY: a fresh anonymous mapping that nobody else uses; it stays for the life of the process, since a
        // leaked coroutine may still stand on it.
        let chunk = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK,
                -1,
                0,
            )
        };
        if chunk == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let mut free = self.free.borrow_mut();
        for i in (0..CHUNK).rev() {
            let bottom = chunk as usize + i * self.size;
            // SAFETY: the first page of our own stack, not in use yet. Where neither call works the script's own
            // stack limit, which ends before the guard, is what protects us.
            unsafe {
                libc::madvise(chunk, length, libc::MADV_NOHUGEPAGE);
                if libc::madvise(bottom as *mut _, PAGE, MADV_GUARD_INSTALL) != 0 {
                    libc::mprotect(bottom as *mut _, PAGE, libc::PROT_NONE);
                }
            }
            free.push(bottom);
        }
        Ok(())
    }
}

impl PooledStack {
    /// The lowest address that code on this stack may use: above the guard page.
    pub(crate) fn lowest(&self) -> usize {
        self.bottom + PAGE
    }
}

/// Gives the memory of a stack below the caller's frame back, from `lowest` on: a deep call, such as loading a large
/// script, leaves pages behind that may never be wanted again.
#[inline(never)]
pub(crate) fn release_below(lowest: usize) {
    let here = 0u8;
    // The page below may hold our own callee's frame; it stays.
    let end = (std::ptr::from_ref(&here) as usize & !(PAGE - 1)).saturating_sub(PAGE);
    if end > lowest {
        // SAFETY: the range is part of this coroutine's stack, of which nothing below the running frame is in use.
        unsafe { libc::madvise(lowest as *mut _, end - lowest, libc::MADV_DONTNEED) };
    }
}

impl Drop for PooledStack {
    fn drop(&mut self) {
        self.pool.free.borrow_mut().push(self.bottom);
    }
}

// SAFETY: base and limit describe a mapping of `size` bytes that is readable, writable and unused by anybody else
// while this value lives; the stack grows down from base.
unsafe impl Stack for PooledStack {
    fn base(&self) -> StackPointer {
        StackPointer::new(self.bottom + self.pool.size)
            .unwrap_or_else(|| unreachable!("mmap never gives null"))
    }
    fn limit(&self) -> StackPointer {
        StackPointer::new(self.bottom).unwrap_or_else(|| unreachable!("mmap never gives null"))
    }
}
