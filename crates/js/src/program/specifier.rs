//! What an import specifier, or a path given to `open()`, stands for.
//!
//! Names of modules are URLs (`file:///…`, `https://…`) or built-in names (`k6/http`). k6 knows no bare
//! package names, guesses no extensions, and refuses plain `http:` (observed on k6 1.1).

use std::path::Path;

use url::Url;

/// A resolved module name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Specifier {
    /// `k6`, `k6/…`
    BuiltIn(String),
    /// A file or a remote module.
    Url(Url),
}

impl Specifier {
    /// The name that the engine and stack traces know it by.
    pub fn name(&self) -> String {
        match self {
            Self::BuiltIn(name) => name.clone(),
            Self::Url(url) => url.to_string(),
        }
    }
}

/// Why a specifier stands for nothing.
#[derive(Debug, thiserror::Error)]
pub enum SpecifierError {
    /// An empty string.
    #[error("an import needs a specifier, this one is empty")]
    Empty,
    /// Neither built in, nor relative, nor absolute.
    #[error(
        "cannot import {0:?}: only built-in modules (k6/…), paths that start with ./, ../ or /, and https:// addresses \
         can be imported; packages from npm must be bundled into a file first"
    )]
    Bare(String),
    /// A scheme that modules do not come by.
    #[error("cannot import {0:?}: modules come from files and over https:// only, not by {1}:")]
    Scheme(String, String),
    /// A remote module asks for a local file.
    #[error("cannot import {0:?}: a module loaded over https:// may not import local files")]
    LocalFromRemote(String),
    /// Not a valid URL or path.
    #[error("cannot import {0:?}: {1}")]
    Invalid(String, url::ParseError),
}

/// Resolves what the module `base` imports as `specifier`.
pub fn resolve(base: &Url, specifier: &str) -> Result<Specifier, SpecifierError> {
    if specifier.is_empty() {
        return Err(SpecifierError::Empty);
    }
    if specifier == "k6" || specifier.starts_with("k6/") {
        return Ok(Specifier::BuiltIn(specifier.to_owned()));
    }
    let invalid = |e| SpecifierError::Invalid(specifier.to_owned(), e);
    let url = if specifier.starts_with("./") || specifier.starts_with("../") || specifier.starts_with('/') {
        base.join(specifier).map_err(invalid)?
    } else if specifier.contains("://") {
        Url::parse(specifier).map_err(invalid)?
    } else {
        return Err(SpecifierError::Bare(specifier.to_owned()));
    };
    match url.scheme() {
        "https" => {}
        "file" if base.scheme() == "file" => {}
        "file" => return Err(SpecifierError::LocalFromRemote(specifier.to_owned())),
        other => return Err(SpecifierError::Scheme(specifier.to_owned(), other.to_owned())),
    }
    Ok(Specifier::Url(url))
}

/// The URL of a local file, which must be given absolutely.
pub fn file_url(path: &Path) -> Option<Url> {
    Url::from_file_path(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(base: &str, specifier: &str) -> Result<String, String> {
        resolve(&Url::parse(base).unwrap(), specifier).map(|s| s.name()).map_err(|e| e.to_string())
    }

    #[test]
    fn relative_paths_are_relative_to_the_importing_module() {
        assert_eq!(name("file:///a/b/main.js", "./lib/x.js").unwrap(), "file:///a/b/lib/x.js");
        assert_eq!(name("file:///a/b/main.js", "../x.ts").unwrap(), "file:///a/x.ts");
        assert_eq!(
            name("https://jslib.k6.io/u/1/index.js", "./f.js").unwrap(),
            "https://jslib.k6.io/u/1/f.js"
        );
        assert_eq!(name("file:///a/b.js", "/etc/x.js").unwrap(), "file:///etc/x.js");
    }

    #[test]
    fn what_k6_refuses_is_refused_by_name() {
        assert!(name("file:///a.js", "lodash").unwrap_err().contains("npm"));
        assert!(name("file:///a.js", "http://x/y.js").unwrap_err().contains("not by http:"));
        assert!(
            name("https://h/a.js", "file:///etc/passwd").unwrap_err().contains("may not import local files")
        );
        assert!(name("file:///a.js", "").unwrap_err().contains("empty"));
    }

    #[test]
    fn built_in_names_stay_as_they_are() {
        assert_eq!(name("file:///a.js", "k6/experimental/fs").unwrap(), "k6/experimental/fs");
        assert!(name("file:///a.js", "k6x").is_err());
    }
}
