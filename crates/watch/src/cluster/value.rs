//! Reading objects: a path into their JSON, quantities, times.

use std::time::{Duration, Instant};

use serde_json::Value;

/// The text at a path such as `/status/phase`.
pub(crate) fn text<'a>(object: &'a Value, path: &str) -> Option<&'a str> {
    object.pointer(path)?.as_str()
}

/// The number at a path.
pub(crate) fn number(object: &Value, path: &str) -> Option<f64> {
    object.pointer(path)?.as_f64()
}

/// The list at a path; nothing is an empty one.
pub(crate) fn list<'a>(object: &'a Value, path: &str) -> &'a [Value] {
    object.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The name of an object.
pub(crate) fn name(object: &Value) -> &str {
    text(object, "/metadata/name").unwrap_or_default()
}

/// A condition's status, reason and message.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let one = list(object, "/status/conditions").iter().find(|one| one["type"] == kind)?;
    let of = |field: &str| one[field].as_str().unwrap_or_default();
    Some((of("status"), of("reason"), of("message")))
}

/// A quantity, in its base unit: `250m` is a quarter, `64Mi` are bytes.
pub(crate) fn quantity(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c))).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    // `12e3` is a number, `12E` are exa.
    if (unit.starts_with('e') || unit.starts_with('E')) && unit.len() > 1 {
        return text.parse().ok();
    }
    let factor = match unit {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "Pi" => 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "Ei" => 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some(digits.parse::<f64>().ok()? * factor)
}

/// A time as objects have it, by the server's clock, on ours: not before `earliest`, as clocks differ, and not in the
/// future. None if it is before by more than that could explain: then it is about something else.
pub(crate) fn instant(text: &str, earliest: Instant) -> Option<Instant> {
    let now = Instant::now();
    let at = on_our_clock(text)?;
    (at + CLOCKS >= earliest).then(|| at.max(earliest).min(now))
}

/// The same without bounds.
pub(crate) fn on_our_clock(text: &str) -> Option<Instant> {
    let at: jiff::Timestamp = text.parse().ok()?;
    let ago = jiff::Timestamp::now().as_millisecond() - at.as_millisecond();
    let ago = Duration::from_millis(u64::try_from(ago).unwrap_or_default());
    Instant::now().checked_sub(ago)
}

/// How far apart clocks may be.
const CLOCKS: Duration = Duration::from_secs(2);

/// Seconds between two times of one object.
pub(crate) fn between(from: &str, to: &str) -> Option<f64> {
    let (from, to): (jiff::Timestamp, jiff::Timestamp) = (from.parse().ok()?, to.parse().ok()?);
    Some((to.as_millisecond() - from.as_millisecond()) as f64 / 1_000.0)
}

/// `matchLabels` and `matchExpressions` as a query has them.
pub(crate) fn selector(object: &Value) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    for (key, value) in object["matchLabels"].as_object().into_iter().flatten() {
        parts.push(format!("{key}={}", value.as_str()?));
    }
    for one in list(object, "/matchExpressions") {
        let key = one["key"].as_str()?;
        let values: Vec<&str> = list(one, "/values").iter().filter_map(Value::as_str).collect();
        parts.push(match one["operator"].as_str()? {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    (!parts.is_empty()).then(|| parts.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_are_read() {
        for (text, value) in [
            ("250m", 0.25),
            ("2", 2.0),
            ("64Mi", 67_108_864.0),
            ("1500000n", 0.0015),
            ("1.5Gi", 1_610_612_736.0),
            ("12e3", 12_000.0),
            ("1k", 1_000.0),
        ] {
            assert_eq!(quantity(text), Some(value), "{text}");
        }
        assert_eq!((quantity("fast"), quantity("1Q")), (None, None));
    }

    #[test]
    fn selectors_are_as_a_query_has_them() {
        let of = json!({
            "matchLabels": { "app": "web" },
            "matchExpressions": [
                { "key": "tier", "operator": "In", "values": ["a", "b"] },
                { "key": "canary", "operator": "DoesNotExist" },
            ],
        });
        assert_eq!(selector(&of).as_deref(), Some("app=web,tier in (a,b),!canary"));
        assert_eq!(selector(&json!({})), None);
    }
}
