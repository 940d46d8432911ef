//! The names of data sources as Go's PostgreSQL driver takes them: a URL, or `key=value` pairs.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use throng_js::databases::Refused;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use crate::secrets::Secrets;

/// A source that was understood.
pub(super) struct Source {
    pub(super) config: Config,
    /// The server's certificate is checked.
    pub(super) is_checked: bool,
    pub(super) shown: String,
    pub(super) secrets: Secrets,
}

/// Keys that the driver knows.
const KNOWN: [&str; 15] = [
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
];

/// Keys of Go's driver that are refused.
const REFUSED: [&str; 9] = [
    "sslcert",
    "sslkey",
    "sslrootcert",
    "sslpassword",
    "sslinline",
    "sslsni",
    "passfile",
    "krbspn",
    "krbsrvname",
];

fn refused(what: impl std::fmt::Display) -> Refused {
    Refused(format!("the data source for postgres cannot be used: {what}"))
}

/// Understands a source.
pub(super) fn parse(source: &str) -> Result<Source, Refused> {
    let is_url = source.starts_with("postgres://") || source.starts_with("postgresql://");
    let pairs = if is_url { pairs_of_url(source)? } else { pairs_of_text(source)? };
    let in_key = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    if !pairs.iter().all(|(key, _)| !key.is_empty() && key.bytes().all(in_key)) {
        // It is not quoted: in a source that is written wrongly it can be a part of the password.
        return Err(refused("a key in it has something else than letters, digits, _ and ."));
    }
    let password: Vec<String> =
        pairs.iter().filter(|(key, _)| key == "password").map(|(_, value)| value.clone()).collect();
    let secrets = Secrets::new(password);
    let failed = |error: tokio_postgres::Error| {
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        refused(secrets.scrub(&format!("{error}{}", source.unwrap_or_default())))
    };
    let (mut text, mut session) = (String::new(), String::new());
    let (mut mode, mut is_checked) = (SslMode::Prefer, false);
    for (key, value) in &pairs {
        match key.as_str() {
            "sslmode" => {
                (mode, is_checked) = match value.as_str() {
                    "disable" => (SslMode::Disable, false),
                    "allow" | "prefer" => (SslMode::Prefer, false),
                    "require" => (SslMode::Require, false),
                    // Who checks the certificate checks its name as well.
                    "verify-ca" | "verify-full" => (SslMode::Require, true),
                    _ => {
                        return Err(refused(
                            "sslmode takes disable, prefer, require, verify-ca and verify-full",
                        ));
                    }
                }
            }
            // How values travel; scripts see the same.
            "binary_parameters" | "disable_prepared_binary_result" => {}
            "fallback_application_name" if pairs.iter().any(|(key, _)| key == "application_name") => {}
            "fallback_application_name" => text.push_str(&pair("application_name", value)),
            key if KNOWN.contains(&key) => text.push_str(&pair(key, value)),
            key if REFUSED.contains(&key) => return Err(refused(format!("{key} is not supported yet"))),
            // Everything else is a setting of the session, as search_path is.
            key => {
                let value = value.replace('\\', "\\\\").replace(' ', "\\ ");
                let _ = write!(session, " -c {key}={value}");
            }
        }
    }
    let mut config: Config = text.parse().map_err(failed)?;
    if !session.is_empty() {
        let options = format!("{}{session}", config.get_options().unwrap_or_default());
        config.options(options.trim());
    }
    config.ssl_mode(mode);
    if config.get_hosts().is_empty() {
        config.host("localhost");
    }
    if config.get_user().is_none() {
        config.user(std::env::var("USER").unwrap_or_else(|_| "postgres".to_owned()));
    }
    if config.get_connect_timeout().is_some_and(Duration::is_zero) {
        return Err(refused("connect_timeout takes seconds, at least one"));
    }
    let shown = shown(&config);
    Ok(Source { config, is_checked, shown, secrets })
}

/// The server as it may be shown.
fn shown(config: &Config) -> String {
    use tokio_postgres::config::Host;
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(place, host)| {
            let ports = config.get_ports();
            let port = ports.get(place).or_else(|| ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(host) => format!("{host}:{port}"),
                Host::Unix(path) => path.display().to_string(),
            }
        })
        .collect();
    hosts.join(",")
}

