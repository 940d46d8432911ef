//! How iterations fail: what is logged, what is counted, what goes on. Observed on k6 1.1.

mod common;

use common::{ATTEMPT, Record, Script};
use serde_json::json;
use throng_js::lifecycle::LifecycleError;
use throng_js::log::Level;
use throng_js::vm::ScriptError;

/// Runs one iteration of `body`; its log records apart from the console's.
fn iteration(body: &str) -> (Script, Vec<Record>) {
    let script = Script::new(format!(
        "import {{ check, group, sleep, fail }} from 'k6';
         export const options = {{ iterations: 1 }};
         export default {body}"
    ));
    let ran = script.run();
    assert_eq!(ran.count("iterations"), 1, "a failed iteration is a full one");
    assert_eq!(ran.count("iteration_duration"), 1);
    let is_console = |r: &Record| r.fields.contains(&("source".into(), "console".into()));
    let records = script.records().into_iter().filter(|r| !is_console(r)).collect();
    (script, records)
}

/// The message and the fields of the one error an iteration logs.
fn error(body: &str) -> (String, Vec<String>) {
    let (_, records) = iteration(body);
    let errors: Vec<_> = records.into_iter().filter(|r| r.level == Level::Error).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let fields = errors[0].fields.iter().map(|(k, v)| format!("{k}={v}")).collect();
    (errors[0].message.clone(), fields)
}

#[test]
fn a_thrown_error_is_logged_with_its_stack() {
    let (message, fields) = error("function () { inner() }\nfunction inner() { throw new Error('boom') }");
    let frames: Vec<&str> = message.split("\n\tat ").collect();
    assert_eq!(frames[0], "Error: boom");
    assert!(frames[1].starts_with("inner (file:///test/script.js:4:"), "{message}");
    assert!(frames[2].starts_with("default (file:///test/script.js:3:"), "{message}");
    assert_eq!(fields, ["executor=shared-iterations", "scenario=default", "source=stacktrace"]);
}

#[test]
fn anything_can_be_thrown() {
    let first_line = |thrown: &str| {
        error(&format!("function () {{ throw {thrown} }}")).0.lines().next().unwrap().to_owned()
    };
    assert_eq!(first_line("'a string'"), "a string");
    assert_eq!(first_line("null"), "null");
    assert_eq!(first_line("undefined"), "undefined");
    assert_eq!(first_line("5"), "5");
    assert_eq!(first_line("({ a: 1 })"), "[object Object]");
    assert_eq!(first_line("[1, 2]"), "1,2");
    assert_eq!(first_line("Symbol('s')"), "s");
    assert_eq!(first_line("new Error()"), "Error");
    assert_eq!(
        first_line("new (class Mine extends Error { constructor(m) { super(m); this.name = 'Mine' } })('m')"),
        "Mine: m"
    );
    assert!(
        error("function () { fail('failed') }")
            .0
            .starts_with("Error: failed\n\tat fail (native)\n\tat default")
    );
}

/// QuickJS keeps a stack only with errors.
#[test]
fn what_is_thrown_and_is_no_error_is_shown_with_its_place() {
    let shown = |body: &str| error(body).0;
    let place =
        |function: &str, line, column| format!("\n\tat {function} (file:///test/script.js:{line}:{column})");
    let bare = |line, column| format!("\n\tat file:///test/script.js:{line}:{column}");
    for (thrown, message) in [
        ("'x'", "x"),
        ("null", "null"),
        ("undefined", "undefined"),
        ("{\ncode: String(5) }", "[object Object]"),
    ] {
        assert_eq!(
            shown(&format!("function () {{\n  if (1) throw {thrown};\n}}")),
            format!("{message}{}", place("default", 4, 10))
        );
    }
    assert_eq!(
        shown("function () {\n  inner();\n}\nfunction inner() { throw 5; }"),
        format!("5{}{}", place("inner", 6, 20), place("default", 4, 3))
    );
    assert_eq!(
        shown("function () {\n  try { throw 'first'; } catch (e) {\n throw e; }\n}"),
        format!("first{}", place("default", 5, 2)),
        "where it was thrown last"
    );
    assert_eq!(
        shown("function () {\n  setTimeout(() => { throw 't'; }, 1);\n}"),
        format!("t{}", bare(4, 22))
    );
    // The noted stack is that of the error here, which says nothing of the throw.
    assert_eq!(shown("function () {\n  new Error('never thrown');\n  throw 'x';\n}"), "x");
    // One that was thrown and caught leaves nothing behind, and an earlier iteration neither.
    assert_eq!(
        shown("function () {\n  try { null.x } catch {}\n  throw 'x';\n}"),
        format!("x{}", place("default", 5, 3))
    );
}

