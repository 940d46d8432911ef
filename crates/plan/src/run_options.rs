//! Run options after validation: every value present, every default filled in.

use std::net::IpAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use crate::duration::Span;
use crate::error::Warning;
use crate::options::Options;
use crate::reader::Reader;
use crate::value::addresses::{IpNet, LocalIps};
use crate::value::dns::Dns;
use crate::value::hosts::{BlockedName, Hosts};
use crate::value::summary::{TimeUnit, TrendStat};
use crate::value::tags::{SystemTagNames, SystemTags, Texts};
use crate::value::thresholds::ThresholdSource;
use crate::value::tls::{CipherSuite, TlsAuth, TlsVersion, TlsVersions};

/// What a run goes by beside its scenarios.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are switches of the user, each independent of the others"
)]
pub struct RunOptions {
    /// Wait for a resume before setup.
    pub paused: bool,
    /// Leave out `setup()`.
    pub no_setup: bool,
    /// How long `setup()` may take.
    pub setup_timeout: Duration,
    /// Leave out `teardown()`.
    pub no_teardown: bool,
    /// How long `teardown()` may take.
    pub teardown_timeout: Duration,
    /// How long `handleSummary()` may take.
    pub handle_summary_timeout: Duration,
    /// Requests per second at most, all virtual users of this process together.
    pub rps: Option<NonZeroU64>,
    /// Name resolution.
    pub dns: Dns,
    /// Redirects to follow; zero follows none.
    pub max_redirects: u32,
    /// User-Agent header; `None` is the program's own, empty sends none.
    pub user_agent: Option<String>,
    /// Requests of one batch at a time, at least one.
    pub batch: u32,
    /// Requests of one batch at a time to one host; `None` is no limit.
    pub batch_per_host: Option<u32>,
    /// Whether requests and responses are logged.
    pub http_debug: Option<HttpDebug>,
    /// Accept any certificate.
    pub insecure_skip_tls_verify: bool,
    /// Cipher suites that may be used, all of them supported; empty is no restriction.
    pub tls_cipher_suites: Vec<CipherSuite>,
    /// TLS versions that may be used; the bounds leave at least one of 1.2 and 1.3.
    pub tls_version: TlsVersions,
    /// Client certificates, without passwords.
    pub tls_auth: Vec<TlsAuth>,
    /// A failed request throws.
    pub throw: bool,
    /// Thresholds by metric selector, in order of the selectors.
    pub thresholds: Vec<(String, Vec<ThresholdSource>)>,
    /// Networks that must not be called.
    pub blacklist_ips: Vec<IpNet>,
    /// Names that must not be called.
    pub block_hostnames: Vec<BlockedName>,
    /// Names with addresses of their own.
    pub hosts: Hosts,
    /// A new connection for every request.
    pub no_connection_reuse: bool,
    /// New connections for every iteration.
    pub no_vu_connection_reuse: bool,
    /// An iteration takes at least this long; zero for no minimum.
    pub min_iteration_duration: Duration,
    /// What the summary shows of trends.
    pub summary_trend_stats: Vec<TrendStat>,
    /// The one unit of times in the summary; `None` gives each the one that fits.
    pub summary_time_unit: Option<TimeUnit>,
    /// System tags that samples carry.
    pub system_tags: SystemTags,
    /// Tags that all samples carry.
    pub tags: Texts,
    /// How many samples wait for a raw output, at least one.
    pub metric_samples_buffer_size: usize,
    /// Keep cookies from one iteration to the next.
    pub no_cookies_reset: bool,
    /// Do not keep response bodies.
    pub discard_response_bodies: bool,
    /// File for console output; `None` is the log.
    pub console_output: Option<String>,
    /// Local addresses to call from; `None` leaves the choice to the system.
    pub local_ips: Option<LocalIps>,
}

/// What is logged of requests and responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpDebug {
    /// Start lines and headers.
    Headers,
    /// Bodies as well.
    Full,
}

impl RunOptions {
    /// The local address of a virtual user, if the run has its own.
    pub fn local_ip(&self, vu: u64) -> Option<IpAddr> {
        self.local_ips.as_ref().map(|pool| pool.address_of(vu))
    }

