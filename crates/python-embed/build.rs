//! Lists the files of the `locust` package and of the extension module, to be built into the library.
//!
//! The module is a product of the same workspace, so it cannot be a dependency: whoever builds a binary that is to
//! carry it builds `throng-python` first and names the file in `THRONG_PYTHON_MODULE`. Without it the library carries
//! no module, and a plain `cargo build` works.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    let root = manifest.join("../../python").canonicalize()?;
    println!("cargo::rerun-if-changed={}", root.join("locust").display());
    println!("cargo::rerun-if-env-changed=THRONG_PYTHON_MODULE");

    let mut files = Vec::new();
    collect(&root, &root.join("locust"), &mut files)?;
    files.sort();
    let mut id = Fnv::default();
    let mut list = String::from("&[\n");
    for name in &files {
        let path = root.join(name);
        id.add(name.as_bytes());
        id.add(&fs::read(&path)?);
        let _ = writeln!(list, "    ({name:?}, include_bytes!({:?})),", path.display().to_string());
    }
    list.push(']');
    fs::write(out.join("files.rs"), list)?;

    let module = match env::var("THRONG_PYTHON_MODULE") {
        Ok(path) if !path.is_empty() => {
            println!("cargo::rerun-if-changed={path}");
            let path = fs::canonicalize(&path)
                .map_err(|error| io::Error::other(format!("read THRONG_PYTHON_MODULE {path:?}: {error}")))?;
            id.add(&fs::read(&path)?);
            format!("Some(include_bytes!({:?}))", path.display().to_string())
        }
        _ => "None".to_owned(),
    };
    fs::write(out.join("module.rs"), module)?;
    println!("cargo::rustc-env=THRONG_PACKAGE_ID={:016x}", id.0);
    Ok(())
}

/// The Python files below `folder`, relative to `root`.
fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if name != "__pycache__" && !name.starts_with('.') {
                collect(root, &path, files)?;
            }
        } else if !matches!(path.extension().and_then(|e| e.to_str()), None | Some("so" | "pyc"))
            && let Ok(relative) = path.strip_prefix(root)
            && let Some(text) = relative.to_str()
        {
            files.push(text.to_owned());
        }
    }
    Ok(())
}

/// FNV-1a: tells versions apart, and needs no crate.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
