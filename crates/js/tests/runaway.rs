//! Scripts that take too much: memory, stack, time.

mod common;

use std::time::{Duration, Instant};

use common::Script;
use throng_js::log::Level;

fn errors(script: &Script) -> Vec<String> {
    script.records().into_iter().filter(|r| r.level == Level::Error).map(|r| r.message).collect()
}

#[test]
fn a_memory_hog_fails_its_iteration_and_the_next_one_runs() {
    let script = Script::new(
        "export const options = { iterations: 2 };
         export default function () { if (__ITER) return console.log('alive'); const hog = []; for (;;) hog.push('x'.repeat(10000) + hog.length) }",
    )
    .memory_limit(16 << 20);
    let ran = script.run();
    assert_eq!(script.console(), ["alive"]);
    assert_eq!(ran.count("iterations"), 2);
    let errors = errors(&script);
    assert!(errors.len() == 1 && errors[0].contains("out of memory"), "{errors:?}");
}

#[test]
fn a_hog_of_small_blocks_in_a_promise_is_told_of_its_memory() {
    let script = Script::new(
        "export default async function () { const hog = []; await null; for (;;) hog.push(new Array(1000).fill('x' + hog.length)) }",
    )
    .memory_limit(16 << 20);
    script.run();
    let errors = errors(&script);
    assert!(errors.len() == 1 && errors[0].contains("memory"), "{errors:?}");
}

#[test]
fn endless_recursion_is_a_range_error() {
    let script = Script::new(
        "export default function () { function f() { return f() + 1 } try { f() } catch (e) { console.log(e instanceof RangeError) } f() }",
    );
    script.run();
    assert_eq!(script.console(), ["true"]);
    let errors = errors(&script);
    assert!(errors.len() == 1 && errors[0].starts_with("RangeError: "), "{errors:?}");
}

#[test]
fn endless_iterations_are_interrupted_after_the_graceful_stop() {
    let bodies = [
        "for (;;) {}",
        "try { for (;;) {} } catch (e) { console.log('caught') } finally { console.log('finally') }",
        "const f = () => Promise.resolve().then(f); f()",
        "return new Promise(() => setInterval(() => {}, 1))",
        "/^(a+)+$/.test('a'.repeat(40) + 'b')",
        "for (;;) { try { JSON.parse('{') } catch {} }",
        "Array(1e4).fill(1).sort(() => { for (;;) {} })",
        "sleep(100)",
    ];
    let functions =
        bodies.iter().enumerate().map(|(i, body)| format!("export function f{i}() {{ {body} }}\n"));
    let scenarios = (0..bodies.len()).map(|i| {
        format!("f{i}: {{ exec: 'f{i}', executor: 'constant-vus', vus: 1, duration: '1s', gracefulStop: '100ms' }},")
    });
    let script = Script::new(format!(
        "import {{ sleep }} from 'k6'; export const options = {{ scenarios: {{ {} }} }};
         {} export function teardown() {{ console.log('teardown') }}",
        scenarios.collect::<String>(),
        functions.collect::<String>(),
    ));
    // The chain of promises grows as long as it runs, by more than a hundred megabytes a second.
    let script = script.memory_limit(0);
    let started = Instant::now();
    let ran = script.run();
    assert!(started.elapsed() < Duration::from_secs(10), "it took {:?}", started.elapsed());
    assert_eq!(script.console(), ["teardown"]);
    assert_eq!(ran.samples("iterations"), Vec::<String>::new());
    assert_eq!(ran.count("iteration_duration"), 0);
    assert_eq!(errors(&script), Vec::<String>::new());
}

#[test]
fn a_computing_virtual_user_leaves_the_others_their_time() {
    let script = Script::new(
        "import { sleep } from 'k6';
         const common = { executor: 'constant-vus', vus: 1, duration: '1s', gracefulStop: '0s' };
         export const options = { scenarios: { busy: { ...common, exec: 'busy' }, ticks: { ...common, exec: 'ticks' } } };
         export function busy() { for (;;) {} }
         export function ticks() { sleep(0.01) }",
    );
    let ran = script.run();
    assert!(ran.count("iterations") > 20, "only {} short iterations ran", ran.count("iterations"));
}
