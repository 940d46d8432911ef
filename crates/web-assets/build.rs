//! Lists the files of the page, plain and gzip'd, to be built into the library.
//!
//! They lie in `dist`, where `./x` puts what npm makes of `ui/`. The folder is always there and otherwise empty, so that
//! a plain `cargo build` needs no Node: the library then carries a page that says how to build the real one.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    let dist = manifest.join("dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    collect(&dist, &dist, &mut files)?;
    files.sort();
    let mut list = String::from("&[\n");
    for (number, name) in files.iter().enumerate() {
        let path = dist.join(name);
        let zipped = out.join(format!("{number}.gz"));
        let (plain_text, zipped_text) = (path.display().to_string(), zipped.display().to_string());
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&fs::read(&path)?)?;
        fs::write(&zipped, encoder.finish()?)?;
        let _ = writeln!(
            list,
            "    File {{ name: {name:?}, plain: include_bytes!({plain_text:?}), zipped: include_bytes!({zipped_text:?}) }},"
        );
    }
    list.push(']');
    fs::write(out.join("files.rs"), list)
}

/// The files below `folder`, relative to `root`.
fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.file_name().is_some_and(|name| name != ".gitignore")
            && let Ok(relative) = path.strip_prefix(root)
            && let Some(text) = relative.to_str()
        {
            files.push(text.to_owned());
        }
    }
    Ok(())
}
