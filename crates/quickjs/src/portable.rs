//! `hypot`, which `Math.hypot` calls, without the C library's.
//!
//! Its newest version there (glibc 2.35) would be the one symbol that keeps the binary off systems with 2.34: RHEL 9 and
//! those like it, Amazon Linux 2023.

/// The distance of a point from the origin, as C has it.
#[unsafe(no_mangle)]
extern "C" fn hypot(x: f64, y: f64) -> f64 {
    libm::hypot(x, y)
}

// Linkers look through an archive once: what QuickJS's, which comes later, will ask for has to be there already.
#[used]
static KEPT: extern "C" fn(f64, f64) -> f64 = hypot;
