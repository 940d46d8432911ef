//! The four ways to write a record: coloured text, logfmt, JSON and raw.
//!
//! The layouts are k6's, observed on 1.1: dashboards and scripts parse them. Each function appends one
//! record, line end included.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::record::{Record, plain};

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text for people: coloured columns. Chosen for terminals only.
    Terminal,
    /// `key=value` pairs; what `text` means where there is no colour.
    Logfmt,
    /// One JSON object a line.
    Json,
    /// The message alone.
    Raw,
}

impl Format {
    /// The format for `--log-format`. Every unknown name means text, as in k6.
    pub fn choose(name: &str, coloured: bool) -> Self {
        match name {
            "json" => Self::Json,
            "raw" => Self::Raw,
            _ if coloured => Self::Terminal,
            _ => Self::Logfmt,
        }
    }

    /// Appends `record` to `out`.
    pub fn write(self, record: &Record<'_>, out: &mut String) {
        match self {
            Self::Terminal => terminal(record, out),
            Self::Logfmt => logfmt(record, out),
            Self::Json => json(record, out),
            Self::Raw => raw(record, out),
        }
    }
}

/// Width that messages are padded to on a terminal, so that the fields line up.
const MESSAGE_COLUMN: usize = 44;

fn terminal(record: &Record<'_>, out: &mut String) {
    let colour = record.level.colour();
    let message = record.message.trim_end_matches('\n');
    let seconds = record.since_start.as_secs();
    let _ = write!(
        out,
        "\x1b[{colour}m{}\x1b[0m[{seconds:04}] {message:<MESSAGE_COLUMN$} ",
        record.level.short()
    );
    for field in record.sorted_fields() {
        let _ = write!(out, " \x1b[{colour}m{}\x1b[0m=", field.key);
        quote_if_needed(&plain(&field.value), out);
    }
    out.push('\n');
}

fn logfmt(record: &Record<'_>, out: &mut String) {
    let _ = write!(out, "time=\"{}\" level={}", record.time, record.level);
    if !record.message.is_empty() {
        out.push_str(" msg=");
        quote_if_needed(record.message, out);
    }
    for field in record.sorted_fields() {
        let _ = write!(out, " {}=", field.key);
        quote_if_needed(&plain(&field.value), out);
    }
    out.push('\n');
}

fn json(record: &Record<'_>, out: &mut String) {
    let mut object: BTreeMap<&str, Value> = BTreeMap::new();
    for field in record.fields {
        object.insert(&field.key, field.value.clone());
    }
    object.insert("level", record.level.name().into());
    object.insert("msg", record.message.into());
    object.insert("time", record.time.into());
    let text = serde_json::to_string(&object).unwrap_or_default();
    // Go's encoder escapes what is special in HTML, and consumers compare texts.
    for c in text.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out.push('\n');
}

fn raw(record: &Record<'_>, out: &mut String) {
    out.push_str(record.message);
    out.push('\n');
}

/// Writes `text` bare when only harmless characters are in it, else as a quoted string with escapes.
fn quote_if_needed(text: &str, out: &mut String) {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '/' | '@' | '^' | '+');
    if text.chars().all(bare) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::{Field, Level};
    use proptest::prelude::*;
    use std::time::Duration;

    fn written(format: Format, message: &str, fields: &[Field]) -> String {
        let mut out = String::new();
        let record = Record {
            time: "2026-11-22T01:58:54Z",
            since_start: Duration::from_millis(3_900),
            level: Level::Info,
            message,
            fields,
        };
        format.write(&record, &mut out);
        out
    }

    fn console() -> Vec<Field> {
        vec![Field::new("source", "console")]
    }

    #[test]
    fn logfmt_quotes_only_what_needs_it() {
        let head = "time=\"2026-11-22T01:58:54Z\" level=info";
        for (message, expected) in [
            ("plain", " msg=plain"),
            ("a=b", " msg=\"a=b\""),
            ("", ""),
            ("tab\there", " msg=\"tab\\there\""),
            ("uni é ☃", " msg=\"uni é ☃\""),
            ("back\\slash", " msg=\"back\\\\slash\""),
            ("it's", " msg=\"it's\""),
            ("c@d^e+f-g_h.i/j", " msg=c@d^e+f-g_h.i/j"),
            ("new\nline", " msg=\"new\\nline\""),
            ("\u{1}", " msg=\"\\x01\""),
        ] {
            assert_eq!(
                written(Format::Logfmt, message, &console()),
                format!("{head}{expected} source=console\n")
            );
        }
    }

    #[test]
    fn fields_come_in_the_order_of_their_keys() {
        let fields = [Field::new("source", "stacktrace"), Field::new("executor", "constant-vus")];
        assert!(written(Format::Logfmt, "m", &fields).ends_with("executor=constant-vus source=stacktrace\n"));
    }

    #[test]
    fn json_sorts_keys_and_escapes_html() {
        assert_eq!(
            written(Format::Json, "a<b", &[Field::new("vus", 3), Field::new("error", "x")]),
            "{\"error\":\"x\",\"level\":\"info\",\"msg\":\"a\\u003cb\",\"time\":\"2026-11-22T01:58:54Z\",\"vus\":3}\n"
        );
    }

    #[test]
    fn terminal_pads_the_message_and_colours_the_keys() {
        assert_eq!(
            written(Format::Terminal, "hello\n", &console()),
            format!("\x1b[36mINFO\x1b[0m[0003] {:<44}  \x1b[36msource\x1b[0m=console\n", "hello")
        );
    }

    #[test]
    fn raw_is_the_message_alone() {
        assert_eq!(written(Format::Raw, "a b", &console()), "a b\n");
    }

    proptest! {
        #[test]
        fn a_structured_record_is_always_one_line(message in "\\PC*|[\\x00-\\x7f]*") {
            for format in [Format::Logfmt, Format::Json] {
                let out = written(format, &message, &console());
                prop_assert_eq!(out.matches('\n').count(), 1);
                prop_assert!(out.ends_with('\n'));
            }
        }
    }
}
