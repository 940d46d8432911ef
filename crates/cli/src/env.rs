//! `__ENV`: what a script sees of the environment.
//!
//! The process environment comes first where it is included, then the `-e NAME=value` pairs over it. `-e`
//! never sets an option of the run: that is what `K6_*` variables of the process are for.

use std::collections::BTreeMap;

/// A name that cannot be one of `__ENV`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("invalid environment variable name '{name}' in -e; use letters, digits and _, and no digit first")]
pub struct EnvError {
    name: String,
}

/// Builds `__ENV` from `-e` pairs over the variables of the process; pass none to leave those out.
///
/// A pair without `=` sets the empty string: it does not copy the variable of the process, as one could
/// expect from `docker run -e` (observed on k6 1.1).
pub fn script_environment(
    pairs: &[String],
    process: impl IntoIterator<Item = (String, String)>,
) -> Result<BTreeMap<String, String>, EnvError> {
    let mut env: BTreeMap<String, String> = process.into_iter().collect();
    for pair in pairs {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !is_name(name) {
            return Err(EnvError { name: name.to_owned() });
        }
        env.insert(name.to_owned(), value.to_owned());
    }
    Ok(env)
}

/// The variables of the process that are text; others cannot be seen by a script.
pub fn process_environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(pairs: &[&str], process: &[(&str, &str)]) -> Result<BTreeMap<String, String>, EnvError> {
        let pairs: Vec<String> = pairs.iter().map(|&pair| pair.to_owned()).collect();
        script_environment(&pairs, process.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())))
    }

    #[test]
    fn pairs_lie_over_the_process_environment_and_the_last_wins() {
        let env = built(&["HOME=zz", "A=b=c", "A=1,B=2"], &[("HOME", "/root"), ("TERM", "xterm")]).unwrap();
        assert_eq!(env["HOME"], "zz");
        assert_eq!(env["A"], "1,B=2");
        assert_eq!(env["TERM"], "xterm");
    }

    #[test]
    fn a_bare_name_is_the_empty_string() {
        assert_eq!(built(&["HOME"], &[("HOME", "/root")]).unwrap()["HOME"], "");
    }

    #[test]
    fn names_are_checked() {
        for pair in ["=x", "A-B=x", "A.b", "1A=b", ""] {
            assert!(built(&[pair], &[]).is_err(), "{pair}");
        }
    }
}
