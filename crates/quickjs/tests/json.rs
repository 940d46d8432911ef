//! Our JSON parser against the engine's own: the same values for all that is JSON, the same refusals for the rest.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use throng_quickjs::fiber::Fiber;
use throng_quickjs::{Ctx, Runtime, RuntimeConfig, StackPool, Value};

const STACK: usize = 1 << 20;

fn with_runtime<R: 'static>(memory_limit: usize, body: impl FnOnce(Ctx) -> R + 'static) -> R {
    let fiber = Fiber::new(&StackPool::new(STACK), move |_| {
        let runtime =
            Runtime::new(&RuntimeConfig { memory_limit, stack_limit: STACK - 64 * 1024 }).expect("a runtime");
        body(runtime.ctx())
    });
    match pin!(fiber.expect("a stack")).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn eval(ctx: Ctx, source: &str) -> Value {
    let run = ctx.compile_script(source, "test.js").and_then(|script| ctx.run_script(&script));
    run.unwrap_or_else(|thrown| panic!("{}", ctx.into_exception(thrown).message))
}

/// What a value is, down to the order of keys, the sign of zeros and own properties that look like accessors.
const DESCRIBE: &str = "(function describe(v) {
  if (Array.isArray(v)) return '[' + v.map(describe).join() + ']' + v.length;
  if (v && typeof v === 'object') {
    const own = Object.getOwnPropertyNames(v).map((k) => {
      const d = Object.getOwnPropertyDescriptor(v, k);
      return escape(k) + d.writable + d.enumerable + d.configurable + ':' + describe(d.value);
    });
    return '{' + own.join() + '}' + (Object.getPrototypeOf(v) === Object.prototype);
  }
  return typeof v + (Object.is(v, -0) ? '-0' : typeof v === 'string' ? escape(v) : String(v));
})";

/// The value as our parser and as the engine's own reads it, or `None` for a refusal.
fn both(ctx: Ctx, describe: &Value, text: &str) -> (Option<String>, Option<String>) {
    let show = |value: Value| describe.call(&ctx.undefined(), &[&value]).and_then(|v| v.to_text());
    let read = |parsed: throng_quickjs::JsResult| match parsed.and_then(show) {
        Ok(text) => Some(text),
        Err(thrown) => {
            drop(ctx.into_exception(thrown));
            None
        }
    };
    let ours = read(ctx.parse_json(text, "test"));
    let theirs = read(ctx.globals().get("JSON").and_then(|json| json.invoke("parse", &[&ctx.string(text)])));
    (ours, theirs)
}

fn same(texts: &'static [&'static str]) {
    with_runtime(64 << 20, move |ctx| {
        let describe = eval(ctx, DESCRIBE);
        for text in texts {
            let (ours, theirs) = both(ctx, &describe, text);
            assert_eq!(ours, theirs, "{text}");
        }
    });
}

#[test]
fn every_kind_of_value_is_read_as_the_engine_reads_it() {
    same(&[
        "null",
        " true ",
        "\t\r\n false",
        "0",
        "-0",
        "-0.0",
        "1e21",
        "4294967296",
        "0.1",
        "\"\"",
        r#""é \u00e9 \ud83d\ude00 \ud800""#,
        "[]",
        "[ ]",
        "{}",
        "{ }",
        "[[],{},[{}]]",
        r#"{"b":1,"a":2,"b":3}"#,
        r#"{"__proto__":{"x":1},"constructor":2}"#,
        r#"{"2":"two","1":"one","x":0}"#,
        r#"{"\u0061":1,"é":2,"Ã©":3,"":4}"#,
        r#"{"a":{"a":{"a":[{"a":1},{"a":2}]}}}"#,
    ]);
}

#[test]
fn rows_that_look_alike_and_rows_that_do_not_are_read_alike() {
    same(&[
        r#"[{"a":1,"b":2},{"a":3,"b":4},{"a":5,"b":6},{"a":7,"b":8}]"#,
        r#"[{"a":1,"b":2},{"a":3},{"a":5,"b":6},{"b":7,"a":8},{},{"a":1,"b":2,"c":3},{"a":1,"b":2,"c":3},{"a":1,"b":2}]"#,
        r#"[{"a":{"x":1}},{"a":{"x":2}},{"a":{"y":2}},{"a":[{"x":1}]},{"a":{"x":3}}]"#,
        r#"[{"a":1,"a":2},{"a":1,"a":2},{"a":1,"a":2},{"a":1,"a":2}]"#,
        r#"[{"a":1, "b":2},{"a" :3,"b":4},{ "a":5,"b": 6},{"a":7,"b":8}]"#,
        r#"[{"__proto__":1,"b":2},{"__proto__":3,"b":4},{"__proto__":5,"b":6},{"__proto__":7,"b":8}]"#,
        r#"[{"1":1,"0":2},{"1":1,"0":2},{"1":1,"0":2},{"1":1,"0":2}]"#,
    ]);
}

