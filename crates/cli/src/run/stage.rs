//! What the virtual users of one process share, whoever directs them: settings, signals, and what their recorders know.

use std::sync::Arc;

use throng_js::settings::{Control, Member, Settings};
use throng_metrics::{RawSink, RecorderConfig};

use super::prepare::Prepared;

/// See the module's description.
pub(super) struct Stage {
    /// The signals that scripts set off.
    pub(super) control: Arc<Control>,
    /// What virtual machines go by.
    pub(super) settings: Arc<Settings>,
    recorder: RecorderConfig,
}

impl Stage {
    /// For a test; raw samples go to `raw`.
    pub(super) fn new(prepared: &Prepared, raw: Option<RawSink>, member: Option<Member>) -> Self {
        let control = Arc::new(Control::default());
        let settings = Settings {
            plan: Some(prepared.plan.clone()),
            engine: Some(prepared.engine.clone()),
            memory_limit: prepared.memory_limit,
            control: control.clone(),
            member,
        };
        let run_tags = &prepared.plan.options.tags;
        let recorder = RecorderConfig {
            run_tags: run_tags.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            system_tags: prepared.system_tags(),
            selectors: prepared.selectors.clone(),
            raw,
            ..RecorderConfig::default()
        };
        Self { control, settings: Arc::new(settings), recorder }
    }

    /// The configuration of a recorder; `source` is its own in the whole run.
    pub(super) fn recorder(&self, source: u64) -> RecorderConfig {
        RecorderConfig { source, ..self.recorder.clone() }
    }
}
