//! Module loading inside a virtual machine: built-in modules, bytecode of the program, CommonJS.

use throng_quickjs::{Ctx, JsResult, Kind, ModuleSource, Resolver, Thrown, Value};
use url::Url;

use std::sync::Arc;

use crate::host::host;
use crate::modules;
use crate::program::{self, Format, Module, Specifier};

/// The resolver given to QuickJS; all state is in the host.
pub(crate) struct Loader;

impl Resolver for Loader {
    fn resolve(&self, ctx: Ctx, base: &str, specifier: &str) -> JsResult<String> {
        resolve(ctx, base, specifier)
    }

    fn load(&self, ctx: Ctx, name: &str) -> JsResult<ModuleSource> {
        if is_built_in(name) {
            let exports = built_in(ctx, name)?;
            let names = exports.keys()?.iter().map(throng_quickjs::Atom::to_text).collect::<JsResult<_>>()?;
            let default = if exports.has("default") { exports.get("default")? } else { exports.clone() };
            return Ok(ModuleSource::Exports { names, exports, default });
        }
        let module = module(ctx, name)?;
        match module.format {
            Format::EsModule => Ok(ModuleSource::Code(module.code.clone())),
            Format::CommonJs => {
                // Its exports are known only after it ran; k6 too runs it where it is imported.
                let exports = require_name(ctx, name)?;
                let names = if exports.is_object() {
                    exports.keys()?.iter().map(throng_quickjs::Atom::to_text).collect::<JsResult<_>>()?
                } else {
                    Vec::new()
                };
                let default = match exports.get("__esModule") {
                    Ok(flag) if exports.is_object() && flag.truthy() && exports.has("default") => exports.get("default")?,
                    _ => exports.clone(),
                };
                Ok(ModuleSource::Exports { names, exports, default })
            }
        }
    }

    fn meta(&self, ctx: Ctx, name: &str, meta: &Value) -> JsResult<()> {
        let base = ctx.string(name);
        let resolve = ctx.closure(1, &[&base], |call| {
            let base = call.captured(0).to_text()?;
            let specifier = call.arg(0).to_text()?;
            Ok(call.ctx().string(&resolve(call.ctx(), &base, &specifier)?))
        });
        meta.set("resolve", &resolve)
    }
}

fn is_built_in(name: &str) -> bool {
    name == "k6" || name.starts_with("k6/")
}

fn resolve(ctx: Ctx, base: &str, specifier: &str) -> JsResult<String> {
    let base = Url::parse(base).or_else(|_| Ok(host(&ctx).program.source.url.clone()));
    let base = base.map_err(|e: url::ParseError| Thrown::error(e.to_string()))?;
    match program::resolve(&base, specifier) {
        Ok(Specifier::BuiltIn(name)) => Ok(name),
        Ok(Specifier::Url(url)) => Ok(url.to_string()),
        Err(error) => Err(Thrown::error(error.to_string())),
    }
}

/// The exports object of a built-in module, made once a machine.
pub(crate) fn built_in(ctx: Ctx, name: &str) -> JsResult {
    if let Some(exports) = host(&ctx).cached_exports(name) {
        return Ok(exports);
    }
    let exports = modules::load(ctx, name)?;
    host(&ctx).cache_exports(name, exports.clone());
    Ok(exports)
}

/// The compiled module of this name, fetched and compiled if the program does not have it yet.
pub(crate) fn module(ctx: Ctx, name: &str) -> JsResult<Arc<Module>> {
    let host = host(&ctx);
    if let Some(module) = host.program.module(name) {
        return Ok(module);
    }
    if host.program.is_sealed() {
        return Err(Thrown::error(format!(
            "cannot import {name}: it was not imported when the script was first loaded, and later it cannot be"
        )));
    }
    let source = if name == host.program.source.url.as_str() {
        host.program.source.text.clone()
    } else {
        let url = Url::parse(name).map_err(|e| Thrown::error(format!("cannot import {name:?}: {e}")))?;
        let fetched = host.wait(program::fetch(&host.thread, &url))?;
        let bytes = fetched.map_err(|e| Thrown::error(e.to_string()))?.content;
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let module = program::compile(&source, name).map_err(|e| Thrown::New(Kind::Syntax, e.without_kind()))?;
    Ok(host.program.add_module(name.to_owned(), module))
}

/// `require` of an absolute name: runs the module once a machine and returns its exports.
pub(crate) fn require_name(ctx: Ctx, name: &str) -> JsResult {
    if is_built_in(name) {
        return built_in(ctx, name);
    }
    if let Some(kept) = host(&ctx).cached_exports(name) {
        // The `module` object is kept, so that cycles see what is exported so far.
        return kept.get("exports");
    }
    let code = module(ctx, name)?;
    match code.format {
        Format::CommonJs => {
            let function = ctx.run_script(&code.code)?;
            let (module, exports) = (ctx.object(), ctx.object());
            module.set("exports", &exports)?;
            host(&ctx).cache_exports(name, module.clone());
            function.call(&exports, &[&module, &exports, &require_function(ctx, name)])?;
            module.get("exports")
        }
        Format::EsModule => {
            let (handle, evaluated) = ctx.evaluate_module(name, &code.code)?;
            let module = ctx.object();
            module.set("exports", &handle.namespace()?)?;
            host(&ctx).cache_exports(name, module.clone());
            ctx.run_jobs()?;
            crate::vm::settle(ctx, host(&ctx), &evaluated)?;
            module.get("exports")
        }
    }
}

/// The `require` function that the module `base` sees.
pub(crate) fn require_function(ctx: Ctx, base: &str) -> Value {
    let base = ctx.string(base);
    ctx.closure(1, &[&base], |call| {
        let ctx = call.ctx();
        host(&ctx).only_in_init("require()")?;
        let specifier = call.arg(0);
        if !specifier.is_string() {
            return Err(Thrown::type_error("require() needs the name of a module"));
        }
        let name = resolve(ctx, &call.captured(0).to_text()?, &specifier.to_text()?)?;
        require_name(ctx, &name)
    })
}
