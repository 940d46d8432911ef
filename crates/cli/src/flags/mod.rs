//! Flags: the table they come from, the parser built on it, and the values that were given.

mod command;
mod duration;
mod error;
mod options;
mod table;
mod values;

pub use command::{add, positional};
pub use error::{FlagError, from_clap};
pub use options::all;
pub use table::{Flag, OWN, Scope, Support, Value};
pub use values::{Values, go_bool};