#[test]
fn what_a_promise_is_rejected_with_is_shown_with_its_place() {
    let shown = |body: &str| error(body).0;
    let starts = |body: &str, expected: &str| {
        let message = shown(body);
        assert!(message.starts_with(&format!("Uncaught (in promise) {expected}")), "{message}");
    };
    let file = "file:///test/script.js";
    starts("async function () {\n  throw 'x'; }", &format!("x\n\tat default ({file}:4:3)"));
    starts("async function () {\n  await null; throw 'x'; }", &format!("x\n\tat default ({file}:4:15)"));
    let inner = "\nasync function inner() { await null; throw 'x'; }";
    starts(
        &format!("async function () {{ await inner(); }}{inner}"),
        &format!("x\n\tat inner ({file}:4:38)"),
    );
    let inner = "\nasync function inner() { throw 'x'; }";
    starts(
        &format!("async function () {{ await inner(); }}{inner}"),
        &format!("x\n\tat inner ({file}:4:26)"),
    );
    starts(
        "function () {\n  return Promise.reject(null); }",
        &format!("null\n\tat reject (native)\n\tat default ({file}:4:"),
    );
    starts(
        "function () {\n  return new Promise((done, failed) => failed({})); }",
        &format!("[object Object]\n\tat {file}:4:"),
    );
}

#[test]
fn what_is_thrown_while_loading_is_shown_with_its_place() {
    for (head, place) in
        [("export default function () {}\n", "2:3"), ("exports.default = () => {};\n\n", "3:3")]
    {
        let script = Script::new(format!("{head}  throw {{ a: 1 }};"));
        let error = script.load().err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(error, format!("[object Object]\n\tat file:///test/script.js:{place}"));
    }
}

#[test]
fn an_unhandled_rejection_ends_the_iteration() {
    for body in [
        "async function () { throw new Error('boom') }",
        "async function () { await null; throw new Error('boom') }",
        "function () { Promise.reject(new Error('boom')); Promise.reject(new Error('second')) }",
        "function () { setTimeout(async () => { throw new Error('boom') }, 1) }",
    ] {
        let (message, fields) = error(body);
        assert!(message.starts_with("Uncaught (in promise) Error: boom\n\tat "), "{message}");
        assert_eq!(fields, ["executor=shared-iterations", "scenario=default"]);
    }
    let (script, records) = iteration(
        "function () { Promise.reject(new Error('h')).catch(e => console.log('caught', e.message)) }",
    );
    assert_eq!((script.console(), records.len()), (vec!["caught h".into()], 0));
}

#[test]
fn a_failure_drops_timers_and_says_so() {
    let (script, records) = iteration(
        "function () { setTimeout(() => console.log('late'), 50); setInterval(() => console.log('late'), 50); throw new Error('boom') }",
    );
    assert_eq!(script.console(), Vec::<String>::new());
    let messages: Vec<_> = records.iter().map(|r| (r.level, r.message.lines().next().unwrap())).collect();
    assert_eq!(
        messages,
        [
            (Level::Warn, "setTimeout 1 was dropped, because its iteration ended before it was due"),
            (Level::Warn, "setInterval 2 was dropped, because its iteration ended before it was due"),
            (Level::Error, "Error: boom"),
        ]
    );
}

#[test]
fn what_a_failed_iteration_left_behind_is_no_part_of_the_next() {
    let script = Script::new(
        "export const options = { iterations: 2 };
         export default function () {
           if (__ITER === 0) { Promise.reject(new Error('left')); Promise.resolve().then(() => console.log('left')); throw new Error('sync') }
           console.log('second', __ITER);
         }",
    );
    script.run();
    assert_eq!(script.console().last().unwrap(), "second 1");
    let errors: Vec<_> = script.records().into_iter().filter(|r| r.level == Level::Error).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn a_promise_that_nothing_can_settle_ends_the_iteration_quietly() {
    let (script, records) =
        iteration("async function () { await new Promise(() => {}); console.log('never') }");
    assert_eq!((script.console().len(), records.len()), (0, 0));
}

#[test]
fn microtasks_run_before_timers_and_timers_in_their_order() {
    let (script, _) = iteration(
        "function () {
           const l = []; setTimeout(() => l.push('t0'), 0); setTimeout(() => l.push('t10'), 10); setTimeout(() => l.push('t5'), 5);
           Promise.resolve().then(() => l.push('m1')).then(() => l.push('m2'));
           (async () => { l.push('a0'); await null; l.push('a1') })(); l.push('sync');
           setTimeout(() => { l.push('t1a'); Promise.resolve().then(() => l.push('t1m')) }, 1); setTimeout(() => l.push('t1b'), 1);
           setTimeout(() => console.log(l.join()), 30);
         }",
    );
    assert_eq!(script.console(), ["a0,sync,m1,a1,m2,t0,t1a,t1m,t1b,t5,t10"]);
}

