//! The clients behind `k6/x/sql`, `k6/x/redis` and `k6/x/mongo`: drivers on a few threads of tokio's beside the generator's.
//!
//! The border between the two is crossed in one place, [`executor`]: a virtual user waits for a task of tokio's as for any
//! future of its own thread. Connections are in a [`pool`] that all virtual users of the process share.

#![forbid(unsafe_code)]

mod executor;
mod mongo;
mod pool;
mod redis;
mod secrets;
mod sql;

use std::sync::Arc;

use throng_js::databases::{Databases, Mongo, Redis, RedisOptions, Refused, Sql};
use throng_js::log::Log;

/// Answers what scripts ask of databases, from now on and for the whole process.
pub fn install() {
    throng_js::databases::provide(Box::new(Drivers));
}

struct Drivers;

impl Databases for Drivers {
    fn sql(&self, driver: &str, source: &str, log: &Arc<dyn Log>) -> Result<Box<dyn Sql>, Refused> {
        sql::open(driver, source, log)
    }

    fn mongo(&self, url: &str) -> Result<Box<dyn Mongo>, Refused> {
        mongo::open(url)
    }

    fn redis(&self, options: &RedisOptions, log: &Arc<dyn Log>) -> Result<Box<dyn Redis>, Refused> {
        redis::open(options, log)
    }
}
