//! The metrics that watching makes: one table for registering them, for charts and for the documentation.

use throng_metrics::{Contains, Kind};

/// A metric with what a chart needs to know.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name in thresholds, summaries and outputs.
    pub name: &'static str,
    /// How its samples fold.
    pub kind: Kind,
    /// What they are.
    pub contains: Contains,
    /// The chart that shows it; none if it is shown by its events alone.
    pub chart: Option<&'static str>,
    /// Its line there, behind what it is of; empty if that is enough.
    pub label: &'static str,
    /// One line on what it is.
    pub about: &'static str,
}

macro_rules! metrics {
    ($($id:ident = $name:literal, $kind:ident, $contains:ident, $chart:expr, $label:literal, $about:literal;)*) => {
        $(#[doc = $about]
        pub static $id: Metric = Metric {
            name: $name,
            kind: Kind::$kind,
            contains: Contains::$contains,
            chart: $chart,
            label: $label,
            about: $about,
        };)*

        /// All of them.
        pub static ALL: &[&Metric] = &[$(&$id),*];
    };
}

metrics! {
    HPA_REPLICAS = "k8s_hpa_replicas", Gauge, Default, Some("Replicas"), "replicas",
        "replicas that the autoscaler counts";
    HPA_DESIRED = "k8s_hpa_desired_replicas", Gauge, Default, Some("Replicas"), "wanted",
        "replicas that the autoscaler wants";
    HPA_CURRENT = "k8s_hpa_metric_current", Gauge, Default, Some("Autoscaler's metric"), "now",
        "what the autoscaler goes by, as it sees it";
    HPA_TARGET = "k8s_hpa_metric_target", Gauge, Default, Some("Autoscaler's metric"), "target",
        "what it is to be";
    PODS = "k8s_pods", Gauge, Default, Some("Replicas"), "pods",
        "pods that are not over";
    PODS_READY = "k8s_pods_ready", Gauge, Default, Some("Replicas"), "ready",
        "pods that are ready";
    POD_RESTARTS = "k8s_pod_restarts", Counter, Default, None, "",
        "restarts of containers";
    POD_OOM_KILLS = "k8s_pod_oom_kills", Counter, Default, None, "",
        "containers that were killed for their memory";
    POD_START_TIME = "k8s_pod_start_time", Trend, Time, None, "",
        "from a pod's creation until it is ready";
    POD_CPU = "k8s_pod_cpu", Trend, Default, Some("CPU of pods (cores)"), "",
        "processors that a pod uses, in cores";
    POD_MEMORY = "k8s_pod_memory", Trend, Data, Some("Memory of pods"), "",
        "memory that a pod uses";
    K8S_WARNINGS = "k8s_warnings", Counter, Default, None, "",
        "events of the kind Warning about what is watched";
    DB_CONNECTIONS = "db_connections", Gauge, Default, Some("Database connections"), "in use",
        "clients that are connected, the watch among them";
    DB_CONNECTIONS_MAX = "db_connections_max", Gauge, Default, Some("Database connections"), "limit",
        "the most that may be";
    DB_CONNECTIONS_REFUSED = "db_connections_refused", Counter, Default, Some("Database trouble, per second"), "connections refused",
        "connections refused as there were too many";
    DB_QUERIES = "db_queries", Counter, Default, Some("Database queries per second"), "",
        "queries, commands or transactions";
    DB_LOCK_WAITS = "db_lock_waits", Counter, Default, Some("Database trouble, per second"), "lock waits",
        "waits for locks";
    DB_LOCK_WAITING = "db_lock_waiting", Gauge, Default, Some("Waiting for locks"), "",
        "sessions that wait for a lock";
    DB_DEADLOCKS = "db_deadlocks", Counter, Default, Some("Database trouble, per second"), "deadlocks",
        "deadlocks; in MongoDB, write conflicts";
    DB_SLOW_QUERIES = "db_slow_queries", Counter, Default, Some("Database trouble, per second"), "slow queries",
        "slow queries";
    DB_CACHE_HIT_RATE = "db_cache_hit_rate", Gauge, Default, Some("Database cache hit rate"), "",
        "the part of reads that the cache answered, from 0 to 1";
    DB_REPLICATION_LAG = "db_replication_lag", Gauge, Time, Some("Replication lag"), "",
        "how far a replica is behind";
    DB_SIZE = "db_size", Gauge, Data, Some("Database size"), "",
        "bytes";
    LOG_MATCHES = "log_matches", Counter, Default, Some("Log lines that match, per second"), "",
        "lines of logs that match";
    WATCH_OK = "watch_ok", Rate, Default, None, "",
        "the part of readings that succeeded";
}

/// The metric of this name.
pub fn named(name: &str) -> Option<&'static Metric> {
    ALL.iter().find(|metric| metric.name == name).copied()
}
