//! The files of a test: what travels to the cluster, by path relative to a folder.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};

/// The most that goes into a `ConfigMap` or `Secret`, with room for the rest of the object; more is uploaded.
pub const MOST_IN_OBJECT: usize = 1_000_000;

/// The most that a test may have.
pub const MOST: usize = 50 * 1024 * 1024;

/// Folders that no test needs.
const LEFT_OUT: [&str; 7] =
    ["__pycache__", "venv", "node_modules", "throng-results", "site-packages", "target", "dist-info"];

/// Files by path, with `/` between folders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    all: BTreeMap<String, Vec<u8>>,
}

impl Files {
    /// Adds one.
    pub fn insert(&mut self, path: String, content: Vec<u8>) {
        self.all.insert(path, content);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.all.iter().map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// What they weigh together.
    pub fn size(&self) -> usize {
        self.all.values().map(Vec::len).sum()
    }

    /// Whether they go into one object: what is not text grows by a third there.
    pub fn fit_in_object(&self, encoded: bool) -> bool {
        let size: usize = self
            .all
            .iter()
            .map(|(path, content)| {
                let is_text = !encoded && std::str::from_utf8(content).is_ok();
                // Its key, and its place in the pods of controller and workers.
                3 * path.len() + 64 + if is_text { content.len() } else { content.len().div_ceil(3) * 4 }
            })
            .sum();
        size <= MOST_IN_OBJECT
    }
}

/// Collects files from this machine; paths are relative to the nearest folder above all of them.
#[derive(Debug)]
pub struct Collector {
    working_directory: PathBuf,
    found: BTreeMap<PathBuf, Vec<u8>>,
    size: usize,
    ignored: Vec<String>,
}

/// Files, and where in them the working directory is.
#[derive(Debug, Clone, Default)]
pub struct Collected {
    /// The files.
    pub files: Files,
    /// The working directory's place among them; empty for the top.
    pub folder: String,
}

impl Collector {
    /// Starts in a folder, whose `.throngignore` names what stays here.
    pub fn new(working_directory: PathBuf) -> Self {
        let ignored = std::fs::read_to_string(working_directory.join(".throngignore")).unwrap_or_default();
        let ignored = ignored
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| line.trim_end_matches('/').to_owned())
            .collect();
        Self { working_directory, found: BTreeMap::new(), size: 0, ignored }
    }

    /// Adds a file with a content that is known.
    pub fn insert(&mut self, path: &Path, content: Vec<u8>) -> Result<()> {
        let path = clean(&self.working_directory.join(path));
        self.size += content.len();
        if self.size > MOST {
            return Err(Error::Unusable(format!(
                "the files of this test have more than {} MB (with {}); name what is not needed in .throngignore, or \
                 build them into an image (--image)",
                MOST / 1024 / 1024,
                path.display()
            )));
        }
        if let Some(old) = self.found.insert(path, content) {
            self.size -= old.len();
        }
        Ok(())
    }

    /// Adds a file.
    pub fn file(&mut self, path: &Path) -> Result<()> {
        let whole = self.working_directory.join(path);
        let content = std::fs::read(&whole)
            .map_err(|error| Error::Local(format!("cannot read {}: {error}", whole.display())))?;
        self.insert(&whole, content)
    }

