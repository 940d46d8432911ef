//! The engine as `throng-js` uses it: scripts in fibers, host functions that wait, host objects, modules.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use throng_quickjs::fiber::{Fiber, Suspender};
use throng_quickjs::{
    Call, Class, Ctx, Interrupt, JsResult, Lazy, ModuleSource, Resolver, Runtime, RuntimeConfig, StackPool,
    Value,
};

const STACK: usize = 1 << 20;

/// Polls a fiber until it ends; everything in these tests is ready after a few polls.
fn finish<R>(fiber: Fiber<R>) -> R {
    let mut fiber = pin!(fiber);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..10_000 {
        if let Poll::Ready(result) = fiber.as_mut().poll(&mut cx) {
            return result;
        }
    }
    panic!("the fiber never ended");
}

fn with_runtime<R: 'static>(body: impl FnOnce(&Runtime, Rc<Suspender>) -> R + 'static) -> R {
    let pool = StackPool::new(STACK);
    let fiber = Fiber::new(&pool, move |suspender| {
        let config = RuntimeConfig { memory_limit: 64 << 20, stack_limit: STACK - 64 * 1024 };
        let runtime = Runtime::new(&config).expect("a runtime");
        runtime.set_host(suspender.clone());
        body(&runtime, suspender)
    })
    .expect("a stack");
    finish(fiber)
}

fn eval(ctx: Ctx, source: &str) -> JsResult {
    ctx.run_script(&ctx.compile_script(source, "test.js")?)
}

fn eval_text(ctx: Ctx, source: &str) -> String {
    match eval(ctx, source).and_then(|v| v.to_text()) {
        Ok(text) => text,
        Err(thrown) => format!("threw {}", ctx.into_exception(thrown).message),
    }
}

/// Waits until it was polled twice.
fn wait(call: &Call<'_>) -> JsResult {
    let mut polls = 0;
    call.ctx().host::<Suspender>().block_on(std::future::poll_fn(|cx| {
        polls += 1;
        cx.waker().wake_by_ref();
        if polls < 3 { Poll::Pending } else { Poll::Ready(()) }
    }))?;
    Ok(call.ctx().string("waited"))
}

#[test]
fn a_host_function_waits_for_a_future_in_the_middle_of_a_script() {
    let text = with_runtime(|runtime, _| {
        let ctx = runtime.ctx();
        ctx.globals().set("wait", &ctx.function("wait", 0, wait)).unwrap();
        eval_text(ctx, "[1, 2].map(n => n + wait()).join()")
    });
    assert_eq!(text, "1waited,2waited");
}

#[test]
fn an_abort_unwinds_the_script_past_catch_and_finally() {
    let pool = StackPool::new(STACK);
    let caught = Rc::new(Cell::new(0));
    let seen = caught.clone();
    let mut fiber = Box::pin(
        Fiber::new(&pool, move |suspender| {
            let config = RuntimeConfig { memory_limit: 0, stack_limit: STACK - 64 * 1024 };
            let runtime = Runtime::new(&config).unwrap();
            runtime.set_host(suspender);
            let ctx = runtime.ctx();
            ctx.globals().set("wait", &ctx.function("wait", 0, wait)).unwrap();
            let result =
                eval(ctx, "globalThis.n = 0; try { for (;;) wait() } catch { n += 1 } finally { n += 2 }");
            let exception = ctx.into_exception(result.unwrap_err());
            seen.set(ctx.globals().get("n").unwrap().to_number().unwrap() as i32);
            exception.uncatchable
        })
        .unwrap(),
    );
    let abort = fiber.abort_handle();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(fiber.as_mut().poll(&mut cx).is_pending());
    abort.abort();
    let Poll::Ready(uncatchable) = fiber.as_mut().poll(&mut cx) else { panic!("still waiting") };
    assert!(uncatchable);
    assert_eq!(caught.get(), 0, "neither catch nor finally may run");
}

