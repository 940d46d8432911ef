//! PostgreSQL's binary values as scripts see them in k6: numbers, truth values, texts and times are decoded, everything
//! else is the bytes of its text.

use std::error::Error;
use std::fmt::Write as _;

use throng_js::databases::Value;
use tokio_postgres::types::{FromSql, Kind, Type};

/// Microseconds from 1970 to 2000, where PostgreSQL's clock begins.
const EPOCH: i64 = 946_684_800_000_000;
const DAY: i64 = 86_400_000_000;

/// A column's value.
pub(super) struct Decoded(pub(super) Value);

type Failed = Box<dyn Error + Sync + Send>;

impl<'a> FromSql<'a> for Decoded {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Failed> {
        value(kind, raw).map(Self)
    }

    fn from_sql_null(_: &Type) -> Result<Self, Failed> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn value(kind: &Type, raw: &[u8]) -> Result<Value, Failed> {
    Ok(match *kind {
        Type::BOOL => Value::Bool(raw.first() == Some(&1)),
        Type::INT2 => Value::Int(i16::from_be_bytes(raw.try_into()?).into()),
        Type::INT4 => Value::Int(i32::from_be_bytes(raw.try_into()?).into()),
        Type::INT8 => Value::Int(i64::from_be_bytes(raw.try_into()?)),
        Type::FLOAT4 => Value::Float(f32::from_be_bytes(raw.try_into()?).into()),
        Type::FLOAT8 => Value::Float(f64::from_be_bytes(raw.try_into()?)),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::CHAR => {
            Value::Text(std::str::from_utf8(raw)?.to_owned())
        }
        Type::BYTEA => Value::Bytes(raw.to_vec()),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => match i64::from_be_bytes(raw.try_into()?) {
            i64::MAX => Value::Bytes(b"infinity".to_vec()),
            i64::MIN => Value::Bytes(b"-infinity".to_vec()),
            at => Value::Moment(at.saturating_add(EPOCH)),
        },
        Type::DATE => match i32::from_be_bytes(raw.try_into()?) {
            i32::MAX => Value::Bytes(b"infinity".to_vec()),
            i32::MIN => Value::Bytes(b"-infinity".to_vec()),
            days => Value::Moment(i64::from(days) * DAY + EPOCH),
        },
        _ => Value::Bytes(text(kind, raw)?.into_bytes()),
    })
}

/// A value as the server would write it.
fn text(kind: &Type, raw: &[u8]) -> Result<String, Failed> {
    if let Kind::Array(of) = kind.kind() {
        return array(of, raw);
    }
    if let Kind::Domain(of) = kind.kind() {
        return text(of, raw);
    }
    if matches!(kind.kind(), Kind::Enum(_)) {
        return Ok(std::str::from_utf8(raw)?.to_owned());
    }
    Ok(match *kind {
        Type::NAME
        | Type::UNKNOWN
        | Type::JSON
        | Type::XML
        | Type::VOID
        | Type::TEXT
        | Type::VARCHAR
        | Type::BPCHAR
        | Type::CHAR => std::str::from_utf8(raw)?.to_owned(),
        // The number of the format comes first.
        Type::JSONB => std::str::from_utf8(raw.get(1..).unwrap_or_default())?.to_owned(),
        Type::OID => u32::from_be_bytes(raw.try_into()?).to_string(),
        Type::UUID => uuid(raw),
        Type::NUMERIC => numeric(raw)?,
        Type::TIME => time(i64::from_be_bytes(raw.try_into()?)),
        Type::BYTEA => {
            let mut text = String::from("\\x");
            raw.iter().try_for_each(|byte| write!(text, "{byte:02x}"))?;
            text
        }
        Type::BOOL
        | Type::INT2
        | Type::INT4
        | Type::INT8
        | Type::FLOAT4
        | Type::FLOAT8
        | Type::TIMESTAMP
        | Type::TIMESTAMPTZ
        | Type::DATE => match value(kind, raw)? {
            Value::Bool(truth) => if truth { "t" } else { "f" }.to_owned(),
            Value::Int(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Moment(at) => {
                let text = text_of_moment(at).ok_or("a time beyond the calendar")?;
                let text = text.trim_end_matches('Z').replacen('T', " ", 1);
                match *kind {
                    Type::DATE => text.split(' ').next().unwrap_or_default().to_owned(),
                    Type::TIMESTAMPTZ => format!("{text}+00"),
                    _ => text,
                }
            }
            Value::Bytes(infinity) => String::from_utf8(infinity)?,
            _ => return Err("a value of another type".into()),
        },
        _ => {
            let name = kind.name();
            return Err(format!(
                "columns of the type {name} are not supported yet: select them as text (::text)"
            )
            .into());
        }
    })
}

/// `2024-01-02T03:04:05.6Z`
pub(super) fn text_of_moment(microseconds: i64) -> Option<String> {
    jiff::Timestamp::from_microsecond(microseconds).ok().map(|at| at.to_string())
}

/// `03:04:05.6`, from microseconds since midnight.
fn time(microseconds: i64) -> String {
    let (seconds, fraction) = (microseconds / 1_000_000, microseconds % 1_000_000);
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        text.push_str(format!(".{fraction:06}").trim_end_matches('0'));
    }
    text
}

fn uuid(raw: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in raw.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A decimal number: groups of four digits, of which the first has a weight of 10,000 to some power.
fn numeric(raw: &[u8]) -> Result<String, Failed> {
    let word = |place: usize| -> Result<u16, Failed> {
        let bytes = raw.get(2 * place..2 * place + 2).ok_or("a number that ends too early")?;
        Ok(u16::from_be_bytes(bytes.try_into()?))
    };
    let (groups, weight, sign, scale) = (word(0)?, word(1)?.cast_signed(), word(2)?, word(3)?);
    match sign {
        0xc000 => return Ok("NaN".to_owned()),
        0xd000 => return Ok("Infinity".to_owned()),
        0xf000 => return Ok("-Infinity".to_owned()),
        _ => {}
    }
    let group = |place: i32| -> Result<u16, Failed> {
        match usize::try_from(place) {
            Ok(place) if place < usize::from(groups) => word(4 + place),
            _ => Ok(0),
        }
    };
    let weight = i32::from(weight);
    let mut text = String::from(if sign == 0x4000 { "-" } else { "" });
    if weight < 0 {
        text.push('0');
    } else {
        write!(text, "{}", group(0)?)?;
        for place in 1..=weight {
            write!(text, "{:04}", group(place)?)?;
        }
    }
    if scale > 0 {
        let mut fraction = String::new();
        // Groups before the first one are noughts.
        for place in weight + 1..=weight + i32::from(scale.div_ceil(4)) {
            write!(fraction, "{:04}", group(place)?)?;
        }
        text.push('.');
        text.push_str(&fraction[..usize::from(scale)]);
    }
    Ok(text)
}

/// `{1,2,NULL,"a b"}`
fn array(of: &Type, raw: &[u8]) -> Result<String, Failed> {
    let int = |at: usize| -> Result<i32, Failed> {
        let bytes = raw.get(at..at + 4).ok_or("an array that ends too early")?;
        Ok(i32::from_be_bytes(bytes.try_into()?))
    };
    let dimensions = usize::try_from(int(0)?)?;
    let lengths: Vec<usize> = (0..dimensions)
        .map(|place| Ok(usize::try_from(int(12 + 8 * place)?)?))
        .collect::<Result<_, Failed>>()?;
    let total: usize = lengths.iter().product();
    if dimensions == 0 || total == 0 {
        return Ok("{}".to_owned());
    }
    let mut at = 12 + 8 * dimensions;
    let mut result = String::new();
    for element in 0..total {
        // How many dimensions begin with this element.
        let begins = (0..dimensions)
            .filter(|place| element % lengths[*place..].iter().product::<usize>() == 0)
            .count();
        if element > 0 {
            (0..begins).for_each(|_| result.push('}'));
            result.push(',');
        }
        (0..begins).for_each(|_| result.push('{'));
        let length = int(at)?;
        at += 4;
        match usize::try_from(length) {
            Err(_) => result.push_str("NULL"),
            Ok(length) => {
                let bytes = raw.get(at..at + length).ok_or("an array that ends too early")?;
                at += length;
                quote(&text(of, bytes)?, &mut result);
            }
        }
    }
    (0..dimensions).for_each(|_| result.push('}'));
    Ok(result)
}

fn quote(text: &str, into: &mut String) {
    let is_plain = !text.is_empty()
        && !text.eq_ignore_ascii_case("null")
        && !text.contains(|letter: char| letter.is_whitespace() || "{}\",\\".contains(letter));
    if is_plain {
        into.push_str(text);
        return;
    }
    into.push('"');
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            into.push('\\');
        }
        into.push(letter);
    }
    into.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(weight: i16, sign: u16, scale: u16, groups: &[u16]) -> String {
        let head = [groups.len() as u16, weight.cast_unsigned(), sign, scale];
        let raw: Vec<u8> = head.iter().chain(groups).flat_map(|word| word.to_be_bytes()).collect();
        numeric(&raw).unwrap()
    }

