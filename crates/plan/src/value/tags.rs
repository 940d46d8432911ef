//! Tags of the whole run, and the choice of system tags.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Kind, Value, comma_separated};
use crate::reader::Reader;

/// Names with text values: tags, or variables of a scenario.
pub type Texts = BTreeMap<String, String>;

impl Value for Texts {
    const KIND: Kind = Kind::Object;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let Json::Object(members) = json else { return at.invalid(json, "an object of texts") };
        let mut texts = Self::new();
        for (name, value) in members {
            // As k6 has it: `env: { TOKEN: __ENV.TOKEN }` without that variable is an empty text.
            if value.is_null() {
                texts.insert(name.clone(), String::new());
            } else if let Some(value) = at.member(name, |at| String::from_json(value, at)) {
                texts.insert(name.clone(), value);
            }
        }
        Some(texts)
    }

    /// `name:value,name:value`
    fn from_text(text: &str) -> Result<Self, String> {
        let pair = |pair: &str| pair.split_once(':').map(|(name, value)| (name.to_owned(), value.to_owned()));
        let pairs = comma_separated(text).map(pair).collect::<Option<_>>();
        pairs.ok_or_else(|| "pairs such as team:web,stage:dev".to_owned())
    }

    /// `name=value`; commas belong to the value.
    fn from_flag(text: &str) -> Result<Self, String> {
        let pair = text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
        let (name, value) = pair.ok_or("NAME=VALUE")?;
        Ok(Self::from([(name.to_owned(), value.to_owned())]))
    }

    fn to_json(&self) -> Json {
        self.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect()
    }

    fn repeat(&mut self, next: Self) {
        self.extend(next);
    }
}

macro_rules! system_tags {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $default:literal;)*) => {
        /// A tag that the program sets by itself.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum SystemTag { $($(#[$doc])* $variant),* }

        impl SystemTag {
            /// All of them, by name.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Whether it is set unless `systemTags` says otherwise.
            pub fn is_default(self) -> bool {
                match self { $(Self::$variant => $default),* }
            }
        }
    };
}

system_tags! {
    /// Name of the check.
    Check = "check", true;
    /// Error text of a request.
    Error = "error", true;
    /// Error number of a request.
    ErrorCode = "error_code", true;
    /// Whether the response was one that the response callback expects.
    ExpectedResponse = "expected_response", true;
    /// Path of the group.
    Group = "group", true;
    /// Remote address.
    Ip = "ip", false;
    /// Number of the iteration; metadata of raw samples.
    Iter = "iter", false;
    /// HTTP method.
    Method = "method", true;
    /// Name of the request, by default its URL.
    Name = "name", true;
    /// OCSP status of the server's certificate.
    OcspStatus = "ocsp_status", false;
    /// Protocol with version.
    Proto = "proto", true;
    /// Name of the scenario.
    Scenario = "scenario", true;
    /// RPC service.
    Service = "service", true;
    /// Response status.
    Status = "status", true;
    /// WebSocket subprotocol.
    Subproto = "subproto", true;
    /// TLS version.
    TlsVersion = "tls_version", true;
    /// URL of the request.
    Url = "url", true;
    /// Number of the virtual user; metadata of raw samples.
    Vu = "vu", false;
}

/// Which system tags are set; none of them is possible, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemTags(u32);

impl SystemTags {
    /// Whether `tag` is set.
    pub fn contains(self, tag: SystemTag) -> bool {
        self.0 & (1 << tag as u8) != 0
    }

    /// The tags that are set, by name.
    pub fn iter(self) -> impl Iterator<Item = SystemTag> {
        SystemTag::ALL.iter().copied().filter(move |tag| self.contains(*tag))
    }
}

impl Default for SystemTags {
    fn default() -> Self {
        SystemTag::ALL.iter().copied().filter(|tag| tag.is_default()).collect()
    }
}

impl FromIterator<SystemTag> for SystemTags {
    fn from_iter<I: IntoIterator<Item = SystemTag>>(tags: I) -> Self {
        Self(tags.into_iter().fold(0, |set, tag| set | 1 << tag as u8))
    }
}

/// Names of system tags as given; unknown ones have no effect, as in k6, but are worth a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemTagNames(pub Vec<String>);

impl SystemTagNames {
    /// The names of the default set.
    pub(crate) fn defaults() -> Self {
        Self(SystemTags::default().iter().map(|tag| tag.name().to_owned()).collect())
    }

    /// The set of the names that exist.
    pub(crate) fn resolved(&self) -> SystemTags {
        SystemTag::ALL.iter().copied().filter(|tag| self.0.iter().any(|name| name == tag.name())).collect()
    }

    /// The names that do not exist.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = &String> {
        self.0.iter().filter(|name| SystemTag::ALL.iter().all(|tag| tag.name() != name.as_str()))
    }
}

impl Value for SystemTagNames {
    const KIND: Kind = Kind::List;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        at.list(json).map(Self)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        Vec::from_text(text).map(Self)
    }

    /// An empty set is printed like none at all, as k6 1.1 does.
    fn to_json(&self) -> Json {
        if self.0.is_empty() {
            return Json::Null;
        }
        self.resolved().iter().map(SystemTag::name).collect()
    }

    fn repeat(&mut self, next: Self) {
        self.0.extend(next.0);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn variables_and_flags_write_tags_differently() {
        let from_text = Texts::from_text("a:b,c:d:e").expect("valid");
        assert_eq!(from_text.to_json(), json!({"a": "b", "c": "d:e"}));
        let mut from_flags = Texts::from_flag("x=y").expect("valid");
        from_flags.repeat(Texts::from_flag("z=1,w=2").expect("valid"));
        assert_eq!(from_flags.to_json(), json!({"x": "y", "z": "1,w=2"}));
        assert!(Texts::from_text("a=b").is_err());
        for text in ["x", "=x", "x="] {
            assert!(Texts::from_flag(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tags_have_to_be_texts() {
        let mut at = Reader::at("tags");
        let tags = Texts::from_json(&json!({"a": "b", "c": 1}), &mut at);
        let error = at.finish(tags).expect_err("a number");
        assert_eq!(error.problems[0].path(), "tags.c");
    }

    #[test]
    fn system_tags_are_a_set_without_the_rare_ones() {
        let names: Vec<&str> = SystemTags::default().iter().map(SystemTag::name).collect();
        assert_eq!(names.len(), 14);
        assert!(!names.contains(&"vu") && !names.contains(&"ip"));
        let chosen = SystemTagNames::from_text("vu, url,nope").expect("valid");
        assert_eq!(chosen.to_json(), json!(["url", "vu"]));
        assert_eq!(chosen.unknown().collect::<Vec<_>>(), ["nope"]);
        assert_eq!(SystemTagNames(vec![]).resolved().iter().count(), 0);
    }
}
