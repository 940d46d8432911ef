//! TLS: versions, cipher suites and client certificates.

use serde_json::{Value as Json, json};

use super::{Kind, Value, comma_separated, json_from_text};
use crate::reader::Reader;

/// A version of SSL or TLS as options name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// `ssl3.0`
    Ssl30,
    /// `tls1.0`
    Tls10,
    /// `tls1.1`
    Tls11,
    /// `tls1.2`
    Tls12,
    /// `tls1.3`
    Tls13,
}

impl TlsVersion {
    const NAMES: [(&str, Self); 5] = [
        ("ssl3.0", Self::Ssl30),
        ("tls1.0", Self::Tls10),
        ("tls1.1", Self::Tls11),
        ("tls1.2", Self::Tls12),
        ("tls1.3", Self::Tls13),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, version)| *version == self).map_or("", |(name, _)| name)
    }

    /// An empty text sets no bound.
    fn bound(text: &str) -> Result<Option<Self>, String> {
        let named = || Self::NAMES.iter().find(|(name, _)| *name == text).map(|(_, version)| *version);
        match text {
            "" => Ok(None),
            _ => named()
                .map(Some)
                .ok_or_else(|| format!("one of {}", Self::NAMES.map(|(name, _)| name).join(", "))),
        }
    }
}

/// The versions that may be used; `None` is no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TlsVersions {
    /// The lowest.
    pub min: Option<TlsVersion>,
    /// The highest.
    pub max: Option<TlsVersion>,
}

impl Value for TlsVersions {
    const KIND: Kind = Kind::Object;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        if let Json::String(text) = json {
            return Self::from_text(text).or_else(|expected| at.invalid(json, expected).ok_or(())).ok();
        }
        let mut fields = at.object(json)?;
        let mut bound = |name: &str, at: &mut Reader| {
            let text: String = fields.read(name, at)?;
            at.member(name, |at| match TlsVersion::bound(&text) {
                Ok(version) => version,
                Err(expected) => at.invalid(json!(text), expected),
            })
        };
        let versions = Self { min: bound("min", at), max: bound("max", at) };
        fields.refuse_rest("tlsVersion", &["min", "max"], at);
        Some(versions)
    }

    /// One version is both bounds.
    fn from_text(text: &str) -> Result<Self, String> {
        TlsVersion::bound(text).map(|version| Self { min: version, max: version })
    }

    fn to_json(&self) -> Json {
        let name = |bound: Option<TlsVersion>| bound.map_or("", TlsVersion::name);
        json!({ "min": name(self.min), "max": name(self.max) })
    }
}

/// A cipher suite by its IANA name, as Go spells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CipherSuite {
    /// The name.
    pub name: &'static str,
    /// Whether our TLS library has it.
    pub supported: bool,
}

const fn suite(name: &'static str, supported: bool) -> CipherSuite {
    CipherSuite { name, supported }
}

/// The suites that k6 knows by name. Those without forward secrecy or with CBC, RC4 or 3DES are not in
/// rustls.
const SUITES: &[CipherSuite] = &[
    suite("TLS_AES_128_GCM_SHA256", true),
    suite("TLS_AES_256_GCM_SHA384", true),
    suite("TLS_CHACHA20_POLY1305_SHA256", true),
    suite("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", true),
    suite("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", true),
    suite("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", true),
    suite("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", true),
    suite("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", true),
    suite("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", true),
    suite("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", false),
    suite("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", false),
    suite("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", false),
    suite("TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", false),
    suite("TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", false),
    suite("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", false),
    suite("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", false),
    suite("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", false),
    suite("TLS_ECDHE_RSA_WITH_RC4_128_SHA", false),
    suite("TLS_RSA_WITH_3DES_EDE_CBC_SHA", false),
    suite("TLS_RSA_WITH_AES_128_CBC_SHA", false),
    suite("TLS_RSA_WITH_AES_128_CBC_SHA256", false),
    suite("TLS_RSA_WITH_AES_128_GCM_SHA256", false),
    suite("TLS_RSA_WITH_AES_256_CBC_SHA", false),
    suite("TLS_RSA_WITH_AES_256_GCM_SHA384", false),
    suite("TLS_RSA_WITH_RC4_128_SHA", false),
];

