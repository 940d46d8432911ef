//! The names of data sources as Go's MySQL driver takes them: `user:password@tcp(host:port)/database?parameters`.

use std::time::Duration;

use mysql_async::{OptsBuilder, SslOpts};
use throng_js::databases::Refused;

use crate::secrets::Secrets;

const PORT: u16 = 3306;

/// How encryption is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    No,
    /// With a certificate that is checked.
    Checked,
    /// With any certificate.
    Any,
    /// With any certificate, and without where the server has none.
    Preferred,
}

/// A source that was understood.
pub(super) struct Source {
    pub(super) options: OptsBuilder,
    pub(super) tls: Tls,
    /// Times become moments instead of text.
    pub(super) parse_time: bool,
    /// How long a connection may take.
    pub(super) dial: Option<Duration>,
    /// How long the server may take to answer.
    pub(super) read: Option<Duration>,
    /// `host:port`, or the path of a socket.
    pub(super) shown: String,
    pub(super) secrets: Secrets,
}

/// Parameters that say how Go's driver does its work and change nothing that a script sees.
const OF_NO_ACCOUNT: [&str; 4] =
    ["allowNativePasswords", "checkConnLiveness", "interpolateParams", "multiStatements"];

/// Parameters that are refused: they would change what a script sees.
const REFUSED: [&str; 11] = [
    "allowAllFiles",
    "allowCleartextPasswords",
    "allowFallbackToPlaintext",
    "allowOldPasswords",
    "columnsWithAlias",
    "compress",
    "connectionAttributes",
    "rejectReadOnly",
    "serverPubKey",
    "timeTruncate",
    "writeTimeout",
];

fn refused(what: impl std::fmt::Display) -> Refused {
    Refused(format!("the data source for mysql cannot be used: {what}"))
}

/// Understands a source.
pub(super) fn parse(source: &str) -> Result<Source, Refused> {
    // The last slash: passwords and paths of sockets may hold others.
    let (before, after) = source.rsplit_once('/').ok_or_else(|| {
        refused("it has no slash before the database; it would be user:password@tcp(host:3306)/database")
    })?;
    let (database, parameters) = after.split_once('?').unwrap_or((after, ""));
    let (login, address) = before.rsplit_once('@').unwrap_or(("", before));
    let (user, password) = login.split_once(':').map_or((login, None), |(user, pass)| (user, Some(pass)));
    let (network, address) = match address.split_once('(') {
        Some((network, rest)) => {
            let address =
                rest.strip_suffix(')').ok_or_else(|| refused("the address does not end in \")\""))?;
            (network, address)
        }
        None => (address, ""),
    };
    let secrets = Secrets::new(password.map(str::to_owned));
    let mut options = OptsBuilder::default().prefer_socket(false).tcp_nodelay(true);
    let shown = match network {
        "" | "tcp" => {
            let address = if address.is_empty() { "127.0.0.1" } else { address };
            let (host, port) = host_and_port(address)?;
            options = options.ip_or_hostname(host.clone()).tcp_port(port);
            format!("{host}:{port}")
        }
        "unix" => {
            let path = if address.is_empty() { "/tmp/mysql.sock" } else { address };
            options = options.socket(Some(path)).prefer_socket(true);
            path.to_owned()
        }
        // Nothing is quoted, here and below: in a source that is written wrongly any part can be one of the password.
        _ => {
            return Err(refused(
                "the network is neither tcp nor unix; it would be user:password@tcp(host:3306)/database",
            ));
        }
    };
    if !user.is_empty() {
        options = options.user(Some(user));
    }
    if let Some(password) = password {
        options = options.pass(Some(password));
    }
    if !database.is_empty() {
        options = options.db_name(Some(decode(database)));
    }
    let source = Source { options, tls: Tls::No, parse_time: false, dial: None, read: None, shown, secrets };
    with_parameters(source, parameters)
}

fn with_parameters(mut source: Source, parameters: &str) -> Result<Source, Refused> {
    let mut setup = Vec::new();
    let (mut charset, mut collation) = (None, None);
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = decode(value);
        match name {
            "tls" => {
                source.tls = match value.as_str() {
                    "false" | "0" | "FALSE" | "False" => Tls::No,
                    "true" | "1" | "TRUE" | "True" => Tls::Checked,
                    "skip-verify" => Tls::Any,
                    "preferred" => Tls::Preferred,
                    _ => return Err(refused("tls takes true, false, skip-verify and preferred")),
                }
            }
            "parseTime" => source.parse_time = truth(name, &value)?,
            "clientFoundRows" => source.options = source.options.client_found_rows(truth(name, &value)?),
            "loc" if value == "UTC" => {}
            "loc" => return Err(refused("loc takes UTC only: other time zones are not supported yet")),
            // A list of those to be tried, of which servers of today have the first.
            "charset" => charset = value.split(',').next().filter(|name| !name.is_empty()).map(str::to_owned),
            "collation" => collation = Some(value),
            "maxAllowedPacket" => {
                let bytes: usize = value.parse().map_err(|_| refused("maxAllowedPacket takes bytes"))?;
                source.options = source.options.max_allowed_packet((bytes > 0).then_some(bytes));
            }
            "timeout" => source.dial = Some(time(name, &value)?),
            "readTimeout" => source.read = Some(time(name, &value)?),
            name if OF_NO_ACCOUNT.contains(&name) => {}
            name if REFUSED.contains(&name) => {
                return Err(refused(format!("the parameter {name} is not supported yet")));
            }
            // Everything else is a variable of the session.
            name if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
                setup.push(format!("SET {name} = {value}"));
            }
            _ => return Err(refused("the name of a parameter has letters, digits and underscores only")),
        }
    }
    for name in [&charset, &collation].into_iter().flatten() {
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(refused("charset or collation is no character set: letters, digits and _"));
        }
    }
    let names = match (charset, collation) {
        (Some(charset), Some(collation)) => Some(format!("SET NAMES {charset} COLLATE {collation}")),
        (Some(charset), None) => Some(format!("SET NAMES {charset}")),
        (None, Some(collation)) => Some(format!("SET NAMES utf8mb4 COLLATE {collation}")),
        (None, None) => None,
    };
    setup.extend(names);
    source.options = source.options.setup(setup);
    Ok(source)
}

