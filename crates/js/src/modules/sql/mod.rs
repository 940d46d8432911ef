//! `k6/x/sql`: SQL databases, with the interface of the extension of that name. Its drivers are modules of their own
//! (`k6/x/sql/driver/…`), each of which exports the symbol that names it.
//!
//! A statement suspends the virtual user as a request does. Nothing is measured but the iteration, as there.

mod values;

use std::cell::Cell;
use std::time::Duration;

use throng_plan::duration;
use throng_quickjs::{Atom, Call, Class, Ctx, JsResult, Thrown, Value};

use crate::databases::{self, Executed, Pending, Rows, Sql, Statement};
use crate::host::host;

/// What the import path of a driver begins with.
pub(super) const DRIVER: &str = "k6/x/sql/driver/";

/// The drivers that are there.
const DRIVERS: [&str; 3] = ["mysql", "postgres", "sqlite3"];

/// Methods of the extension's first versions, whose databases were Go's own.
const REFUSED: [&str; 8] = [
    "begin",
    "conn",
    "ping",
    "prepare",
    "queryRow",
    "setConnMaxLifetime",
    "setMaxIdleConns",
    "setMaxOpenConns",
];

pub(super) fn exports(ctx: Ctx) -> JsResult {
    let exports = ctx.object();
    exports.export("open", 2, open)?;
    // The older form of `database.query()`.
    exports.export("query", 2, |call| {
        let database = call.arg(0);
        query(call, database.expect::<Database>()?, 1, None)
    })?;
    Ok(exports)
}

/// The module of the driver `name`: its default export is a symbol that says so. `None` when there is no such driver.
pub(super) fn driver(ctx: Ctx, name: &str) -> Option<JsResult> {
    let known = DRIVERS.iter().find(|driver| **driver == name)?;
    let make = || {
        let exports = ctx.object();
        let symbol = ctx.globals().get("Symbol")?.call(&ctx.undefined(), &[&ctx.string(known)])?;
        exports.define("default", &symbol)?;
        Ok(exports)
    };
    Some(make())
}

/// The name that a driver's symbol, the exports of its module, or a text stands for.
fn driver_name(driver: &Value) -> JsResult<String> {
    if driver.is_string() {
        return driver.to_text();
    }
    let symbol =
        if driver.is_object() && driver.has("default") { driver.get("default")? } else { driver.clone() };
    if symbol.is_symbol() || symbol.is_object() {
        let description = symbol.get("description")?;
        if description.is_string() {
            return description.to_text();
        }
    }
    Err(Thrown::type_error(format!(
        "sql.open() needs a driver first: the default export of {DRIVER}{}",
        DRIVERS.join(&format!(", {DRIVER}"))
    )))
}

/// `open(driver, source)`
fn open(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let driver = driver_name(&call.arg(0))?;
    if !DRIVERS.contains(&driver.as_str()) {
        return Err(Thrown::error(format!(
            "sql.open(): the driver {driver:?} is not supported yet; there are {}",
            DRIVERS.join(", ")
        )));
    }
    let source = call.arg(1);
    if !source.is_string() {
        return Err(Thrown::type_error(
            "sql.open() needs the name of the data source as its second argument",
        ));
    }
    if call.len() > 2 && !call.arg(2).is_nullish() {
        return Err(Thrown::error("sql.open(): a third argument (options) is not supported yet"));
    }
    let source = source.to_text()?;
    let opened = databases::provided()
        .and_then(|databases| databases.sql(&driver, &source, &host(&ctx).thread.log))
        .map_err(failed)?;
    ctx.instance(Database { opened, closed: Cell::new(false) })
}

fn failed(refused: databases::Refused) -> Thrown {
    Thrown::error(refused.0)
}

/// A database as a script holds it.
struct Database {
    opened: Box<dyn Sql>,
    closed: Cell<bool>,
}

impl Class for Database {
    const NAME: &'static str = "Database";

