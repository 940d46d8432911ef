//! Who may use the page: `--web-login`, and the variables with its credentials.
//!
//! Secrets come from variables or files, never from the command line, which other users of a machine can read.

use throng_server::{Entrance, Login};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::Values;

const USER: &str = "THRONG_WEB_USER";
const PASSWORD: &str = "THRONG_WEB_PASSWORD";
const TOKEN: &str = "THRONG_WEB_TOKEN";

/// The variables that hold secrets of the page, which are no business of a script's.
pub(super) const SECRETS: [&str; 2] = [PASSWORD, TOKEN];

/// Open, or with the login that is asked for. Credentials ask for it too: whoever sets them wants nobody else in.
pub(super) fn entrance(values: &Values) -> Result<Entrance, Failure> {
    let (user, password, token) = (variable(values, USER), secret(values, PASSWORD)?, secret(values, TOKEN)?);
    let has_secret = password.is_some() || token.is_some();
    if !values.switch("web-login")?.unwrap_or(has_secret) {
        return Ok(Entrance::Open);
    }
    let invalid = |text: String| Failure::new(Exit::InvalidConfig, text);
    let person = match (user, password) {
        (Some(user), Some(password)) => Some((user.to_owned(), password)),
        (None, Some(_)) => {
            return Err(invalid(format!("{PASSWORD} needs {USER}, the name that goes with it")));
        }
        (Some(_), None) if token.is_none() => {
            return Err(invalid(format!(
                "{USER} needs {PASSWORD}, or {PASSWORD}_FILE with a file that holds it"
            )));
        }
        _ => None,
    };
    if person.is_none() && token.is_none() {
        return Err(invalid(format!(
            "--web-login needs credentials in the environment: {USER} and {PASSWORD}, or {TOKEN} (or files in \
             {PASSWORD}_FILE, {TOKEN}_FILE)"
        )));
    }
    let login =
        Login::new(person, token).map_err(|error| invalid(format!("the login of the page: {error}")))?;
    Ok(Entrance::Login(login))
}

fn variable<'a>(values: &'a Values, name: &str) -> Option<&'a str> {
    values.environment().get(name).map(String::as_str).filter(|text| !text.is_empty())
}

/// A secret from its variable, or from the file that another one names, without the line's end there.
fn secret(values: &Values, name: &str) -> Result<Option<String>, Failure> {
    let file = format!("{name}_FILE");
    match (variable(values, name), variable(values, &file)) {
        (Some(_), Some(_)) => {
            Err(Failure::new(Exit::InvalidConfig, format!("{name} and {file} say the same: set one of them")))
        }
        (Some(text), None) => Ok(Some(text.to_owned())),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::other(format!("cannot read {path}, which {file} names: {error}"))
            })?;
            Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
        }
        (None, None) => Ok(None),
    }
}
