//! What reading JSON costs, ours beside the engine's: `cargo run --release -p throng-quickjs --example json_cost`.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for whoever works on the engine")]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use throng_quickjs::fiber::Fiber;
use throng_quickjs::{Runtime, RuntimeConfig, StackPool};

fn main() {
    let fiber = Fiber::new(&StackPool::new(1 << 20), move |_| {
        let runtime = Runtime::new(&RuntimeConfig { memory_limit: 64 << 20, stack_limit: 900_000 }).unwrap();
        let ctx = runtime.ctx();
        let rows: Vec<String> = (0..90)
            .map(|n| format!(r#"{{"id": {n}, "name": "article number {n}", "price": {}, "quantity": {}, "active": {}, "tags": ["{}", "group-{}"]}}"#,
                10.0 + f64::from(n) * 0.25, n % 7, n % 3 != 0, if n % 2 == 0 { "even" } else { "odd" }, n % 5)).collect();
        let text = format!("{{\"rows\": [{}]}}", rows.join(", "));
        let parse = ctx.globals().get("JSON").and_then(|j| j.get("parse")).map_err(|_| ()).unwrap();
        let value = ctx.string(&text);
        let (mut ours, mut theirs) = (f64::MAX, f64::MAX);
        for _ in 0..100 {
            let start = Instant::now();
            for _ in 0..100 {
                drop(ctx.parse_json(&text, "x"));
            }
            ours = ours.min(start.elapsed().as_secs_f64() * 1e4);
            let start = Instant::now();
            for _ in 0..100 {
                drop(parse.call(&ctx.undefined(), &[&value]));
            }
            theirs = theirs.min(start.elapsed().as_secs_f64() * 1e4);
        }
        println!("{} bytes, best of 100: ours {ours:.1} us, the engine's {theirs:.1} us", text.len());
    });
    match pin!(fiber.unwrap()).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(()) => {}
        Poll::Pending => unreachable!(),
    }
}
