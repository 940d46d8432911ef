//! Bundles as messages, and back with their checksums verified.

use bytes::Bytes;
use prost::Message as _;

use super::{BundleMessage, FileMessage, FromController, ToWorker};
use crate::bundle::{Bundle, BundleError, BundleFile};

impl From<&Bundle> for BundleMessage {
    fn from(bundle: &Bundle) -> Self {
        Self {
            entry: bundle.entry().to_owned(),
            files: bundle.files().iter().map(file).collect(),
            environment: flat(bundle.environment()),
            options: bundle.options().to_owned(),
            facts: flat(bundle.facts()),
        }
    }
}

impl BundleMessage {
    /// The whole message to a worker: encoded once and shared by the connections of all workers.
    pub fn encoded(bundle: &Bundle) -> Bytes {
        ToWorker::from(FromController::Bundle(bundle.into())).encode_to_vec().into()
    }
}

impl TryFrom<BundleMessage> for Bundle {
    type Error = BundleError;

    fn try_from(message: BundleMessage) -> Result<Self, BundleError> {
        let received = |file: FileMessage| BundleFile::received(file.path, file.bytes, &file.sha256);
        let files = message.files.into_iter().map(received).collect::<Result<_, _>>()?;
        Self::new(message.entry, files, pairs(message.environment), message.options, pairs(message.facts))
    }
}

fn file(file: &BundleFile) -> FileMessage {
    FileMessage { path: file.path().to_owned(), bytes: file.bytes().clone(), sha256: file.sha256().to_vec() }
}

/// Names and values in turn.
pub(super) fn flat(pairs: &[(String, String)]) -> Vec<String> {
    pairs.iter().flat_map(|(name, value)| [name.clone(), value.clone()]).collect()
}

/// The reverse; a name without a value at the end has an empty one.
pub(super) fn pairs(flat: Vec<String>) -> Vec<(String, String)> {
    let mut flat = flat.into_iter();
    std::iter::from_fn(|| Some((flat.next()?, flat.next().unwrap_or_default()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle() -> Bundle {
        let files =
            vec![BundleFile::new("/a.js", "export default 1"), BundleFile::new("/data", vec![0, 255])];
        let pairs =
            |name: &str| vec![(name.to_owned(), "value".to_owned()), ("empty".to_owned(), String::new())];
        Bundle::new("/a.js", files, pairs("env"), r#"{"vus":1}"#, pairs("fact")).unwrap()
    }

    #[test]
    fn a_bundle_arrives_as_it_was_sent() {
        let bundle = bundle();
        let Ok(ToWorker { message: Some(FromController::Bundle(message)) }) =
            ToWorker::decode(BundleMessage::encoded(&bundle))
        else {
            panic!("not a bundle");
        };
        assert_eq!(Bundle::try_from(message), Ok(bundle));
    }

    #[test]
    fn a_damaged_bundle_is_refused() {
        let mut message = BundleMessage::from(&bundle());
        message.files[1].bytes = vec![1, 255].into();
        assert_eq!(Bundle::try_from(message), Err(BundleError::Checksum { path: "/data".into() }));
    }
}
