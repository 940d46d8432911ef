//! Stages as an option gives them: `[{duration, target}]`, or `5s:10,5m:20` in variables and flags.

use serde_json::{Value as Json, json};

use super::{Kind, Value, comma_separated};
use crate::duration::Span;
use crate::reader::Reader;

/// One stage before validation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StageLayer {
    /// Length of the ramp.
    pub duration: Option<Span>,
    /// The value at its end.
    pub target: Option<i64>,
}

/// Stages before validation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stages(pub Vec<StageLayer>);

impl StageLayer {
    /// Reads one stage; other names are errors inside a scenario and skipped at the top, as in k6.
    fn read(json: &Json, at: &mut Reader, strict: bool) -> Option<Self> {
        let mut fields = at.object(json)?;
        let stage = Self { duration: fields.read("duration", at), target: fields.read("target", at) };
        if strict {
            fields.refuse_rest("a stage", &["duration", "target"], at);
        } else {
            fields.skip_rest(at);
        }
        Some(stage)
    }
}

impl Stages {
    /// Reads the stages of a scenario, where unknown names are errors.
    pub(crate) fn read_strict(json: &Json, at: &mut Reader) -> Option<Self> {
        Self::read(json, at, true)
    }

    fn read(json: &Json, at: &mut Reader, strict: bool) -> Option<Self> {
        let Json::Array(stages) = json else {
            return at.invalid(json, "a list of stages {duration, target}");
        };
        let read = |(i, stage): (usize, &Json)| at.element(i, |at| StageLayer::read(stage, at, strict));
        Some(Self(stages.iter().enumerate().filter_map(read).collect()))
    }
}

impl Value for Stages {
    const KIND: Kind = Kind::List;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        Self::read(json, at, false)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let stage = |text: &str| {
            let (duration, target) = text.split_once(':').unwrap_or((text, ""));
            // As in k6, a stage without a target is read, and then refused like one in a script.
            let target = if target.is_empty() { None } else { Some(target.parse().ok()?) };
            Some(StageLayer { duration: Some(duration.parse().ok()?), target })
        };
        let stages = comma_separated(text).map(stage).collect::<Option<_>>();
        stages.map(Self).ok_or_else(|| "stages as DURATION:TARGET, such as 30s:10,5m:50".to_owned())
    }

    fn to_json(&self) -> Json {
        let duration = |stage: &StageLayer| stage.duration.map(|d| d.to_string());
        self.0.iter().map(|stage| json!({ "duration": duration(stage), "target": stage.target })).collect()
    }

    fn repeat(&mut self, next: Self) {
        self.0.extend(next.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stages_in_text_are_pairs() {
        let stages = Stages::from_text("5s:10, 5m:20").expect("valid");
        assert_eq!(
            stages.to_json(),
            json!([{"duration": "5s", "target": 10}, {"duration": "5m0s", "target": 20}])
        );
        for text in ["5s", "5s:"] {
            let stages = Stages::from_text(text).expect("valid");
            assert_eq!(stages.to_json(), json!([{"duration": "5s", "target": null}]));
        }
        for text in [":5", "5s:x", "5x:5", "5s:1:2"] {
            assert!(Stages::from_text(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_json_agree(stages in proptest::collection::vec((0_u32..1_000_000, 0_u32..10_000), 0..6)) {
            let text: Vec<String> = stages.iter().map(|(millis, target)| format!("{millis}ms:{target}")).collect();
            let from_text = Stages::from_text(&text.join(",")).expect("valid");
            let mut at = Reader::default();
            let from_json = Stages::from_json(&from_text.to_json(), &mut at);
            prop_assert_eq!(from_json, Some(from_text));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9smh:,. -]{0,30}") {
            let _ = Stages::from_text(&text);
        }
    }
}
