//! Finding the test in the folders where it is mounted.
//!
//! A `ConfigMap` or a `COPY` brings one test and perhaps what it imports, under names that nobody agreed on
//! (`locustfile.py`, `tasks.py`, `test.py`, `mongo_populating.py`). What tells the test from a module is that it imports
//! `locust` or `k6`; where two do, it is not guessed.

use std::fs;
use std::path::{Path, PathBuf};

use super::refused;
use crate::failure::Failure;

/// Locust's own name for it, which wins over others.
const USUAL: &str = "locustfile.py";

/// The file that a variable names, in the first folder that has it.
pub(super) fn named(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    folders.iter().map(|folder| folder.join(name)).find(|file| file.exists())
}

/// The test in the first folder that has one, if it is clear which it is.
pub(super) fn find(folders: &[PathBuf]) -> Result<Option<PathBuf>, Failure> {
    for folder in folders {
        let usual = folder.join(USUAL);
        if usual.is_file() {
            return Ok(Some(usual));
        }
        let mut tests: Vec<PathBuf> = files(folder).into_iter().filter(|file| is_test(file)).collect();
        match tests.len() {
            0 => {}
            1 => return Ok(tests.pop()),
            _ => {
                let names: Vec<_> =
                    tests.iter().filter_map(|file| Some(file.file_name()?.to_string_lossy())).collect();
                return Err(refused(format!(
                    "there are several tests in {} ({}): name one with LOCUST_FILE",
                    folder.display(),
                    names.join(", ")
                )));
            }
        }
    }
    Ok(None)
}

/// Whether it is a k6 script.
pub(super) fn is_script(file: &Path) -> bool {
    file.extension().is_some_and(|extension| ["js", "ts"].iter().any(|known| extension == *known))
}

/// Files that are not hidden, by name. A `ConfigMap`'s own folders begin with two dots.
fn files(folder: &Path) -> Vec<PathBuf> {
    let hidden = |path: &Path| path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| !hidden(path) && path.is_file())
        .collect();
    files.sort();
    files
}

fn is_test(file: &Path) -> bool {
    let text = |file: &Path| fs::read_to_string(file).unwrap_or_default();
    if file.extension().is_some_and(|extension| extension == "py") {
        return text(file).lines().any(imports_locust);
    }
    is_script(file) && {
        let text = text(file);
        let imports = ["'k6", "\"k6"].iter().any(|module| text.contains(module));
        imports && (text.contains("export ") || text.contains("exports."))
    }
}

fn imports_locust(line: &str) -> bool {
    let mut words = line.split_whitespace();
    matches!(words.next(), Some("import" | "from"))
        && words.next().is_some_and(|module| module.trim_end_matches(',').split('.').next() == Some("locust"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCUSTFILE: &str = "import time\nfrom locust import HttpUser, task\n";

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        folder
    }

    fn found(files: &[(&str, &str)]) -> Result<Option<String>, String> {
        let folder = folder(files);
        let found = find(&[PathBuf::from("/nowhere"), folder.path().to_owned()]);
        found
            .map(|file| file.map(|file| file.file_name().unwrap().to_string_lossy().into_owned()))
            .map_err(|failure| failure.message)
    }

    #[test]
    fn the_one_that_imports_locust_is_the_test() {
        let files = [("mongo_populating.py", LOCUSTFILE), ("settings.py", "import os\n")];
        assert_eq!(found(&files), Ok(Some("mongo_populating.py".into())));
        assert_eq!(found(&[("a.py", "import locust_plugins\n"), ("b.py", "import os\n")]), Ok(None));
        assert_eq!(found(&[("a.py", "import locust, os\n")]), Ok(Some("a.py".into())));
    }

    #[test]
    fn the_usual_name_wins() {
        let files = [("locustfile.py", "from common import *\n"), ("other.py", LOCUSTFILE)];
        assert_eq!(found(&files), Ok(Some("locustfile.py".into())));
    }

    #[test]
    fn scripts_are_found_by_what_they_import() {
        let script = "import http from 'k6/http';\nexport default function () {}\n";
        assert_eq!(found(&[("load-test.js", script), ("data.json", "{}")]), Ok(Some("load-test.js".into())));
        assert_eq!(found(&[("lib.js", "export const a = 1;\n")]), Ok(None));
    }

    #[test]
    fn two_are_not_guessed() {
        let message = found(&[("a.py", LOCUSTFILE), ("b.py", LOCUSTFILE)]).unwrap_err();
        assert!(message.contains("a.py, b.py") && message.contains("LOCUST_FILE"), "{message}");
    }

    #[test]
    fn what_a_configmap_keeps_beside_the_files_is_not_looked_at() {
        let files = [("..data/test.py", LOCUSTFILE), (".test.py", LOCUSTFILE)];
        assert_eq!(found(&files), Ok(None));
    }
}
