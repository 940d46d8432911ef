//! `open(path, 'b')`: a file's content, in the init context only.
//!
//! Relative paths are relative to the module whose top level runs: a function that the entry calls opens what the
//! entry would, wherever it was written (observed on k6 1.1).

use throng_quickjs::{Call, JsResult, Thrown};
use url::Url;

use crate::host::host;
use crate::loader::current_module;

pub(super) fn open(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let host = host(&ctx);
    host.only_in_init("open()")?;
    let path = call.arg(0);
    if path.is_nullish() || path.to_text()?.is_empty() {
        return Err(Thrown::error("open() needs the path of a file"));
    }
    let path = path.to_text()?;
    let module = current_module(ctx).and_then(|name| Url::parse(&name).ok());
    let url = file_url(module.as_ref().unwrap_or(&host.program.source.url), &path)
        .ok_or_else(|| Thrown::error(format!("open() cannot tell which file {path:?} is")))?;
    let content = match host.program.file(url.as_str()) {
        Some(content) => content,
        None if host.program.is_sealed() => {
            return Err(Thrown::error(format!(
                "open() cannot read {path:?} now: it was not opened when the script was first loaded, and every virtual \
                 user must open the same files"
            )));
        }
        None => {
            let read = host.wait(host.program.read(&host.thread, &url))?;
            let content = read.map_err(|e| Thrown::error(e.to_string()))?;
            host.program.add_file(url.to_string(), content.clone());
            content
        }
    };
    let binary = call.arg(1);
    if binary.is_string() && binary.to_text()? == "b" {
        return Ok(ctx.array_buffer(&content));
    }
    Ok(ctx.string_lossy(&content))
}

/// The URL of what `open` was given: a path relative to a module, an absolute path, or a `file:` URL.
pub(crate) fn file_url(module: &Url, path: &str) -> Option<Url> {
    if path.starts_with("file://") {
        return Url::parse(path).ok();
    }
    if module.scheme() != "file" {
        return module.join(path).ok();
    }
    // Not `join`: a path may hold characters (`?`, `#`, `%`) that mean something in a URL.
    let base = module.to_file_path().ok()?;
    let joined = base.parent()?.join(path);
    Url::from_file_path(normalise(&joined)).ok()
}

fn normalise(path: &std::path::Path) -> std::path::PathBuf {
    use std::path::Component;
    let mut clean = std::path::PathBuf::new();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_module() {
        let entry = Url::parse("file:///dir/script.js").unwrap();
        let open = |path| file_url(&entry, path).unwrap().to_string();
        assert_eq!(open("data.json"), "file:///dir/data.json");
        assert_eq!(open("./a/../b c#1.txt"), "file:///dir/b%20c%231.txt");
        assert_eq!(open("/abs/x"), "file:///abs/x");
        assert_eq!(open("file:///y"), "file:///y");
    }
}
