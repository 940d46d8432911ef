//! A prepared test as workers get it, and back again.
//!
//! A worker needs the address and the token only. What the script's top level read when the controller loaded it, the
//! consolidated options and the environment travel; what depends on the machine (threads, proxies, open files) is the
//! worker's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use throng_cluster::{Bundle, BundleFile};
use throng_js::program::{Files, Reading, Source};
use url::Url;

use super::prepare::Prepared;
use crate::env::process_environment;
use crate::failure::Failure;
use crate::flags::go_bool;
use crate::spec::{Compatibility, RunSpec, TOKEN_VARIABLE};

/// Facts of a bundle, by name.
mod fact {
    /// The options that the script's own object gets.
    pub(super) const OVERRIDES: &str = "overrides";
    /// `--compatibility-mode=base`
    pub(super) const BASE_MODE: &str = "base-mode";
    /// Whether scripts see the variables of the process.
    pub(super) const SHOW_PROCESS: &str = "show-process-environment";
    /// `-e` pairs, as a JSON object.
    pub(super) const PAIRS: &str = "pairs";
    /// Whether records of level debug are wanted.
    pub(super) const VERBOSE: &str = "verbose";
    /// Whether raw samples are wanted.
    pub(super) const SAMPLES: &str = "samples";
}

/// What a worker is sent.
pub(super) fn pack(spec: &RunSpec, prepared: &Prepared, wants_samples: bool) -> Result<Arc<Bundle>, Failure> {
    let program = &prepared.loaded.program;
    let files = program.files().into_iter().map(|(name, content)| BundleFile::new(name, content)).collect();
    let environment = spec.env.iter();
    let pairs: serde_json::Map<String, Value> =
        spec.env_pairs.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let mut facts = vec![
        (fact::BASE_MODE, (spec.compatibility == Compatibility::Base).to_string()),
        (fact::SHOW_PROCESS, spec.shows_process_environment.to_string()),
        (fact::PAIRS, Value::Object(pairs).to_string()),
        (fact::VERBOSE, spec.log.enabled(crate::logging::Level::Debug).to_string()),
        (fact::SAMPLES, wants_samples.to_string()),
    ];
    facts.extend(program.overrides().map(|overrides| (fact::OVERRIDES, overrides.to_string())));
    let options = program.options().ok_or_else(|| Failure::other("the options cannot be written as JSON"))?;
    let bundle = Bundle::new(
        program.source.url.as_str(),
        files,
        environment.map(|(name, value)| (name.clone(), value.clone())).collect(),
        &*options,
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    );
    bundle.map(Arc::new).map_err(|error| Failure::other(error.to_string()))
}

/// What a bundle says, in this crate's terms.
pub(super) struct Unpacked {
    /// The script.
    pub(super) source: Source,
    /// All its modules and files.
    pub(super) reading: Reading,
    /// `__ENV`
    pub(super) env: BTreeMap<String, String>,
    /// `--compatibility-mode=base`
    pub(super) base_mode: bool,
    /// The consolidated options.
    pub(super) options: Value,
    /// See [`throng_js::program::Program::overrides`].
    pub(super) overrides: Option<String>,
    /// Whether records of level debug are wanted.
    pub(super) verbose: bool,
    /// Whether raw samples are wanted.
    pub(super) wants_samples: bool,
}

impl Unpacked {
    /// Reads a bundle that another process packed.
    pub(super) fn new(bundle: &Bundle) -> Result<Self, Failure> {
        let unusable = |what: &str| Failure::other(format!("the controller sent {what} that cannot be read"));
        let url = Url::parse(bundle.entry()).map_err(|_| unusable("a script's name"))?;
        let entry = bundle.file(bundle.entry()).ok_or_else(|| unusable("a test without its script"))?;
        let text = String::from_utf8_lossy(entry.bytes()).into_owned();
        let files: Files =
            bundle.files().iter().map(|file| (file.path().to_owned(), file.bytes().clone())).collect();
        let is = |name| bundle.fact(name).and_then(go_bool).unwrap_or(false);
        let pairs: BTreeMap<String, String> = bundle
            .fact(fact::PAIRS)
            .map_or(Ok(BTreeMap::new()), serde_json::from_str)
            .map_err(|_| unusable("variables"))?;
        let process = process_environment().filter(|_| is(fact::SHOW_PROCESS));
        Ok(Self {
            source: Source { url, text, working_directory: "/".into() },
            reading: Reading::Bundle(files),
            env: environment(bundle.environment(), process, pairs),
            base_mode: is(fact::BASE_MODE),
            options: serde_json::from_str(bundle.options()).map_err(|_| unusable("options"))?,
            overrides: bundle.fact(fact::OVERRIDES).map(str::to_owned),
            verbose: is(fact::VERBOSE),
            wants_samples: is(fact::SAMPLES),
        })
    }
}

/// `__ENV` on a worker: the controller's, the worker's own over it, and over both what the user gave with `-e`.
fn environment(
    controller: &[(String, String)],
    own: impl Iterator<Item = (String, String)>,
    pairs: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let own = own.filter(|(name, _)| name != TOKEN_VARIABLE);
    controller.iter().cloned().chain(own).chain(pairs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workers_own_environment_wins_but_for_what_was_given_with_e() {
        let list = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let controller = list(&[("A", "controller"), ("B", "controller"), ("C", "given")]);
        let own = list(&[("B", "worker"), ("C", "worker"), ("THRONG_TOKEN", "secret")]);
        let pairs = list(&[("C", "given")]).into_iter().collect();
        let env = environment(&controller, own.into_iter(), pairs);
        assert_eq!(
            env.into_iter().collect::<Vec<_>>(),
            list(&[("A", "controller"), ("B", "worker"), ("C", "given")])
        );
    }
}
