//! `httpDebug`: requests and responses in the log, as k6 writes them.

use std::hash::{BuildHasher, RandomState};
use std::rc::Weak;

use throng_http::{HttpDebug, HttpDump};

use crate::host::Host;
use crate::log::Level;

/// Writes the dumps of the machine `owner` into the log, two records a request.
pub(super) fn dumps(level: throng_plan::HttpDebug, owner: Weak<Host>) -> HttpDebug {
    let ids = RandomState::new();
    HttpDebug::new(level == throng_plan::HttpDebug::Full, move |exchange, dump| {
        let Some(host) = owner.upgrade() else { return };
        let (title, text) = match dump {
            HttpDump::Request(text) => ("Request", text),
            HttpDump::Response(text) => ("Response", text),
        };
        let message = format!("{title}:\n{}\n", text.replace("\r\n", "\n"));
        let (group, id) = (host.group(), request_id(&ids, exchange));
        let iteration = host.iteration().map_or(0, |iteration| iteration.in_vu).to_string();
        let (scenario, vu) = (host.tag("scenario"), host.identity.number.to_string());
        let mut fields: Vec<(&str, &str)> =
            vec![("group", &group), ("iter", &iteration), ("request_id", &id)];
        fields.extend(scenario.as_deref().map(|scenario| ("scenario", scenario)));
        fields.extend([("source", "http-debug"), ("vu", &vu)]);
        host.thread.log.log(Level::Info, &message, &fields);
    })
}

/// A UUID that a request shares with its response.
fn request_id(ids: &RandomState, exchange: u64) -> String {
    let high = ids.hash_one(exchange);
    let low = ids.hash_one((exchange, 1));
    let hex = format!("{high:016x}{low:016x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
