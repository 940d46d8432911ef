//! What a client is made from: a URL, or an object of k6's documentation; also the older one with `addrs`.

use std::borrow::Cow;
use std::time::Duration;

use throng_quickjs::{JsResult, Thrown, Value};
use url::Url;

use crate::databases::{RedisOptions, RedisTls};

const PORT: u16 = 6379;

/// Options that need more than one server, or that say when connections are closed.
const REFUSED: &[&str] = &[
    "cluster",
    "masterName",
    "sentinelUsername",
    "sentinelPassword",
    "maxRetries",
    "minRetryBackoff",
    "maxRetryBackoff",
    "minIdleConns",
    "maxIdleConns",
    "maxConnAge",
    "poolTimeout",
    "idleTimeout",
    "idleCheckFrequency",
];

pub(super) fn read(argument: &Value) -> JsResult<RedisOptions> {
    if argument.is_string() {
        return of_url(&argument.to_text()?);
    }
    if !argument.is_object() || argument.is_function() || argument.is_array() {
        return Err(refused("it needs a URL (redis://host:6379) or an object of options"));
    }
    let mut options = RedisOptions::default();
    let mut is_named = false;
    for (name, value) in argument.entries()? {
        if value.is_nullish() {
            continue;
        }
        match name.as_str() {
            "socket" => {
                is_named = true;
                socket(&value, &mut options)?;
            }
            "addrs" => {
                is_named = true;
                addresses(&value, &mut options)?;
            }
            "username" => options.username = value.to_text()?,
            "password" => options.password = value.to_text()?,
            "clientName" => options.client_name = value.to_text()?,
            "database" | "db" => options.database = database(value.to_number()?)?,
            other => of_socket(other, &value, &mut options)?,
        }
    }
    if !is_named {
        return Err(refused("its options name no server: they need a socket with a host"));
    }
    Ok(options)
}

fn refused(what: impl std::fmt::Display) -> Thrown {
    Thrown::error(format!("cannot make a Redis client: {what}"))
}

/// `redis[s]://[[username][:password]@][host][:port][/db-number]`
fn of_url(text: &str) -> JsResult<RedisOptions> {
    // Neither the text nor what the parser says of it is shown: a password may be in it.
    let url = Url::parse(text).map_err(|error| refused(format!("its URL is not valid: {error}")))?;
    let tls = match url.scheme() {
        "redis" => None,
        "rediss" => Some(RedisTls::default()),
        other => {
            return Err(refused(format!("a URL of Redis begins with redis:// or rediss://, not {other}://")));
        }
    };
    if url.query().is_some() {
        return Err(refused("parameters in its URL are not supported yet"));
    }
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let decode = |text: &str| -> JsResult<String> {
        let text = percent_encoding::percent_decode_str(text).decode_utf8();
        text.map(Cow::into_owned).map_err(|_| refused("the escapes in its URL are no UTF-8"))
    };
    let database = match url.path().trim_start_matches('/') {
        "" => 0,
        // Not quoted: where a password has a slash in it, this is a part of the password.
        number => number.parse().map_err(|_| {
            refused("the path of its URL is no number of a database; it would be redis://host:6379/0")
        })?,
    };
    Ok(RedisOptions {
        host: if host.is_empty() { "localhost".to_owned() } else { host.to_owned() },
        port: url.port().unwrap_or(PORT),
        tls,
        username: decode(url.username())?,
        password: decode(url.password().unwrap_or_default())?,
        database,
        ..RedisOptions::default()
    })
}

/// `socket: { host, port, tls, … }`
fn socket(value: &Value, options: &mut RedisOptions) -> JsResult<()> {
    if !value.is_object() {
        return Err(refused("its socket is an object with a host and a port"));
    }
    options.host = String::new();
    for (name, value) in value.entries()? {
        match name.as_str() {
            _ if value.is_nullish() => {}
            "host" => options.host = value.to_text()?,
            "port" => options.port = port(value.to_number()?)?,
            "tls" => options.tls = Some(tls(&value)?),
            other => of_socket(other, &value, options)?,
        }
    }
    if options.host.is_empty() {
        return Err(refused("its socket has no host"));
    }
    Ok(())
}

fn port(number: f64) -> JsResult<u16> {
    let is_port = number.fract() == 0.0 && (1.0..=65_535.0).contains(&number);
    if is_port { Ok(number as u16) } else { Err(refused(format!("{number} is no port"))) }
}

