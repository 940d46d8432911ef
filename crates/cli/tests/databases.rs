//! Databases in k6 scripts, against real servers: values, two hundred virtual users at once, and what goes wrong.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

#[path = "../../demo-api/tests/support/mariadb.rs"]
#[allow(dead_code, reason = "shared with the tests of the demo API")]
mod mariadb;
#[path = "fill/mongodb.rs"]
#[allow(dead_code, reason = "shared with the tests of throng fill")]
mod mongodb;
#[path = "fill/postgres.rs"]
#[allow(dead_code, reason = "shared with the tests of throng fill")]
mod postgres;
#[path = "watch/redis.rs"]
#[allow(dead_code, reason = "shared with the tests of watching")]
mod redis;
mod support;

use std::time::{Duration, Instant};

use mariadb::MariaDb;
use mongodb::MongoDb;
use postgres::Postgres;
use redis::Redis;
use support::{Done, K6};

/// What every script here begins with.
const HEAD: &str = "
import sql from 'k6/x/sql';
import exec from 'k6/execution';
import { check } from 'k6';
const db = sql.open(driver, __ENV.SOURCE);
function same(got, wanted) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`got ${a}, not ${b}`);
}
";

/// Runs a script by the driver.
fn run(driver: &str, source: &str, script: &str, args: &[&str]) -> Done {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.js");
    let import = format!("import driver from 'k6/x/sql/driver/{driver}';");
    std::fs::write(&path, format!("{import}{HEAD}{script}")).unwrap();
    let source = format!("SOURCE={source}");
    let args =
        [&["run", "--quiet", "--address", "", "-e", &source], args, &[path.to_str().unwrap()]].concat();
    let done = K6.run(&args);
    assert!(
        !done.stdout.contains("secret") && !done.stderr.contains("secret"),
        "{}{}",
        done.stdout,
        done.stderr
    );
    done
}

/// The server as Go's driver for MySQL has it.
fn of_mariadb(server: &MariaDb) -> String {
    let url = server.url();
    let (_, address) = url.rsplit_once('@').unwrap();
    let (address, database) = address.split_once('/').unwrap();
    format!("demo:secret@tcp({address})/{database}")
}

/// Two hundred virtual users write and read, each what it wrote itself.
const CROWD: &str = "
export const options = { vus: 200, iterations: 1000, thresholds: { checks: ['rate==1'] } };
export function setup() { db.exec('CREATE TABLE crowd (id INTEGER PRIMARY KEY, vu INTEGER)'); }
export default function () {
  const id = exec.scenario.iterationInTest;
  const done = db.exec(`INSERT INTO crowd VALUES (${A}, ${B})`, id, __VU);
  const rows = db.query(`SELECT vu FROM crowd WHERE id = ${A}`, id);
  check(null, {
    written: () => done.rowsAffected() === 1,
    read: () => rows.length === 1 && rows[0].vu === __VU,
  });
}
export function teardown() {
  const [{ n }] = sql.query(db, 'SELECT COUNT(*) AS n FROM crowd');
  db.close();
  if (n !== 1000) throw new Error(`there are ${n}`);
  try { db.exec('SELECT 1'); } catch (error) { console.log(`afterwards: ${error.message}`); }
}
";

#[track_caller]
fn crowd(driver: &str, source: &str, placeholders: (&str, &str)) -> Done {
    let script = CROWD.replace("${A}", placeholders.0).replace("${B}", placeholders.1);
    let done = run(driver, source, &script, &[]).expect_code(0);
    done.expect_error("afterwards: this database is closed");
    assert!(!done.stderr.contains("level=error") && !done.stderr.contains("ERRO"), "{}", done.stderr);
    done
}

/// That as many statements as there are virtual users wait at the same time: one after the other, or one a thread, they
/// would take minutes.
#[track_caller]
fn all_at_once(driver: &str, source: &str, sleep: &str) {
    let script = format!(
        "export const options = {{ vus: 200, iterations: 200 }}; export default () => {{ db.query('{sleep}'); }}"
    );
    let begun = Instant::now();
    let done = run(driver, source, &script, &[]).expect_code(0);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert!(done.stdout.contains("iterations...........: 200"), "{}", done.stdout);
    assert!(!done.stderr.contains("ERRO"), "{}", done.stderr);
}

