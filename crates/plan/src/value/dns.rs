//! The resolver's settings: how long answers are kept, and which address of an answer is used.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Kind, Value, comma_separated};
use crate::duration;
use crate::reader::Reader;

/// How long an answer is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// Ask anew each time (`0`).
    None,
    /// For so long.
    For(Duration),
    /// For the whole run (`inf`).
    Forever,
}

/// Which of several addresses is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// Always the first one.
    First,
    /// Any, each time anew.
    Random,
    /// One after the other.
    RoundRobin,
}

/// Which address families are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// IPv4 if there is one, else IPv6.
    PreferIpv4,
    /// IPv6 if there is one, else IPv4.
    PreferIpv6,
    /// IPv4 only.
    OnlyIpv4,
    /// IPv6 only.
    OnlyIpv6,
    /// All addresses alike.
    Any,
}

/// The resolver's settings, validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dns {
    /// How long an answer is kept.
    pub ttl: Ttl,
    /// Which of several addresses is used.
    pub select: Select,
    /// Which address families are used.
    pub policy: Policy,
}

impl Default for Dns {
    fn default() -> Self {
        let ttl = Ttl::For(Duration::from_mins(5));
        Self { ttl, select: Select::Random, policy: Policy::PreferIpv4 }
    }
}

const SELECTS: [(&str, Select); 3] =
    [("first", Select::First), ("random", Select::Random), ("roundRobin", Select::RoundRobin)];
const POLICIES: [(&str, Policy); 5] = [
    ("preferIPv4", Policy::PreferIpv4),
    ("preferIPv6", Policy::PreferIpv6),
    ("onlyIPv4", Policy::OnlyIpv4),
    ("onlyIPv6", Policy::OnlyIpv6),
    ("any", Policy::Any),
];

/// The settings of one layer; each of the three is merged by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DnsLayer {
    ttl: Option<(String, Ttl)>,
    select: Option<&'static str>,
    policy: Option<&'static str>,
}

impl DnsLayer {
    /// With defaults for what is not set.
    pub(crate) fn resolved(&self) -> Dns {
        let default = Dns::default();
        let select = SELECTS.iter().find(|(name, _)| Some(*name) == self.select);
        let policy = POLICIES.iter().find(|(name, _)| Some(*name) == self.policy);
        Dns {
            ttl: self.ttl.as_ref().map_or(default.ttl, |(_, ttl)| *ttl),
            select: select.map_or(default.select, |(_, select)| *select),
            policy: policy.map_or(default.policy, |(_, policy)| *policy),
        }
    }

    /// Sets one of the three; an empty value leaves it unset. The error says what is expected.
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        if value.is_empty() {
            return Ok(());
        }
        match name {
            "ttl" => self.ttl = Some((value.to_owned(), ttl(value)?)),
            "select" => self.select = Some(word(value, SELECTS.map(|(name, _)| name))?),
            "policy" => self.policy = Some(word(value, POLICIES.map(|(name, _)| name))?),
            _ => return Err("ttl, select or policy".to_owned()),
        }
        Ok(())
    }
}

fn ttl(text: &str) -> Result<Ttl, String> {
    match (text, duration::parse(text)) {
        ("inf", _) => Ok(Ttl::Forever),
        (_, Ok(Duration::ZERO)) => Ok(Ttl::None),
        (_, Ok(time)) => Ok(Ttl::For(time)),
        (_, Err(_)) => Err("inf, 0 or a positive duration".to_owned()),
    }
}

fn word<const N: usize>(text: &str, words: [&'static str; N]) -> Result<&'static str, String> {
    words.into_iter().find(|word| *word == text).ok_or_else(|| format!("one of {}", words.join(", ")))
}

impl Value for DnsLayer {
    const KIND: Kind = Kind::Object;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let mut fields = at.object(json)?;
        let mut layer = Self::default();
        for name in ["ttl", "select", "policy"] {
            if let Some(value) = fields.read::<String>(name, at)
                && let Err(expected) = layer.set(name, &value)
            {
                at.member(name, |at| at.invalid::<()>(json!(value), expected));
            }
        }
        fields.skip_rest(at);
        Some(layer)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let mut layer = Self::default();
        for pair in comma_separated(text) {
            let (name, value) =
                pair.split_once('=').ok_or("pairs such as ttl=5m,select=random,policy=preferIPv4")?;
            layer.set(name, value).map_err(|expected| format!("{expected} in `{pair}`"))?;
        }
        Ok(layer)
    }

    fn to_json(&self) -> Json {
        json!({ "ttl": self.ttl.as_ref().map(|(text, _)| text), "select": self.select, "policy": self.policy })
    }

    fn over(self, lower: Self) -> Self {
        Self {
            ttl: self.ttl.or(lower.ttl),
            select: self.select.or(lower.select),
            policy: self.policy.or(lower.policy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns(text: &str) -> Dns {
        DnsLayer::from_text(text).expect(text).resolved()
    }

    #[test]
    fn each_setting_has_its_own_default() {
        assert_eq!(dns(""), Dns::default());
        assert_eq!(dns("ttl=inf"), Dns { ttl: Ttl::Forever, ..Dns::default() });
        assert_eq!(
            dns("ttl=0,select=first"),
            Dns { ttl: Ttl::None, select: Select::First, ..Dns::default() }
        );
        assert_eq!(dns("ttl=1500,policy=any").ttl, Ttl::For(Duration::from_millis(1_500)));
    }

    #[test]
    fn layers_are_merged_setting_by_setting() {
        let lower = DnsLayer::from_text("ttl=1s,policy=any").expect("valid");
        let merged = DnsLayer::from_text("select=first,ttl=0").expect("valid").over(lower);
        assert_eq!(merged.to_json(), json!({"ttl": "0", "select": "first", "policy": "any"}));
    }

    #[test]
    fn unknown_words_are_refused() {
        for text in ["first", "ttl=-1s", "ttl=x", "select=FIRST", "policy=ipv4", "foo=1"] {
            assert!(DnsLayer::from_text(text).is_err(), "{text}");
        }
    }
}