    /// Validates options. Problems are noted; the result holds stand-ins then.
    pub(crate) fn validate(options: &Options, at: &mut Reader, warnings: &mut Vec<Warning>) -> Self {
        let on = |switch: Option<bool>| switch.unwrap_or(false);
        let minute = Duration::from_mins(1);
        let options = options.clone();
        Self {
            paused: on(options.paused),
            no_setup: on(options.no_setup),
            setup_timeout: duration("setupTimeout", options.setup_timeout, minute, at),
            no_teardown: on(options.no_teardown),
            teardown_timeout: duration("teardownTimeout", options.teardown_timeout, minute, at),
            handle_summary_timeout: duration(
                "handleSummaryTimeout",
                options.handle_summary_timeout,
                2 * minute,
                at,
            ),
            rps: options.rps.and_then(|rps| u64::try_from(rps).ok()).and_then(NonZeroU64::new),
            dns: options.dns.unwrap_or_default().resolved(),
            max_redirects: clamped(options.max_redirects, 10),
            user_agent: options.user_agent,
            batch: batch(options.batch, at),
            batch_per_host: Some(clamped(options.batch_per_host, 6)).filter(|limit| *limit > 0),
            http_debug: http_debug(options.http_debug.as_deref(), warnings),
            insecure_skip_tls_verify: on(options.insecure_skip_tls_verify),
            tls_cipher_suites: cipher_suites(options.tls_cipher_suites.unwrap_or_default(), at, warnings),
            tls_version: tls_version(options.tls_version.unwrap_or_default(), at),
            tls_auth: tls_auth(options.tls_auth.unwrap_or_default(), at),
            throw: on(options.throw),
            thresholds: options.thresholds.unwrap_or_default().0.into_iter().collect(),
            blacklist_ips: options.blacklist_ips.unwrap_or_default(),
            block_hostnames: options.block_hostnames.unwrap_or_default(),
            hosts: options.hosts.unwrap_or_default(),
            no_connection_reuse: on(options.no_connection_reuse),
            no_vu_connection_reuse: on(options.no_vu_connection_reuse),
            min_iteration_duration: duration(
                "minIterationDuration",
                options.min_iteration_duration,
                Duration::ZERO,
                at,
            ),
            summary_trend_stats: options.summary_trend_stats.unwrap_or_else(TrendStat::defaults),
            summary_time_unit: options.summary_time_unit.and_then(|choice| choice.0),
            system_tags: system_tags(options.system_tags, warnings),
            tags: options.tags.unwrap_or_default(),
            metric_samples_buffer_size: clamped(options.metric_samples_buffer_size, 1000).max(1) as usize,
            no_cookies_reset: on(options.no_cookies_reset),
            discard_response_bodies: on(options.discard_response_bodies),
            console_output: options.console_output.filter(|path| !path.is_empty()),
            local_ips: options.local_ips,
        }
    }
}

fn duration(name: &str, given: Option<Span>, default: Duration, at: &mut Reader) -> Duration {
    let Some(given) = given else { return default };
    let valid = given.to_duration();
    valid
        .or_else(|| at.member(name, |at| at.invalid(given, "a duration that is not negative")))
        .unwrap_or(default)
}

/// Numbers below zero mean the same as zero.
fn clamped(given: Option<i64>, default: u32) -> u32 {
    given.map_or(default, |given| given.clamp(0, i64::from(u32::MAX)) as u32)
}

/// k6 1.1 waits for ever if no request may run at a time.
fn batch(given: Option<i64>, at: &mut Reader) -> u32 {
    let given = given.unwrap_or(20);
    if given < 1 {
        at.member("batch", |at| at.invalid::<()>(given, "at least 1"));
    }
    clamped(Some(given), 20)
}

fn http_debug(given: Option<&str>, warnings: &mut Vec<Warning>) -> Option<HttpDebug> {
    match given {
        None | Some("" | "false") => None,
        Some("full") => Some(HttpDebug::Full),
        Some("headers" | "true") => Some(HttpDebug::Headers),
        Some(other) => {
            let why = "there are only headers and full; headers are logged";
            warnings.push(Warning::NoEffect { path: "httpDebug".into(), value: other.into(), why });
            Some(HttpDebug::Headers)
        }
    }
}

fn cipher_suites(given: Vec<CipherSuite>, at: &mut Reader, warnings: &mut Vec<Warning>) -> Vec<CipherSuite> {
    let (supported, missing): (Vec<_>, Vec<_>) = given.into_iter().partition(|suite| suite.supported);
    let missing = missing.iter().map(|suite| suite.name).collect::<Vec<_>>().join(", ");
    if missing.is_empty() {
        return supported;
    }
    if supported.is_empty() {
        at.member("tlsCipherSuites", |at| at.refused::<()>(format!("a list of nothing but {missing}")));
    } else {
        let why = "these are not supported yet; the others of the list are used";
        warnings.push(Warning::NoEffect { path: "tlsCipherSuites".into(), value: missing, why });
    }
    supported
}

fn tls_version(given: TlsVersions, at: &mut Reader) -> TlsVersions {
    at.member("tlsVersion", |at| {
        if let Some(max) = given.max.filter(|max| *max < TlsVersion::Tls12) {
            at.member("max", |at| at.refused::<()>(format!("{} as the highest version", max.name())));
        } else if let (Some(min), Some(max)) = (given.min, given.max)
            && min > max
        {
            at.member("min", |at| at.invalid::<()>(min.name(), format!("at most max ({})", max.name())));
        }
    });
    given
}

fn tls_auth(given: Vec<TlsAuth>, at: &mut Reader) -> Vec<TlsAuth> {
    at.member("tlsAuth", |at| {
        for (i, _) in given.iter().enumerate().filter(|(_, auth)| auth.password.is_some()) {
            let what = "decrypting a private key with a password";
            at.element(i, |at| at.member("password", |at| at.refused::<()>(what)));
        }
    });
    given
}

fn system_tags(given: Option<SystemTagNames>, warnings: &mut Vec<Warning>) -> SystemTags {
    let Some(names) = given else { return SystemTags::default() };
    for name in names.unknown() {
        let why = "there is no such system tag";
        warnings.push(Warning::NoEffect { path: "systemTags".into(), value: name.clone(), why });
    }
    names.resolved()
}