#[test]
fn an_interval_can_be_cleared_from_inside() {
    let (script, _) = iteration(
        "function () {
           let n = 0; const i = setInterval((a, b) => { n++; if (n === 3) { clearInterval(i); console.log(n, a, b) } }, 1, 'A', 'B');
           const t = setTimeout(() => console.log('cleared'), 1); clearTimeout(t); clearTimeout(999); clearTimeout(); clearTimeout('x');
           setTimeout(() => console.log('no delay')); setTimeout(() => console.log('nan'), NaN); setTimeout(() => console.log('negative'), -5);
         }",
    );
    assert_eq!(script.console(), ["no delay", "nan", "negative", "3 A B"]);
}

#[test]
fn checks_take_values_and_predicates_and_refuse_what_they_cannot_wait_for() {
    let script = Script::new(format!(
        "import {{ check, group }} from 'k6'; {ATTEMPT}
         export default function () {{
           console.log(JSON.stringify([check(1, {{ a: 1, b: () => 1, c: [] }}), check(1, {{ a: 0, b: '', c: null, d: true }}), check(1, {{}}),
             check(1, [() => true, false]), check(5, {{ is: v => v === 5 }}, {{ t: 1 }}), group('g', () => 7), group('', () => 8)]));
           console.log(JSON.stringify([() => check(1, {{ a: async () => true }}), () => check(1, {{ 'a::b': true }}), () => check(1, null),
             () => check(1), () => group('a::b', () => 1), () => group('g', async () => 1), () => group('g'),
             () => check(1, {{ a: () => {{ throw new Error('inside') }}, b: () => console.log('not reached') }}),
             () => group('g', () => {{ throw new Error('inside') }})].map(f => attempt(f).split(':')[0])));
         }}"
    ));
    let ran = script.run();
    assert_eq!(
        script.console(),
        [
            "[true,false,true,false,true,7,8]",
            "[\"Error\",\"Error\",\"TypeError\",\"TypeError\",\"Error\",\"Error\",\"TypeError\",\"Error\",\"Error\"]"
        ]
    );
    let tags =
        |name: &str, value: u8, more: &str| format!("{value} check={name},group=,scenario=default{more}");
    let checks = ran.samples("checks");
    assert_eq!(checks[..3], [tags("a", 1, ""), tags("b", 1, ""), tags("c", 1, "")]);
    assert_eq!(checks[9], tags("is", 1, ",t=1"));
    assert_eq!(checks[10], tags("a", 0, ""), "a predicate that throws has failed");
    assert_eq!(checks.len(), 11);
    // The group that threw has a duration too.
    assert_eq!(ran.samples("group_duration").len(), 3);
    assert!(
        ran.samples("group_duration")[0].ends_with(" group=::g,scenario=default"),
        "{:?}",
        ran.samples("group_duration")
    );
}

#[test]
fn random_numbers_repeat_with_their_seed() {
    let script = Script::new(
        "import { randomSeed } from 'k6';
         export function setup() { const three = (s) => { randomSeed(s); return [1, 2, 3].map(() => Math.random()) };
           return [three(5), three(5), three(6)] }
         export default function () {}",
    );
    let numbers = script.setup();
    assert_eq!(numbers[0], numbers[1]);
    assert_ne!(numbers[0], numbers[2]);
    assert!(numbers[0].as_array().unwrap().iter().all(|n| (0.0..1.0).contains(&n.as_f64().unwrap())));
}

