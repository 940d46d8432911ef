//! The options of a test: one layer of them, from a script, a configuration file, the environment or the
//! command line. Layers are laid over each other by [`crate::merge`].

use serde_json::{Map, Value as Json};

use crate::duration::Span;
use crate::error::{PlanError, Warning};
use crate::reader::Reader;
use crate::scenario_layer::Scenarios;
use crate::segment::{ExecutionSegment, SegmentSequence};
use crate::table::{OptionDef, Support, options};
use crate::value::addresses::{IpNet, LocalIps};
use crate::value::dns::DnsLayer;
use crate::value::hosts::{BlockedName, Hosts};
use crate::value::stages::Stages;
use crate::value::summary::{TimeUnitChoice, TrendStat};
use crate::value::tags::{SystemTagNames, Texts};
use crate::value::thresholds::Thresholds;
use crate::value::tls::{CipherSuite, TlsAuth, TlsVersions};

const fn script(key: &'static str) -> OptionDef {
    OptionDef::script(key)
}

const fn outside(key: &'static str) -> OptionDef {
    OptionDef::outside(key)
}

options! {
    /// One layer of test options. `None` is "not set here".
    Options;

    "start in the paused state and wait for a resume"
    paused: bool = script("paused").env("K6_PAUSED").flag("paused").short('p').default("false");
    "number of virtual users"
    vus: i64 = script("vus").env("K6_VUS").flag("vus").short('u').default("1");
    "how long to run"
    duration: Span = script("duration").env("K6_DURATION").flag("duration").short('d');
    "iterations in total, shared among the virtual users"
    iterations: i64 = script("iterations").env("K6_ITERATIONS").flag("iterations").short('i');
    "a step of a ramp of virtual users, as DURATION:TARGET"
    stages: Stages = script("stages").env("K6_STAGES").flag("stage").short('s').repeatable();
    "what runs when: a name, an executor and its settings for each scenario"
    scenarios: Scenarios = script("scenarios");
    "run only this share of the test, such as 10%, 1/3 or 0.2:2/3"
    execution_segment: ExecutionSegment =
        script("executionSegment").flag("execution-segment").default("0:1");
    "all shares of the test, in order, such as 0,1/3,2/3,1"
    execution_segment_sequence: SegmentSequence =
        script("executionSegmentSequence").flag("execution-segment-sequence").default("0,1");
    "do not run setup()"
    no_setup: bool = script("noSetup").env("K6_NO_SETUP").flag("no-setup").default("false");
    "how long setup() may take"
    setup_timeout: Span = script("setupTimeout").env("K6_SETUP_TIMEOUT").default("1m0s");
    "do not run teardown()"
    no_teardown: bool = script("noTeardown").env("K6_NO_TEARDOWN").flag("no-teardown").default("false");
    "how long teardown() may take"
    teardown_timeout: Span = script("teardownTimeout").env("K6_TEARDOWN_TIMEOUT").default("1m0s");
    "how long handleSummary() may take"
    handle_summary_timeout: Span =
        script("handleSummaryTimeout").env("K6_HANDLE_SUMMARY_TIMEOUT").default("2m0s");
    "at most so many requests per second, all virtual users together; 0 for no limit"
    rps: i64 = script("rps").env("K6_RPS").flag("rps").default("0");
    "name resolution: ttl (inf, 0 or a duration), select (first, random, roundRobin), policy (preferIPv4, preferIPv6, onlyIPv4, onlyIPv6, any)"
    dns: DnsLayer =
        script("dns").env("K6_DNS").flag("dns").default("ttl=5m,select=random,policy=preferIPv4");
    "follow at most so many redirects"
    max_redirects: i64 =
        script("maxRedirects").env("K6_MAX_REDIRECTS").flag("max-redirects").default("10");
    "User-Agent header of requests; empty to send none"
    user_agent: String = script("userAgent").env("K6_USER_AGENT").flag("user-agent");
    "requests of one http.batch() at a time"
    batch: i64 = script("batch").env("K6_BATCH").flag("batch").default("20");
    "requests of one http.batch() at a time to one host; 0 for no limit"
    batch_per_host: i64 =
        script("batchPerHost").env("K6_BATCH_PER_HOST").flag("batch-per-host").default("6");
    "log every request and response: headers, or full to include bodies"
    http_debug: String = script("httpDebug").env("K6_HTTP_DEBUG").flag("http-debug").bare("headers");
    "accept any TLS certificate"
    insecure_skip_tls_verify: bool = script("insecureSkipTLSVerify").env("K6_INSECURE_SKIP_TLS_VERIFY")
        .flag("insecure-skip-tls-verify").default("false");
    "TLS cipher suites that may be used"
    tls_cipher_suites: Vec<CipherSuite> = script("tlsCipherSuites").env("K6_TLS_CIPHER_SUITES");
    "TLS versions that may be used: one, or {min, max}"
    tls_version: TlsVersions = script("tlsVersion");
    "client certificates: cert, key and the domains they are for"
    tls_auth: Vec<TlsAuth> = script("tlsAuth").env("K6_TLSAUTH");
    "a failed request throws"
    throw: bool = script("throw").env("K6_THROW").flag("throw").short('w').default("false");
    "conditions on metrics that decide whether the test passes"
    thresholds: Thresholds = script("thresholds").env("K6_THRESHOLDS");
    "never call these IP networks"
    blacklist_ips: Vec<IpNet> =
        script("blacklistIPs").env("K6_BLACKLIST_IPS").flag("blacklist-ip").repeatable();
    "never call these host names; a leading * stands for anything"
    block_hostnames: Vec<BlockedName> =
        script("blockHostnames").env("K6_BLOCK_HOSTNAMES").flag("block-hostnames").repeatable();
    "addresses to call instead of what names resolve to"
    hosts: Hosts = script("hosts").env("K6_HOSTS");
    "a new connection for every request"
    no_connection_reuse: bool = script("noConnectionReuse").env("K6_NO_CONNECTION_REUSE")
        .flag("no-connection-reuse").default("false");
    "new connections for every iteration"
    no_vu_connection_reuse: bool = script("noVUConnectionReuse").env("K6_NO_VU_CONNECTION_REUSE")
        .flag("no-vu-connection-reuse").default("false");
    "an iteration takes at least so long"
    min_iteration_duration: Span = script("minIterationDuration").env("K6_MIN_ITERATION_DURATION")
        .flag("min-iteration-duration").default("0s");
    "settings of the k6 cloud service"
    cloud: Json = script("cloud").support(Support::Elsewhere);
    "settings of other services"
    ext: Json = script("ext").support(Support::Elsewhere);
    "what the summary shows of trends: avg, min, med, max, count, p(N)"
    summary_trend_stats: Vec<TrendStat> = script("summaryTrendStats").env("K6_SUMMARY_TREND_STATS")
        .flag("summary-trend-stats").default("avg,min,med,max,p(90),p(95)");
    "unit of all times in the summary; by default each time has the one that fits"
    summary_time_unit: TimeUnitChoice =
        script("summaryTimeUnit").env("K6_SUMMARY_TIME_UNIT").flag("summary-time-unit");
    "system tags that samples carry"
    system_tags: SystemTagNames = script("systemTags").env("K6_SYSTEM_TAGS").flag("system-tags").repeatable()
        .default("check,error,error_code,expected_response,group,method,name,proto,scenario,service,status,subproto,tls_version,url");
    "a tag that all samples carry, as NAME=VALUE"
    tags: Texts = script("tags").env("K6_TAGS").flag("tag").repeatable();
    "how many samples wait for an output"
    metric_samples_buffer_size: i64 =
        script("metricSamplesBufferSize").env("K6_METRIC_SAMPLES_BUFFER_SIZE").default("1000");
    "keep cookies from one iteration to the next"
    no_cookies_reset: bool = script("noCookiesReset").env("K6_NO_COOKIES_RESET").default("false");
    "read response bodies but do not keep them"
    discard_response_bodies: bool = script("discardResponseBodies").env("K6_DISCARD_RESPONSE_BODIES")
        .flag("discard-response-bodies").default("false");
    "write console output to this file"
    console_output: String = outside("consoleOutput").env("K6_CONSOLE_OUTPUT").flag("console-output");
    "call from these local addresses: addresses, ranges, networks"
    local_ips: LocalIps = outside("localIPs").env("K6_LOCAL_IPS").flag("local-ips");
}

