//! What is to be unpacked: the files of the package, and the module from where it is.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The module's name in the package: one file for every CPython from 3.10 on.
const MODULE: &str = "locust/_core.abi3.so";

/// The module as `cargo build` leaves it beside the binary.
const BUILT: &str = "lib_core.so";

static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

static EMBEDDED: Option<&[u8]> = include!(concat!(env!("OUT_DIR"), "/module.rs"));

/// Why there is no package to unpack.
#[derive(Debug)]
pub enum PackageError {
    /// This binary was built without the module, and there is none beside it.
    NoModule {
        /// Where it was looked for.
        beside: PathBuf,
    },
    /// The module beside the binary cannot be read.
    Unreadable(PathBuf, io::Error),
}

impl std::fmt::Display for PackageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoModule { beside } => write!(
                f,
                "find the Python module: this binary was built without it and there is no {}; build it with \
                 './x build', or 'cargo build --workspace'",
                beside.display()
            ),
            Self::Unreadable(path, error) => write!(f, "read {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for PackageError {}

/// The files of the `locust` package with its module.
#[derive(Debug)]
pub struct Package {
    module: Cow<'static, [u8]>,
    /// Tells this package from every other one.
    pub(crate) id: String,
}

impl Package {
    /// Whether the module is inside this binary.
    pub fn is_embedded() -> bool {
        EMBEDDED.is_some()
    }

    /// The package of this binary; `executable` is where it was started from.
    ///
    /// A binary without the module, as a plain `cargo build` makes it, takes the one that lies beside it.
    pub fn find(executable: &Path) -> Result<Self, PackageError> {
        let id = env!("THRONG_PACKAGE_ID");
        if let Some(module) = EMBEDDED {
            return Ok(Self { module: Cow::Borrowed(module), id: id.to_owned() });
        }
        let beside = executable.with_file_name(BUILT);
        let stamp = match fs::metadata(&beside).and_then(|data| Ok((data.len(), data.modified()?))) {
            Ok(stamp) => stamp,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(PackageError::NoModule { beside });
            }
            Err(error) => return Err(PackageError::Unreadable(beside, error)),
        };
        let age = stamp.1.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let id = format!("{id}-{:x}-{:x}", stamp.0, age.as_nanos());
        match fs::read(&beside) {
            Ok(module) => Ok(Self { module: Cow::Owned(module), id }),
            Err(error) => Err(PackageError::Unreadable(beside, error)),
        }
    }

    /// Names relative to a folder on Python's path, and contents.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        FILES.iter().copied().chain([(MODULE, &*self.module)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_there() {
        let names: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        for name in ["locust/__init__.py", "locust/main.py", "locust/_http/exceptions.py"] {
            assert!(names.contains(&name), "{name} is not in {names:?}");
        }
        assert!(!names.iter().any(|name| name.contains("__pycache__") || name.contains("_core.")));
    }

    /// A release is built with the module; `./x test` sets this to be sure of it.
    #[test]
    fn the_module_is_embedded_where_it_must_be() {
        if env::var_os("THRONG_EXPECT_PYTHON_MODULE").is_some() {
            let module = EMBEDDED.expect("built with THRONG_PYTHON_MODULE");
            assert!(module.starts_with(b"\x7fELF") && module.len() > 1_000_000, "{} bytes", module.len());
        }
    }

    #[test]
    fn a_binary_without_the_module_says_how_to_build_it() {
        if !Package::is_embedded() {
            let error = Package::find(Path::new("/nowhere/throng")).unwrap_err().to_string();
            assert!(error.contains("/nowhere/lib_core.so") && error.contains("./x build"), "{error}");
        }
    }
}
