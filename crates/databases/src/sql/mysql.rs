//! MySQL and MariaDB.
//!
//! Values are those of Go's driver, as scripts have them in k6: numbers for columns of numbers, bytes for all others, and
//! moments for times where the source says `parseTime=true`.

use std::fmt::Write as _;
use std::sync::Arc;

use mysql_async::consts::ColumnType;
use mysql_async::prelude::{Protocol, Queryable as _};
use mysql_async::{Column, Conn, DriverError, Error, IoError, Opts, Params, QueryResult, Value as Sent};
use throng_js::databases::{Executed, Refused, Rows, Statement, Value};
use tokio::time::timeout;

use super::mysql_source::{self, Source, Tls};
use super::{Driver, lost};
use crate::pool::{Connect, Lent, Unconnected};

/// Too many connections, in all and for this user.
const TOO_MANY: [u16; 2] = [1040, 1203];

/// The server is about to close the connection: it is shut down, or was told to.
const CLOSING: [u16; 4] = [1053, 1317, 1927, 4031];

/// A server.
pub(super) struct MySql {
    source: Source,
    encrypted: Opts,
    plain: Opts,
}

impl MySql {
    pub(super) fn new(source: &str) -> Result<(Self, String), Refused> {
        let source = mysql_source::parse(source)?;
        let encrypted = source.options.clone().ssl_opts(mysql_source::ssl(source.tls)).into();
        let plain = source.options.clone().into();
        let name = format!("the server at {}", source.shown);
        Ok((Self { source, encrypted, plain }, name))
    }

    fn refused(&self, error: &Error) -> Refused {
        let text = match error {
            Error::Server(error) => format!("Error {} ({}): {}", error.code, error.state, error.message),
            Error::Io(error) => format!("the connection to {} failed: {}", self.source.shown, reason(error)),
            Error::Driver(DriverError::ConnectionClosed) => {
                format!("the server at {} closed the connection", self.source.shown)
            }
            Error::Driver(DriverError::StmtParamsMismatch { required, supplied }) => {
                format!("the statement has {required} placeholders and {supplied} values were given")
            }
            Error::Driver(error) => error.to_string(),
            other => other.to_string(),
        };
        Refused(self.source.secrets.scrub(&text))
    }

    /// Keeps the time that an answer may take.
    async fn timely<T>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<Result<T, Error>, Refused> {
        match self.source.read {
            None => Ok(work.await),
            Some(limit) => timeout(limit, work).await.map_err(|_| {
                Refused(format!("the server at {} did not answer within {limit:?}", self.source.shown))
            }),
        }
    }

    /// Gives the connection back unless it failed.
    fn finish<T>(&self, lent: Lent<Self>, result: Result<T, Error>) -> Result<T, Refused> {
        let is_whole = match &result {
            Ok(_) | Err(Error::Driver(DriverError::StmtParamsMismatch { .. })) => true,
            Err(Error::Server(error)) => !CLOSING.contains(&error.code),
            Err(_) => false,
        };
        if is_whole {
            lent.end();
        }
        result.map_err(|error| self.refused(&error))
    }
}

/// Without the driver's words before it.
fn reason(error: &IoError) -> String {
    let text = error.to_string();
    text.strip_prefix("Input/output error: ").map_or(text.clone(), str::to_owned)
}

impl Connect for MySql {
    type Connection = Conn;

    async fn connect(&self) -> Result<Conn, Unconnected> {
        let connecting = async {
            match Conn::new(self.encrypted.clone()).await {
                Err(Error::Driver(DriverError::NoClientSslFlagFromServer))
                    if self.source.tls == Tls::Preferred =>
                {
                    Conn::new(self.plain.clone()).await
                }
                other => other,
            }
        };
        let result = match self.source.dial {
            None => connecting.await,
            Some(limit) => timeout(limit, connecting).await.map_err(|_| {
                let text = format!("cannot connect to {} within {limit:?}", self.source.shown);
                Unconnected::Failed(Refused(text))
            })?,
        };
        result.map_err(|error| match &error {
            Error::Server(server) if TOO_MANY.contains(&server.code) => {
                Unconnected::TooMany(self.refused(&error))
            }
            Error::Io(failed) => {
                let text = format!("cannot connect to {}: {}", self.source.shown, reason(failed));
                Unconnected::Failed(Refused(text))
            }
            _ => Unconnected::Failed(self.refused(&error)),
        })
    }

    fn is_open(&self, conn: &Conn) -> bool {
        !conn.is_disconnected()
    }

    async fn revive(&self, conn: &mut Conn) -> bool {
        conn.ping().await.is_ok()
    }
}