impl Options {
    /// Reads the `options` that a script exports. Names that do not exist give one warning.
    pub fn from_script(json: &Json) -> Result<(Self, Vec<Warning>), PlanError> {
        Self::from_object(json, |row| row.script)
    }

    /// Reads a configuration file. It may set everything a script may, and more that is read elsewhere:
    /// other names are no cause for a warning.
    pub fn from_config(json: &Json) -> Result<Self, PlanError> {
        Self::from_object(json, |_| true).map(|(options, _)| options)
    }

    fn from_object(
        json: &Json,
        wanted: impl Fn(&OptionDef) -> bool,
    ) -> Result<(Self, Vec<Warning>), PlanError> {
        let mut at = Reader::default();
        if json.is_null() {
            return Ok((Self::default(), Vec::new()));
        }
        let Some(mut fields) = at.member("options", |at| at.object(json)) else {
            return at.finish((Self::default(), Vec::new()));
        };
        let options = Self::read_fields(&mut fields, &mut at, wanted);
        fields.skip_rest(&mut at);
        let unknown = at.take_unknown();
        let warnings = if unknown.is_empty() { vec![] } else { vec![Warning::UnknownOptions(unknown)] };
        at.finish((options, warnings))
    }

    /// As `k6 inspect` prints them: every key in k6's order, `null` if not set.
    pub fn to_json(&self) -> Json {
        self.print(|row| row.script)
    }