    #[test]
    fn decimals_are_written_as_the_server_writes_them() {
        assert_eq!(number(0, 0, 2, &[1, 1000]), "1.10");
        assert_eq!(number(1, 0x4000, 0, &[12, 34]), "-120034");
        assert_eq!(number(1, 0, 0, &[1]), "10000");
        assert_eq!(number(-1, 0, 4, &[12]), "0.0012");
        assert_eq!(number(-2, 0, 6, &[1200]), "0.000012");
        assert_eq!(number(0, 0, 0, &[]), "0");
        assert_eq!(number(0, 0, 2, &[]), "0.00");
        assert_eq!(number(0, 0xc000, 0, &[]), "NaN");
        assert!(numeric(&[0, 1, 0, 0, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn arrays_are_written_with_quotes_where_they_need_them() {
        let mut raw = Vec::new();
        for word in [1_i32, 1, 25, 4, 1] {
            raw.extend(word.to_be_bytes());
        }
        for item in [Some("a"), Some("b \"c\""), None, Some("")] {
            raw.extend(item.map_or(-1, |item| item.len() as i32).to_be_bytes());
            raw.extend(item.unwrap_or_default().bytes());
        }
        assert_eq!(array(&Type::TEXT, &raw).unwrap(), r#"{a,"b \"c\"",NULL,""}"#);
        let mut raw = Vec::new();
        for word in [2_i32, 0, 23, 2, 1, 2, 1, 4, 1, 4, 2, 4, 3, 4, 4] {
            raw.extend(word.to_be_bytes());
        }
        assert_eq!(array(&Type::INT4, &raw).unwrap(), "{{1,2},{3,4}}");
        assert_eq!(array(&Type::INT4, &[0; 12]).unwrap(), "{}");
    }

    #[test]
    fn times_are_moments_and_what_is_not_known_is_refused_by_name() {
        assert_eq!(value(&Type::TIMESTAMPTZ, &0_i64.to_be_bytes()).unwrap(), Value::Moment(EPOCH));
        assert_eq!(value(&Type::DATE, &1_i32.to_be_bytes()).unwrap(), Value::Moment(EPOCH + DAY));
        assert_eq!(
            value(&Type::TIME, &3_723_500_000_i64.to_be_bytes()).unwrap(),
            Value::Bytes(b"01:02:03.5".to_vec())
        );
        assert!(value(&Type::INET, &[2, 32, 0, 4, 1, 2, 3, 4]).unwrap_err().to_string().contains("inet"));
    }
}
