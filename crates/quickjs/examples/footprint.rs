//! What one runtime holds: `cargo run --release -p throng-quickjs --example footprint [MODULE]`.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for whoever works on the engine")]

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use throng_quickjs::fiber::Fiber;
use throng_quickjs::{
    Ctx, JsResult, ModuleSource, Resolver, Runtime, RuntimeConfig, StackPool, Thrown, Value,
};

/// Modules without imports only.
struct No;

impl Resolver for No {
    fn resolve(&self, _: Ctx, _: &str, s: &str) -> JsResult<String> {
        Ok(s.into())
    }
    fn load(&self, _: Ctx, _: &str) -> JsResult<ModuleSource> {
        Err(Thrown::error("a module that imports others cannot be measured here; bundle it first"))
    }
    fn meta(&self, _: Ctx, _: &str, _: &Value) -> JsResult<()> {
        Ok(())
    }
}

fn main() {
    let file = std::env::args().nth(1);
    let fiber = Fiber::new(&StackPool::new(1 << 20), move |_| {
        let config = RuntimeConfig { memory_limit: 64 << 20, stack_limit: 900_000 };
        let runtime = Runtime::new(&config).unwrap();
        println!("empty\n{}", runtime.ctx().memory_report());
        if let Some(file) = file {
            let code = {
                let compiler = Runtime::new(&config).unwrap();
                compiler.set_resolver(Rc::new(No));
                let compiled = compiler.ctx().compile_module(&std::fs::read_to_string(&file).unwrap(), "m");
                compiled.unwrap_or_else(|thrown| panic!("{}", compiler.ctx().into_exception(thrown).message))
            };
            runtime.set_resolver(Rc::new(No));
            println!("bytecode {} bytes", code.len());
            let evaluated = runtime.ctx().evaluate_module("m", &code);
            let _kept =
                evaluated.unwrap_or_else(|thrown| panic!("{}", runtime.ctx().into_exception(thrown).message));
            println!("with {file}\n{}", runtime.ctx().memory_report());
            runtime.ctx().collect();
            println!("collected\n{}", runtime.ctx().memory_report());
        }
    });
    match pin!(fiber.unwrap()).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(()) => {}
        Poll::Pending => unreachable!(),
    }
}
