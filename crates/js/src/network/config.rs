//! From the plan's options to the settings of the HTTP client.

use std::time::Duration;

use throng_http::{
    AddressFilter, Cidr, CidrError, ClientConfig, DnsConfig, DnsPolicy, DnsSelect, HostOverrideError, HostOverrides,
    HostnameFilter, HostnamePatternError, LocalIps, LocalIpsError,
};
use throng_plan::RunOptions;
use throng_plan::value::dns::{Dns, Policy, Select, Ttl};

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
}

/// The client's settings for a run with these options; `None` are k6's defaults, for loading the script.
pub fn client_config(options: Option<&RunOptions>) -> Result<ClientConfig, NetworkError> {
    let mut config = ClientConfig { user_agent: Some(USER_AGENT.to_owned()), ..ClientConfig::default() };
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
    let ranges: Result<Vec<Cidr>, _> = options.blacklist_ips.iter().map(|net| net.to_string().parse()).collect();
    config.blacklist = AddressFilter::new(ranges?);
    config.block_hostnames = HostnameFilter::new(options.block_hostnames.iter().map(|name| name.pattern()))?;
    if let Some(ips) = &options.local_ips {
        let ips: LocalIps = ips.as_str().parse()?;
        config.local_ips = Some(ips.into());
    }
    Ok(config)
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