/// That an iteration that waits for the database is cut off at the end of the test.
#[track_caller]
fn is_cut_off(driver: &str, source: &str, endless: &str) {
    let script = format!(
        "export const options = {{ scenarios: {{ s: {{ executor: 'constant-vus', vus: 2, duration: '1s', gracefulStop: '0s' }} }} }};
         export default () => {{ try {{ db.query(`{endless}`); }} finally {{ console.log('went on'); }} }}"
    );
    let begun = Instant::now();
    let done = run(driver, source, &script, &[]).expect_code(0);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(!done.stderr.contains("went on"), "{}", done.stderr);
    let script = format!("export default () => {{ db.queryWithTimeout('200ms', `{endless}`); }}");
    run(driver, source, &script, &[]).expect_error("the statement was cut off: it took longer than 200ms");
}

#[test]
fn mariadb_values_crowds_and_failures() {
    let Some(server) = MariaDb::start_with("databases-mariadb", &["--max-connections=300"]) else { return };
    let source = of_mariadb(&server);
    let script = r"
export function setup() {
  db.exec(`CREATE TABLE v (i INT AUTO_INCREMENT PRIMARY KEY, u BIGINT UNSIGNED, f FLOAT, d DOUBLE, n DECIMAL(5,2),
           s VARCHAR(9), b BLOB, j JSON, t DATETIME(3), e DATE, z INT)`);
  const done = db.exec('INSERT INTO v (u, f, d, n, s, b, j, t, e, z) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    7, 1.5, 2.25, '1.10', 'häß', new Uint8Array([0, 255]), '{}', new Date('2024-01-02T03:04:05.678Z'), '2024-01-02', null);
  same([done.rowsAffected(), done.lastInsertId()], [1, 1]);
  const text = (value) => [...value].map((byte) => String.fromCharCode(byte)).join('');
  for (const rows of [db.query('SELECT * FROM v'), db.query('SELECT * FROM v WHERE i = ?', 1)]) {
    const row = rows[0];
    same([rows.length, Object.keys(row).join('')], [1, 'iufdnsbjtez']);
    same([row.i, row.u, row.f, row.d, text(row.n), row.b, row.z], [1, 7, 1.5, 2.25, '1.10', [0, 255], null]);
    same(decodeURIComponent(escape(String.fromCharCode(...row.s))), 'häß');
    same([text(row.t), text(row.e)], ['2024-01-02 03:04:05.678', '2024-01-02']);
  }
  const parsed = sql.open('mysql', __ENV.SOURCE + '?parseTime=true');
  const { t } = parsed.query('SELECT t FROM v WHERE i = ?', 1)[0];
  same([t.getTime(), t.unix(), t], [1704164645678, 1704164645, '2024-01-02T03:04:05.678Z']);
  same(`${t}`, '2024-01-02 03:04:05.678 +0000 UTC');
  same(parsed.query('SELECT t FROM v')[0].t.unixMilli(), 1704164645678);
}
export default () => {}";
    run("mysql", &source, script, &[]).expect_code(0);
    crowd("mysql", &source, ("?", "?"));
    all_at_once("mysql", &source, "SELECT SLEEP(1)");
    is_cut_off("mysql", &source, "SELECT SLEEP(600)");
    let script = r"
const caught = (what, work) => { try { work(); console.log(`${what}: no error`); } catch (e) { console.log(`${what}: ${e.message}`); } };
export default () => {
  caught('syntax', () => db.query('SELEC 1'));
  caught('duplicate', () => db.exec('INSERT INTO v (i) VALUES (?)', 1));
  caught('count', () => db.exec('SELECT ?, ?', 1));
  caught('value', () => db.exec('SELECT ?, ?', 1, {}));
  caught('password', () => sql.open(driver, __ENV.SOURCE.replace('secret', 'Secret')).query('SELECT 1'));
  caught('nobody', () => sql.open(driver, 'demo:secret@tcp(127.0.0.1:1)/demo').query('SELECT 1'));
  caught('source', () => sql.open(driver, 'demo:secret@tcp(127.0.0.1:1)'));
  caught('driver', () => sql.open('sqlserver', 'x'));
  caught('begin', () => db.begin());
  caught('killed', () => db.exec('KILL CONNECTION_ID()'));
  caught('again', () => db.exec('SELECT 1'));
  db.exec('SELECT nothing');
};";
    let done = run("mysql", &source, script, &[]);
    for expected in [
        "syntax: Error 1064 (42000): You have an error in your SQL syntax",
        "duplicate: Error 1062 (23000): Duplicate entry '1' for key 'PRIMARY'",
        "count: the statement has 2 placeholders and 1 values were given",
        "value: value 2 of the statement is an object",
        "password: Error 1045 (28000): Access denied for user 'demo'",
        "nobody: cannot connect to 127.0.0.1:1: Connection refused",
        "source: the data source for mysql cannot be used: it has no slash",
        "driver: sql.open(): the driver \\\"sqlserver\\\" is not supported yet; there are mysql, postgres, sqlite3",
        "begin: a database's begin() is not supported yet",
        "again: no error",
        "Error 1054 (42S22): Unknown column 'nothing'",
        "test.js:24:6",
    ] {
        done.expect_error(expected);
    }
    assert!(!done.stderr.contains("killed: no error"), "{}", done.stderr);
}

#[test]
fn mariadb_that_takes_few_connections_has_operations_wait_for_one() {
    let Some(server) = MariaDb::start_with("databases-few", &["--max-connections=20"]) else { return };
    let done = crowd("mysql", &of_mariadb(&server), ("?", "?"));
    done.expect_error(
        "takes no more connections: operations of all virtual users wait for those that there are",
    );
}

#[test]
fn postgres_values_crowds_and_failures() {
    let options = "-c max_connections=230 -c fsync=off";
    let Some(server) = Postgres::start_with("databases-postgres", options) else { return };
    let source = format!("{}?sslmode=disable", server.url());
    let script = r"
export function setup() {
  db.exec(`CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE v (i SERIAL PRIMARY KEY, l BIGINT, f REAL, d FLOAT8,
    n NUMERIC(6,2), o BOOLEAN, s VARCHAR(9), c CHAR(3), b BYTEA, j JSONB, u UUID, m mood, a INT[], t TIMESTAMPTZ, e DATE, z INT)`);
  const done = db.exec(`INSERT INTO v (l, f, d, n, o, s, c, b, j, u, m, a, t, e, z)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
    7, 1.5, 2.25, '-1234.50', true, 'häß', 'ab', new Uint8Array([0, 255]), '{\u0022a\u0022: 1}',
    '0a0b0c0d-0102-0304-0506-070809101112', 'ok', '{1,2}', new Date('2024-01-02T03:04:05.678Z'), '2024-01-02', null);
  same(done.rowsAffected(), 1);
  const text = (value) => String.fromCharCode(...value);
  for (const rows of [db.query('SELECT * FROM v'), db.query('SELECT * FROM v WHERE s = $1', 'häß')]) {
    const row = rows[0];
    same([rows.length, Object.keys(row).join('')], [1, 'ilfdnoscbjumatez']);
    same([row.i, row.l, row.f, row.d, row.o, row.s, row.c, row.b, row.z], [1, 7, 1.5, 2.25, true, 'häß', 'ab ', [0, 255], null]);
    same([text(row.n), text(row.j), text(row.u), text(row.m), text(row.a)],
      ['-1234.50', '{\u0022a\u0022: 1}', '0a0b0c0d-0102-0304-0506-070809101112', 'ok', '{1,2}']);
    same([row.t, row.e, row.t.unix()], ['2024-01-02T03:04:05.678Z', '2024-01-02T00:00:00Z', 1704164645]);
  }
  same(db.query('SELECT i FROM v WHERE i = $1 AND s <> $2', '1', 'x').length, 1);
  const pairs = __ENV.SOURCE.replace(/postgres:..(.*):(.*)@(.*):(.*)\/(.*)\?.*/, 'user=$1 password=$2 host=$3 port=$4 dbname=$5 search_path=other');
  same(sql.open('postgres', pairs).query('SHOW search_path'), [{ search_path: 'other' }]);
}
export default () => {}";
    run("postgres", &source, script, &[]).expect_code(0);
    crowd("postgres", &source, ("$1", "$2"));
    all_at_once("postgres", &source, "SELECT pg_sleep(1)");
    is_cut_off("postgres", &source, "SELECT pg_sleep(600)");
    let script = r"
const caught = (what, work) => { try { work(); console.log(`${what}: no error`); } catch (e) { console.log(`${what}: ${e.message}`); } };
export default () => {
  caught('syntax', () => db.query('SELEC 1'));
  caught('duplicate', () => db.exec('INSERT INTO v (i) VALUES ($1)', 1));
  caught('number', () => db.exec('INSERT INTO v (l) VALUES ($1)', 'x'));
  caught('count', () => db.exec('SELECT $1::int, $2::int', 1));
  caught('type', () => db.query('SELECT inet \'1.2.3.4\' AS a'));
  caught('id', () => db.exec('SELECT 1').lastInsertId());
  caught('password', () => sql.open(driver, __ENV.SOURCE.replace('secret', 'Secret')).query('SELECT 1'));
  caught('database', () => sql.open(driver, __ENV.SOURCE.replace('/demo?', '/nowhere?')).query('SELECT 1'));
  caught('nobody', () => sql.open(driver, 'postgres://demo:secret@127.0.0.1:1/demo').query('SELECT 1'));
  caught('killed', () => db.exec('SELECT pg_terminate_backend(pg_backend_pid())'));
  caught('again', () => db.exec('SELECT 1'));
  db.exec('SELECT nothing');
};";
    let done = run("postgres", &source, script, &[]);
    for expected in [
        "syntax: pq: syntax error at or near \\\"SELEC\\\"",
        "duplicate: pq: duplicate key value violates unique constraint \\\"v_pkey\\\" (Key (i)=(1) already exists.)",
        "number: pq: invalid input syntax for type bigint: \\\"x\\\"",
        "count: ",
        "columns of the type inet are not supported yet: select them as text (::text)",
        "id: this database does not tell the last id",
        "password: pq: password authentication failed for user \\\"demo\\\"",
        "database: pq: database \\\"nowhere\\\" does not exist",
        "nobody: cannot connect to 127.0.0.1:1: ",
        "killed: pq: terminating connection due to administrator command",
        "again: no error",
        "pq: column \\\"nothing\\\" does not exist",
        "test.js:24:6",
    ] {
        done.expect_error(expected);
    }
    assert!(!done.stderr.contains("count: no error"), "{}", done.stderr);
}

#[test]
fn sqlite_values_crowds_and_failures() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("test.db").display().to_string();
    let script = r"
export function setup() {
  db.exec('CREATE TABLE v (i INTEGER PRIMARY KEY AUTOINCREMENT, r REAL, s VARCHAR, b BLOB, o BOOLEAN, t DATETIME); CREATE TABLE w (x)');
  const done = db.exec('INSERT INTO v (r, s, b, o, t) VALUES (?, ?, ?, ?, ?)',
    1.5, 'häß', new Uint8Array([0, 255]), true, new Date('2024-01-02T03:04:05.678Z'));
  same([done.rowsAffected(), done.lastInsertId()], [1, 1]);
  const [row] = sql.query(db, 'SELECT * FROM v WHERE s = $1;', 'häß');
  same(row, { i: 1, r: 1.5, s: 'häß', b: [0, 255], o: true, t: '2024-01-02T03:04:05.678Z' });
  same(db.query('SELECT NULL AS a, 7 AS b'), [{ a: null, b: 7 }]);
  same(db.query('SELECT * FROM v WHERE i = 9'), []);
  const own = sql.open('sqlite3', ':memory:');
  own.exec('CREATE TABLE v (x)');
  same(own.query('SELECT * FROM v'), []);
}
export default () => {}";
    run("sqlite3", &source, script, &[]).expect_code(0);
    crowd("sqlite3", &source, ("?", "?"));
    is_cut_off(
        "sqlite3",
        &source,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n",
    );
    let script = r"
const caught = (what, work) => { try { work(); console.log(`${what}: no error`); } catch (e) { console.log(`${what}: ${e.message}`); } };
export default () => {
  caught('syntax', () => db.query('SELEC 1'));
  caught('unique', () => db.exec('INSERT INTO v (i) VALUES (?)', 1));
  caught('count', () => db.exec('SELECT ?, ?', 1));
  caught('folder', () => sql.open(driver, '/nowhere/at/all.db').query('SELECT 1'));
  db.exec('SELECT absent');
};";
    let done = run("sqlite3", &source, script, &[]);
    for expected in [
        "syntax: near \\\"SELEC\\\": syntax error",
        "unique: UNIQUE constraint failed: v.i",
        "count: the statement has 2 placeholders and 1 values were given",
        "folder: cannot open /nowhere/at/all.db: unable to open database file",
        "no such column: absent",
        "test.js:17:6",
    ] {
        done.expect_error(expected);
    }
}

#[test]
fn a_driver_that_is_not_there_is_refused_where_it_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.js");
    std::fs::write(&path, "\nimport driver from 'k6/x/sql/driver/sqlserver';\nexport default () => {}")
        .unwrap();
    let done = K6.run(&["run", "--quiet", path.to_str().unwrap()]);
    done.expect_error("the extension module k6/x/sql/driver/sqlserver is not supported yet");
    done.expect_error("test.js:2:");
}

/// Runs a script of Redis's.
fn run_redis(url: &str, script: &str) -> Done {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.js");
    let head = "import redis from 'k6/x/redis'; import { check } from 'k6'; import exec from 'k6/execution';
        const client = new redis.Client(__ENV.URL);";
    std::fs::write(&path, format!("{head}\n{script}")).unwrap();
    let done =
        K6.run(&["run", "--quiet", "--address", "", "-e", &format!("URL={url}"), path.to_str().unwrap()]);
    assert!(
        !done.stdout.contains("s3cr3t") && !done.stderr.contains("s3cr3t"),
        "{}{}",
        done.stdout,
        done.stderr
    );
    done
}

/// Each virtual user writes and reads what is its own; all of them count.
const REDIS_CROWD: &str = "
export const options = { vus: 200, iterations: 2000, thresholds: { checks: ['rate==1'] } };
export default async function () {
  const key = `own ${exec.vu.idInTest}`;
  const value = `${exec.scenario.iterationInTest}`;
  await client.set(key, value);
  const [got] = await Promise.all([client.get(key), client.incr('all')]);
  check(got, { 'it is its own': (got) => got === value });
}
export async function teardown() {
  const all = await client.get('all');
  if (all !== '2000') throw new Error(`there are ${all}`);
}";

#[test]
fn redis_crowds_and_failures() {
    let Some(server) = Redis::start_taking(1000) else { return };
    let done = run_redis(&server.url(), REDIS_CROWD).expect_code(0);
    assert!(!done.stderr.contains("ERRO") && !done.stderr.contains("takes no more"), "{}", done.stderr);
    // All of them wait at the same time.
    let begun = Instant::now();
    let sleep = "export const options = { vus: 200, iterations: 200 };
        export default async function () { await client.sendCommand('BLPOP', `none ${exec.vu.idInTest}`, 1).catch(() => 0); }";
    run_redis(&server.url(), sleep).expect_code(0);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    let cut_off = "export const options = { scenarios: { s: { executor: 'constant-vus', vus: 2, duration: '1s', gracefulStop: '0s' } } };
        const patient = new redis.Client({ socket: { host: '127.0.0.1', port: Number(__ENV.URL.split(/[:/]/)[4]), readTimeout: -1 } });
        export default async function () { await patient.sendCommand('BLPOP', 'none', 600); }";
    let begun = Instant::now();
    let done = run_redis(&server.url(), cut_off).expect_code(0);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}: {}", begun.elapsed(), done.stderr);
    let script = "
const caught = async (what, promise) => { try { await promise; console.log(`${what}: no error`); } catch (e) { console.log(`${what}: ${e}`); } };
const made = (what, options) => { try { new redis.Client(options); } catch (e) { console.log(`${what}: ${e.message}`); } };
made('cluster', { cluster: { nodes: ['redis://h:1'] } });
made('url', 'http://u:s3cr3t@h');
made('option', { socket: { host: 'h', nonsense: 1 } });
made('number', { socket: { host: 'h' }, database: -1 });
made('slash', 'redis://u:12/s3cr3t@h/0');
client.get('a').catch((e) => console.log(`init: ${e}`));
export default async function () {
  await caught('nobody', new redis.Client('redis://127.0.0.1:1').get('a'));
  await caught('password', new redis.Client(__ENV.URL.replace('//', '//u:s3cr3t@')).get('a'));
  await caught('slow', new redis.Client({ socket: { host: '127.0.0.1', port: Number(__ENV.URL.split(/[:/]/)[4]), readTimeout: 0.2 } }).sendCommand('BLPOP', 'none', 5));
  await caught('object', client.set('a', {}));
  await client.sendCommand('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no').catch(() => 0);
  await caught('again', client.set('a', 1));
  await client.lpush('a', 1);
}";
    let done = run_redis(&server.url(), script);
    for expected in [
        "cluster: cannot make a Redis client: the option cluster is not supported yet",
        "url: cannot make a Redis client: a URL of Redis begins with redis://",
        "option: cannot make a Redis client: there is no option nonsense",
        "number: cannot make a Redis client: -1 is no number of a database",
        "slash: cannot make a Redis client: the path of its URL is no number of a database",
        "init: Redis cannot be used in the init context",
        "nobody: cannot connect to 127.0.0.1:1: Connection refused",
        "password: WRONGPASS",
        "slow: the connection to 127.0.0.1",
        "the answer took longer than 200ms",
        "object: TypeError: argument 2 of set() is neither a string nor a number nor a boolean",
        "again: no error",
        "Uncaught (in promise) WRONGTYPE",
    ] {
        done.expect_error(expected);
    }
    drop(server);
}

#[test]
fn redis_that_takes_few_clients_has_commands_wait_for_one() {
    let Some(server) = Redis::start_taking(20) else { return };
    let done = run_redis(&server.url(), REDIS_CROWD).expect_code(0);
    done.expect_error(
        "takes no more connections: operations of all virtual users wait for those that there are",
    );
}

/// Runs a script of MongoDB's.
fn run_mongo(url: &str, script: &str) -> Done {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.js");
    let head = "import xk6_mongo from 'k6/x/mongo'; import { check } from 'k6'; import exec from 'k6/execution';
        const client = xk6_mongo.newClient(__ENV.URL);
        const same = (got, wanted) => { const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)]; if (a !== b) throw new Error(`got ${a}, not ${b}`); };";
    std::fs::write(&path, format!("{head}\n{script}")).unwrap();
    K6.run(&["run", "--quiet", "--address", "", "-e", &format!("URL={url}"), path.to_str().unwrap()])
}

#[test]
fn mongodb_documents_crowds_and_failures() {
    let Some(server) = MongoDb::start() else { return };
    let script = "
const [db, col] = ['shop', 'things'];
export function setup() {
  same(client.insert(db, col, { n: 1, f: 1.5, s: 'ä', b: true, z: null, l: [1, { x: 2 }], d: new Date('2024-01-02T03:04:05.678Z'), y: new Uint8Array([0, 255]) }), undefined);
  client.insertMany(db, col, [{ n: 2, k: 'a' }, { n: 3, k: 'a' }, { n: 4, k: 'b' }]);
  const one = client.findOne(db, col, { n: { $gte: 1, $lt: 2 } });
  same([one.n, one.f, one.s, one.b, one.z, one.l, one.d, [...one.y]], [1, 1.5, 'ä', true, null, [1, { x: 2 }], '2024-01-02T03:04:05.678Z', [0, 255]]);
  same(`${one._id}`.length, 24);
  same(client.findOne(db, col, { _id: one._id }).n, 1);
  same(client.find(db, col, { n: { $gt: 1 } }, { n: -1 }, 2).map((d) => d.n), [4, 3]);
  same(client.findWithOptions(db, col, {}, { sort: { n: 1 }, skip: 1, limit: 1, projection: { _id: 0, n: 1 } }), [{ n: 2 }]);
  same(client.findAll(db, col).length, 4);
  client.updateOne(db, col, { n: 2 }, { $set: { k: 'c' } });
  client.updateMany(db, col, { n: { $gte: 3 } }, { v: 7 });
  client.upsert(db, col, { n: 5 }, { $set: { k: 'new' } });
  same(client.findOneAndUpdate(db, col, { n: 5 }, { $set: { k: 'newer' } }).k, 'newer');
  same(client.countDocuments(db, col, { v: 7 }), 2);
  same(client.distinct(db, col, 'k', {}).sort(), ['a', 'b', 'c', 'newer']);
  same(client.aggregate(db, col, [{ $match: { v: 7 } }, { $group: { _id: '$v', n: { $sum: 1 } } }]), [{ _id: 7, n: 2 }]);
  client.deleteOne(db, col, { n: 5 });
  client.deleteMany(db, col, { v: 7 });
  same(client.countDocuments(db, col), 2);
  client.dropCollection(db, col);
  same(client.countDocuments(db, col), 0);
}
export default function () {}";
    run_mongo(&server.url(), script).expect_code(0);
    let script = "
export const options = { vus: 200, iterations: 1000, thresholds: { checks: ['rate==1'] } };
export default function () {
  const i = exec.scenario.iterationInTest;
  client.insert('crowd', 'c', { i, vu: __VU });
  check(client.findOne('crowd', 'c', { i }), { 'it is its own': (d) => d.vu === __VU });
}
export function teardown() { same(client.countDocuments('crowd', 'c', {}), 1000); }";
    let done = run_mongo(&server.url(), script).expect_code(0);
    assert!(!done.stderr.contains("ERRO"), "{}", done.stderr);
    let script = "
const caught = (what, work) => { try { work(); console.log(`${what}: no error`); } catch (e) { console.log(`${what}: ${e.message}`); } };
export default function () {
  caught('none', () => client.findOne('shop', 'none', {}));
  client.insert('shop', 'u', { _id: 1 });
  caught('duplicate', () => client.insert('shop', 'u', { _id: 1 }));
  caught('filter', () => client.find('shop', 'u', 'x'));
  caught('order', () => client.findWithOptions('shop', 'u', {}, { sort: 'x' }));
  caught('batch', () => client.findWithOptions('shop', 'u', {}, { batch_size: 5e9 }));
  caught('operator', () => client.find('shop', 'u', { a: { $nope: 1 } }));
  caught('watch', () => client.watch('shop', 'u'));
  caught('nobody', () => xk6_mongo.newClient('mongodb://u:s3cr3t@127.0.0.1:1/?serverSelectionTimeoutMS=500').insert('a', 'b', {}));
  caught('url', () => xk6_mongo.newClient('http://u:s3cr3t@h'));
  client.disconnect();
  client.findAll('shop', 'u');
}";
    let done = run_mongo(&server.url(), script);
    for expected in [
        "none: mongo: no documents in result",
        "duplicate: E11000",
        "filter: the filter must be an object",
        "order: sort must be an object",
        "batch: batch_size is at most 4294967295",
        "watch: the MongoDB client's watch() is not supported yet",
        "nobody: cannot connect to mongodb://***@127.0.0.1:1",
        "url: a URL of MongoDB begins with mongodb://",
        "this MongoDB client is disconnected",
        "test.js:18:10",
    ] {
        done.expect_error(expected);
    }
    assert!(
        !done.stderr.contains("operator: no error") && !done.stderr.contains("s3cr3t"),
        "{}",
        done.stderr
    );
}