/// A pair as the driver reads it.
fn pair(key: &str, value: &str) -> String {
    format!("{key}='{}' ", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

type Pairs = Vec<(String, String)>;

/// `postgres://user:password@host:port,host/database?key=value`
fn pairs_of_url(source: &str) -> Result<Pairs, Refused> {
    let rest = source.split_once("://").map_or(source, |(_, rest)| rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').map_or((login, None), |(user, pass)| (user, Some(pass)));
    let mut pairs = Vec::new();
    let mut add = |key: &str, value: &str| -> Result<(), Refused> {
        if !value.is_empty() {
            pairs.push((key.to_owned(), decode(value)?));
        }
        Ok(())
    };
    add("user", user)?;
    add("password", password.unwrap_or_default())?;
    add("dbname", database)?;
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in hosts.split(',').filter(|host| !host.is_empty()) {
        let port_at = host.rfind(':').filter(|colon| host.rfind(']').is_none_or(|end| end < *colon));
        let (name, port) = port_at.map_or((host, ""), |at| (&host[..at], &host[at + 1..]));
        names.push(name.trim_start_matches('[').trim_end_matches(']'));
        ports.push(if port.is_empty() { "5432" } else { port });
    }
    add("host", &names.join(","))?;
    add("port", &ports.join(","))?;
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (key, value) = parameter
            .split_once('=')
            .ok_or_else(|| refused("what follows the ? is not key=value; a ? in user or password is %3F"))?;
        add(key, value)?;
    }
    Ok(pairs)
}

/// `host=localhost password='with a space'`
fn pairs_of_text(source: &str) -> Result<Pairs, Refused> {
    let mut pairs = Vec::new();
    let mut rest = source.trim();
    while !rest.is_empty() {
        let Some((key, after)) = rest.split_once('=') else {
            return Err(refused("it is neither a URL (postgres://…) nor pairs of key=value"));
        };
        let mut value = String::new();
        let after = after.trim_start();
        let is_quoted = after.starts_with('\'');
        let mut letters = after.char_indices().skip(usize::from(is_quoted));
        let mut end = after.len();
        let mut is_closed = !is_quoted;
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
                '\'' if is_quoted => {
                    end = at + 1;
                    is_closed = true;
                    break;
                }
                letter if letter.is_whitespace() && !is_quoted => {
                    end = at;
                    break;
                }
                letter => value.push(letter),
            }
        }
        if !is_closed {
            return Err(refused("a quoted value does not end"));
        }
        pairs.push((key.trim().to_owned(), value));
        rest = after[end..].trim_start();
    }
    Ok(pairs)
}

/// Without the escapes of URLs.
fn decode(text: &str) -> Result<String, Refused> {
    let is_escape = |after: &str| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(is_escape) {
        return Err(refused("a % in it begins no escape; a % itself is %25"));
    }
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| refused("its escapes are no UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(source: &str) -> Source {
        parse(source).map_err(|refused| refused.0).unwrap()
    }

    #[test]
    fn urls_and_pairs_say_the_same() {
        for source in [
            "postgres://me:s3cr%40t@db.example:5433/shop?sslmode=disable&search_path=a,b",
            "user=me password='s3cr@t' host=db.example port=5433 dbname=shop sslmode=disable search_path=a,b",
        ] {
            let Source { config, is_checked, shown, secrets } = parsed(source);
            assert_eq!((config.get_user(), config.get_password()), (Some("me"), Some(&b"s3cr@t"[..])));
            assert_eq!(
                (config.get_dbname(), config.get_options()),
                (Some("shop"), Some("-c search_path=a,b"))
            );
            assert_eq!(
                (config.get_ssl_mode(), is_checked, shown.as_str()),
                (SslMode::Disable, false, "db.example:5433")
            );
            assert_eq!(secrets.scrub("s3cr@t"), "***");
        }
    }

    #[test]
    fn what_is_left_out_has_defaults() {
        let source = parsed("dbname=x user=u");
        assert_eq!(
            (source.shown.as_str(), source.config.get_ssl_mode()),
            ("localhost:5432", SslMode::Prefer)
        );
        assert!(parsed("postgres://u@[::1]/x?sslmode=verify-full").is_checked);
        assert_eq!(parsed("postgres://u@a,b:1/x").shown, "a:5432,b:1");
    }

    #[test]
    fn what_cannot_be_is_refused_without_the_password() {
        for (source, why) in [
            ("me:s3cr3t@host", "neither a URL"),
            ("password='s3cr3t", "does not end"),
            ("postgres://me:s3cr3t%zz@h/x", "begins no escape"),
            ("postgres://me:s3cr3t@h/x?sslmode=maybe", "sslmode takes"),
            ("postgres://me:s3cr3t@h/x?sslrootcert=/a", "sslrootcert is not supported"),
            ("postgres://me:s3cr3t@h:port/x", "port"),
            ("postgres://me:s3cr3t%+f@h/x", "begins no escape"),
            ("postgres://me:s3cr3t@h/x?a;b=1", "a key in it"),
            ("postgres://me:pa?s3cr3t@h/x", "not key=value"),
            ("postgres://me:pa?s3cr3t@h/x=1", "a key in it"),
            ("postgres://me:s3cr3t?ss@h/x", "not key=value"),
            ("password s3cr3t dbname=x", "a key in it"),
            ("=s3cr3t dbname=x", "a key in it"),
            ("postgres://me@h/x?=s3cr3t", "a key in it"),
        ] {
            let error = parse(source).map(|_| ()).unwrap_err().0;
            assert!(error.contains(why) && !error.contains("s3cr3t"), "{source}: {error}");
        }
    }
}
