//! The objects with their versions, and the history that watches read.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use crate::resources::Resource;

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) resource: &'static Resource,
    /// Empty for what lies in no namespace.
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(resource: &'static Resource, namespace: &str, name: &str) -> Self {
        Self { resource, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// One change, with the object before and after it.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) version: u64,
    pub(crate) key: Key,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

/// Everything that the server keeps.
#[derive(Debug, Default)]
pub(crate) struct Store {
    objects: BTreeMap<Key, Value>,
    history: VecDeque<Change>,
    version: u64,
    /// Versions up to this one are no longer in the history.
    forgotten: u64,
    next_uid: u64,
}

impl Store {
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)
    }

    /// Objects of a kind, of one namespace or all.
    pub(crate) fn list<'a>(
        &'a self,
        resource: &'static Resource,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Value> {
        self.objects
            .iter()
            .filter(move |(key, _)| {
                key.resource == resource && namespace.is_none_or(|name| key.namespace == name)
            })
            .map(|(_, object)| object)
    }

    /// Every object with its key.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.objects.iter()
    }

    /// Stores an object as new or changed; one that is no different makes no change, as in the real server.
    pub(crate) fn set(&mut self, key: &Key, mut object: Value) -> Value {
        let before = self.objects.get(key).cloned();
        let metadata = &mut object["metadata"];
        if let Some(before) = &before {
            metadata["uid"] = before["metadata"]["uid"].clone();
            metadata["creationTimestamp"] = before["metadata"]["creationTimestamp"].clone();
            metadata["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
            if object == *before {
                return object;
            }
        } else {
            self.next_uid += 1;
            metadata["uid"] = json!(format!("00000000-0000-4000-8000-{:012}", self.next_uid));
            metadata["creationTimestamp"] = json!(crate::now());
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(key.clone(), object.clone());
        self.remember(key.clone(), before, Some(object.clone()));
        object
    }

    /// Changes an object in place, if it is there.
    pub(crate) fn edit(&mut self, key: &Key, change: impl FnOnce(&mut Value)) -> Option<Value> {
        let mut object = self.objects.get(key)?.clone();
        change(&mut object);
        Some(self.set(key, object))
    }

    pub(crate) fn remove(&mut self, key: &Key) -> Option<Value> {
        let mut before = self.objects.remove(key)?;
        self.version += 1;
        before["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.remember(key.clone(), Some(before.clone()), None);
        Some(before)
    }

    fn remember(&mut self, key: Key, before: Option<Value>, after: Option<Value>) {
        self.history.push_back(Change { version: self.version, key, before, after });
    }

    /// What changed after a version, or none if that is forgotten.
    pub(crate) fn since(&self, version: u64) -> Option<impl Iterator<Item = &Change>> {
        (version >= self.forgotten)
            .then(|| self.history.iter().skip_while(move |change| change.version <= version))
    }

    /// Forgets the history, as a real server does after some minutes: older watches get 410.
    pub(crate) fn expire(&mut self) {
        self.version += 1;
        self.forgotten = self.version;
        self.history.clear();
    }
}
