//! The metrics of a run by name: built-in ones from the start, custom ones as scripts declare them.
//!
//! Shared by all threads of a process. Only registration and lookup by name take the lock; samples carry
//! the [`MetricId`].

use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::HashMap;

use crate::builtin;
use crate::kind::{Contains, Kind};

/// A metric within one process. Ids of custom metrics differ between processes; the wire carries names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricId(u32);

impl MetricId {
    pub(crate) const fn from_index(index: u32) -> Self {
        Self(index)
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Name, kind and unit of a metric.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricDef {
    /// The name, which follows k6's rule (see [`Registry::register`]).
    pub name: Arc<str>,
    /// How values fold together.
    pub kind: Kind,
    /// The unit of the values.
    pub contains: Contains,
}

/// Why a metric cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The name breaks k6's rule.
    #[error(
        "register metric {0:?}: a metric name has 2 to 129 ASCII letters, digits or underscores and does not \
         start with a digit"
    )]
    InvalidName(String),
    /// The name is taken by a metric of another kind or unit.
    #[error(
        "register metric {name:?} as {kind} of {contains} values: it exists already as {existing_kind} of \
         {existing_contains} values"
    )]
    Conflict {
        /// The name in question.
        name: String,
        /// The kind asked for.
        kind: Kind,
        /// The unit asked for.
        contains: Contains,
        /// The kind it has.
        existing_kind: Kind,
        /// The unit it has.
        existing_contains: Contains,
    },
}

/// All metrics of a run; share it with [`Arc`].
#[derive(Debug)]
pub struct Registry {
    inner: RwLock<Inner>,
}

#[derive(Debug)]
struct Inner {
    defs: Vec<MetricDef>,
    by_name: HashMap<Arc<str>, MetricId>,
    /// Metrics that are observed beside the load.
    observed: Vec<MetricId>,
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// A registry that holds the built-in metrics.
    pub fn new() -> Self {
        let mut inner = Inner { defs: Vec::new(), by_name: HashMap::new(), observed: Vec::new() };
        for &(name, kind, contains) in builtin::TABLE {
            inner.insert(name, kind, contains);
        }
        Self { inner: RwLock::new(inner) }
    }

    /// Registers a metric, or finds the one that has this name, kind and unit already.
    ///
    /// A name matches `[A-Za-z_][A-Za-z0-9_]{1,128}` (observed on k6 1.1: two to 129 characters).
    pub fn register(&self, name: &str, kind: Kind, contains: Contains) -> Result<MetricId, RegistryError> {
        if !is_valid_name(name) {
            return Err(RegistryError::InvalidName(name.to_owned()));
        }
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let Some(&id) = inner.by_name.get(name) else {
            return Ok(inner.insert(name, kind, contains));
        };
        let existing = &inner.defs[id.index()];
        if existing.kind == kind && existing.contains == contains {
            return Ok(id);
        }
        Err(RegistryError::Conflict {
            name: name.to_owned(),
            kind,
            contains,
            existing_kind: existing.kind,
            existing_contains: existing.contains,
        })
    }

    /// As [`Registry::register`], for a metric of what is observed beside the load (a database, an autoscaler).
    ///
    /// Thresholds treat such metrics more strictly and more freely than k6 treats its own: they fail when nothing was
    /// observed, as "no restart" must not hold because nobody could look; and a gauge has `min` and `max`.
    pub fn observe(&self, name: &str, kind: Kind, contains: Contains) -> Result<MetricId, RegistryError> {
        let id = self.register(name, kind, contains)?;
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if !inner.observed.contains(&id) {
            inner.observed.push(id);
        }
        Ok(id)
    }

    /// Whether the metric is one of those.
    pub fn is_observed(&self, id: MetricId) -> bool {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).observed.contains(&id)
    }

    /// The metric of this name.
    pub fn get(&self, name: &str) -> Option<MetricId> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).by_name.get(name).copied()
    }

    /// Name, kind and unit of a metric of this registry.
    pub fn def(&self, id: MetricId) -> MetricDef {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).defs[id.index()].clone()
    }

    /// How many metrics there are; ids run from zero up to here.
    pub fn len(&self) -> usize {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).defs.len()
    }

    /// Never true: the built-in metrics are always there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Inner {
    fn insert(&mut self, name: &str, kind: Kind, contains: Contains) -> MetricId {
        let id = MetricId(self.defs.len() as u32);
        let name: Arc<str> = name.into();
        self.defs.push(MetricDef { name: Arc::clone(&name), kind, contains });
        self.by_name.insert(name, id);
        id
    }
}

fn is_valid_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    (2..=129).contains(&bytes.len())
        && !bytes[0].is_ascii_digit()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_ids_name_their_metrics() {
        let registry = Registry::new();
        assert_eq!(registry.get("http_reqs"), Some(builtin::HTTP_REQS));
        let lag = registry.def(builtin::ITERATION_START_LAG);
        assert_eq!(
            (&*lag.name, lag.kind, lag.contains),
            ("iteration_start_lag", Kind::Trend, Contains::Time)
        );
        for (index, (name, ..)) in builtin::TABLE.iter().enumerate() {
            assert_eq!(registry.get(name), Some(MetricId::from_index(index as u32)));
        }
    }

    #[test]
    fn the_same_declaration_twice_is_the_same_metric() {
        let registry = Registry::new();
        let first = registry.register("my_trend", Kind::Trend, Contains::Time).unwrap();
        assert_eq!(registry.register("my_trend", Kind::Trend, Contains::Time), Ok(first));
        let error = registry.register("my_trend", Kind::Trend, Contains::Default).unwrap_err();
        assert_eq!(
            error.to_string(),
            "register metric \"my_trend\" as trend of default values: it exists already as trend of time values"
        );
    }

    #[test]
    fn names_follow_the_rule_of_k6() {
        let registry = Registry::new();
        let long = "x".repeat(129);
        for good in ["ab", "_1", "A_b9", long.as_str()] {
            assert!(registry.register(good, Kind::Counter, Contains::Default).is_ok(), "{good}");
        }
        let too_long = "x".repeat(130);
        for bad in ["", "a", "1a", "a-b", "a b", "ä_metric", "a.b", too_long.as_str()] {
            assert!(
                matches!(
                    registry.register(bad, Kind::Counter, Contains::Default),
                    Err(RegistryError::InvalidName(_))
                ),
                "{bad}"
            );
        }
    }
}
