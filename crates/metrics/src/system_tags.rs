//! Which of the tags that the engine itself sets are wanted (k6's `systemTags` option).

use std::str::FromStr;

/// A tag the engine sets on samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the tag of that name in k6's documentation")]
pub enum SystemTag {
    Proto,
    Subproto,
    Status,
    Method,
    Url,
    Name,
    Group,
    Check,
    Error,
    ErrorCode,
    TlsVersion,
    Scenario,
    Service,
    ExpectedResponse,
    Iter,
    Vu,
    OcspStatus,
    Ip,
}

impl SystemTag {
    /// All system tags; the first fourteen are on by default.
    pub const ALL: [Self; 18] = [
        Self::Proto,
        Self::Subproto,
        Self::Status,
        Self::Method,
        Self::Url,
        Self::Name,
        Self::Group,
        Self::Check,
        Self::Error,
        Self::ErrorCode,
        Self::TlsVersion,
        Self::Scenario,
        Self::Service,
        Self::ExpectedResponse,
        Self::Iter,
        Self::Vu,
        Self::OcspStatus,
        Self::Ip,
    ];

    /// The tag's key.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proto => "proto",
            Self::Subproto => "subproto",
            Self::Status => "status",
            Self::Method => "method",
            Self::Url => "url",
            Self::Name => "name",
            Self::Group => "group",
            Self::Check => "check",
            Self::Error => "error",
            Self::ErrorCode => "error_code",
            Self::TlsVersion => "tls_version",
            Self::Scenario => "scenario",
            Self::Service => "service",
            Self::ExpectedResponse => "expected_response",
            Self::Iter => "iter",
            Self::Vu => "vu",
            Self::OcspStatus => "ocsp_status",
            Self::Ip => "ip",
        }
    }

    /// Whether the tag is metadata: written by raw outputs, but never a dimension of a series
    /// (`vu` and `iter`, as in k6 since 0.41).
    pub fn is_metadata(self) -> bool {
        matches!(self, Self::Iter | Self::Vu)
    }
}

/// A name in `systemTags` that is no system tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read system tag {0:?}: there is no system tag of this name")]
pub struct UnknownSystemTag(pub String);

impl FromStr for SystemTag {
    type Err = UnknownSystemTag;

    fn from_str(name: &str) -> Result<Self, UnknownSystemTag> {
        Self::ALL
            .into_iter()
            .find(|tag| tag.as_str() == name)
            .ok_or_else(|| UnknownSystemTag(name.to_owned()))
    }
}

/// A set of system tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemTags(u32);

impl Default for SystemTags {
    /// What k6 enables by default: all but `iter`, `vu`, `ocsp_status` and `ip`.
    fn default() -> Self {
        SystemTag::ALL.into_iter().take(14).collect()
    }
}

impl FromIterator<SystemTag> for SystemTags {
    fn from_iter<I: IntoIterator<Item = SystemTag>>(tags: I) -> Self {
        Self(tags.into_iter().fold(0, |bits, tag| bits | 1 << tag as u32))
    }
}

impl SystemTags {
    /// Whether the tag is wanted.
    pub fn contains(self, tag: SystemTag) -> bool {
        self.0 & 1 << tag as u32 != 0
    }

    /// The wanted tags in the order of [`SystemTag::ALL`].
    pub fn iter(self) -> impl Iterator<Item = SystemTag> {
        SystemTag::ALL.into_iter().filter(move |tag| self.contains(*tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_leaves_out_the_four_optional_tags() {
        let tags = SystemTags::default();
        assert!(tags.contains(SystemTag::ExpectedResponse) && tags.contains(SystemTag::Proto));
        for optional in ["iter", "vu", "ocsp_status", "ip"] {
            assert!(!tags.contains(optional.parse().unwrap()), "{optional}");
        }
        assert_eq!("nope".parse::<SystemTag>(), Err(UnknownSystemTag("nope".into())));
    }
}
