//! Where the script's text comes from: a file, standard input, or an address.

use std::io::Read;
use std::path::{Path, PathBuf};

use throng_js::program::Source;
use url::Url;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::spec::{RunSpec, Script, TestType};

/// Reads the script that `spec` names.
pub(super) fn read(spec: &RunSpec) -> Result<Source, Failure> {
    let working_directory = std::env::current_dir()
        .map_err(|error| Failure::other(format!("cannot tell the working directory: {error}")))?;
    let (url, bytes) = match &spec.script {
        Script::Stdin => {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map_err(|error| {
                Failure::other(format!("cannot read the script from standard input: {error}"))
            })?;
            (file_url(&working_directory.join("-"))?, bytes)
        }
        Script::File(name) => {
            let path = absolute(&working_directory, Path::new(name));
            let bytes = std::fs::read(&path).map_err(|error| {
                Failure::other(format!("the script {name:?} cannot be read ({}): {error}", path.display()))
            })?;
            (file_url(&path)?, bytes)
        }
    };
    if spec.test_type == Some(TestType::Archive) || is_tar(&bytes) {
        return Err(Failure::new(
            Exit::Other,
            "running an archive is not supported yet; run the script itself",
        ));
    }
    Ok(Source { url, text: String::from_utf8_lossy(&bytes).into_owned(), working_directory })
}

/// The `ustar` mark that every tar file of the last thirty years carries.
fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

/// Without `..` and `.`, as module names are compared by text.
fn absolute(base: &Path, path: &Path) -> PathBuf {
    use std::path::Component;
    let mut clean = PathBuf::new();
    for part in base.join(path).components() {
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

fn file_url(path: &Path) -> Result<Url, Failure> {
    throng_js::program::file_url(path)
        .ok_or_else(|| Failure::other(format!("the path {} cannot be written as an address", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_without_asking_the_file_system() {
        assert_eq!(absolute(Path::new("/a/b"), Path::new("../c/./d.js")), Path::new("/a/c/d.js"));
        assert_eq!(absolute(Path::new("/a"), Path::new("/x.js")), Path::new("/x.js"));
    }

    #[test]
    fn an_archive_is_told_by_its_mark() {
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        assert!(is_tar(&tar));
        assert!(!is_tar(b"export default () => {}"));
    }
}