/// What the driver is to do about encryption.
pub(super) fn ssl(tls: Tls) -> Option<SslOpts> {
    match tls {
        Tls::No => None,
        Tls::Checked => Some(SslOpts::default()),
        Tls::Any | Tls::Preferred => Some(
            SslOpts::default()
                .with_danger_accept_invalid_certs(true)
                .with_danger_skip_domain_validation(true),
        ),
    }
}

fn host_and_port(address: &str) -> Result<(String, u16), Refused> {
    let bare = |host: &str| host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let has_port = address.rfind(':').is_some_and(|colon| address.rfind(']').is_none_or(|end| end < colon));
    if !has_port {
        return Ok((bare(address), PORT));
    }
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let port =
        port.parse().map_err(|_| refused("what follows the host is no port; it would be tcp(host:3306)"))?;
    Ok((bare(host), port))
}

fn truth(name: &str, value: &str) -> Result<bool, Refused> {
    match value {
        "1" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(refused(format!("{name} takes true and false"))),
    }
}

fn time(name: &str, value: &str) -> Result<Duration, Refused> {
    crate::sql::parse_time(value).ok_or_else(|| refused(format!("{name} takes a time such as 5s")))
}

/// Without the escapes of URLs.
fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use mysql_async::Opts;

    use super::*;

    fn opts(source: &str) -> Opts {
        parse(source).map_err(|refused| refused.0).unwrap().options.into()
    }

    #[test]
    fn the_usual_form_is_taken_apart() {
        let source =
            parse("root:p@ss/w:rd@tcp(db.example:3307)/shop?parseTime=true&timeout=5s&tls=skip-verify");
        let source = source.map_err(|refused| refused.0).unwrap();
        assert_eq!(
            (source.parse_time, source.tls, source.dial),
            (true, Tls::Any, Some(Duration::from_secs(5)))
        );
        assert_eq!(source.shown, "db.example:3307");
        assert_eq!(source.secrets.scrub("p@ss/w:rd"), "***");
        let opts: Opts = source.options.into();
        assert_eq!(
            (opts.user(), opts.pass(), opts.db_name()),
            (Some("root"), Some("p@ss/w:rd"), Some("shop"))
        );
    }

    #[test]
    fn what_is_left_out_has_gos_defaults() {
        let opts = opts("/");
        assert_eq!(
            (opts.ip_or_hostname(), opts.tcp_port(), opts.user(), opts.db_name()),
            ("127.0.0.1", 3306, None, None)
        );
        let opts = self::opts("u@tcp([::1])/a%20b");
        assert_eq!((opts.ip_or_hostname(), opts.tcp_port(), opts.db_name()), ("::1", 3306, Some("a b")));
        let opts = self::opts("u@unix(/run/mysqld/mysqld.sock)/db");
        assert_eq!(opts.socket(), Some("/run/mysqld/mysqld.sock"));
    }

    #[test]
    fn the_session_is_set_up_as_the_parameters_say() {
        let opts =
            opts("u@/db?charset=utf8mb4,utf8&collation=utf8mb4_bin&sql_mode=%27ANSI%27&multiStatements=true");
        assert_eq!(opts.setup(), ["SET sql_mode = 'ANSI'", "SET NAMES utf8mb4 COLLATE utf8mb4_bin"]);
    }

    #[test]
    fn what_cannot_be_is_refused_without_the_password() {
        for (source, why) in [
            ("root:s3cr3t@tcp(h:1)", "no slash"),
            ("root:s3cr3t@tcp(h:1/db", "does not end in"),
            ("root:s3cr3t@udp(h:1)/db", "the network"),
            ("root:s3cr3t@tcp(h:port)/db", "no port"),
            ("root@tcp(h:s3cr3t)/db", "no port"),
            ("root:s3cr3t/db", "neither tcp nor unix"),
            ("root:x@tcp(h:1)/db?s3cr3t@x", "the name of a parameter"),
            ("root:s3cr3t@/db?tls=custom", "tls takes"),
            ("root:s3cr3t@/db?loc=Local", "loc takes UTC"),
            ("root:s3cr3t@/db?parseTime=maybe", "parseTime takes"),
            ("root:s3cr3t@/db?allowAllFiles=true", "allowAllFiles is not supported"),
            ("root:s3cr3t@/db?charset=utf8;DROP", "no character set"),
            ("root:pa@tcp(h:1)/x?charset=s3cr3t!", "no character set"),
        ] {
            let error = parse(source).map(|_| ()).unwrap_err().0;
            assert!(error.contains(why) && !error.contains("s3cr3t"), "{source}: {error}");
        }
    }
}
