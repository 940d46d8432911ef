//! The flags that are no options of the script: one table for parsing, help, environment and completion.
//!
//! The options that a script can set too are in `throng_plan::table`; `super::options` turns each of those
//! into a [`Flag`] as well, so that the rest of this crate sees one kind.

use std::borrow::Cow;

/// A flag of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Long name, without dashes.
    pub name: &'static str,
    /// One-letter name.
    pub short: Option<char>,
    /// Environment variable with the same effect; the flag wins.
    pub env: Option<&'static str>,
    /// What follows it.
    pub value: Value,
    /// What the help calls its value.
    pub placeholder: Cow<'static, str>,
    /// One line on what it does.
    pub help: &'static str,
    /// Commands that have it.
    pub scope: Scope,
    /// Whether throng does it.
    pub support: Support,
}

/// What follows a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// Nothing, or `=true` and `=false`.
    Switch,
    /// One value; the last one counts.
    One,
    /// One duration with its units; scripts and variables may also give milliseconds without one.
    Duration,
    /// An optional `=value`, and what the bare flag means.
    Optional(&'static str),
    /// A value that may come again; all count.
    Many,
}

/// Commands that have a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every command.
    Global,
    /// `run`, `archive` and `inspect`: what it takes to load a script.
    Script,
    /// `run` and `archive`: what shapes the run.
    Options,
    /// `run` alone.
    Run,
    /// `run` and `controller` of throng's own face: k6 has nothing like it. Variables count in the face of k6 too, so
    /// that a k6 command line can be spread without changing it.
    Cluster,
}

/// Whether throng does what a flag asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It does.
    Honoured,
    /// Refused unless its value is one of these, which ask for nothing.
    RefusedUnless(&'static [&'static str]),
}

const OFF: &[&str] = &["", "false"];