impl Value for CipherSuite {
    const KIND: Kind = Kind::Text;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let text = String::from_json(json, at)?;
        Self::from_text(&text).or_else(|expected| at.invalid(json, expected).ok_or(())).ok()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let known = SUITES.iter().find(|suite| suite.name == text).copied();
        known.ok_or_else(|| "a cipher suite such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".to_owned())
    }

    fn to_json(&self) -> Json {
        self.name.into()
    }
}

impl Value for Vec<CipherSuite> {
    const KIND: Kind = Kind::List;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        at.list(json)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        comma_separated(text).map(CipherSuite::from_text).collect()
    }

    fn to_json(&self) -> Json {
        self.iter().map(Value::to_json).collect()
    }
}

/// A client certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsAuth {
    /// Hosts it is shown to, with or without a leading `*.`; none means all.
    pub domains: Vec<String>,
    /// The certificate chain, PEM.
    pub cert: String,
    /// Its private key, PEM.
    pub key: String,
    /// Decrypts the key.
    pub password: Option<String>,
}

/// Without key and password: this ends up in logs.
impl std::fmt::Debug for TlsAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsAuth").field("domains", &self.domains).finish_non_exhaustive()
    }
}

impl Value for TlsAuth {
    const KIND: Kind = Kind::Object;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let mut fields = at.object(json)?;
        let pem = |name: &str, fields: &mut crate::reader::Fields<'_>, at: &mut Reader| {
            let text = fields.read(name, at);
            text.or_else(|| at.member(name, |at| at.missing("a PEM text")))
        };
        let cert = pem("cert", &mut fields, at);
        let key = pem("key", &mut fields, at);
        let password = fields.read("password", at);
        let domains = fields.read("domains", at).unwrap_or_default();
        fields.skip_rest(at);
        Some(Self { domains, cert: cert?, key: key?, password })
    }

    fn from_text(text: &str) -> Result<Self, String> {
        json_from_text(text)
    }

    fn to_json(&self) -> Json {
        let domains = if self.domains.is_empty() { Json::Null } else { self.domains.as_slice().into() };
        json!({ "cert": self.cert, "key": self.key, "password": self.password, "domains": domains })
    }
}

impl Value for Vec<TlsAuth> {
    const KIND: Kind = Kind::Object;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        at.list(json)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        json_from_text(text)
    }

    fn to_json(&self) -> Json {
        self.iter().map(Value::to_json).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(json: &Json) -> Result<Option<TlsVersions>, crate::PlanError> {
        let mut at = Reader::at("tlsVersion");
        let versions = TlsVersions::from_json(json, &mut at);
        at.finish(versions)
    }

    #[test]
    fn one_version_is_both_bounds_and_an_object_sets_each() {
        let one = TlsVersions { min: Some(TlsVersion::Tls12), max: Some(TlsVersion::Tls12) };
        assert_eq!(versions(&json!("tls1.2")), Ok(Some(one)));
        let least = TlsVersions { min: Some(TlsVersion::Tls12), max: None };
        assert_eq!(versions(&json!({"min": "tls1.2"})), Ok(Some(least)));
        assert_eq!(least.to_json(), json!({"min": "tls1.2", "max": ""}));
        assert_eq!(versions(&json!("")), Ok(Some(TlsVersions::default())));
        for json in [json!("TLS1.2"), json!({"min": "x"}), json!({"foo": 1}), json!(1.2)] {
            assert!(versions(&json).is_err(), "{json}");
        }
    }

    #[test]
    fn unknown_cipher_suites_are_refused() {
        assert!(Vec::<CipherSuite>::from_text("TLS_RSA_WITH_RC4_128_SHA,TLS_AES_128_GCM_SHA256").is_ok());
        assert!(Vec::<CipherSuite>::from_text("nope").is_err());
    }

    #[test]
    fn keys_do_not_show_in_logs() {
        let auth = Vec::<TlsAuth>::from_text(r#"[{"cert":"c","key":"secret","password":"secret"}]"#);
        assert!(!format!("{:?}", auth.expect("valid")).contains("secret"));
    }
}
