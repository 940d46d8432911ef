//! A loaded test: its modules as bytecode, the files it opened, and what all its virtual users share.
//!
//! The first virtual machine that runs the script's top level (the probe) discovers everything: each import is
//! fetched and compiled once, each `open()` is read once. After that the program is sealed, and ten thousand virtual
//! users only read it. k6 has the same rule: what the first pass did not open cannot be opened later.
//!
//! That rule is also what makes a test portable: what the probe read is all the test ever needs ([`Program::files`]), and
//! another process loads the same test from it under the same names ([`Reading::Bundle`]).

mod compile;
mod fetch;
mod linking;
mod module_cache;
mod option_place;
mod position;
mod source_map;
mod specifier;
mod throws;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use throng_metrics::Registry;
use url::Url;

use crate::host::ThreadContext;
use crate::log::Level;

pub use compile::{CompileError, Format, ImportPlace, Module, compile};
pub use fetch::FetchError;
pub use option_place::option_path;
use option_place::option_place;
use position::first_place;
pub use position::{line_and_column, translate_stack};
pub use specifier::{Specifier, SpecifierError, file_url, resolve};

/// What a program is loaded from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The entry module's URL.
    pub url: Url,
    /// Its text.
    pub text: String,
    /// The directory that `open()` and the command line are relative to when the script came from standard input.
    pub working_directory: PathBuf,
}

/// Modules and opened files by their URLs.
pub type Files = BTreeMap<String, Bytes>;

/// How discovery gets at modules and opened files.
#[derive(Debug, Default)]
pub enum Reading {
    /// From disk and, for remote modules, over https.
    #[default]
    Directly,
    /// As directly, and what was read can be had from [`Program::files`].
    Collecting,
    /// From what another process collected, and from nowhere else.
    Bundle(Files),
}

/// A loaded test, shared by all threads.
pub struct Program {
    /// The entry module.
    pub source: Source,
    /// `__ENV`.
    pub env: BTreeMap<String, String>,
    /// Metrics, built-in and the script's own.
    pub registry: Arc<Registry>,
    modules: RwLock<BTreeMap<String, Arc<Module>>>,
    /// By module, the names that other modules import from it.
    wanted: RwLock<BTreeMap<String, BTreeSet<String>>>,
    files: RwLock<BTreeMap<String, Bytes>>,
    shared_arrays: Mutex<BTreeMap<String, Arc<[Box<str>]>>>,
    options: RwLock<Option<Arc<str>>>,
    overrides: RwLock<Option<Arc<str>>>,
    sealed: AtomicBool,
    base_mode: bool,
    reading: Reading,
    collected: Mutex<Files>,
    /// What the log was told and need not be told again.
    told: Mutex<BTreeSet<String>>,
}

/// So many different things are told once; more of a kind are made as the test runs, and would fill log and memory.
const MOST_TOLD: usize = 20;

impl Program {
    /// A program of which only the entry is known yet.
    pub fn new(source: Source, env: BTreeMap<String, String>, base_mode: bool, reading: Reading) -> Self {
        Self {
            source,
            env,
            registry: Arc::new(Registry::new()),
            modules: RwLock::default(),
            wanted: RwLock::default(),
            files: RwLock::default(),
            shared_arrays: Mutex::default(),
            options: RwLock::default(),
            overrides: RwLock::default(),
            sealed: AtomicBool::new(false),
            base_mode,
            reading,
            collected: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// Whether `--compatibility-mode=base` was asked for: no `global`.
    pub fn is_base_mode(&self) -> bool {
        self.base_mode
    }

    /// Ends discovery.
    pub fn seal(&self) {
        self.sealed.store(true, Ordering::Release);
    }

    /// Whether discovery is over.
    pub fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Acquire)
    }

