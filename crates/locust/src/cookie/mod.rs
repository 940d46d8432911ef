//! Cookies by the rules of Python's `http.cookiejar`, which are those of `requests` and so of Locust.
//!
//! They differ from a browser's (RFC 6265) and from Go's, which `throng-http` has for k6: what a host sets goes to the
//! hosts below it too, hosts without a dot are in the domain `.local`, values are kept and sent as they are. All of it
//! was observed on Locust 2.47.

mod jar;
mod parse;

pub use jar::{Cookie, CookieJar, Destination};
pub use parse::{SetCookie, without_escaped_quotes};
