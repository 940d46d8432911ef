//! `throng demo-api`: an application to load, for trying things out.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use throng_demo_api::{Config, Database};

use crate::exit::Exit;
use crate::failure::Failure;

/// The command with its flags.
pub(super) fn command() -> Command {
    let defaults = Config::default();
    Command::new("demo-api")
        .about("Serve a small application to try load tests on")
        .arg(
            Arg::new("listen")
                .long("listen")
                .value_name("address:port")
                .help("listen here; port 0 takes a free one and prints it")
                .default_value(defaults.listen.to_string())
                .value_parser(value_parser!(SocketAddr)),
        )
        .arg(
            Arg::new("database")
                .long("database")
                .value_name("file")
                .help("keep the rows in this SQLite file instead of in memory")
                .conflicts_with("database-url")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(
            Arg::new("database-url")
                .long("database-url")
                .value_name("url")
                .help("keep the rows in MariaDB or MySQL: mysql://user:password@host:port/database"),
        )
        .arg(
            Arg::new("pool")
                .long("pool")
                .value_name("connections")
                .help("most connections to a database server")
                .default_value(defaults.pool.to_string())
                .value_parser(value_parser!(u64).range(1..=10_000)),
        )
        .arg(
            Arg::new("seed-rows")
                .long("seed-rows")
                .value_name("rows")
                .help("rows to begin with when the database is empty")
                .default_value(defaults.seed_rows.to_string())
                .value_parser(value_parser!(u32)),
        )
}

/// Serves until a signal comes.
pub(super) fn execute(matches: &ArgMatches) -> Result<Exit, Failure> {
    let defaults = Config::default();
    let database = match (matches.get_one::<PathBuf>("database"), matches.get_one::<String>("database-url")) {
        (Some(file), _) => Database::File(file.clone()),
        (None, Some(url)) => {
            Database::from_url(url).map_err(|error| Failure::new(Exit::InvalidConfig, error.to_string()))?
        }
        (None, None) => Database::Memory,
    };
    let config = Config {
        listen: matches.get_one("listen").copied().unwrap_or(defaults.listen),
        database,
        pool: matches.get_one::<u64>("pool").map_or(defaults.pool, |&pool| pool as usize),
        seed_rows: matches.get_one("seed-rows").copied().unwrap_or(defaults.seed_rows),
    };
    throng_demo_api::run(config).map_err(|error| Failure::other(error.to_string()))?;
    Ok(Exit::Success)
}