    /// A module by its absolute name.
    pub fn module(&self, name: &str) -> Option<Arc<Module>> {
        self.modules.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Adds a compiled module.
    pub fn add_module(&self, name: String, module: Module) -> Arc<Module> {
        let module = Arc::new(module);
        if let Ok(base) = Url::parse(&name) {
            let mut wanted = self.wanted.write().unwrap_or_else(PoisonError::into_inner);
            for (specifier, import) in &module.names {
                if specifier == compile::ANY_MODULE {
                    wanted.entry(specifier.clone()).or_default().insert(import.clone());
                } else if let Ok(from) = resolve(&base, specifier) {
                    wanted.entry(from.name()).or_default().insert(import.clone());
                }
            }
        }
        self.modules.write().unwrap_or_else(PoisonError::into_inner).insert(name, module.clone());
        module
    }

    /// Where the module `base` names another one, as `file:line:column`.
    pub fn place_of_specifier(&self, base: &str, specifier: &str) -> Option<String> {
        let module = self.module(base)?;
        let place = module.import_places.iter().find(|place| place.specifier == specifier)?;
        Some(format!("{base}:{}:{}", place.line, place.column))
    }

    /// Where the module `target`, or `name` of it, is imported first, as `file:line:column`.
    pub fn place_of_import(&self, target: &str, name: Option<&str>) -> Option<String> {
        let modules = self.modules.read().unwrap_or_else(PoisonError::into_inner);
        modules.iter().find_map(|(base, module)| {
            let url = Url::parse(base).ok()?;
            let place = module.import_places.iter().find(|place| {
                place.name.as_deref() == name
                    && resolve(&url, &place.specifier).is_ok_and(|found| found.name() == target)
            })?;
            Some(format!("{base}:{}:{}", place.line, place.column))
        })
    }

    /// The names that other modules import from `name`. What does not declare its exports (a built-in module, CommonJS)
    /// has all of them: those it lacks are `undefined`, as in k6.
    pub fn names_wanted_from(&self, name: &str) -> Vec<String> {
        let wanted = self.wanted.read().unwrap_or_else(PoisonError::into_inner);
        let names = wanted.get(name).into_iter().flatten();
        names.filter(|name| *name != compile::EVERYTHING).cloned().collect()
    }

    /// Whether the names that other modules import from `name` are all that is ever asked of it. Not before
    /// discovery is over: until then another module may turn up.
    pub fn knows_names_wanted_from(&self, name: &str) -> bool {
        let wanted = self.wanted.read().unwrap_or_else(PoisonError::into_inner);
        let everything = |of: &str| wanted.get(of).is_some_and(|names| names.contains(compile::EVERYTHING));
        self.is_sealed() && !everything(name) && !everything(compile::ANY_MODULE)
    }

    /// Reads a module or an opened file that the program does not have yet: a `file:` or `https:` URL.
    pub(crate) async fn read(&self, thread: &ThreadContext, url: &Url) -> Result<Bytes, FetchError> {
        match &self.reading {
            Reading::Directly => fetch::fetch(thread, url).await,
            Reading::Collecting => {
                let content = fetch::fetch(thread, url).await?;
                let mut collected = self.collected.lock().unwrap_or_else(PoisonError::into_inner);
                collected.insert(url.to_string(), content.clone());
                Ok(content)
            }
            Reading::Bundle(files) => {
                files.get(url.as_str()).cloned().ok_or_else(|| FetchError::not_bundled(url))
            }
        }
    }

    /// Everything that was read while the script was loaded, the entry included. Only of a program that was loaded with
    /// [`Reading::Collecting`]; others have no more than the entry.
    pub fn files(&self) -> Files {
        let mut files = self.collected.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let entry = Bytes::copy_from_slice(self.source.text.as_bytes());
        files.insert(self.source.url.to_string(), entry);
        files
    }

    /// A file that the script opened, by its URL.
    pub fn file(&self, name: &str) -> Option<Bytes> {
        self.files.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Remembers an opened file.
    pub fn add_file(&self, name: String, content: Bytes) {
        self.files.write().unwrap_or_else(PoisonError::into_inner).insert(name, content);
    }

    /// Whether the log has yet to be told this, which every sample of every virtual user may ask.
    pub(crate) fn is_news(&self, text: &str) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < MOST_TOLD && !told.contains(text) && told.insert(text.to_owned())
    }

    /// The items of a `SharedArray` as JSON texts. `make` runs once for a name in the whole process; other
    /// virtual users that ask meanwhile find it done, since discovery comes first.
    pub fn shared_array<E>(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<Arc<[Box<str>]>, E>,
    ) -> Result<Arc<[Box<str>]>, E> {
        let found = self.shared_arrays.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(items) = found {
            return Ok(items);
        }
        let items = make()?;
        let mut arrays = self.shared_arrays.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(arrays.entry(name.to_owned()).or_insert(items).clone())
    }

    /// The consolidated options as JSON, once they are known: what `exec.test.options` shows.
    pub fn options(&self) -> Option<Arc<str>> {
        self.options.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the consolidated options.
    pub fn set_options(&self, json: String) {
        *self.options.write().unwrap_or_else(PoisonError::into_inner) = Some(json.into());
    }

    /// The options whose values are not those that the script exports, as a JSON object: every virtual machine writes
    /// them into the exported object, as k6 does.
    pub fn overrides(&self) -> Option<Arc<str>> {
        self.overrides.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets them.
    pub fn set_overrides(&self, json: String) {
        *self.overrides.write().unwrap_or_else(PoisonError::into_inner) = Some(json.into());
    }

    /// The stack of what was thrown and is no error, if it really begins at a `throw` of the user's files. It names the
    /// place of that word, as k6 does.
    pub fn translate_throw(&self, stack: &str) -> Option<String> {
        let (file, line, column) = first_place(stack)?;
        let Some(module) = self.module(file) else {
            // Code that the script itself made of a text.
            return file.starts_with('<').then(|| self.translate_stack(stack));
        };
        let (line, column) = module.positions.original(line, column);
        let (line, column) = module.throws.around(line, column)?;
        let (file, line, column) = self.before_bundling(&module, file, (line, column), true);
        let translated = self.translate_stack(stack);
        let (first, others) = translated[1..].split_once('\n').unwrap_or((&translated[1..], ""));
        let rest = if others.is_empty() { String::new() } else { format!("\n{others}") };
        let function = first.strip_prefix("\tat ")?.rsplit_once(" (").map(|(function, _)| function);
        Some(match function {
            Some(function) => format!("\n\tat {function} ({file}:{line}:{column}){rest}"),
            None => format!("\n\tat {file}:{line}:{column}{rest}"),
        })
    }

    /// A stack trace with places in the user's files.
    pub fn translate_stack(&self, stack: &str) -> String {
        translate_stack(stack, |file, line, column| match self.module(file) {
            Some(module) => {
                let (line, column) = module.positions.original(line, column);
                self.before_bundling(&module, file, (line, column), true)
            }
            None => (file.into(), line, column),
        })
    }

    /// A place in the user's file, or if that is a bundle in what it was made of. QuickJS's columns count bytes.
    fn before_bundling<'a>(
        &self,
        module: &Module,
        file: &'a str,
        (line, column): (u32, u32),
        counts_bytes: bool,
    ) -> (Cow<'a, str>, u32, u32) {
        let found = module.source_map.as_ref().and_then(|map| {
            let column = if counts_bytes { map.column(line, column) } else { column };
            map.original(file, line, column, |url| self.read_map(url))
        });
        match found {
            Some((file, line, column)) => (file.to_owned().into(), line, column),
            None => (file.into(), line, column),
        }
    }

    /// The content of a source map's file.
    fn read_map(&self, url: &Url) -> Option<Bytes> {
        match &self.reading {
            Reading::Directly => Some(std::fs::read(url.to_file_path().ok()?).ok()?.into()),
            Reading::Collecting => {
                self.collected.lock().unwrap_or_else(PoisonError::into_inner).get(url.as_str()).cloned()
            }
            Reading::Bundle(files) => files.get(url.as_str()).cloned(),
        }
    }

    /// Sees to it that the source map of a module is there when an error is to be shown, also in another process. It is no
    /// error if there is none: k6 says so and goes on.
    pub(crate) fn look_for_map(&self, thread: &ThreadContext, name: &str, module: &Module) {
        let Some(url) = module.source_map.as_ref().and_then(|map| map.file()) else { return };
        let Ok(path) = url.to_file_path() else { return };
        let found = match &self.reading {
            Reading::Directly => std::fs::metadata(&path).map(|_| ()),
            Reading::Collecting => std::fs::read(&path).map(|content| {
                let mut collected = self.collected.lock().unwrap_or_else(PoisonError::into_inner);
                collected.insert(url.to_string(), content.into());
            }),
            Reading::Bundle(_) => Ok(()),
        };
        if let Err(error) = found {
            let error = format!("cannot read {}: {error}", path.display());
            let text = format!("Couldn't load source map for {name}");
            thread.log.log(Level::Warn, &text, &[("error", &error)]);
        }
    }

    /// Where the script sets the option `path`, as `file:line:column`.
    pub fn option_place(&self, path: &[String]) -> Option<String> {
        let (line, column) = option_place(&self.source, path)?;
        let file = self.source.url.as_str();
        let (file, line, column) = match self.module(file) {
            Some(module) => self.before_bundling(&module, file, (line, column), false),
            None => (file.into(), line, column),
        };
        Some(format!("{file}:{line}:{column}"))
    }
}
