//! What samples of `checks` and `group_duration` mean beside their value: the tree of groups and checks is made from their
//! tags `check` and `group`, whether `check()` and `group()` made them or a script that adds to the metric itself, as the
//! `check` of jslib's k6-utils does (observed on k6 1.1).

use std::rc::Rc;

use throng_metrics::{MetricId, builtin};

use crate::host::{Host, now};
use crate::log::Level;

/// Whether samples of this metric shape the tree, so that they must be recorded here.
pub(super) fn shape_the_tree(metric: MetricId) -> bool {
    metric == builtin::CHECKS || metric == builtin::GROUP_DURATION
}

/// Records a sample of `checks` with these tags over the current ones.
pub(super) fn record(host: &Host, pairs: &[(&str, &str)], value: f64) {
    let (name, group) = (Tag::of(host, pairs, "check"), Tag::of(host, pairs, "group"));
    if let Some(name) = name.value().filter(|name| name.contains("::")) {
        let text =
            format!("no group of the summary lists the check {name:?}: a check's name may not contain '::'");
        if host.program.is_news(&text) {
            host.log(Level::Warn, &text);
        }
    }
    let tags = host.tags_with(pairs);
    let group = group.value().unwrap_or_default();
    host.recorder().add_check(tags, (group, name.value()), value, now());
}

/// Records a sample of `group_duration`, likewise.
pub(super) fn record_group(host: &Host, pairs: &[(&str, &str)], value: f64) {
    let group = Tag::of(host, pairs, "group");
    let tags = host.tags_with(pairs);
    let mut recorder = host.recorder();
    recorder.add(builtin::GROUP_DURATION, tags, value, now());
    recorder.note_group(group.value().unwrap_or_default());
}

/// A sample's tag in full, also where the number of tag sets made it fold.
enum Tag<'a> {
    Given(&'a str),
    Current(Option<Rc<str>>),
}

impl<'a> Tag<'a> {
    fn of(host: &Host, pairs: &[(&str, &'a str)], name: &str) -> Self {
        let given = pairs.iter().rev().find(|(known, _)| *known == name);
        given.map_or_else(|| Self::Current(host.tag_in_full(name)), |(_, value)| Self::Given(value))
    }

    fn value(&self) -> Option<&str> {
        match self {
            Self::Given(value) => Some(value),
            Self::Current(value) => value.as_deref(),
        }
    }
}
