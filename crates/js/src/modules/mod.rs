//! The built-in modules, one file each, named after the module.
//!
//! A module is a function that makes its exports object; it runs when a script first imports the module in a virtual
//! machine. An exports object without a `default` is its own default export.

pub(crate) mod bytes;
mod checks;
mod crypto;
mod data;
mod encoding;
mod execution;
pub(crate) mod html;
mod http;
mod k6;
mod metrics;
pub(crate) mod moment;
mod mongo;
mod redis;
mod scalar;
mod sql;
pub(crate) mod tags;
mod ws;

use throng_quickjs::{Ctx, JsResult, Thrown};

use crate::globals;

pub(crate) use crypto::{Hasher, fill_random};
use data::freeze;

/// Makes the exports of the module `name`.
pub(crate) fn load(ctx: Ctx, name: &str) -> JsResult {
    match name {
        "k6" => k6::exports(ctx),
        "k6/crypto" => crypto::exports(ctx),
        "k6/data" => data::exports(ctx),
        "k6/encoding" => encoding::exports(ctx),
        "k6/execution" => execution::exports(ctx),
        "k6/metrics" => metrics::exports(ctx),
        "k6/html" => html::exports(ctx),
        "k6/http" => http::exports(ctx),
        "k6/timers" => globals::timers::exports(ctx),
        "k6/ws" => ws::exports(ctx),
        "k6/experimental/redis" | "k6/x/redis" => redis::exports(ctx),
        "k6/x/mongo" => mongo::exports(ctx),
        "k6/x/sql" => sql::exports(ctx),
        _ => {
            let driver = name.strip_prefix(sql::DRIVER).and_then(|driver| sql::driver(ctx, driver));
            driver.unwrap_or_else(|| Err(unavailable(name)))
        }
    }
}

/// Modules of k6 that exist there and not here yet.
const ANNOUNCED: &[&str] = &[
    "k6/browser",
    "k6/crypto/x509",
    "k6/websockets",
    "k6/net/grpc",
    "k6/secrets",
    "k6/experimental/csv",
    "k6/experimental/fs",
    "k6/experimental/streams",
    "k6/experimental/websockets",
];

/// Modules that k6 itself removed, and where their content went.
const REMOVED: &[(&str, &str)] = &[
    ("k6/experimental/browser", "it is k6/browser now"),
    ("k6/experimental/grpc", "it is k6/net/grpc now"),
    ("k6/experimental/timers", "it is k6/timers now"),
    ("k6/experimental/tracing", "use the http-instrumentation-tempo library instead"),
    ("k6/experimental/webcrypto", "it is the global crypto now"),
];

fn unavailable(name: &str) -> Thrown {
    let text = if ANNOUNCED.contains(&name) {
        format!("the module {name} is not supported yet")
    } else if let Some((_, hint)) = REMOVED.iter().find(|(n, _)| *n == name) {
        format!("the module {name} was removed from k6: {hint}")
    } else if name.starts_with("k6/x/") {
        format!("the extension module {name} is not supported yet")
    } else {
        format!("there is no built-in module {name}")
    };
    Thrown::error(text)
}
