//! The options that a script can set too, as flags: from the table of `throng_plan`.

use throng_plan::Options;
use throng_plan::table::OptionDef;
use throng_plan::value::Kind;

use super::table::{Flag, OWN, Scope, Support, Value};

/// Every flag there is, in the order in which the help shows them.
pub fn all() -> Vec<Flag> {
    Options::TABLE.iter().filter_map(flag).chain(OWN.iter().cloned()).collect()
}

fn flag(row: &OptionDef) -> Option<Flag> {
    let value = match (row.kind, row.bare) {
        (Kind::Switch, _) => Value::Switch,
        (_, Some(bare)) => Value::Optional(bare),
        (Kind::Duration, None) => Value::Duration,
        (_, None) if row.repeatable => Value::Many,
        (_, None) => Value::One,
    };
    Some(Flag {
        name: row.flag?,
        short: row.short,
        env: row.env,
        value,
        placeholder: match row.kind {
            Kind::Object => "name=value".into(),
            Kind::List if row.repeatable => "value".into(),
            kind => kind.placeholder().into(),
        },
        help: row.help,
        scope: Scope::Options,
        // What is refused of these is refused where the layers are merged, whichever layer it came from.
        support: Support::Honoured,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_flags_share_a_name_or_a_letter() {
        let flags = all();
        let names: HashSet<_> = flags.iter().map(|flag| flag.name).collect();
        assert_eq!(names.len(), flags.len());
        let letters: Vec<_> = flags.iter().filter_map(|flag| flag.short).collect();
        assert_eq!(letters.iter().collect::<HashSet<_>>().len(), letters.len());
    }

    /// The flags of `k6 run --help`, k6 1.1; none may be missing.
    #[test]
    fn every_flag_of_k6_run_is_known() {
        let k6 = "vus duration iterations stage execution-segment execution-segment-sequence paused \
            no-setup no-teardown max-redirects batch batch-per-host rps user-agent http-debug \
            insecure-skip-tls-verify no-connection-reuse no-vu-connection-reuse min-iteration-duration \
            throw blacklist-ip block-hostnames summary-trend-stats summary-time-unit system-tags tag \
            console-output discard-response-bodies local-ips dns include-system-env-vars \
            compatibility-mode type env no-thresholds no-summary summary-mode summary-export \
            traces-output out linger no-usage-report address config log-format log-output no-color \
            profiling-enabled quiet secret-source verbose";
        let ours: HashSet<_> = all().iter().map(|flag| flag.name).collect();
        let missing: Vec<_> = k6.split_whitespace().filter(|name| !ours.contains(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
