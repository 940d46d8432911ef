//! Writing the package to the cache, so that several starts at once and an interrupted one do no harm.

use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

use crate::package::Package;

/// Where the package is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// The folder for Python's path.
    pub folder: PathBuf,
    /// It is not in the cache, which could not be written, and nobody will need it after this run.
    pub temporary: bool,
}

/// Puts the package below `cache` unless it is there already; if that cannot be written, into a temporary folder.
pub fn unpack(package: &Package, cache: Option<&Path>) -> io::Result<Unpacked> {
    if let Some(cache) = cache
        && let Ok(folder) = unpack_into(package, &cache.join(&package.id))
    {
        return Ok(Unpacked { folder, temporary: false });
    }
    let folder = env::temp_dir().join(format!("throng-{}-{}", process::id(), package.id));
    // `create_dir` fails if somebody else has made it, who could put other files there.
    private_folder(&folder)?;
    write_all(package, &folder)?;
    Ok(Unpacked { folder, temporary: true })
}

fn unpack_into(package: &Package, folder: &Path) -> io::Result<PathBuf> {
    if folder.join("locust").is_dir() {
        return Ok(folder.to_owned());
    }
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent)?;
    // A sibling, so that the rename is atomic: whoever sees the folder sees all of it.
    let sibling = parent.join(format!(".{}-{}", package.id, process::id()));
    let _ = fs::remove_dir_all(&sibling);
    private_folder(&sibling)?;
    let written = write_all(package, &sibling).and_then(|()| fs::rename(&sibling, folder));
    if written.is_err() {
        let _ = fs::remove_dir_all(&sibling);
    }
    // Another start may have been first.
    if folder.join("locust").is_dir() { Ok(folder.to_owned()) } else { written.map(|()| folder.to_owned()) }
}

fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(folder)
}

fn write_all(package: &Package, folder: &Path) -> io::Result<()> {
    for (name, content) in package.files() {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, content)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package whose module is a text.
    fn package() -> Package {
        let folder = env::temp_dir().join(format!("throng-embed-test-{}-module", process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("lib_core.so"), "module").unwrap();
        Package::find(&folder.join("throng")).unwrap()
    }

    #[test]
    fn a_package_is_unpacked_once_and_whole() {
        let package = package();
        let cache = env::temp_dir().join(format!("throng-embed-test-{}", process::id()));
        let first = unpack(&package, Some(&cache)).unwrap();
        assert!(!first.temporary && first.folder.starts_with(&cache));
        assert!(first.folder.join("locust/__init__.py").is_file());
        assert!(first.folder.join("locust/_core.abi3.so").is_file());
        fs::write(first.folder.join("mark"), "").unwrap();
        assert_eq!(unpack(&package, Some(&cache)).unwrap(), first);
        assert!(first.folder.join("mark").is_file(), "it was not written again");
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 1, "nothing is left over");
        fs::remove_dir_all(&cache).unwrap();
    }

    #[test]
    fn without_a_cache_the_package_goes_to_a_folder_of_its_own() {
        let file = env::temp_dir().join(format!("throng-embed-test-{}-file", process::id()));
        fs::write(&file, "").unwrap();
        let unpacked = unpack(&package(), Some(&file.join("below"))).unwrap();
        assert!(unpacked.temporary && unpacked.folder.join("locust/main.py").is_file());
        fs::remove_dir_all(&unpacked.folder).unwrap();
        fs::remove_file(&file).unwrap();
    }
}
