//! `k6/data`: a `SharedArray` is an array in all that reads it.

mod common;

use common::{ATTEMPT, Script, evaluate};
use serde_json::json;

fn shared(items: &str, body: &str) -> serde_json::Value {
    let head = format!(
        "import {{ SharedArray }} from 'k6/data'; {ATTEMPT}
         let calls = 0; const a = new SharedArray('a', () => {{ calls++; return {items} }});"
    );
    evaluate(&head, body)
}

#[test]
fn it_reads_like_an_array() {
    let read = shared(
        "[{ x: 1, y: { z: [1, 2] } }, 'str', 5]",
        "const [first, ...rest] = a; const order = []; for (const item of a) order.push(typeof item);
         const indices = []; for (const i in a) indices.push(i);
         return [Array.isArray(a), a instanceof Array, a.length, first, rest, order, indices, a[99] === undefined,
           a[-1] === undefined, a['1'], a['01'] === undefined, a.at(-1), a.map((v, i) => i), a.filter(v => v === 5),
           a.slice(1), [0].concat(a).length, a.find(v => v === 'str'), a.indexOf('str'), a.includes(5),
           a.reduce(n => n + 1, 0), a.join('-'), Array.from(a).length, JSON.stringify(a), Object.keys(a), 0 in a, 3 in a,
           [...a.entries()].length, a.toString(), Object.prototype.toString.call(a)]",
    );
    assert_eq!(
        read,
        json!([
            true, true, 3, { "x": 1, "y": { "z": [1, 2] } }, ["str", 5], ["object", "string", "number"], ["0", "1", "2"],
            true, true, "str", true, 5, [0, 1, 2], [5], ["str", 5], 4, "str", 1, true, 3, "[object Object]-str-5", 3,
            "[{\"x\":1,\"y\":{\"z\":[1,2]}},\"str\",5]", ["0", "1", "2"], true, false, 3, "[object Object],str,5",
            "[object Array]"
        ])
    );
}

#[test]
fn neither_it_nor_its_items_can_be_changed() {
    let refused = shared(
        "[{ x: 1, y: { z: [1, 2] } }, 2]",
        "return [() => { a[0] = 1 }, () => { a.foo = 1 }, () => { a.length = 0 }, () => delete a[0], () => a.push(1),
           () => a.pop(), () => a.sort(), () => a.fill(0), () => Object.defineProperty(a, 'q', { value: 1 }),
           () => Object.freeze(a), () => { a[0].x = 2 }, () => a[0].y.z.push(3), () => { a[0].n = 1 },
           () => { delete a[0].x }].map(f => { try { f(); return 'done' } catch (e) { return e instanceof TypeError } })",
    );
    assert!(refused.as_array().unwrap().iter().all(|r| *r == json!(true)), "{refused}");
}

#[test]
fn items_pass_through_json() {
    let items = shared(
        "[null, NaN, new Date(0), new Map([[1, 2]]), new Uint8Array([1, 2]), { toJSON: () => 'tj' }, { u: undefined }]",
        "return [...a]",
    );
    assert_eq!(items, json!([null, null, "1970-01-01T00:00:00.000Z", {}, { "0": 1, "1": 2 }, "tj", {}]));
    let error = shared("[undefined, 1]", "return [a[1], attempt(() => a[0])]");
    assert!(error[1].as_str().unwrap().starts_with("SyntaxError"), "{error}");
}

#[test]
fn one_can_be_made_of_another_and_returned_by_setup() {
    let both = shared("[{ x: 1 }, 2]", "return a");
    assert_eq!(both, json!([{ "x": 1 }, 2]));
    let head = "import { SharedArray } from 'k6/data'; const a = new SharedArray('a', () => [1, [2]]);
                const b = SharedArray('b', () => a);";
    assert_eq!(evaluate(head, "return [b[1], b.length, b instanceof SharedArray]"), json!([[2], 2, false]));
}

#[test]
fn it_is_made_once_for_all_machines() {
    let script = Script::new(
        "import { SharedArray } from 'k6/data';
         const a = new SharedArray('a', () => { console.log('made'); return [1] });
         const same = new SharedArray('a', () => { console.log('made again'); return [2, 3] });
         export function setup() { return same.length }
         export default function () {}",
    );
    assert_eq!(script.setup(), json!(1));
    assert_eq!(script.console(), ["made"]);
}

#[test]
fn what_makes_no_array_is_refused() {
    let errors = evaluate(
        &format!(
            "import {{ SharedArray }} from 'k6/data'; {ATTEMPT}
             const errors = [['', () => []], ['b'], ['b', [1]], ['b', async () => [1]], ['b', () => ({{}})], ['b', () => 'abc'],
               ['b', () => {{}}], ['b', () => {{ throw new Error('boo') }}], ['b', () => {{ const o = {{}}; o.o = o; return [o] }}]]
               .map(args => attempt(() => new SharedArray(...args)));"
        ),
        "errors.push(attempt(() => new SharedArray('late', () => [1]))); return errors",
    );
    for error in errors.as_array().unwrap() {
        assert!(error.as_str().is_some_and(|e| e.contains("Error: ")), "{errors}");
    }
    assert_eq!(errors[7], "Error: boo");
}
