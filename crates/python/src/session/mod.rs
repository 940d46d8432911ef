//! A user's HTTP client: the session object of both `HttpUser` and `FastHttpUser`.
//!
//! A request without rare arguments goes through Rust from the Python call to the socket and back. Arguments are read
//! ([`arguments`]), the URL, headers and body prepared ([`prepare`], [`body`]), sent with its redirects ([`send`]) and
//! reported ([`crate::response`]); [`call`] is the way through all of it.

mod arguments;
mod body;
mod call;
mod cookie;
mod digest;
mod gate;
mod given;
mod handles;
mod hooks;
mod object;
mod own;
mod prepare;
mod redirect;
mod send;
mod settings;

pub(crate) use cookie::keep as keep_cookies;
pub(crate) use gate::Gate;
pub(crate) use handles::{ClientPool, Rename, UserAgent};
pub(crate) use object::Session;
pub(crate) use redirect::Unfollowed;