impl Driver for MySql {
    async fn exec(&self, mut lent: Lent<Self>, statement: Statement) -> Result<Executed, Refused> {
        let Some(conn) = lent.begin() else { return lost() };
        let result = self.timely(exec(conn, statement)).await?;
        self.finish(lent, result)
    }

    async fn query(&self, mut lent: Lent<Self>, statement: Statement) -> Result<Rows, Refused> {
        let Some(conn) = lent.begin() else { return lost() };
        let result = self.timely(query(conn, statement, self.source.parse_time)).await?;
        self.finish(lent, result)
    }
}

// Placeholders are the binary protocol's; without any the text one takes all statements that there are.

async fn exec(conn: &mut Conn, statement: Statement) -> Result<Executed, Error> {
    let Statement { text, values } = statement;
    if values.is_empty() {
        return done(conn.query_iter(text).await?).await;
    }
    done(conn.exec_iter(text, Params::Positional(parameters(values))).await?).await
}

async fn query(conn: &mut Conn, statement: Statement, parse_time: bool) -> Result<Rows, Error> {
    let Statement { text, values } = statement;
    if values.is_empty() {
        return collect(conn.query_iter(text).await?, parse_time).await;
    }
    collect(conn.exec_iter(text, Params::Positional(parameters(values))).await?, parse_time).await
}

async fn done<P: Protocol>(result: QueryResult<'_, '_, P>) -> Result<Executed, Error> {
    let executed = Executed {
        rows: result.affected_rows(),
        last_id: Some(result.last_insert_id().unwrap_or_default().cast_signed()),
    };
    result.drop_result().await?;
    Ok(executed)
}

async fn collect<P: Protocol>(mut result: QueryResult<'_, '_, P>, parse_time: bool) -> Result<Rows, Error> {
    let columns: Arc<[Column]> = result.columns().unwrap_or_default();
    let rows: Vec<mysql_async::Row> = result.collect().await?;
    result.drop_result().await?;
    let value = |(column, value): (&Column, Sent)| value_of(column, value, parse_time);
    Ok(Rows {
        columns: columns.iter().map(|column| column.name_str().into_owned()).collect(),
        rows: rows.into_iter().map(|row| columns.iter().zip(row.unwrap()).map(value).collect()).collect(),
    })
}

fn parameters(values: Vec<Value>) -> Vec<Sent> {
    values.into_iter().map(parameter).collect()
}

fn parameter(value: Value) -> Sent {
    match value {
        Value::Bool(truth) => Sent::Int(truth.into()),
        Value::Int(number) => Sent::Int(number),
        Value::Float(number) => Sent::Double(number),
        Value::Text(text) => Sent::Bytes(text.into_bytes()),
        Value::Bytes(bytes) => Sent::Bytes(bytes),
        Value::Moment(microseconds) => moment(microseconds),
        // Neither reaches a statement: the module refuses what no placeholder takes.
        Value::Null | Value::Key(_) | Value::List(_) | Value::Record(_) => Sent::NULL,
    }
}

fn moment(microseconds: i64) -> Sent {
    let Ok(at) = jiff::Timestamp::from_microsecond(microseconds) else { return Sent::NULL };
    let at = at.to_zoned(jiff::tz::TimeZone::UTC);
    Sent::Date(
        at.year().cast_unsigned(),
        at.month().cast_unsigned(),
        at.day().cast_unsigned(),
        at.hour().cast_unsigned(),
        at.minute().cast_unsigned(),
        at.second().cast_unsigned(),
        at.subsec_nanosecond().cast_unsigned() / 1000,
    )
}

/// Times of the calendar.
fn is_date(kind: ColumnType) -> bool {
    use ColumnType as T;
    matches!(
        kind,
        T::MYSQL_TYPE_DATE
            | T::MYSQL_TYPE_NEWDATE
            | T::MYSQL_TYPE_DATETIME
            | T::MYSQL_TYPE_DATETIME2
            | T::MYSQL_TYPE_TIMESTAMP
            | T::MYSQL_TYPE_TIMESTAMP2
    )
}

