//! What k6's commands print: YAML as Go writes it, of numbers, truth values and short texts.

use std::fmt::Write as _;

use serde_json::Value;

/// A mapping's fields, one a line.
pub(super) fn mapping(fields: &[(&str, Value)]) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}: {}", scalar(value));
    }
    text
}

/// A value as it stands behind a colon.
pub(super) fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::String(text) => Value::from(text.as_str()).to_string(),
        Value::Number(number) if number.is_f64() => float(number.as_f64().unwrap_or_default()),
        other => other.to_string(),
    }
}

/// The shortest form, with an exponent from a million on and below a ten-thousandth.
fn float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
        _ => value.to_string(),
    }
}

/// Whether a text needs no quotes: it begins with a letter and has nothing in it that means something to YAML.
fn is_plain(text: &str) -> bool {
    let special = |c: char| !(c.is_ascii_alphanumeric() || "_-./(){}:,".contains(c));
    let word = text.to_ascii_lowercase();
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.contains(special)
        && !text.ends_with(':')
        && !matches!(word.as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_are_written_as_go_writes_them() {
        for (value, expected) in [
            (json!(7), "7"),
            (json!(true), "true"),
            (json!("true"), "\"true\""),
            (json!(""), "\"\""),
            (json!("2"), "\"2\""),
            (json!("http_reqs"), "http_reqs"),
            (json!("my_trend{kind:a}"), "my_trend{kind:a}"),
            (json!(1_234_567.25), "1.23456725e+06"),
            (json!(147_000_000.0), "1.47e+08"),
            (json!(617_284.375), "617284.375"),
            (json!(0.00001), "1e-05"),
            (json!(5.0), "5"),
        ] {
            assert_eq!(scalar(&value), expected);
        }
        assert_eq!(
            mapping(&[("status", json!(7)), ("paused", json!("false"))]),
            "status: 7\npaused: \"false\"\n"
        );
    }
}