    fn prototype(proto: &Value) -> JsResult<()> {
        proto.method("exec", 1, |call| exec(call, call.this().expect::<Self>()?, 0, None))?;
        proto.method("query", 1, |call| query(call, call.this().expect::<Self>()?, 0, None))?;
        proto.method("execWithTimeout", 2, |call| {
            exec(call, call.this().expect::<Self>()?, 1, Some(timeout(call)?))
        })?;
        proto.method("queryWithTimeout", 2, |call| {
            query(call, call.this().expect::<Self>()?, 1, Some(timeout(call)?))
        })?;
        proto.method("close", 0, |call| {
            let this = call.this();
            let database = this.expect::<Self>()?;
            if !database.closed.replace(true) {
                database.opened.close();
            }
            Ok(call.ctx().undefined())
        })?;
        let ctx = proto.ctx();
        for name in REFUSED {
            let refuse = ctx.closure(0, &[&ctx.string(name)], |call| {
                let name = call.captured(0).to_text()?;
                Err(Thrown::error(format!("a database's {name}() is not supported yet")))
            });
            proto.define_hidden(name, &refuse)?;
        }
        Ok(())
    }
}

/// The first argument as a time that a statement may take: `"5s"`.
fn timeout(call: &Call<'_>) -> JsResult<Duration> {
    let given = call.arg(0);
    let text = given.to_text()?;
    let parsed = if given.is_string() { duration::parse(&text).ok() } else { None };
    let usable = parsed.filter(|limit| !limit.is_zero());
    usable.ok_or_else(|| Thrown::type_error(format!("{text:?} is no timeout; \"5s\" or \"250ms\" would be")))
}

/// The statement that begins at argument `first`.
fn statement(call: &Call<'_>, database: &Database, first: usize) -> JsResult<Statement> {
    if database.closed.get() {
        return Err(Thrown::error("this database is closed"));
    }
    let text = call.arg(first);
    if !text.is_string() {
        return Err(Thrown::type_error("a statement of SQL must be a string"));
    }
    let values = (first + 1..call.len())
        .map(|index| values::of_script(&call.arg(index), index - first))
        .collect::<JsResult<_>>()?;
    Ok(Statement { text: text.to_text()?, values })
}

/// Waits for an operation, for so long.
fn wait<T>(ctx: Ctx, operation: Pending<T>, limit: Option<Duration>) -> JsResult<T> {
    let host = host(&ctx);
    let Some(limit) = limit else { return host.wait(operation)?.map_err(failed) };
    let timer = host.thread.reactor.timer();
    timer.set(std::time::Instant::now() + limit);
    match host.wait(timer.limit(operation))? {
        Ok(result) => result.map_err(failed),
        Err(_) => Err(Thrown::error(format!("the statement was cut off: it took longer than {limit:?}"))),
    }
}

fn exec(call: &Call<'_>, database: &Database, first: usize, limit: Option<Duration>) -> JsResult {
    let statement = statement(call, database, first)?;
    let executed = wait(call.ctx(), database.opened.exec(statement), limit)?;
    call.ctx().instance(Done(executed))
}

fn query(call: &Call<'_>, database: &Database, first: usize, limit: Option<Duration>) -> JsResult {
    let ctx = call.ctx();
    let statement = statement(call, database, first)?;
    let Rows { columns, rows } = wait(ctx, database.opened.query(statement), limit)?;
    let names: Vec<Atom> = columns.iter().map(|name| ctx.atom(name)).collect();
    let array = ctx.array([]);
    for (index, values) in rows.into_iter().enumerate() {
        let row = ctx.object();
        for (name, value) in names.iter().zip(values) {
            row.define_atom(name, values::to_script(ctx, value)?)?;
        }
        array.set_index(index as u32, row)?;
    }
    Ok(array)
}

/// What a statement did, as a script sees it.
struct Done(Executed);

impl Class for Done {
    const NAME: &'static str = "Result";

    fn prototype(proto: &Value) -> JsResult<()> {
        proto.method("rowsAffected", 0, |call| {
            Ok(call.ctx().number(call.this().expect::<Self>()?.0.rows as f64))
        })?;
        proto.method("lastInsertId", 0, |call| {
            let id = call.this().expect::<Self>()?.0.last_id;
            let id = id.ok_or_else(|| {
                Thrown::error(
                    "this database does not tell the last id: add RETURNING to the statement and use query()",
                )
            })?;
            Ok(call.ctx().int(id))
        })
    }
}
