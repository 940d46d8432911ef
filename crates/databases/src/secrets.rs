//! What must not be seen of a data source: messages of servers and drivers lose it before they reach a script or a log.

/// The secrets of one data source.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

/// What stands for what is left out.
const MASK: &str = "***";

impl Secrets {
    /// These; what is too short to be told from ordinary letters is no secret.
    pub(crate) fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        Self(secrets.into_iter().filter(|secret| secret.len() > 2).collect())
    }

    /// `text` without them.
    pub(crate) fn scrub(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, MASK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_lose_every_secret_but_no_letters() {
        let secrets = Secrets::new(["s3cr3t".to_owned(), "a".to_owned()]);
        assert_eq!(secrets.scrub("no: s3cr3t at s3cr3t"), "no: *** at ***");
    }
}
