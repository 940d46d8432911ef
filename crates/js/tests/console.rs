//! What `console` prints. Observed on k6 1.1, but for errors and functions, of which it prints nothing.

mod common;

use common::Script;
use throng_js::log::Level;

fn printed(values: &str) -> Vec<String> {
    let script =
        Script::new(format!("for (const v of [{values}]) console.log(v); export default function () {{}}"));
    assert!(script.load().is_ok());
    script.console()
}

#[test]
fn primitives_print_as_text() {
    assert_eq!(
        printed(
            "undefined, null, 1, -0, 0.1, 10n, NaN, Infinity, 's\"q', '', true, Symbol('x'), 'a\\nb', 'é😀'"
        ),
        [
            "undefined",
            "null",
            "1",
            "0",
            "0.1",
            "10",
            "NaN",
            "Infinity",
            "s\"q",
            "",
            "true",
            "x",
            "a\nb",
            "é😀"
        ]
    );
}

#[test]
fn objects_print_as_json() {
    assert_eq!(
        printed(
            "[1, 'a', null, undefined, () => 1], { a: { b: { c: [1, { d: 2 }] } } }, new Date(0), /x/g, new Map([[1, 2]]),
             new Set([1]), new ArrayBuffer(3), new Uint8Array([1, 2]), new Proxy({ a: 1 }, {}), new String('bs'),
             { a: undefined, b: () => 1 }, Object.create(null), { toJSON() { return 'J' } }, { toString() { return 'TS' } },
             { a: '<b>&\\u2028' }, { a: 1.0, b: 1e21, n: NaN }, Promise.resolve(1), new (class P { constructor() { this.a = 1 } })"
        ),
        [
            "[1,\"a\",null,null,null]",
            "{\"a\":{\"b\":{\"c\":[1,{\"d\":2}]}}}",
            "\"1970-01-01T00:00:00.000Z\"",
            "{}",
            "{}",
            "{}",
            "{}",
            "{\"0\":1,\"1\":2}",
            "{\"a\":1}",
            "\"bs\"",
            "{}",
            "{}",
            "\"J\"",
            "{}",
            "{\"a\":\"\\u003cb\\u003e\\u0026\\u2028\"}",
            "{\"a\":1,\"b\":1e+21,\"n\":null}",
            "{}",
            "{\"a\":1}",
        ]
    );
}

#[test]
fn what_json_cannot_hold_prints_as_an_object() {
    assert_eq!(
        printed("(() => { const o = {}; o.o = o; return o })(), { b: 1n }"),
        ["[object Object]", "[object Object]"]
    );
    assert_eq!(printed("function foo() {}, class {}, () => 1"), ["[object Function]"; 3]);
    let error = printed("new TypeError('boom')");
    assert!(error[0].starts_with("TypeError: boom\n\tat "), "{error:?}");
}

#[test]
fn arguments_are_joined_and_never_formatted() {
    let script = Script::new(
        "console.log('a', 'b', 1); console.log('%s %d', 'x', 5); console.log(); const { log } = console; log('detached', {});
         console.info('i'); console.warn('w'); console.error('e'); console.debug('d');
         export default function () {}",
    );
    script.load().unwrap();
    assert_eq!(script.console(), ["a b 1", "%s %d x 5", "", "detached {}", "i", "w", "e", "d"]);
    let levels: Vec<_> = script.records().iter().map(|r| r.level).skip(4).collect();
    assert_eq!(levels, [Level::Info, Level::Warn, Level::Error, Level::Debug]);
}
