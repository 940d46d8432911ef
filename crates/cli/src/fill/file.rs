//! `fill.yaml`: which databases a run needs filled, and what to remove afterwards.
//!
//! A list of places. Each may say what is to be there before the test, and which records to delete after it, whoever made
//! them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use throng_plan::duration;
use throng_stores::cleanup::{Cleanup, clean};
use throng_stores::error::FillError;
use throng_stores::index::Index;
use throng_stores::plan::{Begin, Goal, Plan};

use super::wanted::{
    DEFAULT_BATCH, DEFAULT_PARALLEL, DEFAULT_PATIENCE, Place, Wanted, invalid, password, text,
};
use super::{Hands, exit_of, grouped, run};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::logging::Logger;
use crate::terminal::Terminal;

/// What a file asks for.
#[derive(Debug, Clone)]
pub struct Databases {
    fills: Vec<Plan>,
    cleanups: Vec<Cleanup>,
}

/// One place as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    url: String,
    password_file: Option<PathBuf>,
    database: Option<String>,
    #[serde(alias = "table")]
    collection: Option<String>,
    until: Option<String>,
    #[serde(alias = "rows")]
    documents: Option<u64>,
    #[serde(rename = "for")]
    time: Option<String>,
    template: Option<PathBuf>,
    key: Option<String>,
    indexes: Option<String>,
    batch: Option<usize>,
    parallel: Option<usize>,
    seed: Option<u64>,
    #[serde(default)]
    drop: bool,
    retry_for: Option<String>,
    /// After `WHERE` in SQL; for MongoDB a filter, as YAML or as JSON text.
    cleanup: Option<serde_json::Value>,
}

impl Databases {
    /// Reads a file. `${NAME}` in a URL is a variable of the environment; paths are relative to the file.
    pub fn load(path: &Path, environment: &BTreeMap<String, String>) -> Result<Self, Failure> {
        let text = text(path, "what to fill")?;
        let entries: Vec<Entry> = serde_saphyr::from_str(&text).map_err(|error| {
            // The parser shows a piece of the file under its message; that is where credentials stand.
            let message = error.to_string();
            invalid(format!("{}: {}", path.display(), message.lines().next().unwrap_or_default()))
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let (mut fills, mut cleanups) = (Vec::new(), Vec::new());
        for (index, entry) in entries.into_iter().enumerate() {
            let placed = |failure: Failure| {
                Failure::new(
                    failure.exit,
                    format!("{}, entry {}: {}", path.display(), index + 1, failure.message),
                )
            };
            let (fill, cleanup) = entry.resolve(folder, environment).map_err(placed)?;
            fills.extend(fill);
            cleanups.extend(cleanup);
        }
        Ok(Self { fills, cleanups })
    }

    /// Whether there is anything to delete.
    pub fn has_cleanup(&self) -> bool {
        !self.cleanups.is_empty()
    }

    /// Fills what is to be filled, in order.
    pub fn fill(&self, terminal: &Terminal, log: &Logger, quiet: bool) -> Result<(), Failure> {
        for plan in &self.fills {
            run(plan.clone(), Hands::default(), terminal, log, quiet)?;
        }
        Ok(())
    }

    /// Deletes what is to be deleted, all of it whatever fails; the first failure.
    pub fn clean(&self, log: &Logger) -> Result<(), Failure> {
        let mut first = Ok(());
        for cleanup in &self.cleanups {
            let place = format!("{}.{}", cleanup.database, cleanup.collection);
            match clean(cleanup) {
                Ok(records) => {
                    log.info(&format!("deleted {} {} of {place}", grouped(records), cleanup.kind.records()));
                }
                Err(error) => {
                    let failure = failure(&place, cleanup, &error);
                    log.error(&failure.message);
                    first = first.and(Err(failure));
                }
            }
        }
        first
    }
}

fn failure(place: &str, cleanup: &Cleanup, error: &FillError) -> Failure {
    Failure::new(exit_of(error), format!("cannot clean up {place} of {}: {error}", cleanup.address))
}

impl Entry {
    fn resolve(
        self,
        folder: &Path,
        environment: &BTreeMap<String, String>,
    ) -> Result<(Option<Plan>, Option<Cleanup>), Failure> {
        let url = expand(&self.url, environment)?;
        let password = self.password_file.map(|path| password(&folder.join(path))).transpose()?;
        let (database, collection) = (self.database.as_deref(), self.collection.as_deref());
        let place = Place::new(&url, password.as_deref(), database, collection)?;
        let time = |text: &str, what: &str| {
            duration::parse(text).map_err(|error| invalid(format!("{what}: {error}")))
        };
        let patience = self.retry_for.map_or(Ok(DEFAULT_PATIENCE), |text| time(&text, "retry_for"))?;
        let goal = match (self.until, self.documents, self.time) {
            (None, None, None) => None,
            (Some(size), None, None) => {
                Some(Goal::Bytes(size.parse().map_err(|error| invalid(format!("until: {error}")))?))
            }
            (None, Some(records), None) => Some(Goal::Records(records)),
            (None, None, Some(text)) => Some(Goal::Time(time(&text, "for")?)),
            _ => return Err(invalid("only one of until, documents and for can be the goal")),
        };
        let condition = self.cleanup.map(|condition| match condition {
            serde_json::Value::String(text) => text,
            filter => filter.to_string(),
        });
        if goal.is_none() && condition.is_none() {
            return Err(invalid("it needs until, documents or for, or a cleanup"));
        }
        if condition.as_ref().is_some_and(|condition| condition.trim().is_empty()) {
            return Err(invalid(
                "an empty cleanup would say nothing; use 1 = 1, or {} for MongoDB, to delete all",
            ));
        }
        let cleanup = condition.map(|condition| Cleanup {
            kind: place.kind,
            address: place.address.clone(),
            database: place.database.clone(),
            collection: place.collection.clone(),
            condition,
            patience,
        });
        let Some(goal) = goal else { return Ok((None, cleanup)) };
        let indexes = self.indexes.as_deref().map(Index::parse_list).transpose();
        let wanted = Wanted {
            place,
            goal,
            template: self.template.map(|path| folder.join(path)),
            key: self.key.unwrap_or_else(|| "id".to_owned()),
            indexes: indexes.map_err(|error| invalid(error.to_string()))?.unwrap_or_default(),
            batch: self.batch.unwrap_or(DEFAULT_BATCH),
            parallel: self.parallel.unwrap_or(DEFAULT_PARALLEL),
            seed: self.seed.unwrap_or(1),
            begin: if self.drop { Begin::Drop } else { Begin::Resume },
            patience,
        };
        Ok((Some(wanted.plan()?), cleanup))
    }
}

/// Puts variables into a URL, so that none needs to be written down with a password.
fn expand(text: &str, environment: &BTreeMap<String, String>) -> Result<String, Failure> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, later) =
            after.split_once('}').ok_or_else(|| invalid("a ${ in the url has no } behind it"))?;
        let value = environment
            .get(name)
            .ok_or_else(|| invalid(format!("the url needs the variable {name}, which is not set")))?;
        out.push_str(before);
        out.push_str(value);
        rest = later;
    }
    out.push_str(rest);
    Ok(out)
}

