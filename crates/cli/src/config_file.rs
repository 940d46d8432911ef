//! The configuration file: options below the script's, and a few settings that only it, the environment
//! and flags can hold.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// What the file holds, sorted by who reads it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConfigFile {
    /// Requests for outputs, as after `-o`.
    pub out: Option<Vec<String>>,
    /// Whether to stay after the end.
    pub linger: Option<bool>,
    /// Settings of the outputs, by output.
    pub collectors: Option<Value>,
    /// Everything else: options that a script can set too.
    pub options: Map<String, Value>,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It was asked for and cannot be read.
    #[error("failed to read the configuration file '{}': {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not a JSON object.
    #[error("failed to read the configuration file '{}' as a JSON object: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// A key has a value of the wrong kind.
    #[error("failed to read the configuration file '{}': {key} cannot be {value}; expected {expected}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// The value as JSON.
        value: String,
        /// What would do.
        expected: &'static str,
    },
}

impl ConfigFile {
    /// Reads `asked`, or the default path, where it is no error if there is nothing.
    pub fn load(asked: Option<&Path>, environment: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let path = match asked {
            Some(path) => path.to_owned(),
            None => match default_path(environment).filter(|path| path.exists()) {
                Some(path) => path,
                None => return Ok(Self::default()),
            },
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&path, &text),
            Err(source) => Err(ConfigError::Read { path, source }),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let mut options: Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| ConfigError::Syntax { path: path.to_owned(), reason: error.to_string() })?;
        let bad = |key, value: &Value, expected| ConfigError::Value {
            path: path.to_owned(),
            key,
            value: value.to_string(),
            expected,
        };
        let out = match options.remove("out") {
            None | Some(Value::Null) => None,
            Some(Value::String(one)) => Some(vec![one]),
            Some(list) => Some(
                serde_json::from_value(list.clone())
                    .map_err(|_| bad("out", &list, "a list of outputs, as [\"json=out.json\"]"))?,
            ),
        };
        let mut switch = |key| match options.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(on)) => Ok(Some(on)),
            Some(other) => Err(bad(key, &other, "true or false")),
        };
        let linger = switch("linger")?;
        // Nothing is ever reported; the key is checked and has no effect.
        switch("noUsageReport")?;
        if switch("webDashboard")? == Some(true) {
            let value = Value::Bool(true);
            return Err(bad("webDashboard", &value, "false, as the web dashboard is not supported yet"));
        }
        let collectors = options.remove("collectors").filter(|collectors| !collectors.is_null());
        Ok(Self { out, linger, collectors, options })
    }
}

/// `k6/config.json` in the configuration folder of the user, where k6 looks on Linux.
fn default_path(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let set = |name| environment.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(folder.join("k6").join("config.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ConfigFile, ConfigError> {
        ConfigFile::parse(Path::new("c.json"), text)
    }

    #[test]
    fn our_keys_are_taken_out_of_the_options() {
        let file = parse(r#"{"vus":2,"out":["json=o"],"linger":true,"collectors":{"csv":{}}}"#).unwrap();
        assert_eq!(file.out, Some(vec!["json=o".to_owned()]));
        assert_eq!(file.linger, Some(true));
        assert!(file.collectors.is_some());
        assert_eq!(file.options.keys().collect::<Vec<_>>(), ["vus"]);
    }

    #[test]
    fn errors_name_the_file_and_the_key() {
        for (text, expected) in
            [("{", "c.json"), ("[]", "JSON object"), (r#"{"linger":1}"#, "linger cannot be 1; expected true")]
        {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_missing_default_file_is_no_error_but_a_missing_asked_one_is() {
        let dir = tempfile::tempdir().unwrap();
        let home = BTreeMap::from([("HOME".to_owned(), dir.path().display().to_string())]);
        assert_eq!(ConfigFile::load(None, &home).unwrap(), ConfigFile::default());
        assert!(ConfigFile::load(Some(&dir.path().join("x.json")), &home).is_err());
    }

    #[test]
    fn the_default_file_is_found() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("k6")).unwrap();
        std::fs::write(dir.path().join("k6/config.json"), r#"{"linger":true}"#).unwrap();
        let home = BTreeMap::from([("XDG_CONFIG_HOME".to_owned(), dir.path().display().to_string())]);
        assert_eq!(ConfigFile::load(None, &home).unwrap().linger, Some(true));
    }
}