fn database(number: f64) -> JsResult<u32> {
    let is_database = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    if is_database { Ok(number as u32) } else { Err(refused(format!("{number} is no number of a database"))) }
}

/// Settings of the connection, which the older form has among the others.
fn of_socket(name: &str, value: &Value, options: &mut RedisOptions) -> JsResult<()> {
    match name {
        "dialTimeout" => options.dial_timeout = seconds(name, value)?,
        "readTimeout" => options.read_timeout = seconds(name, value)?,
        "writeTimeout" => options.write_timeout = seconds(name, value)?,
        "poolSize" => {
            let size = value.to_number()?;
            if size.fract() != 0.0 || size < 0.0 {
                return Err(refused("poolSize is a number of connections"));
            }
            options.pool_size = size as usize;
        }
        name if REFUSED.contains(&name) => {
            return Err(refused(format!("the option {name} is not supported yet")));
        }
        name => return Err(refused(format!("there is no option {name}"))),
    }
    Ok(())
}

/// A number of seconds; -1 is no limit.
fn seconds(name: &str, value: &Value) -> JsResult<Option<Duration>> {
    let seconds = value.to_number()?;
    if seconds == -1.0 {
        return Ok(None);
    }
    let time = Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero());
    time.map(Some).ok_or_else(|| refused(format!("{name} is a number of seconds, or -1 for no limit")))
}

fn tls(value: &Value) -> JsResult<RedisTls> {
    if !value.is_object() {
        return Err(refused("tls is an object"));
    }
    let mut tls = RedisTls::default();
    for (name, value) in value.entries()? {
        match name.as_str() {
            _ if value.is_nullish() => {}
            "ca" => {
                let items = if value.is_array() { value.elements()? } else { vec![value] };
                for item in items {
                    super::super::bytes::with(&item, "tls.ca", |pem| tls.authorities.extend_from_slice(pem))?;
                    tls.authorities.push(b'\n');
                }
            }
            "cert" => tls.certificate = super::super::bytes::with(&value, "tls.cert", <[u8]>::to_vec)?,
            "key" => tls.key = super::super::bytes::with(&value, "tls.key", <[u8]>::to_vec)?,
            other => return Err(refused(format!("there is no option tls.{other}"))),
        }
    }
    if tls.certificate.is_empty() != tls.key.is_empty() {
        return Err(refused("tls needs cert and key together"));
    }
    Ok(tls)
}

/// `addrs: ['host:port']`
fn addresses(value: &Value, options: &mut RedisOptions) -> JsResult<()> {
    let addresses = if value.is_array() { value.elements()? } else { vec![value.clone()] };
    let [address] = addresses.as_slice() else {
        return Err(refused("more than one address, a cluster, is not supported yet"));
    };
    let address = address.to_text()?;
    let (host, number) = address.rsplit_once(':').unwrap_or((&address, "6379"));
    host.trim_start_matches('[').trim_end_matches(']').clone_into(&mut options.host);
    options.port = port(number.parse().map_err(|_| refused("an address is host:port"))?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error<T>(result: JsResult<T>) -> String {
        match result.err() {
            Some(Thrown::New(_, message)) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_is_refused_without_the_password() {
        for (url, why) in [
            ("redis://u:12/s3cr3t@h/0", "no number of a database"),
            ("redis://u:s3cr3t@h/x", "no number of a database"),
            ("redis://u:s3cr3t/x@h/0", "not valid"),
            ("redis://u:s3cr3t%ff@h", "no UTF-8"),
            ("redis://u:s3cr3t@h?x=1", "not supported"),
        ] {
            let error = error(of_url(url));
            assert!(error.contains(why) && !error.contains("s3cr3t"), "{url}: {error}");
        }
    }

    #[test]
    fn a_plus_is_no_hexadecimal_digit() {
        let options = of_url("redis://u:a%+fb%2f@h/3").map_err(|thrown| format!("{thrown:?}")).unwrap();
        assert_eq!((options.password.as_str(), options.database), ("a%+fb/", 3));
    }

    #[test]
    fn a_database_has_a_whole_number() {
        assert_eq!(database(15.0).map_err(|thrown| format!("{thrown:?}")).unwrap(), 15);
        for number in [-1.0, 1.5, f64::NAN, f64::INFINITY, 5e9] {
            assert!(error(database(number)).ends_with("is no number of a database"));
        }
    }
}
