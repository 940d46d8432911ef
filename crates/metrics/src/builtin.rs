//! The metrics every run has, with fixed identities so that the hot path needs no lookup by name.
//!
//! The list and the units follow k6 1.1 (`docs/sources/k6/v1.x/using-k6/metrics/reference`); the two
//! `iteration_*` trends at the end are our own, recorded for arrival-rate scenarios.

use crate::kind::{Contains, Kind};
use crate::registry::MetricId;

macro_rules! builtins {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $kind:ident, $contains:ident;)*) => {
        #[derive(Clone, Copy)]
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "carries the constants' names")]
        enum Index { $($constant),* }

        $($(#[$doc])* pub const $constant: MetricId = MetricId::from_index(Index::$constant as u32);)*

        /// Name, kind and unit of each built-in metric, in the order of their ids.
        pub(crate) const TABLE: &[(&str, Kind, Contains)] = &[
            $(($name, Kind::$kind, Contains::$contains)),*
        ];
    };
}

builtins! {
    /// Active virtual users; summed over the sources that report them.
    VUS = "vus", Gauge, Default;
    /// Initialised virtual users; summed over the sources that report them.
    VUS_MAX = "vus_max", Gauge, Default;
    /// Complete iterations.
    ITERATIONS = "iterations", Counter, Default;
    /// Time of one complete iteration.
    ITERATION_DURATION = "iteration_duration", Trend, Time;
    /// Iterations that should have started and did not.
    DROPPED_ITERATIONS = "dropped_iterations", Counter, Default;
    /// Share of checks that passed.
    CHECKS = "checks", Rate, Default;
    /// Time of one call of `group()`.
    GROUP_DURATION = "group_duration", Trend, Time;
    /// HTTP requests on the wire (each redirect counts).
    HTTP_REQS = "http_reqs", Counter, Default;
    /// Share of requests whose response was not expected.
    HTTP_REQ_FAILED = "http_req_failed", Rate, Default;
    /// Sending + waiting + receiving.
    HTTP_REQ_DURATION = "http_req_duration", Trend, Time;
    /// Waiting for a free connection slot.
    HTTP_REQ_BLOCKED = "http_req_blocked", Trend, Time;
    /// TCP connect.
    HTTP_REQ_CONNECTING = "http_req_connecting", Trend, Time;
    /// TLS handshake.
    HTTP_REQ_TLS_HANDSHAKING = "http_req_tls_handshaking", Trend, Time;
    /// Writing the request.
    HTTP_REQ_SENDING = "http_req_sending", Trend, Time;
    /// From the last byte sent to the first byte received.
    HTTP_REQ_WAITING = "http_req_waiting", Trend, Time;
    /// Reading the response.
    HTTP_REQ_RECEIVING = "http_req_receiving", Trend, Time;
    /// `WebSocket` sessions.
    WS_SESSIONS = "ws_sessions", Counter, Default;
    /// `WebSocket` messages sent.
    WS_MSGS_SENT = "ws_msgs_sent", Counter, Default;
    /// `WebSocket` messages received.
    WS_MSGS_RECEIVED = "ws_msgs_received", Counter, Default;
    /// Ping to pong.
    WS_PING = "ws_ping", Trend, Time;
    /// Open to close.
    WS_SESSION_DURATION = "ws_session_duration", Trend, Time;
    /// `WebSocket` handshake.
    WS_CONNECTING = "ws_connecting", Trend, Time;
    /// One gRPC call.
    GRPC_REQ_DURATION = "grpc_req_duration", Trend, Time;
    /// gRPC streams opened.
    GRPC_STREAMS = "grpc_streams", Counter, Default;
    /// gRPC stream messages sent.
    GRPC_STREAMS_MSGS_SENT = "grpc_streams_msgs_sent", Counter, Default;
    /// gRPC stream messages received.
    GRPC_STREAMS_MSGS_RECEIVED = "grpc_streams_msgs_received", Counter, Default;
    /// Bytes written to the sockets.
    DATA_SENT = "data_sent", Counter, Data;
    /// Bytes read from the sockets.
    DATA_RECEIVED = "data_received", Counter, Data;
    /// Our own: planned start to real start of an iteration, in arrival-rate scenarios.
    ITERATION_START_LAG = "iteration_start_lag", Trend, Time;
    /// Our own: planned start to completion of an iteration, in arrival-rate scenarios.
    ITERATION_RESPONSE_TIME = "iteration_response_time", Trend, Time;
}

/// The trends of one HTTP request, in the order of [`HttpSample`](crate::HttpSample)'s fields and of k6's
/// own emission.
pub(crate) const HTTP_TRENDS: [MetricId; 7] = [
    HTTP_REQ_DURATION,
    HTTP_REQ_BLOCKED,
    HTTP_REQ_CONNECTING,
    HTTP_REQ_TLS_HANDSHAKING,
    HTTP_REQ_SENDING,
    HTTP_REQ_WAITING,
    HTTP_REQ_RECEIVING,
];

/// Whether the metric is a gauge that each source reports for its own share, so that the whole is the sum.
pub(crate) fn is_summed(metric: MetricId) -> bool {
    metric == VUS || metric == VUS_MAX
}
