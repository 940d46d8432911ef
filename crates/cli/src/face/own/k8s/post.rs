//! `throng k8s post`: what the pods of a run start with. Not for people.

use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use throng_kube::post::{self, FilesFrom, Install, Orders};
use throng_kube::runtime;

use super::{exit_as, failure};
use crate::container;
use crate::exit::Exit;
use crate::face::{Invocation, python};
use crate::failure::Failure;
use crate::logging::Logger;
use crate::spec::TOKEN_VARIABLE;

/// The command with its flags.
pub(super) fn command() -> Command {
    let text = |name: &'static str| Arg::new(name).long(name);
    let path = |name: &'static str| Arg::new(name).long(name).value_parser(value_parser!(PathBuf));
    Command::new("post")
        .about("What the pods of a run start with")
        .hide(true)
        .arg(path("work").required(true))
        .arg(path("files").conflicts_with_all(["upload", "files-from"]))
        .arg(text("upload").action(ArgAction::SetTrue).conflicts_with("files-from"))
        .arg(text("files-from"))
        .arg(text("folder"))
        .arg(text("requirements"))
        .arg(text("hold").default_value("0").value_parser(value_parser!(u64)))
        .arg(text("listen").default_value("0.0.0.0").value_parser(value_parser!(IpAddr)))
        .arg(text("release").value_parser(|text: &str| {
            text.split_once('/')
                .map(|(namespace, name)| (namespace.to_owned(), name.to_owned()))
                .ok_or_else(|| "use NAMESPACE/NAME".to_owned())
        }))
        .arg(text("worker").action(ArgAction::SetTrue))
        .arg(Arg::new("command").num_args(1..).last(true).required(true).allow_hyphen_values(true))
}

/// What makes the packages of a locustfile ready; other tests need none.
fn install(requirements: Option<String>, command: &[String], log: Logger) -> Install {
    let mut words = command.iter().skip(1);
    let locustfile = match words.next().map(String::as_str) {
        Some("locust") => words.skip_while(|word| *word != "-f").nth(1).cloned(),
        Some("run") => words.next().filter(|file| super::super::is_python(file.as_ref())).cloned(),
        _ => None,
    };
    Box::new(move |folder| {
        let Some(locustfile) = locustfile else { return Ok(Vec::new()) };
        let file = requirements.map(|file| folder.join(file));
        let place = folder.join(locustfile);
        let beside = place.parent().unwrap_or(folder);
        let installed = container::packages(file.as_deref(), beside, python::interpreter_of_process, &log);
        let variable = installed.map_err(|failure| failure.message)?;
        Ok(variable.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    })
}

/// Runs it.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let given = |name: &str| matches.get_one::<String>(name).cloned();
    let files = match (matches.get_one::<PathBuf>("files"), given("files-from"), matches.get_flag("upload")) {
        (Some(folder), ..) => FilesFrom::Folder(folder.clone()),
        (None, Some(address), _) => FilesFrom::Controller(address),
        (None, None, true) => FilesFrom::Upload,
        (None, None, false) => FilesFrom::Nowhere,
    };
    let token = invocation.values.environment().get(TOKEN_VARIABLE).cloned().unwrap_or_default();
    if token.is_empty() {
        return Err(Failure::new(Exit::Usage, format!("{TOKEN_VARIABLE} is not set")));
    }
    let orders = Orders {
        work: matches.get_one("work").cloned().unwrap_or_default(),
        files,
        folder: given("folder").unwrap_or_default(),
        command: matches.get_many::<String>("command").into_iter().flatten().cloned().collect(),
        hold: Duration::from_secs(matches.get_one("hold").copied().unwrap_or(0)),
        release: matches.get_one("release").cloned(),
        token,
        listen: matches.get_one("listen").copied().unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
    };
    let install = install(given("requirements"), &orders.command, invocation.log.clone());
    if !matches.get_flag("worker") {
        let say = |text: String| invocation.log.info(&text);
        return runtime::block_on(post::lead(orders, install, say)).map(exit_as).map_err(failure);
    }
    let (folder, variables) = runtime::block_on(post::join(&orders, install)).map_err(failure)?;
    let mut command = post::become_test(&orders, &folder, variables).map_err(failure)?;
    // The signals of the pod are the test's from here on.
    let error = command.exec();
    Err(Failure::other(format!("cannot start {}: {error}", orders.command.join(" "))))
}
