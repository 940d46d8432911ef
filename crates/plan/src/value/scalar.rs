//! Switches, numbers, texts, durations, segments and raw JSON.

use serde_json::Value as Json;

use super::{Kind, Value, comma_separated};
use crate::duration::Span;
use crate::reader::Reader;
use crate::segment::{ExecutionSegment, SegmentSequence};

impl Value for bool {
    const KIND: Kind = Kind::Switch;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        json.as_bool().or_else(|| at.invalid(json, "true or false"))
    }

    fn from_text(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => Ok(true),
            "false" | "f" | "0" => Ok(false),
            _ => Err("true or false".to_owned()),
        }
    }

    fn to_json(&self) -> Json {
        (*self).into()
    }
}

const WHOLE_NUMBER: &str = "a whole number";

impl Value for i64 {
    const KIND: Kind = Kind::Integer;

    /// A number in quotes is a number too, as in k6 (`vus: __ENV.VUS` gives one).
    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let from_float = |n: f64| (n.fract() == 0.0 && n.abs() < 2_f64.powi(53)).then_some(n as i64);
        let number = match json {
            Json::Number(n) => n.as_i64().or_else(|| n.as_f64().and_then(from_float)),
            Json::String(text) => text.parse().ok(),
            _ => None,
        };
        number.or_else(|| at.invalid(json, WHOLE_NUMBER))
    }

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| WHOLE_NUMBER.to_owned())
    }

    fn to_json(&self) -> Json {
        (*self).into()
    }
}

impl Value for String {
    const KIND: Kind = Kind::Text;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        json.as_str().map(str::to_owned).or_else(|| at.invalid(json, "a text"))
    }

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn to_json(&self) -> Json {
        self.as_str().into()
    }
}

impl Value for Vec<String> {
    const KIND: Kind = Kind::List;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        at.list(json)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(comma_separated(text).map(str::to_owned).collect())
    }

    fn to_json(&self) -> Json {
        self.as_slice().into()
    }

    fn repeat(&mut self, next: Self) {
        self.extend(next);
    }
}

const DURATION: &str = "a duration such as 1h30m, 90s, 500ms or a number of milliseconds";

impl Value for Span {
    const KIND: Kind = Kind::Duration;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let span = match json {
            Json::Number(millis) => millis.as_f64().and_then(Self::from_millis),
            Json::String(text) => text.parse().ok(),
            _ => None,
        };
        span.or_else(|| at.invalid(json, DURATION))
    }

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| DURATION.to_owned())
    }

    fn to_json(&self) -> Json {
        self.to_string().into()
    }
}

impl Value for ExecutionSegment {
    const KIND: Kind = Kind::Text;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let text = String::from_json(json, at)?;
        Self::from_text(&text).or_else(|expected| at.invalid(json, expected).ok_or(())).ok()
    }

    /// An empty text is the whole test, as in k6.
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::WHOLE);
        }
        text.parse().map_err(|error| format!("a segment such as 1/4:1/2 ({error})"))
    }

    fn to_json(&self) -> Json {
        self.to_string().into()
    }
}

impl Value for SegmentSequence {
    const KIND: Kind = Kind::Text;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let text = String::from_json(json, at)?;
        Self::from_text(&text).or_else(|expected| at.invalid(json, expected).ok_or(())).ok()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error| format!("a sequence such as 0,1/2,1 ({error})"))
    }

    fn to_json(&self) -> Json {
        self.to_string().into()
    }
}

impl Value for Json {
    const KIND: Kind = Kind::Object;

    fn from_json(json: &Json, _at: &mut Reader) -> Option<Self> {
        Some(json.clone())
    }

    fn from_text(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("JSON ({error})"))
    }

    fn to_json(&self) -> Json {
        self.clone()
    }
}
