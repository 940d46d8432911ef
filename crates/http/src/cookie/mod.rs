//! Cookies (RFC 6265) by the rules of Go's jar without a public suffix list, which is k6's. Those for Locust are
//! Python's (`throng-locust`).

mod date;
mod jar;
mod parse;

pub use date::parse_http_date;
pub(crate) use date::{rfc3339, unix_seconds};
pub use jar::CookieJar;
pub use parse::SetCookie;
pub(crate) use parse::{is_cookie_pair, push_pair};
