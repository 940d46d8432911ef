//! QuickJS for host code in Rust: runtimes, values, host functions and classes, bytecode, modules, and
//! the coroutine ([`fiber`]) in which a script runs so that a host function can wait for a future.
//!
//! Why not the safe layer of rquickjs: a virtual user is one runtime of about a hundred kilobytes, made
//! by the ten thousand, and its host calls are the hot path. This layer keeps one pointer a value, no
//! registry a function, and lets a host function suspend. It is the one crate where QuickJS is touched
//! with `unsafe`; `throng-js`, which holds the k6 modules, forbids it.
//!
//! Invariant: everything here belongs to one thread. A [`Ctx`] and the [`Value`]s made from it are only
//! used while their [`Runtime`] lives; the runtime drops the host's own state before it frees the engine.

mod alloc;
mod atom;
mod buffer;
mod bytecode;
mod call;
mod class;
mod date;
mod error;
pub mod fiber;
mod intrinsics;
mod json;
mod make;
mod module;
#[cfg(target_env = "gnu")]
mod portable;
mod runtime;
mod stack;
mod trace;
mod value;

pub use atom::Atom;
pub use bytecode::Compiled;
pub use call::{Call, JsResult};
pub use class::{Class, Lazy};
pub use error::{Exception, Kind, Rejection, Thrown};
pub use module::{ModuleHandle, ModuleSource, Resolver};
pub use runtime::{Ctx, Interrupt, MemoryUse, Runtime, RuntimeConfig};
pub use stack::StackPool;
pub use trace::StackText;
pub use value::{PromiseState, Value};