    /// As scripts see them in `exec.test.options`: everything that runs is in `scenarios`, the shortcuts
    /// are gone, and what scripts cannot set is there as well. Takes the result of
    /// [`crate::shortcuts::derive`] over these options.
    pub fn to_exec_json(&self, scenarios: &Scenarios) -> Json {
        let derived = Self { scenarios: Some(scenarios.clone()), ..self.clone() };
        derived.print(|row| !["vus", "duration", "iterations", "stages"].contains(&row.key))
    }

    /// With the defaults that k6 shows as values (`k6 inspect --execution-requirements`).
    #[must_use]
    pub fn with_shown_defaults(mut self) -> Self {
        self.summary_trend_stats.get_or_insert_with(TrendStat::defaults);
        self.system_tags.get_or_insert_with(SystemTagNames::defaults);
        self
    }

    fn print(&self, wanted: impl Fn(&OptionDef) -> bool) -> Json {
        let mut printed = Map::new();
        for (row, value) in self.values().into_iter().filter(|(row, _)| wanted(row)) {
            let value = match (row.key, value) {
                // k6 1.1 leaves these out unless set.
                ("cloud" | "handleSummaryTimeout", None) => continue,
                ("dns", None) => crate::value::Value::to_json(&DnsLayer::default()),
                (_, value) => value.unwrap_or(Json::Null),
            };
            printed.insert(row.key.to_owned(), value);
        }
        Json::Object(printed)
    }

    /// Lays a higher layer over this one. What runs (`duration`, `iterations`, `stages`, `scenarios`) is
    /// one group: setting any of it above clears all of it below.
    pub(crate) fn lay_over(&mut self, higher: Self) {
        if higher.sets_what_runs() {
            self.duration = None;
            self.iterations = None;
            self.stages = None;
            self.scenarios = None;
        }
        self.overlay(higher);
    }

    /// Whether any option of the group is set.
    pub(crate) fn sets_what_runs(&self) -> bool {
        self.duration.is_some()
            || self.iterations.is_some()
            || self.stages.is_some()
            || self.scenarios.is_some()
    }
}
