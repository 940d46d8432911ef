//! A client small enough to trust, and a private database server.

pub(crate) mod client;
pub(crate) mod mariadb;
