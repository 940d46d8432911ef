//! A client small enough to trust, and a private database server.

pub(crate) mod client;
#[allow(dead_code, reason = "shared with the tests of throng fill, each of which use a part of it")]
pub(crate) mod mariadb;
