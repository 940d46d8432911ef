//! From a host name to an address: overrides, blocks, lookups and source addresses.

mod cidr;
mod dns;
mod filter;
mod hosts;
mod local;
mod proxy;

pub use cidr::{Cidr, CidrError};
pub use dns::{DnsConfig, DnsPolicy, DnsSelect};
pub(crate) use dns::{LookupError, Resolver};
pub use filter::{AddressFilter, HostnameFilter, HostnamePatternError};
pub use hosts::{HostOverrideError, HostOverrides};
pub use local::{LocalIps, LocalIpsError};
pub(crate) use proxy::Proxy;
pub use proxy::{ProxyConfig, ProxyError};