/// How a command ends that cleans up after itself: a failure of the cleanup counts if nothing worse happened.
pub fn worse(first: Exit, cleanup: Result<(), Failure>) -> Exit {
    match (first, cleanup) {
        (Exit::Success, Err(failure)) => failure.exit,
        (first, _) => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Databases, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.json"), "{\"a\": \"$name\"}").unwrap();
        let path = folder.path().join("fill.yaml");
        std::fs::write(&path, text).unwrap();
        let environment = [("DB".to_owned(), "mysql://root:hunter22@h/shop".to_owned())].into();
        Databases::load(&path, &environment).map_err(|failure| failure.message)
    }

    #[test]
    fn places_are_read_with_their_goals_and_cleanups() {
        let databases = load(
            "- url: ${DB}\n  table: employees\n  rows: 100\n  template: t.json\n  cleanup: name LIKE 'LoadTest User%'\n\
             - url: mongodb://h/sample\n  until: 64MB\n\
             - url: mongodb://h/sample\n  cleanup: { name: { $regex: ^Load } }\n",
        )
        .unwrap();
        assert_eq!(databases.fills.len(), 2);
        assert_eq!(databases.fills[0].collection, "employees");
        assert_eq!(databases.fills[0].address.to_string(), "mysql://***@h/shop");
        let conditions: Vec<&str> = databases.cleanups.iter().map(|cleanup| &*cleanup.condition).collect();
        assert_eq!(conditions, ["name LIKE 'LoadTest User%'", r#"{"name":{"$regex":"^Load"}}"#]);
    }

    #[test]
    fn mistakes_name_their_entry_and_no_password() {
        for (text, message) in [
            ("- url: ${NO}\n  rows: 1", "entry 1: the url needs the variable NO, which is not set"),
            ("- url: ${DB}\n", "entry 1: it needs until, documents or for, or a cleanup"),
            ("- url: ${DB}\n  rows: 1\n  until: 1MB", "entry 1: only one of until"),
            ("- url: ${DB}\n  until: 1M", "entry 1: until: '1M' is no size"),
            ("- url: ${DB}\n  cleanup: ''", "entry 1: an empty cleanup"),
            ("- url: ${DB}\n  rows: 1\n  parallel: 0", "there are between 1 and 256 at once, not 0"),
            ("- url: ${DB}\n  row: 1", "row"),
            ("url: x", "fill.yaml: "),
        ] {
            let error = load(text).expect_err(text);
            assert!(error.contains(message), "{text}: {error}");
            assert!(!error.contains("hunter22"), "{error}");
        }
    }
}
