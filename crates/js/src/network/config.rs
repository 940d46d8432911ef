//! From the plan's options to the settings of the HTTP client.

use std::sync::Arc;
use std::time::Duration;

use throng_http::{
    AddressFilter, Cidr, CidrError, CipherSuite, ClientConfig, ClientIdentity, DnsConfig, DnsPolicy,
    DnsSelect, HostOverrideError, HostOverrides, HostnameFilter, HostnamePatternError, LocalIps,
    LocalIpsError, ProxyConfig, ProxyError, RateLimiter, TlsConfig, TlsConfigError, TlsVersions,
};
use throng_plan::RunOptions;
use throng_plan::value::dns::{Dns, Policy, Select, Ttl};
use throng_plan::value::hosts::BlockedName;
use throng_plan::value::tls::TlsVersion;

/// What k6 1.1 sends; servers and their logs are configured for it.
const USER_AGENT: &str = "Grafana k6/1.1.0";

/// An option that the HTTP client cannot honour.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// `hosts`
    #[error("use the option hosts: {0}")]
    Hosts(#[from] HostOverrideError),
    /// `blockHostnames`
    #[error("use the option blockHostnames: {0}")]
    BlockHostnames(#[from] HostnamePatternError),
    /// `blacklistIPs`
    #[error("use the option blacklistIPs: {0}")]
    BlacklistIps(#[from] CidrError),
    /// `localIPs`
    #[error("use the option localIPs: {0}")]
    LocalIps(#[from] LocalIpsError),
    /// The options about TLS.
    #[error(transparent)]
    Tls(#[from] TlsConfigError),
    /// A proxy in the environment.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

/// The client's settings for a run with these options in so many processes; `None` are k6's defaults, for loading the
/// script.
pub fn client_config(options: Option<&RunOptions>, workers: u32) -> Result<ClientConfig, NetworkError> {
    let mut config = ClientConfig {
        user_agent: Some(USER_AGENT.to_owned()),
        proxy: ProxyConfig::from_env()?,
        ..ClientConfig::default()
    };
    config.tls.http2 = http2_wanted(&std::env::var("GODEBUG").unwrap_or_default());
    let Some(options) = options else { return Ok(config) };
    if let Some(agent) = &options.user_agent {
        config.user_agent = Some(agent.clone()).filter(|agent| !agent.is_empty());
    }
    config.max_idle = options.batch as usize;
    // Go reads 0 as its own default of two idle connections a host; without a limit we keep as many as in all.
    config.max_idle_per_host = options.batch_per_host.unwrap_or(options.batch) as usize;
    config.no_connection_reuse = options.no_connection_reuse;
    config.no_vu_connection_reuse = options.no_vu_connection_reuse;
    config.dns = dns(&options.dns);
    if !options.hosts.is_empty() {
        config.hosts = HostOverrides::new(options.hosts.iter().map(|(name, to)| (name, to.to_string())))?;
    }
    let ranges: Result<Vec<Cidr>, _> =
        options.blacklist_ips.iter().map(|net| net.to_string().parse()).collect();
    config.blacklist = AddressFilter::new(ranges?);
    config.block_hostnames = HostnameFilter::new(options.block_hostnames.iter().map(BlockedName::pattern))?;
    if let Some(ips) = &options.local_ips {
        let ips: LocalIps = ips.as_str().parse()?;
        config.local_ips = Some(ips.into());
    }
    config.rate_limiter = options.rps.and_then(|rps| RateLimiter::part_of(rps.get(), workers)).map(Arc::new);
    let http2 = config.tls.http2;
    config.tls = TlsConfig { http2, ..tls(options)? };
    Ok(config)
}

/// Scripts for k6 switch HTTP/2 off with a setting of Go's own.
fn http2_wanted(godebug: &str) -> bool {
    !godebug.split(',').any(|setting| setting.trim() == "http2client=0")
}

fn tls(options: &RunOptions) -> Result<TlsConfig, TlsConfigError> {
    let name = |version: Option<TlsVersion>| version.map_or("", TlsVersion::name);
    let suites = options.tls_cipher_suites.iter().map(|suite| CipherSuite::from_name(suite.name));
    let identities = options
        .tls_auth
        .iter()
        .map(|auth| ClientIdentity::from_pem(auth.domains.clone(), &auth.cert, &auth.key));
    Ok(TlsConfig {
        insecure_skip_verify: options.insecure_skip_tls_verify,
        versions: TlsVersions::new(name(options.tls_version.min), name(options.tls_version.max))?,
        cipher_suites: suites.collect::<Result<_, _>>()?,
        identities: identities.collect::<Result<_, _>>()?,
        ..TlsConfig::default()
    })
}

fn dns(dns: &Dns) -> DnsConfig {
    DnsConfig {
        ttl: match dns.ttl {
            Ttl::None => Some(Duration::ZERO),
            Ttl::For(ttl) => Some(ttl),
            Ttl::Forever => None,
        },
        select: match dns.select {
            Select::First => DnsSelect::First,
            Select::Random => DnsSelect::Random,
            Select::RoundRobin => DnsSelect::RoundRobin,
        },
        policy: match dns.policy {
            Policy::PreferIpv4 => DnsPolicy::PreferIpv4,
            Policy::PreferIpv6 => DnsPolicy::PreferIpv6,
            Policy::OnlyIpv4 => DnsPolicy::OnlyIpv4,
            Policy::OnlyIpv6 => DnsPolicy::OnlyIpv6,
            Policy::Any => DnsPolicy::Any,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_settings() {
        let json = serde_json::json!({
            "userAgent": "", "rps": 5, "batch": 3, "batchPerHost": 0, "insecureSkipTLSVerify": true,
            "hosts": { "*.a.test:443": "10.0.0.1:8443" }, "blacklistIPs": ["10.0.0.0/8"],
            "tlsVersion": { "min": "tls1.2", "max": "tls1.3" }, "dns": { "ttl": "inf" },
            "tlsCipherSuites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
        });
        let (options, _) = throng_plan::Options::from_script(&json).unwrap();
        let (plan, _) = throng_plan::Plan::new(&options).unwrap();
        let config = client_config(Some(&plan.options), 1).unwrap();
        assert_eq!((config.user_agent, config.max_idle, config.max_idle_per_host), (None, 3, 3));
        assert!(config.rate_limiter.is_some() && config.tls.insecure_skip_verify);
        assert!(config.blacklist.blocks([10, 1, 2, 3].into()));
        assert_eq!((config.dns.ttl, config.tls.cipher_suites.len()), (None, 1));
    }

    #[test]
    fn http2_is_switched_off_as_with_go() {
        assert!(http2_wanted("") && http2_wanted("gctrace=1,http2client=1"));
        assert!(!http2_wanted("gctrace=1,http2client=0"));
    }
}