#[test]
fn setup_data_keeps_what_json_can_hold() {
    let script = Script::new(
        "export function setup() { return { u: undefined, d: new Date(0), d2: new Date(1234567890120), bad: new Date(NaN),
           b: new Uint8Array([1, 2]), f: new Float32Array([1.5]), m: new Map([[1, { a: undefined }]]), s: new Set([1]), n: null, neg: -0,
           big: 10n, arr: [undefined, 1], bo: new Boolean(true), bn: new Number(3), re: /x/, e: new Error('x'), ab: new ArrayBuffer(2),
           c: new (class A { constructor() { this.z = 1 } get q() { return 2 } })(), str: 'é<>&' } }
         export default function () {}",
    );
    assert_eq!(
        script.setup(),
        json!({
            "u": null, "d": "1970-01-01T00:00:00Z", "d2": "2009-02-13T23:31:30.12Z", "bad": null, "b": "AQI=", "f": [1.5],
            "m": [[1, { "a": null }]], "s": [1], "n": null, "neg": 0, "big": 10, "arr": [null, 1], "bo": true, "bn": 3, "re": {},
            "e": {}, "ab": {}, "c": { "z": 1 }, "str": "é<>&"
        })
    );
}

#[test]
fn setup_data_that_json_cannot_hold_is_an_error() {
    for data in [
        "{ f() {} }",
        "{ n: NaN }",
        "Infinity",
        "(() => { const o = {}; o.o = o; return o })()",
        "{ toJSON() { return 1 } }",
    ] {
        let script = Script::new(format!(
            "export function setup() {{ return {data} }} export default function () {{}}"
        ));
        let error = script.try_setup().unwrap_err();
        assert!(matches!(error, LifecycleError::SetupData(_)), "{data}: {error}");
    }
}

#[test]
fn setup_may_be_async_and_fails_as_it_throws() {
    let setup =
        |body: &str| Script::new(format!("export {body} export default function () {{}}")).try_setup();
    assert_eq!(setup("async function setup() { await null; return 5 }").unwrap(), json!(5));
    let rejected = setup("async function setup() { throw new Error('sr') }").unwrap_err();
    assert!(matches!(rejected, LifecycleError::Script(ScriptError::Rejected(_))), "{rejected}");
    let thrown = setup("function setup() { throw new Error('sr') }").unwrap_err();
    assert!(matches!(thrown, LifecycleError::Script(ScriptError::Thrown(_))), "{thrown}");
}

#[test]
fn a_failed_setup_leaves_nothing_to_run() {
    let script = Script::new(
        "export function setup() { throw new Error('no') } export default function () { console.log('ran') }
         export function teardown() { console.log('teardown') }",
    );
    let ran = script.run();
    assert!(ran.setup.is_some());
    assert_eq!(script.console(), Vec::<String>::new());
}

#[test]
fn each_virtual_user_has_its_own_copy_of_the_setup_data() {
    let script = Script::new(
        "export const options = { vus: 1, iterations: 2 };
         export function setup() { return [1] }
         export default function (...args) { args[0].push(2); console.log(args.length, JSON.stringify(args[0])) }
         export function teardown(data) { console.log('teardown', JSON.stringify(data)) }",
    );
    script.run();
    assert_eq!(script.console(), ["1 [1,2]", "1 [1,2,2]", "teardown [1]"]);
}

#[test]
fn an_abort_in_the_init_context_is_reported_as_one() {
    let script = Script::new(
        "import { test } from 'k6/execution'; test.abort('early'); export default function () {}",
    );
    let error = script.load().err().unwrap();
    let expected = "test aborted: early at file:///test/script.js:1:";
    assert!(matches!(&error, LifecycleError::TestAborted(text) if text.starts_with(expected)), "{error}");
}

#[test]
fn a_web_socket_that_cannot_be_opened_is_said_to_the_script_and_not_in_the_log() {
    let script = Script::new(
        "import ws from 'k6/ws'; export const options = { vus: 1, iterations: 1 };
         export default function () { console.log(ws.connect('ws://127.0.0.1:1/', () => {}).error) }",
    );
    script.run();
    let loud: Vec<_> = script.records().into_iter().filter(|record| record.level > Level::Debug).collect();
    assert_eq!(loud.len(), 1, "{:?}", loud.iter().map(|record| &record.message).collect::<Vec<_>>());
    assert!(loud[0].message.contains("connection refused"), "{}", loud[0].message);
}

#[test]
fn common_mistakes_are_told_in_the_words_of_k6() {
    for (mistake, expected) in [
        ("let u; u.x", "TypeError: Cannot read property 'x' of undefined"),
        ("const [a] = 5", "TypeError: object is not iterable"),
        ("class A {} A()", "TypeError: Class constructor cannot be invoked without 'new'"),
        ("const a = {}; a.a = a; JSON.stringify(a)", "TypeError: Converting circular structure to JSON"),
    ] {
        let error =
            Script::new(format!("{mistake}; export default function () {{}}")).load().err().expect(mistake);
        assert!(error.to_string().starts_with(expected), "{mistake}: {error}");
    }
}
