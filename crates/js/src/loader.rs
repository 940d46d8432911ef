//! Module loading inside a virtual machine: built-in modules, bytecode of the program, CommonJS.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use throng_quickjs::{Atom, Ctx, JsResult, Kind, ModuleSource, Resolver, Thrown, Value};
use url::Url;

use crate::event_loop::Failure;
use crate::host::host;
use crate::modules;
use crate::program::{self, Format, Module, Specifier};

/// The resolver given to QuickJS; all state is in the host.
pub(crate) struct Loader;

impl Resolver for Loader {
    fn resolve(&self, ctx: Ctx, base: &str, specifier: &str) -> JsResult<String> {
        resolve(ctx, base, specifier)
            .map_err(|error| at(error, || host(&ctx).program.place_of_specifier(base, specifier)))
    }

    fn load(&self, ctx: Ctx, name: &str) -> JsResult<ModuleSource> {
        if is_built_in(name) {
            let exports = built_in(ctx, name).map_err(|error| at_import_of(ctx, name, error))?;
            let names = export_names(ctx, name, &exports)?;
            let default = if exports.has("default") { exports.get("default")? } else { exports.clone() };
            return Ok(ModuleSource::Exports { names, exports, default });
        }
        let module = module(ctx, name).map_err(|error| at_import_of(ctx, name, error))?;
        match module.format {
            Format::EsModule => Ok(ModuleSource::Code(module.code.clone())),
            Format::CommonJs => {
                // Its exports are known only after it ran; k6 too runs it where it is imported.
                let exports = require_name(ctx, name).inspect_err(|_| {
                    host(&ctx).state::<FailedImport>().0.replace(Some(name.to_owned()));
                })?;
                let names = export_names(ctx, name, &exports)?;
                let default = match exports.get("__esModule") {
                    Ok(flag) if exports.is_object() && flag.truthy() && exports.has("default") => {
                        exports.get("default")?
                    }
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

/// The CommonJS module that threw when it was imported.
#[derive(Default)]
struct FailedImport(RefCell<Option<String>>);

/// Reads and compiles all that an ES module imports, directly or not, as k6 does before any of it runs.
pub(crate) fn read_imports(ctx: Ctx, entry: &str) -> JsResult<()> {
    let mut seen = BTreeSet::from([entry.to_owned()]);
    let mut ahead = vec![entry.to_owned()];
    while let Some(base) = ahead.pop() {
        let module = module(ctx, &base).map_err(|error| at_import_of(ctx, &base, error))?;
        let mut found = Vec::new();
        for specifier in &module.imports {
            let name = Loader.resolve(ctx, &base, specifier)?;
            if !is_built_in(&name) && seen.insert(name.clone()) {
                found.push(name);
            }
        }
        ahead.extend(found.into_iter().rev());
    }
    Ok(())
}

/// What to say of a script that could not be linked. A missing export comes first, as k6 knows of those of a module before
/// it runs that module, and here CommonJS runs while it is imported. As observed on k6 1.1, the entry's own counts more
/// than what its imports throw, and ends then as a rejected promise does.
pub(crate) fn blame(ctx: Ctx, entry: &str, thrown: Thrown) -> Failure {
    let host = host(&ctx);
    let failed = host.state::<FailedImport>().0.take();
    let order = host.program.running_order(entry);
    let others = order.iter().filter(|name| *name != entry);
    let (missing, is_second) = match (host.program.missing_export(entry), failed) {
        (Some(text), Some(_)) => (Some(text), true),
        (Some(text), None) => {
            (Some(text), others.into_iter().any(|name| host.program.missing_export(name).is_some()))
        }
        (None, Some(failed)) => {
            let mut before = others.take_while(|name| **name != failed);
            (before.find_map(|name| host.program.missing_export(name)), false)
        }
        (None, None) => (None, false),
    };
    match missing {
        Some(text) if is_second => {
            ctx.drop_exception();
            Failure::Rejected(format!("Uncaught (in promise) SyntaxError: {text}"))
        }
        Some(text) => {
            ctx.drop_exception();
            Thrown::New(Kind::Syntax, text).into()
        }
        None => thrown.into(),
    }
}

/// An error of ours with the place of the import that it is about: no script runs then that would have a stack.
fn at(error: Thrown, place: impl FnOnce() -> Option<String>) -> Thrown {
    match error {
        Thrown::New(kind, text) if !text.contains("\n\tat ") => match place() {
            Some(place) => Thrown::New(kind, format!("{text}\n\tat {place}")),
            None => Thrown::New(kind, text),
        },
        other => other,
    }
}

fn at_import_of(ctx: Ctx, name: &str, error: Thrown) -> Thrown {
    at(error, || host(&ctx).program.place_of_import(name, None))
}

/// The named exports of a module that does not declare them: what other modules want of it, and as long as that is not
/// known all that it has. A named export costs every virtual user memory, also where nobody imports it: lodash has 300.
fn export_names(ctx: Ctx, name: &str, exports: &Value) -> JsResult<Vec<String>> {
    if !exports.is_object() {
        return Ok(Vec::new());
    }
    let program = &host(&ctx).program;
    if program.knows_names_wanted_from(name) {
        return Ok(program.names_wanted_from(name));
    }
    let mut names: Vec<String> = exports.keys()?.iter().map(Atom::to_text).collect::<JsResult<_>>()?;
    for wanted in program.names_wanted_from(name) {
        if !names.contains(&wanted) {
            names.push(wanted);
        }
    }
    Ok(names)
}

/// The modules that `require` is running now, innermost last.
#[derive(Default)]
struct Requiring(RefCell<Vec<String>>);

/// The module whose top level runs now. A function that another module calls counts as that module's.
pub(crate) fn current_module(ctx: Ctx) -> Option<String> {
    let host = host(&ctx);
    let required = host.state::<Requiring>().0.borrow().last().cloned();
    required.or_else(|| ctx.outermost_script().filter(|name| host.program.module(name).is_some()))
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
        let read = host.wait(host.program.read(&host.thread, &url))?;
        let bytes = read.map_err(|e| Thrown::error(e.to_string()))?;
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let module = program::compile(&source, name).map_err(|e| Thrown::New(Kind::Syntax, e.without_kind()))?;
    host.program.look_for_map(&host.thread, name, &module);
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
    let requiring = host(&ctx).state::<Requiring>();
    requiring.0.borrow_mut().push(name.to_owned());
    let exports = run_required(ctx, name, &code);
    requiring.0.borrow_mut().pop();
    exports
}

fn run_required(ctx: Ctx, name: &str, code: &Module) -> JsResult {
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
            crate::vm::settle(ctx, host(&ctx), &evaluated).map_err(|failure| failure.into_thrown(ctx))?;
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
