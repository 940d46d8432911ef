//! The Locust runtime's files inside the binary, and putting them where a Python interpreter can import them.
//!
//! The package and its extension module are written once to the user's cache, under an identity made of their content,
//! and used from there by every later start. A leaf crate, so that a change of a Python file rebuilds little.

#![forbid(unsafe_code)]

mod package;
mod unpack;

pub use package::{Package, PackageError};
pub use unpack::{Unpacked, unpack};
