//! The address of a database with what must not be seen in it.
//!
//! User and password never reach a log, a message or a result: [`Address`] shows itself without them, and messages of
//! drivers pass [`Address::scrub`], as some quote what they were given.

use std::fmt;

/// What stands for what is left out.
const MASK: &str = "***";

/// A database's URL; shows itself without user, password and options.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: String,
}

/// Why a text is no address of a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the database's URL cannot be used: {reason}")]
pub struct AddressError {
    reason: String,
}

impl Address {
    /// Takes a URL; a password replaces the one in it.
    pub fn new(url: &str, password: Option<&str>) -> Result<Self, AddressError> {
        let refuse = |reason: &str| AddressError { reason: reason.to_owned() };
        if !url.contains("://") {
            return Err(refuse("it has no scheme, such as mongodb://, mysql:// or postgres://"));
        }
        let Some(password) = password else { return Ok(Self { url: url.to_owned() }) };
        // By hand: MongoDB's URLs can name several hosts, which the standard's grammar does not have.
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let authority = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, after) = rest.split_at(authority);
        let Some((user, hosts)) = authority.rsplit_once('@') else {
            return Err(refuse("a password is given but the URL names no user: mysql://USER@HOST/…"));
        };
        let user = user.split_once(':').map_or(user, |(user, _)| user);
        let password: String = url::form_urlencoded::byte_serialize(password.as_bytes()).collect();
        // In the part before the `@` a plus is a plus.
        let password = password.replace('+', "%20");
        Ok(Self { url: format!("{scheme}://{user}:{password}@{hosts}{after}") })
    }

    /// The URL with everything in it, for a driver.
    pub fn reveal(&self) -> &str {
        &self.url
    }

    /// The scheme, such as `mysql`.
    pub fn scheme(&self) -> &str {
        self.url.split_once("://").map_or("", |(scheme, _)| scheme)
    }

    /// The name of the database in the path, decoded.
    pub fn database(&self) -> Option<String> {
        let (_, rest) = self.url.split_once("://")?;
        let (_, path) = rest.split_once('/')?;
        let name = path.split(['?', '#']).next().unwrap_or_default();
        let name = decode(name);
        (!name.is_empty()).then_some(name)
    }

    /// Who logs in, decoded; a password only if there is one.
    pub(crate) fn credentials(&self) -> (String, Option<String>) {
        let (_, rest) = self.url.split_once("://").unwrap_or_default();
        let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
        let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
        match user.split_once(':') {
            Some((user, password)) => (decode(user), Some(decode(password))),
            None => (decode(user), None),
        }
    }

    /// `text` without passwords and without the URL, wherever it quotes them.
    pub fn scrub(&self, text: &str) -> String {
        let mut text = text.replace(&self.url, &self.to_string());
        for secret in self.secrets() {
            for secret in [secret.to_owned(), decode(secret)] {
                // A password of a letter or two would tear holes into every message and hide nothing.
                if secret.len() > 2 {
                    text = text.replace(&secret, MASK);
                }
            }
        }
        text
    }

    /// Whether a password is in it, before the hosts or among the options.
    pub fn has_password(&self) -> bool {
        self.secrets().next().is_some()
    }

    /// The password before the hosts, and those among the options.
    fn secrets(&self) -> impl Iterator<Item = &str> {
        let (_, rest) = self.url.split_once("://").unwrap_or_default();
        let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        let options = rest.split_once('?').map_or("", |(_, options)| options);
        let named = options.split(['&', '#']).filter_map(|option| option.split_once('='));
        let named = named.filter(|(name, _)| name.to_ascii_lowercase().contains("password"));
        user.and_then(|user| user.split_once(':')).into_iter().chain(named).map(|(_, secret)| secret)
    }
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.url.split_once("://").unwrap_or_default();
        // What follows `?` can hold credentials as well (`password=`, `tlsCertificateKeyFilePassword=`).
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        match authority.rsplit_once('@') {
            Some((_, hosts)) => write!(f, "{scheme}://{MASK}@{hosts}{path}"),
            None => write!(f, "{scheme}://{authority}{path}"),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        Address::new(url, None).unwrap()
    }

    #[test]
    fn an_address_never_shows_who_logs_in_or_its_options() {
        for (url, shown) in [
            ("mongodb://root:s3cr%40t@h1:1,h2:2/sample?authSource=admin", "mongodb://***@h1:1,h2:2/sample"),
            ("mysql://root:a@b@h/db", "mysql://***@h/db"),
            ("postgres://h/db?user=x&password=y", "postgres://h/db"),
            ("mongodb://h", "mongodb://h"),
            ("mongodb://user:secret@h?retryWrites=true", "mongodb://***@h"),
        ] {
            assert_eq!(address(url).to_string(), shown);
            assert!(!format!("{:?}", address(url)).contains("s3cr"));
        }
    }

    #[test]
    fn messages_lose_the_password_in_both_spellings() {
        let address = address("mysql://root:s3cr%40t@h/db");
        assert_eq!(
            address.scrub("no: s3cr@t, s3cr%40t, mysql://root:s3cr%40t@h/db"),
            "no: ***, ***, mysql://***@h/db"
        );
        let address = self::address("postgres://h/db?user=me&password=hunter22&x=1");
        assert_eq!(address.scrub("invalid option hunter22 of me"), "invalid option *** of me");
    }

    #[test]
    fn a_password_from_elsewhere_is_put_into_its_place() {
        let with = |url, password| Address::new(url, Some(password)).unwrap();
        assert_eq!(with("mysql://root@h/db", "a b/@:").reveal(), "mysql://root:a%20b%2F%40%3A@h/db");
        assert_eq!(with("mysql://root:old@h?x=1", "new").reveal(), "mysql://root:new@h?x=1");
        assert!(Address::new("mysql://h/db", Some("x")).unwrap_err().to_string().contains("names no user"));
    }

    #[test]
    fn the_database_is_the_path() {
        assert_eq!(address("mongodb://h1,h2/sample?x=1").database().as_deref(), Some("sample"));
        assert_eq!(address("mysql://h/my%20db").database().as_deref(), Some("my db"));
        assert_eq!(address("mysql://h/").database(), None);
        assert_eq!(address("mongodb://h").database(), None);
    }

    #[test]
    fn what_is_no_url_is_refused_without_quoting_it() {
        let error = Address::new("root:secret@host", None).unwrap_err().to_string();
        assert!(error.contains("no scheme") && !error.contains("secret"), "{error}");
    }
}
