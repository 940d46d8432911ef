//! Names and labels: every run has a name of its own, so that two in one namespace do not meet.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::{Error, Result};

/// The label that says whose an object is, and its value.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "throng");
/// The label with a run's name.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
/// The label with a pod's part in a run: `controller` or `worker`.
pub const COMPONENT: &str = "app.kubernetes.io/component";
/// The annotation with the name of the script.
pub const SCRIPT: &str = "throng/script";

/// The name of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunName(String);

impl RunName {
    /// A name that nobody has.
    pub fn random() -> Result<Self> {
        // Without vowels and what looks alike, as Kubernetes names its pods.
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        let mut bytes = [0_u8; 6];
        getrandom::fill(&mut bytes)
            .map_err(|error| Error::Local(format!("this system gives no random numbers: {error}")))?;
        let mut name: String =
            bytes.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect();
        name.replace_range(0..1, &char::from(LETTERS[usize::from(bytes[0]) % 20]).to_string());
        Ok(Self(name))
    }

    /// A name that the user chose.
    pub fn new(text: &str) -> Result<Self> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = text.chars().next().is_some_and(|c| c.is_ascii_lowercase())
            && text.chars().next_back().is_some_and(is_plain)
            && text.chars().all(|c| is_plain(c) || c == '-')
            // The longest name made of it, `throng-NAME-workers`, has room for what Kubernetes adds to pods.
            && text.len() <= 30;
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::Unusable(format!(
            "{text:?} cannot be the name of a run: use at most 30 small letters, digits and '-', a letter first"
        )))
    }

    /// The name of most of its objects.
    pub fn object(&self) -> String {
        format!("throng-{}", self.0)
    }

    /// The deployment of its workers.
    pub fn workers(&self) -> String {
        format!("throng-{}-workers", self.0)
    }

    /// What holds its script.
    pub fn files(&self) -> String {
        format!("throng-{}-files", self.0)
    }

    /// What holds the variables that came from the user's shell.
    pub fn variables(&self) -> String {
        format!("throng-{}-env", self.0)
    }

    /// What holds its join token.
    pub fn token(&self) -> String {
        format!("throng-{}-token", self.0)
    }

    /// The labels of all its objects.
    pub fn labels(&self) -> BTreeMap<String, String> {
        [("app.kubernetes.io/name", "throng"), MANAGED_BY, (INSTANCE, &self.object())]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// The selector of its objects.
    pub fn selector(&self) -> String {
        format!("{}={},{INSTANCE}={}", MANAGED_BY.0, MANAGED_BY.1, self.object())
    }

    /// The selector of its pods of one part.
    pub fn pods(&self, component: &str) -> String {
        format!("{},{COMPONENT}={component}", self.selector())
    }

    /// The run that an object's labels name.
    pub fn of_labels(labels: &BTreeMap<String, String>) -> Option<Self> {
        labels.get(INSTANCE)?.strip_prefix("throng-").map(|name| Self(name.to_owned()))
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_kubernetes_takes() {
        for _ in 0..200 {
            let name = RunName::random().unwrap();
            assert!(RunName::new(&name.to_string()).is_ok(), "{name}");
        }
        for bad in ["", "A", "1a", "a_b", "a-", "a.b", &"a".repeat(31)] {
            assert!(RunName::new(bad).is_err(), "{bad}");
        }
    }
}
