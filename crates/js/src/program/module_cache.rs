//! Remote modules on disk, for when the network fails: a test in a pipeline should not depend on somebody's server.
//!
//! The network always goes first, so nobody runs an old module without being told. `THRONG_MODULE_CACHE=off` switches
//! it off.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use url::Url;

/// A directory with one file a module.
#[derive(Debug, Clone)]
pub(super) struct ModuleCache(PathBuf);

impl ModuleCache {
    /// `$XDG_CACHE_HOME/throng/modules`, or below `$HOME/.cache`; `None` where there is neither, or it is off.
    pub(super) fn from_env() -> Option<Self> {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if var("THRONG_MODULE_CACHE").is_some_and(|value| value == *"off") {
            return None;
        }
        let caches = var("XDG_CACHE_HOME").or_else(|| var("HOME").map(|home| home.join(".cache")))?;
        Some(Self::in_directory(&caches.join("throng/modules")))
    }

    /// In this directory, which is made when something is kept.
    pub(super) fn in_directory(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    fn path(&self, url: &Url) -> PathBuf {
        let hash = hex::encode(Sha256::digest(url.as_str()));
        self.0.join(format!("{hash}.js"))
    }

    /// Keeps a module. The file appears whole or not at all, also when two tests start at once.
    pub(super) fn store(&self, url: &Url, content: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let path = self.path(url);
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        fs::write(&temporary, content)?;
        fs::rename(&temporary, &path)
    }

    /// A module that was kept.
    pub(super) fn load(&self, url: &Url) -> Option<Vec<u8>> {
        fs::read(self.path(url)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_again_by_its_url() {
        let directory = std::env::temp_dir().join(format!("throng-module-cache-{}", std::process::id()));
        let cache = ModuleCache::in_directory(&directory);
        let url = |text: &str| Url::parse(text).unwrap();
        assert_eq!(cache.load(&url("https://a.test/x.js")), None);
        cache.store(&url("https://a.test/x.js"), b"one").unwrap();
        cache.store(&url("https://a.test/x.js"), b"two").unwrap();
        assert_eq!(cache.load(&url("https://a.test/x.js")).as_deref(), Some(&b"two"[..]));
        assert_eq!(cache.load(&url("https://a.test/x.js?v=2")), None);
        fs::remove_dir_all(directory).unwrap();
    }
}
