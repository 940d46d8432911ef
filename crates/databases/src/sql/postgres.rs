//! PostgreSQL.
//!
//! Values of statements are sent as text without a type, so that the server reads each as what its place wants: `'5'` for
//! an integer as for a text, as Go's driver does. That takes one round trip, with nothing prepared that a pooler or a
//! changed table could spoil.

use std::error::Error as _;

use bytes::{BufMut as _, BytesMut};
use throng_js::databases::{Executed, Refused, Rows, Statement, Value};
use throng_stores::tls::{Verify, client_config};
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::types::{Format, IsNull, ToSql, Type};
use tokio_postgres::{Client, Error, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::postgres_source::{self, Source};
use super::postgres_value::{Decoded, text_of_moment};
use super::{Driver, lost};
use crate::pool::{Connect, Lent, Unconnected};

/// A server.
pub(super) struct Postgres {
    source: Source,
    tls: MakeRustlsConnect,
}

impl Postgres {
    pub(super) fn new(source: &str) -> Result<(Self, String), Refused> {
        let source = postgres_source::parse(source)?;
        let verify = if source.is_checked { Verify::Certificate } else { Verify::Nothing };
        let tls = MakeRustlsConnect::new(client_config(verify).map_err(Refused)?);
        let name = format!("the server at {}", source.shown);
        Ok((Self { source, tls }, name))
    }

    fn refused(&self, error: &Error) -> Refused {
        let text = match error.as_db_error() {
            Some(server) => {
                let detail = server.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
                format!("pq: {}{detail}", server.message())
            }
            None if error.is_closed() => {
                format!("the server at {} closed the connection", self.source.shown)
            }
            // The driver's own words say in which step it failed; the reason is behind them.
            None => match error.source() {
                Some(source) => format!("{error}: {source}"),
                None => error.to_string(),
            },
        };
        Refused(self.source.secrets.scrub(&text))
    }

    /// Gives the connection back unless it failed.
    fn finish<T>(&self, lent: Lent<Self>, result: Result<T, Error>) -> Result<T, Refused> {
        match result {
            Ok(done) => {
                lent.end();
                Ok(done)
            }
            Err(error) => {
                // What is wrong with a value was found before anything was sent, or after all was read.
                let is_whole = match error.as_db_error() {
                    // What is fatal ends the session.
                    Some(server) => {
                        !matches!(server.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
                    }
                    None => !error.is_closed() && !is_of_a_socket(&error),
                };
                if is_whole {
                    lent.end();
                }
                Err(self.refused(&error))
            }
        }
    }
}

fn is_of_a_socket(error: &Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if error.is::<std::io::Error>() {
            return true;
        }
        source = error.source();
    }
    false
}

impl Connect for Postgres {
    type Connection = Client;

    async fn connect(&self) -> Result<Client, Unconnected> {
        match self.source.config.connect(self.tls.clone()).await {
            Ok((client, connection)) => {
                // What goes wrong there is told to whoever waits for an answer.
                tokio::spawn(connection);
                Ok(client)
            }
            Err(error) if error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS) => {
                Err(Unconnected::TooMany(self.refused(&error)))
            }
            Err(error) if error.as_db_error().is_none() => {
                let Refused(text) = self.refused(&error);
                Err(Unconnected::Failed(Refused(format!("cannot connect to {}: {text}", self.source.shown))))
            }
            Err(error) => Err(Unconnected::Failed(self.refused(&error))),
        }
    }

    fn is_open(&self, client: &Client) -> bool {
        !client.is_closed()
    }
}

impl Driver for Postgres {
    async fn exec(&self, mut lent: Lent<Self>, statement: Statement) -> Result<Executed, Refused> {
        let Some(client) = lent.begin() else { return lost() };
        let result = exec(client, statement).await;
        self.finish(lent, result)
    }

    async fn query(&self, mut lent: Lent<Self>, statement: Statement) -> Result<Rows, Refused> {
        let Some(client) = lent.begin() else { return lost() };
        let result = query(client, statement).await;
        self.finish(lent, result)
    }
}

async fn exec(client: &Client, statement: Statement) -> Result<Executed, Error> {
    let Statement { text, values } = statement;
    if !values.is_empty() {
        let values = parameters(values);
        let rows = client.execute_typed(&text, &typed(&values)).await?;
        return Ok(Executed { rows, last_id: None });
    }
    // Without values it may be several statements at once; the last one counts.
    let messages = client.simple_query(&text).await?;
    let counts = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
        _ => None,
    });
    Ok(Executed { rows: counts.last().unwrap_or_default(), last_id: None })
}

async fn query(client: &Client, statement: Statement) -> Result<Rows, Error> {
    let Statement { text, values } = statement;
    let values = parameters(values);
    let found = client.query_typed(&text, &typed(&values)).await?;
    let columns =
        found.first().map(|row| row.columns().iter().map(|column| column.name().to_owned()).collect());
    let rows = found
        .iter()
        .map(|row| (0..row.len()).map(|place| Ok(row.try_get::<_, Decoded>(place)?.0)).collect())
        .collect::<Result<_, Error>>()?;
    Ok(Rows { columns: columns.unwrap_or_default(), rows })
}

/// A value as text whose type is the server's to find.
#[derive(Debug)]
struct Untyped(Option<String>);

impl ToSql for Untyped {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match &self.0 {
            None => Ok(IsNull::Yes),
            Some(text) => {
                out.put_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    tokio_postgres::types::to_sql_checked!();
}

fn parameters(values: Vec<Value>) -> Vec<Untyped> {
    values.into_iter().map(|value| Untyped(text_of(value))).collect()
}

fn typed(values: &[Untyped]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    values.iter().map(|value| (value as &(dyn ToSql + Sync), Type::UNKNOWN)).collect()
}

fn text_of(value: Value) -> Option<String> {
    Some(match value {
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Text(text) => text,
        Value::Bytes(bytes) => {
            let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
            ['\\', 'x'].into_iter().chain(digits).collect()
        }
        Value::Moment(microseconds) => text_of_moment(microseconds)?,
        // Lists and records do not reach a statement: the module refuses what no placeholder takes.
        Value::Null | Value::Key(_) | Value::List(_) | Value::Record(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_sent_as_their_text() {
        assert_eq!(text_of(Value::Bytes(vec![0, 0xab])).as_deref(), Some("\\x00ab"));
        assert_eq!(text_of(Value::Float(1.5)).as_deref(), Some("1.5"));
        assert_eq!(text_of(Value::Moment(1_500_000)).as_deref(), Some("1970-01-01T00:00:01.5Z"));
        assert_eq!(text_of(Value::Null), None);
    }
}
