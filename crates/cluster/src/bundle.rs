//! What a worker is sent: everything it needs to run the test, so that it needs no file of its own.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Why a bundle cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The bytes are not those that were sent.
    #[error("file {path} of the test arrived damaged: its checksum differs")]
    Checksum {
        /// Which file.
        path: String,
    },
    /// Two files of one path.
    #[error("file {path} is twice in the test's bundle")]
    Twice {
        /// Which file.
        path: String,
    },
    /// The entry is not among the files.
    #[error("the test's bundle does not hold its script {entry}")]
    NoEntry {
        /// The missing file.
        entry: String,
    },
    /// More than a worker takes.
    #[error("the test with its files has {bytes} bytes; at most {limit} can be sent to workers")]
    TooLarge {
        /// How many there are.
        bytes: u64,
        /// How many there may be.
        limit: u64,
    },
}

/// One file of a test with its checksum.
#[derive(Clone, PartialEq, Eq)]
pub struct BundleFile {
    path: String,
    bytes: Bytes,
    sha256: [u8; 32],
}

impl BundleFile {
    /// A file under its logical path: what the script's imports and `open` resolve to (`file:///…`, `https://…` or any
    /// other name the script loader uses).
    pub fn new(path: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let sha256 = Sha256::digest(&bytes).into();
        Self { path: path.into(), bytes, sha256 }
    }

    /// The logical path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The content.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// SHA-256 of the content.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// A file that was received, if its checksum holds.
    pub(crate) fn received(path: String, bytes: Bytes, sha256: &[u8]) -> Result<Self, BundleError> {
        let file = Self::new(path, bytes);
        if file.sha256 == sha256 { Ok(file) } else { Err(BundleError::Checksum { path: file.path }) }
    }
}

impl fmt::Debug for BundleFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BundleFile({}, {} bytes)", self.path, self.bytes.len())
    }
}

/// A test as it is sent to workers. Checksums are made when a file is added and verified when it arrives.
#[derive(Clone, PartialEq, Eq)]
pub struct Bundle {
    entry: String,
    files: Vec<BundleFile>,
    environment: Vec<(String, String)>,
    options: String,
    facts: Vec<(String, String)>,
}

impl Bundle {
    /// The most bytes that files, environment and options may have together.
    pub const MAX_BYTES: u64 = 256 << 20;

    /// A bundle whose script is the file `entry`. `environment` is what `__ENV` gets on the workers unless their own
    /// environment says otherwise; `options` are the consolidated options as JSON; `facts` are names and values that
    /// controller and worker agree on (compatibility mode and the like), which this crate carries unread.
    pub fn new(
        entry: impl Into<String>,
        files: Vec<BundleFile>,
        environment: Vec<(String, String)>,
        options: impl Into<String>,
        facts: Vec<(String, String)>,
    ) -> Result<Self, BundleError> {
        let bundle = Self { entry: entry.into(), files, environment, options: options.into(), facts };
        let mut paths = BTreeSet::new();
        if let Some(file) = bundle.files.iter().find(|file| !paths.insert(file.path())) {
            return Err(BundleError::Twice { path: file.path.clone() });
        }
        if !paths.contains(bundle.entry.as_str()) {
            return Err(BundleError::NoEntry { entry: bundle.entry });
        }
        let bytes = bundle.size();
        if bytes > Self::MAX_BYTES {
            return Err(BundleError::TooLarge { bytes, limit: Self::MAX_BYTES });
        }
        Ok(bundle)
    }

    /// The logical path of the script.
    pub fn entry(&self) -> &str {
        &self.entry
    }

    /// All files, the script among them.
    pub fn files(&self) -> &[BundleFile] {
        &self.files
    }

    /// The file of this logical path.
    pub fn file(&self, path: &str) -> Option<&BundleFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Names and values for `__ENV`.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// The consolidated options as JSON.
    pub fn options(&self) -> &str {
        &self.options
    }

    /// What else the host program sends along.
    pub fn facts(&self) -> &[(String, String)] {
        &self.facts
    }

    /// The value of one fact.
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn size(&self) -> u64 {
        let pairs = |pairs: &[(String, String)]| pairs.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>();
        let files: usize = self.files.iter().map(|file| file.path.len() + file.bytes.len()).sum();
        (files + pairs(&self.environment) + pairs(&self.facts) + self.options.len()) as u64
    }
}

/// Names and sizes only: values of the environment may be secret.
impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.environment.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Bundle")
            .field("entry", &self.entry)
            .field("files", &self.files)
            .field("environment", &names)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(entry: &str, paths: &[&str]) -> Result<Bundle, BundleError> {
        let files = paths.iter().map(|path| BundleFile::new(*path, format!("// {path}"))).collect();
        Bundle::new(entry, files, vec![("SECRET".into(), "s3cret".into())], "{}", Vec::new())
    }

    #[test]
    fn the_script_has_to_be_there_and_paths_are_unique() {
        let good = bundle("/a.js", &["/a.js", "/b.js"]).unwrap();
        assert_eq!(good.file("/b.js").unwrap().bytes(), "// /b.js");
        assert_eq!(bundle("/c.js", &["/a.js"]), Err(BundleError::NoEntry { entry: "/c.js".into() }));
        assert_eq!(bundle("/a.js", &["/a.js", "/a.js"]), Err(BundleError::Twice { path: "/a.js".into() }));
    }

    #[test]
    fn a_damaged_file_is_noticed() {
        let file = BundleFile::new("/a.js", "one");
        assert_eq!(BundleFile::received("/a.js".into(), "one".into(), file.sha256()), Ok(file.clone()));
        let damaged = BundleFile::received("/a.js".into(), "two".into(), file.sha256());
        assert_eq!(damaged, Err(BundleError::Checksum { path: "/a.js".into() }));
    }

    #[test]
    fn values_of_the_environment_are_not_printed() {
        let text = format!("{:?}", bundle("/a.js", &["/a.js"]).unwrap());
        assert!(text.contains("SECRET") && !text.contains("s3cret"), "{text}");
    }
}