#[test]
fn what_is_no_json_is_refused_by_both() {
    same(&[
        "",
        " ",
        "nul",
        "nulll",
        "tru",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "[1 2]",
        "1 2",
        "01",
        "1.",
        ".5",
        "+1",
        "\"a",
        "\"\\x\"",
        "\"\t\"",
        "]",
        "}",
        "[}",
        "{]",
        "[1}",
        "{\"a\":1]",
        "// x\n1",
        "NaN",
        "Infinity",
        "undefined",
        "\u{a0}1",
        "\u{feff}1",
        "1\0",
        "\"a\0b\"",
    ]);
}

#[test]
fn depth_costs_no_stack() {
    with_runtime(0, |ctx| {
        let depth = 100_000;
        let text = "[".repeat(depth) + &"]".repeat(depth);
        assert!(ctx.parse_json(&text, "test").is_ok());
        let text = "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth);
        assert!(ctx.parse_json(&text, "test").is_ok());
    });
}

#[test]
fn memory_that_runs_out_is_an_exception_and_nothing_leaks() {
    with_runtime(4 << 20, |ctx| {
        let text = format!("[{}1]", r#"{"a":"some text","b":[1,2,3]},"#.repeat(100_000));
        let before = ctx.memory().allocated;
        for _ in 0..3 {
            let thrown = ctx.parse_json(&text, "test").expect_err("4 MB cannot hold it");
            drop(ctx.into_exception(thrown));
        }
        ctx.collect();
        let kept = ctx.memory().allocated - before;
        assert!(kept < 200_000, "{kept} bytes are kept");
    });
}

#[test]
fn json_parse_keeps_its_contract() {
    with_runtime(64 << 20, |ctx| {
        ctx.install_json_parse().unwrap_or_else(|_| panic!("JSON is there"));
        let text = |source| eval(ctx, source).to_text().unwrap_or_default();
        assert_eq!(
            text("JSON.stringify(JSON.parse('{\"a\":[1,2,{\"b\":null}]}'))"),
            r#"{"a":[1,2,{"b":null}]}"#
        );
        assert_eq!(text("JSON.parse('[1,2]', (k, v) => k === '0' ? v * 10 : v).join()"), "10,2");
        assert_eq!(text("String(JSON.parse(12)) + JSON.parse(null) + JSON.parse(true)"), "12nulltrue");
        assert_eq!(text("JSON.parse('[\"\\ud800\"]')[0].charCodeAt(0)"), "55296");
        assert_eq!(text("JSON.parse.name + JSON.parse.length + (typeof JSON.parse)"), "parse2function");
        assert_eq!(text("Object.keys(JSON).join() + JSON[Symbol.toStringTag]"), "JSON");
        assert_eq!(text("try { JSON.parse('{x') } catch (e) { e instanceof SyntaxError }"), "true");
        assert_eq!(text("try { JSON.parse() } catch (e) { e instanceof SyntaxError }"), "true");
        assert_eq!(text("try { JSON.parse(Symbol()) } catch (e) { e instanceof TypeError }"), "true");
    });
}

/// Text that is nearly JSON: fragments strung together, so that both parsers say yes and no often.
fn nearly_json() -> impl Strategy<Value = String> {
    let fragment = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\"",
        "\"a\":1",
        "1",
        "-2.5",
        "1e3",
        "true",
        "null",
        "\"\\u00e9\"",
        " ",
        "{\"a\":1,\"b\":2}",
        "[1,2]",
        "\"é\"",
        "{\"a\":{\"b\":[]}}",
        ",{\"a\":1,\"b\":2}",
        "\\",
        "0",
    ]);
    prop::collection::vec(fragment, 0..12).prop_map(|parts| parts.concat())
}

fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        any::<i32>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter("JSON has no such number", |n| n.is_finite()).prop_map(|n| format!("{n:e}")),
        "[a-zA-Z0-9 äß😀]{0,8}".prop_map(|text| format!("\"{text}\"")),
    ];
    scalar.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec(("[abc]", inner), 0..5).prop_map(|entries| {
                let entries: Vec<_> = entries.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", entries.join(","))
            }),
        ]
    })
}

fn agrees_on(texts: impl Strategy<Value = String> + 'static) {
    with_runtime(0, move |ctx| {
        let describe = eval(ctx, DESCRIBE);
        TestRunner::new(ProptestConfig {
            cases: 2000,
            failure_persistence: None,
            ..ProptestConfig::default()
        })
        .run(&texts, |text| {
            let (ours, theirs) = both(ctx, &describe, &text);
            prop_assert_eq!(ours, theirs, "{}", text);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    });
}

#[test]
fn random_json_is_read_as_the_engine_reads_it() {
    agrees_on(json());
}

#[test]
fn random_text_is_accepted_or_refused_as_the_engine_does() {
    agrees_on(nearly_json());
}
