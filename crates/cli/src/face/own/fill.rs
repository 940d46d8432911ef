//! `throng fill`: brings a database to a size before a test.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, value_parser};
use throng_cluster::Token;
use throng_plan::duration;
use throng_stores::index::Index;
use throng_stores::plan::{Begin, Goal, Plan};
use throng_stores::size::Size;

use super::cluster;
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;
use crate::fill::remote::{self, Door};
use crate::fill::wanted::{
    self, DEFAULT_BATCH, DEFAULT_COLLECTION, DEFAULT_PARALLEL, Place, Wanted, invalid,
};
use crate::fill::{self, Hands, team};
use crate::spec::TOKEN_VARIABLE;

/// The variables that stand for flags; the first five are those of the scripts that people fill MongoDB with.
pub(super) mod variable {
    pub(in crate::face::own) const URL: &str = "CLUSTER_URL";
    pub(super) const DATABASE: &str = "DB_NAME";
    pub(super) const COLLECTION: &str = "COLLECTION_NAME";
    pub(super) const BATCH: &str = "DOCS_PER_BATCH";
    pub(super) const UNTIL: &str = "THRONG_FILL_UNTIL";
    pub(super) const PASSWORD: &str = "THRONG_FILL_PASSWORD";
}

/// The command with its flags.
pub(super) fn command() -> Command {
    Command::new("fill")
        .about("Fill a database with records for a test, up to a size")
        .override_usage("throng fill [OPTIONS] URL --until SIZE")
        .after_help(
            "The URL is one of mongodb://, mongodb+srv://, mysql://, mariadb:// or postgres://. Records are the same for \
             the same seed, template and collection, so that the same command goes on where it was interrupted, and does \
             nothing when all is there.\n\n\
             Exit codes: 0 the goal is met, 104 something in the command or the template is wrong, 105 stopped by a \
             signal, 111 the database refused (password, rights, a record), 112 it cannot be reached or has no room.\n\n\
             Examples:\n  \
             # 64 MB of people into the collection documents.\n  \
             throng fill mongodb://127.0.0.1:27017/sample --until 64MB\n\n  \
             # A table of one's own shape, with an index.\n  \
             throng fill mysql://root@db/shop --table orders --template orders.json --documents 100000 \
             --indexes email:unique",
        )
        .arg(
            Arg::new("url")
                .value_name("URL")
                .help(format!("the database, with its name as path [env: {}]", variable::URL)),
        )
        .arg(
            Arg::new("until")
                .long("until")
                .value_name("size")
                .help(format!(
                    "until the records have so many bytes together, such as 64MB or 2GiB [env: {}]",
                    variable::UNTIL
                ))
                .value_parser(value_parser!(Size)),
        )
        .arg(
            Arg::new("documents")
                .long("documents")
                .visible_alias("rows")
                .value_name("number")
                .help("until there are so many records")
                .value_parser(value_parser!(u64)),
        )
        .arg(
            Arg::new("for")
                .long("for")
                .value_name("time")
                .help("for so long, such as 90s or 10m")
                .value_parser(|text: &str| duration::parse(text).map_err(|error| error.to_string())),
        )
        .group(ArgGroup::new("goal").args(["until", "documents", "for"]))
        .arg(Arg::new("database").long("database").value_name("name").help(format!(
            "the database [default: the path of the URL] [env: {}]",
            variable::DATABASE
        )))
        .arg(
            Arg::new("collection").long("collection").visible_alias("table").value_name("name").help(format!(
                "the collection or table; made if it is not there [default: {DEFAULT_COLLECTION}] [env: {}]",
                variable::COLLECTION
            )),
        )
        .arg(
            cluster::file_arg("template", "what the records look like, as JSON [default: people, half a kilobyte each]"),
        )
        .arg(
            Arg::new("key")
                .long("key")
                .value_name("column")
                .help("the column that tells rows apart; it needs a unique index")
                .default_value("id"),
        )
        .arg(
            Arg::new("indexes")
                .long("indexes")
                .value_name("fields")
                .help("indexes to make when all records are there: email:unique,city+-age")
                .action(ArgAction::Append)
                .allow_hyphen_values(true)
                .value_parser(|text: &str| Index::parse_list(text).map_err(|error| error.to_string())),
        )
        .arg(
            Arg::new("batch")
                .long("batch")
                .value_name("records")
                .help(format!("records to send at once [default: {DEFAULT_BATCH}] [env: {}]", variable::BATCH))
                .value_parser(value_parser!(usize)),
        )
        .arg(
            Arg::new("parallel")
                .long("parallel")
                .value_name("batches")
                .help("batches under way at once (in each worker), each on a connection of its own")
                .default_value(DEFAULT_PARALLEL.to_string())
                .value_parser(value_parser!(usize)),
        )
        .arg(
            Arg::new("workers")
                .long("workers")
                .value_name("number")
                .help("make and send the records with so many processes; they are the same records")
                .value_parser(value_parser!(u32).range(1..=i64::from(team::MOST))),
        )
        .arg(
            Arg::new("bind")
                .long("bind")
                .value_name("address:port")
                .help("let workers of other machines join here, which run the same command with --controller instead")
                .value_parser(value_parser!(SocketAddr)),
        )
        .arg(
            Arg::new("controller")
                .long("controller")
                .value_name("host:port")
                .help("work for the fill that listens there: template, URL and so on have to be the same")
                .conflicts_with_all(["bind", "workers", "dry-run"]),
        )
        .arg(cluster::file_arg(
            "token-file",
            "read the join token of --bind and --controller from this file [env: THRONG_TOKEN holds the token itself]",
        ))
        .arg(cluster::time_arg(
            "join-timeout",
            "5m",
            "try so long to reach --controller; with --bind, wait so long while there is no worker",
        ))
        .arg(
            Arg::new("seed")
                .long("seed")
                .value_name("number")
                .help("other records for every number")
                .default_value("1")
                .value_parser(value_parser!(u64)),
        )
        .arg(
            Arg::new("drop")
                .long("drop")
                .help("drop the collection or table first, with everything in it")
                .action(ArgAction::SetTrue),
        )
        .arg(
            Arg::new("dry-run")
                .long("dry-run")
                .help("show some records and how many it would take, without a connection")
                .action(ArgAction::SetTrue),
        )
        .arg(cluster::time_arg("retry-for", "1m", "try so long to reach a server that is away"))
        .arg(cluster::file_arg(
            "password-file",
            "read the password from this file instead of the URL [env: THRONG_FILL_PASSWORD holds the password itself]",
        ))
}

