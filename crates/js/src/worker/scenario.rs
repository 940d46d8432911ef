//! What a thread keeps of each scenario, so that an iteration only looks it up.

use throng_metrics::{Recorder, SystemTag, TagSetId};
use throng_plan::Scenario;

/// A scenario as the virtual users of one thread see it.
pub(super) struct ThreadScenario {
    /// Its name.
    pub(super) name: String,
    /// The executor's name, for log records.
    pub(super) executor: &'static str,
    /// The exported function to call.
    pub(super) exec: String,
    /// Run tags, the scenario's name and its tags.
    pub(super) tags: TagSetId,
    /// Entries laid over `__ENV`.
    pub(super) env: Vec<(String, String)>,
}

impl ThreadScenario {
    pub(super) fn new(scenario: &Scenario, recorder: &mut Recorder) -> Self {
        let tags = scenario.tags.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut pairs: Vec<(&str, &str)> = tags.collect();
        // Last: observed on k6 1.1, a tag of this name among the scenario's own does not count.
        if recorder.system_tags().contains(SystemTag::Scenario) {
            pairs.push(("scenario", &scenario.name));
        }
        let root = recorder.root();
        Self {
            name: scenario.name.clone(),
            executor: scenario.executor.name(),
            exec: scenario.exec.clone(),
            tags: recorder.with_tags(root, &pairs),
            env: scenario.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }
}
