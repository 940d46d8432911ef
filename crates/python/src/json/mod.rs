//! JSON between Python objects and bytes for what nearly all of it is: dictionaries, lists, texts, numbers.
//!
//! `json.dumps` and `json.loads` cost more than a whole request does here. These two produce the same for plain values
//! and give up on everything else (subclasses, what is no JSON, what is nested very deeply); the caller then asks
//! Python's own module, which also words the errors.

mod dump;
mod parse;

pub(crate) use dump::dump;
pub(crate) use parse::parse;

/// Nesting that is left to Python, which has a limit of its own.
const DEPTH: u32 = 100;
