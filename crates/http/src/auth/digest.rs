//! Digest authentication (RFC 7616).

use std::fmt::Write as _;

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Md5,
    Sha256,
    Sha512_256,
}

impl Hash {
    fn hex(self, text: &[u8]) -> String {
        let bytes = match self {
            Self::Md5 => Md5::digest(text).to_vec(),
            Self::Sha256 => Sha256::digest(text).to_vec(),
            Self::Sha512_256 => Sha512_256::digest(text).to_vec(),
        };
        bytes.iter().fold(String::with_capacity(64), |mut out, b| {
            let _ = write!(out, "{b:02x}");
            out
        })
    }
}

/// A server's `WWW-Authenticate: Digest …`.
#[derive(Debug, Clone)]
pub struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// As the server spelled it, to be repeated.
    algorithm: Option<String>,
    hash: Hash,
    session: bool,
    auth: bool,
    auth_int: bool,
}

impl Challenge {
    /// Reads a challenge; `None` if it is for another scheme or wants an algorithm we do not have.
    pub fn parse(header: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(header);
        let (scheme, parameters) = text.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let mut challenge = Self {
            realm: String::new(),
            nonce: String::new(),
            opaque: None,
            algorithm: None,
            hash: Hash::Md5,
            session: false,
            auth: false,
            auth_int: false,
        };
        for (name, value) in parameters_of(parameters) {
            match name.to_ascii_lowercase().as_str() {
                "realm" => challenge.realm = value,
                "nonce" => challenge.nonce = value,
                "opaque" => challenge.opaque = Some(value),
                "algorithm" => challenge.algorithm = Some(value),
                "qop" => {
                    for option in value.split(',').map(str::trim) {
                        challenge.auth |= option.eq_ignore_ascii_case("auth");
                        challenge.auth_int |= option.eq_ignore_ascii_case("auth-int");
                    }
                }
                _ => {}
            }
        }
        if let Some(algorithm) = &challenge.algorithm {
            let name = algorithm.to_ascii_uppercase();
            challenge.session = name.ends_with("-SESS");
            challenge.hash = match name.trim_end_matches("-SESS") {
                "MD5" => Hash::Md5,
                "SHA-256" => Hash::Sha256,
                "SHA-512-256" => Hash::Sha512_256,
                _ => return None,
            };
        }
        Some(challenge)
    }

    /// The value of the `Authorization` header that answers it, for the `count`th time from 1; `cnonce` is random.
    pub fn answer(
        &self,
        (user, password): &(String, String),
        method: &str,
        target: &str,
        body: &[u8],
        (count, cnonce): (u32, &str),
    ) -> String {
        let h = |text: String| self.hash.hex(text.as_bytes());
        let mut a1 = h(format!("{user}:{}:{password}", self.realm));
        if self.session {
            a1 = h(format!("{a1}:{}:{cnonce}", self.nonce));
        }
        let qop = match (self.auth, self.auth_int) {
            (true, _) => Some("auth"),
            (false, true) => Some("auth-int"),
            (false, false) => None,
        };
        let a2 = match qop {
            Some("auth-int") => h(format!("{method}:{target}:{}", self.hash.hex(body))),
            _ => h(format!("{method}:{target}")),
        };
        let response = match qop {
            Some(qop) => h(format!("{a1}:{}:{count:08x}:{cnonce}:{qop}:{a2}", self.nonce)),
            None => h(format!("{a1}:{}:{a2}", self.nonce)),
        };
        let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let mut out = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{target}\", response=\"{response}\"",
            quote(user),
            quote(&self.realm),
            quote(&self.nonce),
        );
        if let Some(algorithm) = &self.algorithm {
            let _ = write!(out, ", algorithm={algorithm}");
        }
        if let Some(opaque) = &self.opaque {
            let _ = write!(out, ", opaque=\"{}\"", quote(opaque));
        }
        if let Some(qop) = qop {
            let _ = write!(out, ", qop={qop}, nc={count:08x}, cnonce=\"{cnonce}\"");
        }
        out
    }
}

/// `name=value` and `name="value"` pairs, separated by commas.
fn parameters_of(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((name, tail)) = rest.split_once('=') {
        let name = name.trim_matches([' ', '\t', ',']).to_owned();
        let mut value = String::new();
        let tail = tail.trim_start();
        if let Some(quoted) = tail.strip_prefix('"') {
            let mut chars = quoted.char_indices();
            let mut end = quoted.len();
            while let Some((i, c)) = chars.next() {
                match c {
                    '"' => {
                        end = i + 1;
                        break;
                    }
                    '\\' => value.extend(chars.next().map(|(_, c)| c)),
                    c => value.push(c),
                }
            }
            rest = &quoted[end..];
        } else {
            let (token, after) = tail.split_once(',').unwrap_or((tail, ""));
            token.trim().clone_into(&mut value);
            rest = after;
        }
        out.push((name, value));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616 section 3.9.1.
    #[test]
    fn the_rfcs_examples_come_out() {
        let user = ("Mufasa".to_owned(), "Circle of Life".to_owned());
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for (algorithm, response) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let header = format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            );
            let challenge = Challenge::parse(header.as_bytes()).unwrap();
            let answer = challenge.answer(&user, "GET", "/dir/index.html", b"", (1, cnonce));
            assert!(answer.contains(&format!("response=\"{response}\"")), "{answer}");
        }
    }

    #[test]
    fn other_schemes_and_algorithms_are_not_answered() {
        assert!(Challenge::parse(b"Basic realm=\"x\"").is_none());
        assert!(Challenge::parse(b"Digest realm=\"x\", nonce=\"y\", algorithm=FOO").is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_challenge_makes_it_panic(text in "\\PC{0,60}") {
            if let Some(challenge) = Challenge::parse(format!("Digest {text}").as_bytes()) {
                challenge.answer(&(text.clone(), text), "GET", "/", b"", (1, "c"));
            }
        }
    }
}
