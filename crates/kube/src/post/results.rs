//! What the test wrote: all files in its folder that are new or changed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use crate::lead::ResultFile;

/// The files of a folder, with what shows that one was written to.
pub(super) type Snapshot = BTreeMap<String, (u64, Option<SystemTime>)>;

/// Looks at a folder.
pub(super) fn snapshot(folder: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    look(folder, "", &mut found);
    found
}

fn look(folder: &Path, prefix: &str, found: &mut Snapshot) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Ok(metadata) = entry.metadata() else { continue };
        let path = format!("{prefix}{name}");
        if metadata.is_dir() {
            if name != "__pycache__" {
                look(&entry.path(), &format!("{path}/"), found);
            }
        } else if metadata.is_file() {
            found.insert(path, (metadata.len(), metadata.modified().ok()));
        }
    }
}

/// Its files, as they are listed.
pub(super) fn listed(snapshot: &Snapshot) -> Vec<ResultFile> {
    snapshot.iter().map(|(path, (size, _))| ResultFile { path: path.clone(), size: *size }).collect()
}

/// What is new or different since.
pub(super) fn changed(folder: &Path, before: &Snapshot) -> Vec<ResultFile> {
    snapshot(folder)
        .into_iter()
        .filter(|(path, found)| before.get(path) != Some(found))
        .map(|(path, (size, _))| ResultFile { path, size })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("script.js"), "x").unwrap();
        std::fs::write(folder.path().join("log"), "a").unwrap();
        let before = snapshot(folder.path());
        std::fs::write(folder.path().join("log"), "ab").unwrap();
        std::fs::create_dir(folder.path().join("out")).unwrap();
        std::fs::write(folder.path().join("out/summary.json"), "{}").unwrap();
        let changed: Vec<String> =
            changed(folder.path(), &before).into_iter().map(|file| file.path).collect();
        assert_eq!(changed, ["log", "out/summary.json"]);
    }
}