/// Runs it.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let plan = plan(invocation, matches)?;
    if matches.get_flag("dry-run") {
        fill::rehearse(&invocation.terminal, &plan);
        return Ok(Exit::Success);
    }
    if invocation.values.environment().contains_key(team::VARIABLE) {
        return team::work(&plan);
    }
    if let Some(address) = matches.get_one::<String>("controller") {
        let patience = cluster::time(matches, "join-timeout");
        return remote::work(&plan, address, &token(invocation, matches)?, patience, &invocation.log);
    }
    let door = match matches.get_one::<SocketAddr>("bind") {
        Some(address) => Some(Door {
            address: *address,
            token: token(invocation, matches)?,
            gather: cluster::time(matches, "join-timeout"),
        }),
        None => None,
    };
    let hands = Hands { workers: matches.get_one("workers").copied().unwrap_or_default(), door };
    let quiet = invocation.values.switch("quiet")? == Some(true);
    fill::run(plan, hands, &invocation.terminal, &invocation.log, quiet)
}

/// What a fill and its workers on other machines know.
fn token(invocation: &Invocation, matches: &ArgMatches) -> Result<Token, Failure> {
    let text = match matches.get_one::<PathBuf>("token-file") {
        Some(path) => wanted::text(path, "the join token")?,
        None => invocation.values.environment().get(TOKEN_VARIABLE).cloned().ok_or_else(|| {
            let message = format!(
                "a join token is needed, the same for all who take part: set {TOKEN_VARIABLE} or give --token-file"
            );
            Failure::new(Exit::Usage, message)
        })?,
    };
    Token::new(&text).map_err(|error| invalid(error.to_string()))
}

fn plan(invocation: &Invocation, matches: &ArgMatches) -> Result<Plan, Failure> {
    // An empty variable counts as not set.
    let environment = |name: &str| {
        invocation.values.environment().get(name).map(String::as_str).filter(|value| !value.is_empty())
    };
    let text = |flag: &str, variable: &str| {
        matches.get_one::<String>(flag).map(String::as_str).or_else(|| environment(variable))
    };
    let url = text("url", variable::URL)
        .ok_or_else(|| invalid(format!("a database is needed: throng fill URL, or {}", variable::URL)))?;
    let password = match matches.get_one::<PathBuf>("password-file") {
        Some(path) => Some(wanted::password(path)?),
        None => environment(variable::PASSWORD).map(str::to_owned),
    };
    let database = text("database", variable::DATABASE);
    let collection = text("collection", variable::COLLECTION);
    let batch = match matches.get_one::<usize>("batch") {
        Some(batch) => *batch,
        None => match environment(variable::BATCH) {
            Some(text) => text
                .parse()
                .map_err(|_| invalid(format!("{} must be a number, not '{text}'", variable::BATCH)))?,
            None => DEFAULT_BATCH,
        },
    };
    let wanted = Wanted {
        place: Place::new(url, password.as_deref(), database, collection)?,
        goal: goal(matches, environment(variable::UNTIL))?,
        template: matches.get_one("template").cloned(),
        key: matches.get_one("key").cloned().unwrap_or_default(),
        indexes: matches.get_many::<Vec<Index>>("indexes").into_iter().flatten().flatten().cloned().collect(),
        batch,
        parallel: matches.get_one("parallel").copied().unwrap_or(DEFAULT_PARALLEL),
        seed: matches.get_one("seed").copied().unwrap_or(1),
        begin: if matches.get_flag("drop") { Begin::Drop } else { Begin::Resume },
        patience: cluster::time(matches, "retry-for"),
    };
    wanted.plan()
}

fn goal(matches: &ArgMatches, until: Option<&str>) -> Result<Goal, Failure> {
    if let Some(size) = matches.get_one::<Size>("until") {
        return Ok(Goal::Bytes(*size));
    }
    if let Some(records) = matches.get_one::<u64>("documents") {
        return Ok(Goal::Records(*records));
    }
    if let Some(time) = matches.get_one::<Duration>("for") {
        return Ok(Goal::Time(*time));
    }
    match until {
        Some(text) => {
            text.parse().map(Goal::Bytes).map_err(|error| invalid(format!("{}: {error}", variable::UNTIL)))
        }
        None => Err(invalid(format!(
            "how much? give one of --until SIZE, --documents NUMBER and --for TIME, or set {}",
            variable::UNTIL
        ))),
    }
}