fn value_of(column: &Column, value: Sent, parse_time: bool) -> Value {
    use ColumnType as T;
    let kind = column.column_type();
    let text = match value {
        Sent::NULL => return Value::Null,
        Sent::Int(number) => return Value::Int(number),
        Sent::UInt(number) => {
            return i64::try_from(number).map_or(Value::Float(number as f64), Value::Int);
        }
        Sent::Float(number) => return Value::Float(number.into()),
        Sent::Double(number) => return Value::Float(number),
        Sent::Bytes(bytes) => bytes,
        Sent::Date(year, month, day, hour, minute, second, micros) => {
            let mut text = format!("{year:04}-{month:02}-{day:02}");
            if !matches!(kind, T::MYSQL_TYPE_DATE | T::MYSQL_TYPE_NEWDATE) {
                let _ = write!(text, " {hour:02}:{minute:02}:{second:02}");
                text.push_str(&fraction(micros, column.decimals()));
            }
            text.into_bytes()
        }
        Sent::Time(is_negative, days, hours, minutes, seconds, micros) => {
            let sign = if is_negative { "-" } else { "" };
            let hours = days * 24 + u32::from(hours);
            let fraction = fraction(micros, column.decimals());
            format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{fraction}").into_bytes()
        }
    };
    let shown = || std::str::from_utf8(&text).ok();
    let decoded = match kind {
        T::MYSQL_TYPE_TINY
        | T::MYSQL_TYPE_SHORT
        | T::MYSQL_TYPE_INT24
        | T::MYSQL_TYPE_LONG
        | T::MYSQL_TYPE_LONGLONG
        | T::MYSQL_TYPE_YEAR => shown().and_then(|text| {
            let whole = text.parse().map(Value::Int);
            whole.or_else(|_| text.parse().map(Value::Float)).ok()
        }),
        T::MYSQL_TYPE_FLOAT => shown().and_then(|text| Some(Value::Float(text.parse::<f32>().ok()?.into()))),
        T::MYSQL_TYPE_DOUBLE => shown().and_then(|text| Some(Value::Float(text.parse().ok()?))),
        kind if parse_time && is_date(kind) => shown().and_then(moment_of),
        _ => None,
    };
    decoded.unwrap_or(Value::Bytes(text))
}

/// `.123`, with so many digits.
fn fraction(micros: u32, digits: u8) -> String {
    match digits {
        1..=6 => format!(".{micros:06}")[..=usize::from(digits)].to_owned(),
        _ if micros > 0 => format!(".{micros:06}"),
        _ => String::new(),
    }
}

/// The moment of `2024-01-02 03:04:05.678`, or of a date alone. Go has its zero, the year 1, for MySQL's, the year 0.
fn moment_of(text: &str) -> Option<Value> {
    let text = if text.starts_with("0000-00-00") { "0001-01-01 00:00:00" } else { text };
    let at: jiff::civil::DateTime = match text.parse() {
        Ok(at) => at,
        Err(_) => text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0),
    };
    let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Value::Moment(at.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: ColumnType, value: &str, parse_time: bool) -> Value {
        value_of(&Column::new(kind), Sent::Bytes(value.as_bytes().to_vec()), parse_time)
    }

    #[test]
    fn columns_of_numbers_are_numbers_and_others_bytes_in_both_protocols() {
        use ColumnType as T;
        assert_eq!(read(T::MYSQL_TYPE_LONG, "-7", false), Value::Int(-7));
        assert_eq!(
            read(T::MYSQL_TYPE_LONGLONG, "18446744073709551615", false),
            Value::Float(1.844_674_407_370_955_2e19)
        );
        assert_eq!(read(T::MYSQL_TYPE_DOUBLE, "1.5", false), Value::Float(1.5));
        assert_eq!(read(T::MYSQL_TYPE_FLOAT, "1.1", false), Value::Float(f64::from(1.1_f32)));
        assert_eq!(read(T::MYSQL_TYPE_NEWDECIMAL, "1.10", false), Value::Bytes(b"1.10".to_vec()));
        assert_eq!(read(T::MYSQL_TYPE_VAR_STRING, "7", false), Value::Bytes(b"7".to_vec()));
        let column = Column::new(T::MYSQL_TYPE_DATETIME).with_decimals(3);
        let date = Sent::Date(2024, 1, 2, 3, 4, 5, 678_000);
        assert_eq!(value_of(&column, date, false), Value::Bytes(b"2024-01-02 03:04:05.678".to_vec()));
        let time = Sent::Time(true, 1, 2, 3, 4, 0);
        assert_eq!(
            value_of(&Column::new(T::MYSQL_TYPE_TIME), time, false),
            Value::Bytes(b"-26:03:04".to_vec())
        );
    }

    #[test]
    fn times_are_moments_where_the_source_says_so() {
        let at = |text| read(ColumnType::MYSQL_TYPE_DATETIME, text, true);
        assert_eq!(at("1970-01-01 00:00:01.5"), Value::Moment(1_500_000));
        assert_eq!(read(ColumnType::MYSQL_TYPE_DATE, "1970-01-02", true), Value::Moment(86_400_000_000));
        assert_eq!(at("0000-00-00 00:00:00"), at("0001-01-01 00:00:00"));
        assert_eq!(moment(1_500_000), Sent::Date(1970, 1, 1, 0, 0, 1, 500_000));
    }
}
