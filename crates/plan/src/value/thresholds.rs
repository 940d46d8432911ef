//! Thresholds as sources: which metric, which expression, what to do when it is crossed.
//!
//! The grammar of expressions and selectors, and evaluating them, belong to the metrics crate.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Kind, Value, json_from_text};
use crate::duration::Span;
use crate::reader::Reader;

/// One threshold of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThresholdSource {
    /// The expression, `p(95)<200`.
    pub source: String,
    /// Whether the test ends when it is crossed.
    pub abort_on_fail: bool,
    /// How long the test runs before it may be aborted.
    pub delay_abort_eval: Option<Duration>,
}

impl Value for ThresholdSource {
    const KIND: Kind = Kind::Text;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        if let Json::String(source) = json {
            return Some(Self { source: source.clone(), abort_on_fail: false, delay_abort_eval: None });
        }
        if !json.is_object() {
            return at.invalid(json, "an expression, or {threshold, abortOnFail, delayAbortEval}");
        }
        let mut fields = at.object(json)?;
        let source = fields.read("threshold", at);
        let abort_on_fail = fields.read("abortOnFail", at).unwrap_or(false);
        let delay: Option<Span> = fields.read("delayAbortEval", at);
        fields.skip_rest(at);
        let delay_abort_eval = match delay.map(|delay| (delay, delay.to_duration())) {
            None => None,
            Some((_, Some(delay))) => Some(delay),
            Some((delay, None)) => {
                return at
                    .member("delayAbortEval", |at| at.invalid(delay, "a duration that is not negative"));
            }
        };
        let Some(source) = source else { return at.member("threshold", |at| at.missing("an expression")) };
        Some(Self { source, abort_on_fail, delay_abort_eval })
    }

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self { source: text.to_owned(), abort_on_fail: false, delay_abort_eval: None })
    }

    /// An object only if it can abort the test, as k6 writes it.
    fn to_json(&self) -> Json {
        if !self.abort_on_fail {
            return self.source.as_str().into();
        }
        let delay = self.delay_abort_eval.map(crate::duration::format);
        json!({ "threshold": self.source, "abortOnFail": true, "delayAbortEval": delay })
    }
}

/// Thresholds by metric selector (`http_req_duration{status:200}`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thresholds(pub BTreeMap<String, Vec<ThresholdSource>>);

impl Value for Thresholds {
    const KIND: Kind = Kind::Object;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let Json::Object(members) = json else {
            return at.invalid(json, "an object of metrics and expressions");
        };
        let mut thresholds = BTreeMap::new();
        for (selector, sources) in members {
            let sources =
                if sources.is_null() { Some(vec![]) } else { at.member(selector, |at| at.list(sources)) };
            if let Some(sources) = sources {
                thresholds.insert(selector.clone(), sources);
            }
        }
        Some(Self(thresholds))
    }

    fn from_text(text: &str) -> Result<Self, String> {
        json_from_text(text)
    }

    fn to_json(&self) -> Json {
        let list = |sources: &Vec<ThresholdSource>| -> Json { sources.iter().map(Value::to_json).collect() };
        self.0.iter().map(|(selector, sources)| (selector.clone(), list(sources))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thresholds(json: &Json) -> Result<Thresholds, crate::PlanError> {
        let mut at = Reader::at("thresholds");
        let thresholds = Thresholds::from_json(json, &mut at);
        at.finish(thresholds.unwrap_or_default())
    }

    #[test]
    fn short_and_long_forms_are_written_as_k6_writes_them() {
        let read = thresholds(&json!({
            "b": ["count>1", {"threshold": "rate>2", "abortOnFail": true, "delayAbortEval": "2s"}],
            "a{x:y}": [{"threshold": "avg<5", "delayAbortEval": 10}], "c": null,
        }));
        assert_eq!(
            read.expect("valid").to_json(),
            json!({
                "a{x:y}": ["avg<5"],
                "b": ["count>1", {"threshold": "rate>2", "abortOnFail": true, "delayAbortEval": "2s"}],
                "c": [],
            })
        );
    }

    #[test]
    fn wrong_shapes_are_named_by_path() {
        for (json, path) in [
            (json!([]), "thresholds"),
            (json!({"a": "x"}), "thresholds.a"),
            (json!({"a": [5]}), "thresholds.a[0]"),
            (json!({"a": [{"abortOnFail": true}]}), "thresholds.a[0].threshold"),
            (json!({"a": [{"threshold": "x", "abortOnFail": "yes"}]}), "thresholds.a[0].abortOnFail"),
            (json!({"a": [{"threshold": "x", "delayAbortEval": "-1s"}]}), "thresholds.a[0].delayAbortEval"),
        ] {
            let error = thresholds(&json).expect_err(path);
            assert_eq!(error.problems[0].path(), path);
        }
    }
}
