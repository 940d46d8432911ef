//! What somebody wants filled, from flags or from a file, on its way to a plan.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use throng_stores::index::Index;
use throng_stores::plan::{Begin, Goal, Kind, Plan};
use throng_stores::secret::Address;
use throng_stores::template::{DEFAULT, Template};

use crate::exit::Exit;
use crate::failure::Failure;

/// The collection or table of those who name none.
pub(crate) const DEFAULT_COLLECTION: &str = "documents";
/// Records to send at once.
pub(crate) const DEFAULT_BATCH: usize = 1000;
/// Batches under way at once.
pub(crate) const DEFAULT_PARALLEL: usize = 4;
/// The most of both.
pub(crate) const MOST_BATCH: usize = 100_000;
pub(crate) const MOST_PARALLEL: usize = 256;
/// How long a server that is away is tried again.
pub(crate) const DEFAULT_PATIENCE: Duration = Duration::from_mins(1);

/// A collection or table somewhere.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    pub(crate) address: Address,
    pub(crate) database: String,
    pub(crate) collection: String,
}

/// What is wanted there.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) place: Place,
    pub(crate) goal: Goal,
    pub(crate) template: Option<PathBuf>,
    pub(crate) key: String,
    pub(crate) indexes: Vec<Index>,
    pub(crate) batch: usize,
    pub(crate) parallel: usize,
    pub(crate) seed: u64,
    pub(crate) begin: Begin,
    pub(crate) patience: Duration,
}

/// A setting that cannot be used.
pub(crate) fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(Exit::InvalidConfig, message)
}

impl Place {
    /// Checks a URL and what is named beside it.
    pub(crate) fn new(
        url: &str,
        password: Option<&str>,
        database: Option<&str>,
        collection: Option<&str>,
    ) -> Result<Self, Failure> {
        let address = Address::new(url, password).map_err(|error| invalid(error.to_string()))?;
        let kind = Kind::of(&address).ok_or_else(|| {
            invalid(format!(
                "cannot fill {address}: the URL must begin with mongodb://, mongodb+srv://, mysql://, mariadb://, \
                 postgres:// or postgresql://"
            ))
        })?;
        let database = database.map(str::to_owned).or_else(|| address.database()).ok_or_else(|| {
            invalid(format!(
                "which database of {address}? name it in the URL's path, with --database or in DB_NAME"
            ))
        })?;
        let collection = collection.unwrap_or(DEFAULT_COLLECTION).to_owned();
        Ok(Self { kind, address, database, collection })
    }
}

impl Wanted {
    /// Compiles the template and checks the numbers.
    pub(crate) fn plan(self) -> Result<Plan, Failure> {
        let Place { kind, address, database, collection } = self.place;
        let style = kind.key_style(&self.key);
        let compiled = match &self.template {
            None => Template::compile("the built-in template", DEFAULT, &collection, self.seed, style),
            Some(path) => {
                let text = text(path, "the template")?;
                Template::compile(&path.display().to_string(), &text, &collection, self.seed, style)
            }
        };
        let template = compiled.map_err(|error| invalid(error.to_string()))?;
        Ok(Plan {
            kind,
            address,
            database,
            collection,
            template: Arc::new(template),
            goal: self.goal,
            indexes: self.indexes,
            begin: self.begin,
            batch: number(self.batch, MOST_BATCH, "a batch has")?,
            parallel: number(self.parallel, MOST_PARALLEL, "there are")?,
            patience: self.patience,
        })
    }
}

fn number(given: usize, most: usize, what: &str) -> Result<NonZeroUsize, Failure> {
    NonZeroUsize::new(given)
        .filter(|number| number.get() <= most)
        .ok_or_else(|| invalid(format!("{what} between 1 and {most} at once, not {given}")))
}

/// The password in a file; editors end files with a line end.
pub(crate) fn password(path: &Path) -> Result<String, Failure> {
    Ok(text(path, "the password")?.trim_end_matches(['\r', '\n']).to_owned())
}

/// The text of a file.
pub(crate) fn text(path: &Path, what: &str) -> Result<String, Failure> {
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::other(format!("cannot read {what} from {}: {error}", path.display())))?;
    String::from_utf8(bytes).map_err(|_| invalid(format!("{what} in {} is not UTF-8", path.display())))
}