    /// Adds what is in a folder, but for hidden files, virtual environments and what is named in `.throngignore`.
    pub fn folder(&mut self, path: &Path) -> Result<()> {
        let whole = self.working_directory.join(path);
        let failed =
            |error: std::io::Error| Error::Local(format!("cannot read {}: {error}", whole.display()));
        for entry in std::fs::read_dir(&whole).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let path = entry.path();
            if name.starts_with('.')
                || LEFT_OUT.iter().any(|left_out| name == *left_out)
                || self.ignores(&path)
            {
                continue;
            }
            // A link is followed; one that leads nowhere is left out.
            let Ok(metadata) = std::fs::metadata(&path) else { continue };
            if metadata.is_dir() {
                // A virtual environment by any name.
                if !path.join("pyvenv.cfg").exists() {
                    self.folder(&path)?;
                }
            } else if metadata.is_file() && path.extension().is_none_or(|extension| extension != "pyc") {
                self.file(&path)?;
            }
        }
        Ok(())
    }

    fn ignores(&self, path: &Path) -> bool {
        let relative =
            path.strip_prefix(&self.working_directory).unwrap_or(path).to_string_lossy().into_owned();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.ignored.iter().any(|pattern| {
            let pattern = pattern.trim_start_matches('/');
            match pattern.strip_prefix('*') {
                Some(end) => name.ends_with(end),
                None => relative == pattern || name == pattern,
            }
        })
    }

    /// The files, by path from the nearest folder above all of them and the working directory.
    pub fn finish(self) -> Result<Collected> {
        let mut root = clean(&self.working_directory);
        for path in self.found.keys() {
            while !path.starts_with(&root) {
                if !root.pop() {
                    break;
                }
            }
        }
        let relative = |path: &Path| -> Result<String> {
            let inner = path.strip_prefix(&root).unwrap_or(path);
            let steps: Option<Vec<&str>> = inner.iter().map(|step| step.to_str()).collect();
            steps.map(|steps| steps.join("/")).ok_or_else(|| {
                Error::Unusable(format!("the name of {} is no text, so it cannot travel", path.display()))
            })
        };
        let mut files = Files::default();
        for (path, content) in &self.found {
            files.insert(relative(path)?, content.clone());
        }
        let folder = relative(&clean(&self.working_directory))?;
        Ok(Collected { files, folder })
    }
}

/// Without `.` and `..`.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                clean.pop();
            }
            Component::CurDir => {}
            other => clean.push(other),
        }
    }
    clean
}

/// A path that came over the network, below `root` whatever it says.
pub(crate) fn below(root: &Path, path: &str) -> Option<PathBuf> {
    let is_plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    (is_plain && !path.is_empty()).then(|| root.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_beside_the_working_directory_move_the_top_up() {
        let root = tempfile::tempdir().unwrap();
        let here = root.path().join("tests");
        std::fs::create_dir_all(here.join(".venv")).unwrap();
        std::fs::create_dir_all(here.join("data")).unwrap();
        std::fs::create_dir_all(here.join("env")).unwrap();
        for (path, text) in [
            ("tests/locustfile.py", "x"),
            ("tests/.venv/big", "no"),
            ("tests/data/users.csv", "u"),
            ("tests/env/pyvenv.cfg", "no"),
            ("tests/secret.key", "no"),
            ("tests/.throngignore", "*.key\n"),
            ("shared.js", "s"),
        ] {
            std::fs::write(root.path().join(path), text).unwrap();
        }
        let mut collector = Collector::new(here.clone());
        collector.folder(&here).unwrap();
        let collected = collector.finish().unwrap();
        let names: Vec<&str> = collected.files.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["data/users.csv", "locustfile.py"]);
        assert_eq!(collected.folder, "");

        let mut collector = Collector::new(here);
        collector.file(Path::new("locustfile.py")).unwrap();
        collector.file(Path::new("../shared.js")).unwrap();
        let collected = collector.finish().unwrap();
        let names: Vec<&str> = collected.files.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["shared.js", "tests/locustfile.py"]);
        assert_eq!(collected.folder, "tests");
    }

    #[test]
    fn a_path_from_the_network_stays_below_its_root() {
        let root = Path::new("/srv/tests");
        assert_eq!(below(root, "a/b.js"), Some(PathBuf::from("/srv/tests/a/b.js")));
        for bad in ["", "/etc/passwd", "../x", "a/../../x"] {
            assert_eq!(below(root, bad), None, "{bad}");
        }
    }
}