#[test]
fn dropping_a_suspended_fiber_runs_its_host_destructors() {
    struct Flag(Rc<Cell<bool>>);
    impl Drop for Flag {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let dropped = Rc::new(Cell::new(false));
    let flag = Flag(dropped.clone());
    let pool = StackPool::new(STACK);
    let mut fiber = Box::pin(
        Fiber::new(&pool, move |suspender| {
            let _flag = flag;
            let _ = suspender.block_on(std::future::pending::<()>());
        })
        .unwrap(),
    );
    assert!(fiber.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(fiber);
    assert!(dropped.get());
}

struct Point {
    x: f64,
    made: Cell<u32>,
}

impl Class for Point {
    const NAME: &'static str = "Point";
    const LAZY: Option<Lazy<Self>> = Some(Lazy {
        names: &["x", "twice"],
        make: |ctx, this, index| {
            this.made.set(this.made.get() + 1);
            Ok(ctx.number(if index == 0 { this.x } else { this.x * 2.0 }))
        },
    });
    fn prototype(proto: &Value) -> JsResult<()> {
        proto.method("made", 0, |call| {
            let this = call.this();
            let made = this.expect::<Point>()?.made.get();
            Ok(call.ctx().int(made.into()))
        })
    }
}

#[test]
fn lazy_properties_behave_as_own_properties_and_are_made_once() {
    let text = with_runtime(|runtime, _| {
        let ctx = runtime.ctx();
        let point = ctx.instance(Point { x: 21.0, made: Cell::new(0) }).unwrap();
        ctx.globals().set("p", &point).unwrap();
        eval_text(
            ctx,
            "const before = p.made(); const t = [p.twice, p.twice, p.made()]; p.x = 'changed'; p.extra = 1;
             JSON.stringify([before, t, Object.keys(p).sort(), p, p.hasOwnProperty('x'), 'none' in p, String(p)])",
        )
    });
    assert_eq!(
        text,
        r#"[0,[42,42,1],["extra","twice","x"],{"twice":42,"x":"changed","extra":1},true,false,"[object Object]"]"#
    );
}

#[test]
fn runaway_recursion_memory_and_loops_end_in_errors() {
    let texts = with_runtime(|runtime, _| {
        let ctx = runtime.ctx();
        let deep = eval_text(ctx, "function f() { return f() + 1 } f()");
        // What it took is free afterwards: a limit that is met to the last byte leaves nothing for what follows.
        let source = "(() => { const hog = []; for (;;) hog.push('x'.repeat(100000) + hog.length) })()";
        let memory = eval_text(ctx, source);
        let after = eval_text(ctx, "'alive'");
        let steps = Cell::new(0);
        runtime.set_interrupt(move || {
            steps.set(steps.get() + 1);
            if steps.get() > 3 { Interrupt::Stop } else { Interrupt::Continue }
        });
        let endless = eval_text(ctx, "try { for (;;); } catch {} 'not reached'");
        let stopped = ctx.take_stopped();
        (deep, memory, after, endless, stopped)
    });
    assert!(texts.0.contains("Maximum call stack size exceeded"), "{}", texts.0);
    assert!(texts.1.contains("out of memory"), "{}", texts.1);
    assert_eq!(texts.2, "alive");
    assert!(texts.3.contains("interrupted"), "{}", texts.3);
    assert!(texts.4);
}

#[test]
fn a_panic_in_a_host_function_is_an_error_in_the_script() {
    let text = with_runtime(|runtime, _| {
        let ctx = runtime.ctx();
        ctx.globals().set("boom", &ctx.function("boom", 0, |_| panic!("kaboom"))).unwrap();
        eval_text(ctx, "try { boom() } catch (e) { e.message }")
    });
    assert_eq!(text, "internal error in throng (please report it): kaboom");
}

struct Files;
impl Resolver for Files {
    fn resolve(&self, _: Ctx, _: &str, specifier: &str) -> JsResult<String> {
        Ok(specifier.trim_start_matches("./").to_owned())
    }
    fn load(&self, ctx: Ctx, name: &str) -> JsResult<ModuleSource> {
        if name == "host" {
            let exports = ctx.object();
            exports.set("answer", &ctx.number(42.0))?;
            return Ok(ModuleSource::Exports {
                names: vec!["answer".into()],
                default: exports.clone(),
                exports,
            });
        }
        Ok(ModuleSource::Code(ctx.compile_module("export const half = 21", name)?))
    }
    fn meta(&self, ctx: Ctx, name: &str, meta: &Value) -> JsResult<()> {
        meta.set("name", &ctx.string(name))
    }
}

#[test]
fn modules_come_from_bytecode_and_from_the_host() {
    let text = with_runtime(|runtime, _| {
        runtime.set_resolver(Rc::new(Files));
        let ctx = runtime.ctx();
        let source = "import host, { answer } from 'host'; import { half } from './half.js';
                      export default () => [answer, host.answer, half, import.meta.name].join()";
        // In a runtime of its own: compiling registers the module's name with the context.
        let config = RuntimeConfig { memory_limit: 0, stack_limit: STACK / 2 };
        let compiler = Runtime::new(&config).unwrap();
        compiler.set_resolver(Rc::new(Files));
        let code = compiler.ctx().compile_module(source, "entry.js").unwrap();
        let (module, _promise) = ctx.evaluate_module("entry.js", &code).unwrap();
        ctx.run_jobs().unwrap();
        let default = module.namespace().unwrap().get("default").unwrap();
        default.call(&ctx.undefined(), &[]).unwrap().to_text().unwrap()
    });
    assert_eq!(text, "42,42,21,entry.js");
}

#[test]
fn stack_traces_survive_bytecode_with_line_and_column() {
    let stack = with_runtime(|runtime, _| {
        let ctx = runtime.ctx();
        let code =
            ctx.compile_script("\n\n  function f() { throw new Error('here') }\n f()", "dir/a.js").unwrap();
        ctx.into_exception(ctx.run_script(&code).unwrap_err()).to_string()
    });
    assert!(stack.starts_with("Error: here\n    at f (dir/a.js:3:"), "{stack}");
}

#[test]
fn bytes_of_buffers_and_views_are_lent_without_copy() {
    let sums = with_runtime(|runtime, _| {
        let ctx = runtime.ctx();
        let sum = |source: &str| {
            eval(ctx, source).unwrap().with_bytes(|b| b.iter().map(|b| u32::from(*b)).sum::<u32>())
        };
        (
            sum("new Uint8Array([1, 2, 3]).buffer"),
            sum("new Uint8Array([1, 2, 3, 4]).subarray(1, 3)"),
            sum("new DataView(new Uint8Array([5, 6, 7]).buffer, 1)"),
            sum("'text'"),
        )
    });
    assert_eq!(sums, (Some(6), Some(5), Some(13), None));
}

#[test]
fn a_lone_surrogate_becomes_one_replacement_character() {
    let text = with_runtime(|runtime, _| eval_text(runtime.ctx(), r"'a\ud800b\udc00' + '\ud83d\ude00'"));
    assert_eq!(text, "a\u{fffd}b\u{fffd}\u{1f600}");
}

#[test]
fn a_value_names_the_property_it_would_look_up() {
    let text = with_runtime(|runtime, _| {
        let ctx = runtime.ctx();
        let object = eval(ctx, "({ 7: 'seven', [Symbol.iterator]: 'symbol' })").unwrap();
        let symbol = eval(ctx, "Symbol.iterator").unwrap();
        let seven = object.get_atom(&ctx.number(7.0).to_atom().unwrap()).unwrap();
        let named = object.get_atom(&symbol.to_atom().unwrap()).unwrap();
        format!("{} {}", seven.to_text().unwrap(), named.to_text().unwrap())
    });
    assert_eq!(text, "seven symbol");
}

#[test]
fn bytes_can_be_written_into_buffers_and_views() {
    let texts = with_runtime(|runtime, _| {
        let ctx = runtime.ctx();
        let write = |source: &str| {
            let target = eval(ctx, source).unwrap();
            ctx.globals().set("target", &target).unwrap();
            let written = target.write_bytes(&[7, 8, 9]);
            format!("{written:?} {}", eval_text(ctx, "new Uint8Array(target.buffer ?? target).join()"))
        };
        [
            write("new ArrayBuffer(4)"),
            write("new Uint8Array([1, 2, 3, 4]).subarray(1, 3)"),
            write("new Uint16Array(2)"),
            write("new Uint8Array(0)"),
        ]
    });
    assert_eq!(texts, ["Some(3) 7,8,9,0", "Some(2) 1,7,8,4", "Some(3) 7,8,9,0", "Some(0) "]);
}

#[test]
fn built_in_objects_that_are_made_on_first_use_are_ordinary_globals() {
    with_runtime(|runtime, _| {
        let ctx = runtime.ctx();
        let text = |source: &str| eval_text(ctx, source);
        assert_eq!(
            text("[typeof Map, typeof Uint8Array, typeof Date, typeof Proxy].join()"),
            ["function"; 4].join(",")
        );
        assert_eq!(
            text("'' + new Map([[1, 2]]).get(1) + new Set([3]).size + new WeakMap().has({})"),
            "21false"
        );
        assert_eq!(
            text("new Uint8Array([1, 2, 300]).join() + ' ' + new Float64Array(2).byteLength"),
            "1,2,44 16"
        );
        assert_eq!(text("new Date(0).toISOString()"), "1970-01-01T00:00:00.000Z");
        assert_eq!(text("new Proxy({}, { get: () => 7 }).anything"), "7");
        assert_eq!(text("Object.prototype.toString.call(globalThis)"), "[object global]");
        assert_eq!(text("String(Object.keys(globalThis))"), "");
        assert_eq!(text("'Map' in globalThis && globalThis.hasOwnProperty('Map')"), "true");
        assert_eq!(text("typeof surelyNotThere"), "undefined");
        assert_eq!(text("surelyNotThere"), "threw ReferenceError: surelyNotThere is not defined");
        assert_eq!(text("delete globalThis.Map; typeof Map"), "undefined");
    });
    with_runtime(|runtime, _| {
        let ctx = runtime.ctx();
        let text = |source: &str| eval_text(ctx, source);
        assert_eq!(text("Map = 5; Map + 1"), "6");
        assert_eq!(text("function f() { return new Set([1]).size } f() + f()"), "2");
        assert_eq!(text("globalThis.Date = class { now() { return 9 } }; new Date().now()"), "9");
        assert_eq!(text("const Proxy = 1; Proxy"), "1");
        assert_eq!(ctx.uint8_array(b"ab").length().ok(), Some(2));
        assert_eq!(text("typeof SharedArrayBuffer + typeof Atomics + typeof WeakRef"), "undefined".repeat(3));
    });
}

/// Observed on k6 1.1.
#[test]
fn texts_of_dates_are_made_of_their_time_whatever_the_script_changes() {
    with_runtime(|runtime, _| {
        let text = |source: &str| eval_text(runtime.ctx(), source);
        let all = "[d.toString(), d.toTimeString(), d.toLocaleTimeString(), d.toLocaleString()].join()";
        let before = text(&format!("const d = new Date(86400000); {all}"));
        assert!(before.contains("Jan 0") && before.contains("1970"), "{before}");
        assert_eq!(text(&format!("d.valueOf = () => {{ throw 1 }}; {all}")), before);
        let changed = "Date.prototype.valueOf = Date.prototype.getTime = () => 1e12; Date = null;";
        assert_eq!(text(&format!("const D = Date; {changed} {all}")), before);
        assert_eq!(text("D(0) === new D().toString() || D(0) === new D().toString()"), "true");
    });
}

#[test]
fn date_is_an_ordinary_constructor_and_a_text_without_new() {
    with_runtime(|runtime, _| {
        let text = |source: &str| eval_text(runtime.ctx(), source);
        assert_eq!(
            text("/^\\w{3} \\w{3} \\d\\d \\d{4} [\\d:]{8} GMT[+-]\\d{4} \\(.+\\)$/.test(Date(0))"),
            "true"
        );
        assert_eq!(text("typeof Date.call(new Date(0))"), "string");
        assert_eq!(
            text(
                "[Date.name, Date.length, Object.getOwnPropertyNames(Date).sort(), Object.keys(Date).length].join()"
            ),
            "Date,7,UTC,length,name,now,parse,prototype,0"
        );
        assert_eq!(
            text(
                "class D extends Date {} const d = new D(5);
                 [d instanceof D, d instanceof Date, d.getTime(), d.constructor === D, Date.prototype.constructor === Date,
                  new Date(new Date(7)).getTime(), isNaN(new Date(undefined)), isNaN(new Date()), Date.UTC(1970, 0, 1),
                  new Date(1970, 0, 1, 0, 0, 0, 9).getMilliseconds(), new Date('1970-01-01').getTime(),
                  Reflect.construct(Date, [0], Array) instanceof Array].join()"
            ),
            "true,true,5,true,true,7,true,false,0,9,0,true"
        );
        assert_eq!(text("Date.prototype.toString.call({})"), "threw TypeError: not a Date object");
        assert_eq!(
            text("new Date({ [Symbol.toPrimitive]() { throw new Error('mine') } })"),
            "threw Error: mine"
        );
        assert_eq!(text("'use strict'; try { Date.prototype = 1 } catch (e) { e.name }"), "TypeError");
    });
}

#[test]
fn distances_are_right_at_the_ends_of_the_range_too() {
    let source = "[Math.hypot(3, 4), Math.hypot(-2), Math.hypot(NaN, Infinity), Math.hypot(NaN, 1), Math.hypot(1e200, 1e200), \
                  Math.hypot(5e-324, 0)].join()";
    let distances = with_runtime(move |runtime, _| eval_text(runtime.ctx(), source));
    assert_eq!(distances, "5,2,Infinity,NaN,1.414213562373095e+200,5e-324");
}