/// The flags that are no options of the script.
pub const OWN: &[Flag] = &[
    // Global.
    Flag {
        name: "address",
        short: Some('a'),
        env: Some("K6_ADDRESS"),
        value: Value::One,
        placeholder: Cow::Borrowed("host:port"),
        help: "serve k6's REST API here, or look for it here; empty for no server [default in k6's face: localhost:6565]",
        scope: Scope::Global,
        support: Support::Honoured,
    },
    Flag {
        name: "config",
        short: Some('c'),
        env: Some("K6_CONFIG"),
        value: Value::One,
        placeholder: Cow::Borrowed("file"),
        help: "read options from this JSON file; by default k6/config.json in your configuration folder",
        scope: Scope::Global,
        support: Support::Honoured,
    },
    Flag {
        name: "log-format",
        short: None,
        env: Some("K6_LOG_FORMAT"),
        value: Value::One,
        placeholder: Cow::Borrowed("format"),
        help: "write log records as text, json or raw",
        scope: Scope::Global,
        support: Support::Honoured,
    },
    Flag {
        name: "log-output",
        short: None,
        env: Some("K6_LOG_OUTPUT"),
        value: Value::One,
        placeholder: Cow::Borrowed("output"),
        help: "send log records to stderr, stdout, none or file=path[,level=name]",
        scope: Scope::Global,
        support: Support::Honoured,
    },
    Flag {
        name: "no-color",
        short: None,
        env: None,
        value: Value::Switch,
        placeholder: Cow::Borrowed("bool"),
        help: "write without colours; NO_COLOR and K6_NO_COLOR do the same",
        scope: Scope::Global,
        support: Support::Honoured,
    },
    Flag {
        name: "profiling-enabled",
        short: None,
        env: Some("K6_PROFILING_ENABLED"),
        value: Value::Switch,
        placeholder: Cow::Borrowed("bool"),
        help: "serve profiles of the process (not supported yet)",
        scope: Scope::Global,
        support: Support::RefusedUnless(OFF),
    },
    Flag {
        name: "quiet",
        short: Some('q'),
        env: None,
        value: Value::Switch,
        placeholder: Cow::Borrowed("bool"),
        help: "print neither header nor progress",
        scope: Scope::Global,
        support: Support::Honoured,
    },
    Flag {
        name: "secret-source",
        short: None,
        env: None,
        value: Value::Many,
        placeholder: Cow::Borrowed("source"),
        help: "where k6/secrets finds its values (not supported yet)",
        scope: Scope::Global,
        support: Support::RefusedUnless(&[]),
    },
    Flag {
        name: "verbose",
        short: Some('v'),
        env: None,
        value: Value::Switch,
        placeholder: Cow::Borrowed("bool"),
        help: "log what throng does, and console.debug",
        scope: Scope::Global,
        support: Support::Honoured,
    },
    // Loading a script.
    Flag {
        name: "include-system-env-vars",
        short: None,
        env: Some("K6_INCLUDE_SYSTEM_ENV_VARS"),
        value: Value::Switch,
        placeholder: Cow::Borrowed("bool"),
        help: "show the variables of the process to the script in __ENV; on for run, off elsewhere",
        scope: Scope::Script,
        support: Support::Honoured,
    },
    Flag {
        name: "compatibility-mode",
        short: None,
        env: Some("K6_COMPATIBILITY_MODE"),
        value: Value::One,
        placeholder: Cow::Borrowed("mode"),
        help: "extended gives scripts the name `global` for globalThis, base does not [default: extended]",
        scope: Scope::Script,
        support: Support::Honoured,
    },
    Flag {
        name: "type",
        short: Some('t'),
        env: Some("K6_TYPE"),
        value: Value::One,
        placeholder: Cow::Borrowed("type"),
        help: "take the file for a js script or an archive, whatever its name",
        scope: Scope::Script,
        support: Support::Honoured,
    },
    Flag {
        name: "env",
        short: Some('e'),
        env: None,
        value: Value::Many,
        placeholder: Cow::Borrowed("NAME=value"),
        help: "set an entry of __ENV",
        scope: Scope::Script,
        support: Support::Honoured,
    },
    Flag {
        name: "no-thresholds",
        short: None,
        env: Some("K6_NO_THRESHOLDS"),
        value: Value::Switch,
        placeholder: Cow::Borrowed("bool"),
        help: "leave the thresholds out",
        scope: Scope::Script,
        support: Support::Honoured,
    },
    Flag {
        name: "no-summary",
        short: None,
        env: Some("K6_NO_SUMMARY"),
        value: Value::Switch,
        placeholder: Cow::Borrowed("bool"),
        help: "print no summary and do not call handleSummary()",
        scope: Scope::Script,
        support: Support::Honoured,
    },
    Flag {
        name: "summary-mode",
        short: None,
        env: Some("K6_SUMMARY_MODE"),
        value: Value::One,
        placeholder: Cow::Borrowed("mode"),
        help: "compact, full, legacy or disabled [default: compact]",
        scope: Scope::Script,
        support: Support::Honoured,
    },
    Flag {
        name: "summary-export",
        short: None,
        env: Some("K6_SUMMARY_EXPORT"),
        value: Value::One,
        placeholder: Cow::Borrowed("file"),
        help: "write the summary's numbers to this file as JSON",
        scope: Scope::Script,
        support: Support::Honoured,
    },
    Flag {
        name: "new-machine-readable-summary",
        short: None,
        env: Some("K6_NEW_MACHINE_READABLE_SUMMARY"),
        value: Value::Switch,
        placeholder: Cow::Borrowed("bool"),
        help: "give handleSummary() and the export the form of k6 2 (not supported yet)",
        scope: Scope::Script,
        support: Support::RefusedUnless(OFF),
    },
    Flag {
        name: "traces-output",
        short: None,
        env: Some("K6_TRACES_OUTPUT"),
        value: Value::One,
        placeholder: Cow::Borrowed("output"),
        help: "send traces there (only none is supported yet)",
        scope: Scope::Script,
        support: Support::RefusedUnless(&["none"]),
    },
    Flag {
        name: "features",
        short: None,
        env: Some("K6_FEATURES"),
        value: Value::One,
        placeholder: Cow::Borrowed("names"),
        help: "switch on features that k6 2 has on trial (not supported yet)",
        scope: Scope::Script,
        support: Support::RefusedUnless(&[""]),
    },
    // Running.
    Flag {
        name: "out",
        short: Some('o'),
        env: Some("K6_OUT"),
        value: Value::Many,
        placeholder: Cow::Borrowed("name[=arg]"),
        help: "write samples as csv[=file] or json[=file]",
        scope: Scope::Run,
        support: Support::Honoured,
    },
    Flag {
        name: "linger",
        short: Some('l'),
        env: Some("K6_LINGER"),
        value: Value::Switch,
        placeholder: Cow::Borrowed("bool"),
        help: "stay after the end of the test until a signal comes",
        scope: Scope::Run,
        support: Support::Honoured,
    },
    Flag {
        name: "workers",
        short: None,
        env: Some("THRONG_WORKERS"),
        value: Value::One,
        placeholder: Cow::Borrowed("number"),
        help: "run the test in so many worker processes on this machine",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "on-worker-loss",
        short: None,
        env: Some("THRONG_ON_WORKER_LOSS"),
        value: Value::One,
        placeholder: Cow::Borrowed("what"),
        help: "continue without a worker that is lost, or fail [default: continue]",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "ui",
        short: None,
        env: Some("THRONG_UI"),
        value: Value::Optional("on"),
        placeholder: Cow::Borrowed("address:port"),
        help: "serve the page of this run here: watch it, stop it; off for none [bare: 127.0.0.1:8089]",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "history",
        short: None,
        env: Some("THRONG_HISTORY"),
        value: Value::One,
        placeholder: Cow::Borrowed("folder"),
        help: "keep this run in this folder, and show the runs there on the page (docs/history.md)",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "history-keep",
        short: None,
        env: Some("THRONG_HISTORY_KEEP"),
        value: Value::One,
        placeholder: Cow::Borrowed("number"),
        help: "of the runs in the history, keep the newest so many, and baselines [default: all]",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "run-name",
        short: None,
        env: Some("THRONG_RUN_NAME"),
        value: Value::One,
        placeholder: Cow::Borrowed("text"),
        help: "how the run is called in the history [default: the name of the script]",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "web-base-path",
        short: None,
        env: Some("THRONG_WEB_BASE_PATH"),
        value: Value::One,
        placeholder: Cow::Borrowed("path"),
        help: "serve the page below this path, such as /load",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "web-login",
        short: None,
        env: Some("THRONG_WEB_LOGIN"),
        value: Value::Switch,
        placeholder: Cow::Borrowed("bool"),
        help: "let in only those who log in, with THRONG_WEB_USER and THRONG_WEB_PASSWORD[_FILE], or THRONG_WEB_TOKEN[_FILE]",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "web-tls-cert",
        short: None,
        env: Some("THRONG_WEB_TLS_CERT"),
        value: Value::One,
        placeholder: Cow::Borrowed("file"),
        help: "serve the page encrypted, with this certificate chain (PEM)",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "fill",
        short: None,
        env: Some("THRONG_FILL"),
        value: Value::One,
        placeholder: Cow::Borrowed("file"),
        help: "fill databases before the test, as this file says (docs/fill.md)",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "web-tls-key",
        short: None,
        env: Some("THRONG_WEB_TLS_KEY"),
        value: Value::One,
        placeholder: Cow::Borrowed("file"),
        help: "its private key (PEM)",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "cleanup",
        short: None,
        env: Some("THRONG_CLEANUP"),
        value: Value::Switch,
        placeholder: Cow::Borrowed("bool"),
        help: "after the test delete what the file of --fill names, however the test ended",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "watch",
        short: None,
        env: Some("THRONG_WATCH"),
        value: Value::Many,
        placeholder: Cow::Borrowed("what"),
        help: "watch hpa/NAME, deployment/NAME, statefulset/NAME, pods/SELECTOR, logs/…, or a database's URL (docs/watch.md)",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "watch-interval",
        short: None,
        env: Some("THRONG_WATCH_INTERVAL"),
        value: Value::One,
        placeholder: Cow::Borrowed("time"),
        help: "ask what is watched so often [default: 1s]",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "watch-after",
        short: None,
        env: Some("THRONG_WATCH_AFTER"),
        value: Value::One,
        placeholder: Cow::Borrowed("time"),
        help: "go on watching at most so long after the load ends [default: 0s]",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "watch-namespace",
        short: None,
        env: Some("THRONG_WATCH_NAMESPACE"),
        value: Value::One,
        placeholder: Cow::Borrowed("name"),
        help: "the namespace of what is watched; by default that of the kubeconfig's context, or of the pod",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "watch-context",
        short: None,
        env: Some("THRONG_WATCH_CONTEXT"),
        value: Value::One,
        placeholder: Cow::Borrowed("name"),
        help: "the kubeconfig's context to use",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "watch-slow",
        short: None,
        env: Some("THRONG_WATCH_SLOW"),
        value: Value::One,
        placeholder: Cow::Borrowed("time"),
        help: "a query that runs so long is slow, where a database has no limit of its own [default: 1s]",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "match",
        short: None,
        env: Some("THRONG_MATCH"),
        value: Value::Many,
        placeholder: Cow::Borrowed("[name=]regex"),
        help: "count the lines of watched logs that match",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "expect",
        short: None,
        env: Some("THRONG_EXPECT"),
        value: Value::Many,
        placeholder: Cow::Borrowed("threshold"),
        help: "a threshold that may look at a part of the run: 'METRIC: max>=4 by peak' (docs/watch.md)",
        scope: Scope::Cluster,
        support: Support::Honoured,
    },
    Flag {
        name: "no-usage-report",
        short: None,
        env: Some("K6_NO_USAGE_REPORT"),
        value: Value::Switch,
        placeholder: Cow::Borrowed("bool"),
        help: "accepted for k6's sake: throng never reports usage to anyone",
        scope: Scope::Run,
        support: Support::Honoured,
    },
];

impl Scope {
    /// Whether a command of scope `command` has flags of this scope.
    pub fn is_part_of(self, command: Self) -> bool {
        match self {
            Self::Global | Self::Script => true,
            Self::Options => matches!(command, Self::Options | Self::Run | Self::Cluster),
            Self::Run => matches!(command, Self::Run | Self::Cluster),
            Self::Cluster => command == Self::Cluster,
        }
    }
}
