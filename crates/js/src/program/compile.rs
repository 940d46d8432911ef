//! From source text to bytecode: TypeScript is stripped, CommonJS is told from ES modules, and what a module
//! imports is noted while QuickJS compiles it.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use oxc::allocator::Allocator;
use oxc::codegen::{Codegen, CodegenOptions};
use oxc::parser::Parser;
use oxc::semantic::SemanticBuilder;
use oxc::span::{SourceType, Span};
use oxc::syntax::module_record::{
    ExportEntry, ExportExportName, ExportImportName, ImportImportName, ModuleRecord,
};
use oxc::transformer::{TransformOptions, Transformer};
use throng_quickjs::{
    Compiled, Ctx, Exception, JsResult, ModuleSource, Resolver, Runtime, RuntimeConfig, Value,
};

use super::linking::Exports;
use super::position::{Positions, line_and_column};
use super::source_map::SourceMap;
use super::throws::Throws;

/// How a module's code is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `import`/`export`
    EsModule,
    /// `require`/`module.exports`, also a file without any of them.
    CommonJs,
}

/// A compiled module.
pub struct Module {
    /// How to run it.
    pub format: Format,
    /// Its bytecode; for CommonJS, a script whose completion value is the function that wraps the module.
    pub code: Compiled,
    /// From places in the bytecode to places in the user's file.
    pub positions: Positions,
    /// The specifiers it imports statically.
    pub imports: Vec<String>,
    /// What it imports (or exports again) by name: specifier and name.
    pub names: Vec<(String, String)>,
    /// Where its text says so.
    pub import_places: Vec<ImportPlace>,
    /// Where its text throws.
    pub throws: Throws,
    /// Where its text was bundled from.
    pub source_map: Option<Box<SourceMap>>,
    /// What it exports; `None` where that is not known before it runs.
    pub exports: Option<Exports>,
}

/// Where a module names another one, or something that it wants of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportPlace {
    /// The other module, as written.
    pub specifier: String,
    /// What is wanted of it; `None` for the place of the specifier itself.
    pub name: Option<String>,
    /// From 1, in the user's file.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

/// A syntax error, with its place in the user's file.
#[derive(Debug, thiserror::Error)]
#[error("SyntaxError: {message}\n\tat {name}:{line}:{column}")]
pub struct CompileError {
    message: String,
    name: String,
    line: u32,
    column: u32,
}

impl CompileError {
    /// The message and place without the leading `SyntaxError:`, for an error object of that kind.
    pub fn without_kind(&self) -> String {
        self.to_string().trim_start_matches("SyntaxError: ").to_owned()
    }
}

/// In the place of a name: all of a module's exports.
pub(super) const EVERYTHING: &str = "*";
/// In the place of a specifier: a module that cannot be known before the script runs.
pub(super) const ANY_MODULE: &str = "";

/// What stands before a CommonJS module's first character.
///
/// Strict, as k6 runs CommonJS (observed on k6 1.1).
const COMMON_JS_HEAD: &str = "(function (module, exports, require) {'use strict';";

/// Compiles one file. `name` is its URL, whose ending decides whether it is TypeScript.
pub fn compile(source: &str, name: &str) -> Result<Module, CompileError> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let blanked;
    let source = if source.starts_with("#!") {
        // Blanked, not cut, so that line numbers stay.
        let end = source.find('\n').unwrap_or(source.len());
        blanked = format!("//{}", &source[2..end]) + &source[end..];
        &blanked
    } else {
        source
    };
    let path = name.split(['?', '#']).next().unwrap_or(name);
    let typescript = Path::new(path).extension().is_some_and(|e| e == "ts");
    let allocator = Allocator::default();
    let kind = if typescript { SourceType::ts() } else { SourceType::unambiguous() };
    let parsed = Parser::new(&allocator, source, kind).parse();
    let is_module = parsed.module_record.has_module_syntax;
    let names = imported_names(&parsed.module_record);
    let import_places = import_places(source, &parsed.module_record);
    let throws = Throws::of(&parsed.program, source);
    let exports = (is_module && !typescript).then(|| exports(&parsed.module_record));
    let source_map = SourceMap::of(source, name, !typescript).map(Box::new);
    let with_places = |module: Module| Module { import_places, throws, source_map, exports, ..module };
    if !typescript {
        // Syntax errors of plain JavaScript are QuickJS's to report: it is what runs the script.
        let format = if is_module { Format::EsModule } else { Format::CommonJs };
        return bytecode(source, name, format, Positions::identity(), names).map(with_places);
    }
    if let Some(error) = parsed.diagnostics.first() {
        let offset = error.labels.first().map_or(0, |label| label.offset() as usize);
        let (line, column) = line_and_column(source, offset);
        return Err(CompileError { message: error.message.to_string(), name: name.into(), line, column });
    }
    let mut program = parsed.program;
    let semantic = SemanticBuilder::new().with_excess_capacity(2.0).with_enum_eval(true).build(&program);
    let options = TransformOptions::default();
    let scoping = semantic.semantic.into_scoping();
    let transformed =
        Transformer::new(&allocator, Path::new(path), &options).build_with_scoping(scoping, &mut program);
    if let Some(error) = transformed.diagnostics.first() {
        return Err(CompileError {
            message: error.message.to_string(),
            name: name.into(),
            line: 1,
            column: 1,
        });
    }
    let printed = Codegen::new()
        .with_options(CodegenOptions { source_map_path: Some(path.into()), ..CodegenOptions::default() })
        .build(&program);
    let positions = printed.map.as_ref().map_or_else(Positions::identity, |map| {
        let tokens = map.get_tokens();
        Positions::from_tokens(
            tokens.map(|t| (t.get_dst_line(), t.get_dst_col(), t.get_src_line(), t.get_src_col())),
        )
    });
    let format = if is_module { Format::EsModule } else { Format::CommonJs };
    bytecode(&printed.code, name, format, positions, names).map(with_places)
}

/// The places of all specifiers and of the names wanted from them.
fn import_places(source: &str, record: &ModuleRecord<'_>) -> Vec<ImportPlace> {
    let place = |specifier: &str, name: Option<&str>, span: Span| {
        let (line, column) = line_and_column(source, span.start as usize);
        ImportPlace { specifier: specifier.to_owned(), name: name.map(str::to_owned), line, column }
    };
    let requests = record.requested_modules.iter();
    let mut places: Vec<ImportPlace> = requests
        .flat_map(|(specifier, requests)| requests.iter().map(move |request| (specifier, request.span)))
        .map(|(specifier, span)| place(specifier, None, span))
        .collect();
    places.extend(record.import_entries.iter().filter_map(|entry| match &entry.import_name {
        ImportImportName::Name(name) => Some(place(&entry.module_request.name, Some(&name.name), name.span)),
        ImportImportName::Default(span) => Some(place(&entry.module_request.name, Some("default"), *span)),
        ImportImportName::NamespaceObject => None,
    }));
    places.extend(record.indirect_export_entries.iter().filter_map(|entry| {
        let ExportImportName::Name(name) = &entry.import_name else { return None };
        Some(place(&entry.module_request.as_ref()?.name, Some(&name.name), name.span))
    }));
    places.sort_by_key(|place| (place.line, place.column));
    places
}

/// What a module exports.
fn exports(record: &ModuleRecord<'_>) -> Exports {
    let named = record.local_export_entries.iter().chain(&record.indirect_export_entries);
    let name = |entry: &ExportEntry<'_>| match &entry.export_name {
        ExportExportName::Name(name) => Some(name.name.to_string()),
        ExportExportName::Default(_) => Some("default".to_owned()),
        ExportExportName::Null => None,
    };
    let stars = record.star_export_entries.iter().filter_map(|entry| entry.module_request.as_ref());
    Exports {
        names: named.filter_map(name).collect(),
        everything_of: stars.map(|module| module.name.to_string()).collect(),
    }
}

/// What a module asks other modules for by name, types aside. [`EVERYTHING`] stands for a namespace, and with
/// [`ANY_MODULE`] for an `import()` whose module and names only running it shows.
fn imported_names(record: &ModuleRecord<'_>) -> Vec<(String, String)> {
    let imported = record.import_entries.iter().filter_map(|entry| match &entry.import_name {
        ImportImportName::Name(name) if !entry.is_type => Some((&entry.module_request, name.name.as_str())),
        ImportImportName::NamespaceObject => Some((&entry.module_request, EVERYTHING)),
        _ => None,
    });
    let exports = record.indirect_export_entries.iter().chain(&record.star_export_entries);
    let exported = exports.filter_map(|entry| match &entry.import_name {
        ExportImportName::Name(name) if !entry.is_type => {
            Some((entry.module_request.as_ref()?, name.name.as_str()))
        }
        ExportImportName::All | ExportImportName::AllButDefault => {
            Some((entry.module_request.as_ref()?, EVERYTHING))
        }
        _ => None,
    });
    let named = imported.chain(exported).map(|(module, name)| (module.name.to_string(), name.to_owned()));
    let dynamic = record.dynamic_imports.iter().map(|_| (ANY_MODULE.to_owned(), EVERYTHING.to_owned()));
    named.chain(dynamic).collect()
}

/// Notes what is imported; every import stands for an empty module, since nothing is run.
struct Imports(RefCell<Vec<String>>);

impl Resolver for Imports {
    fn resolve(&self, _: Ctx, _: &str, specifier: &str) -> JsResult<String> {
        let mut seen = self.0.borrow_mut();
        if !seen.iter().any(|s| s == specifier) {
            seen.push(specifier.to_owned());
        }
        Ok(format!("import:{specifier}"))
    }
    fn load(&self, ctx: Ctx, _: &str) -> JsResult<ModuleSource> {
        Ok(ModuleSource::Exports { names: Vec::new(), exports: ctx.object(), default: ctx.undefined() })
    }
    fn meta(&self, _: Ctx, _: &str, _: &Value) -> JsResult<()> {
        Ok(())
    }
}

fn bytecode(
    source: &str,
    name: &str,
    format: Format,
    positions: Positions,
    names: Vec<(String, String)>,
) -> Result<Module, CompileError> {
    let failed = |exception: Exception, positions: &Positions| {
        let (line, column) = place(&exception.stack).unwrap_or((1, 1));
        let (line, column) = positions.original(line, column);
        let message =
            exception.message.strip_prefix("SyntaxError: ").unwrap_or(&exception.message).to_owned();
        CompileError { message, name: name.into(), line, column }
    };
    // A runtime of its own: compiling registers the module's name. Deeply nested source needs stack, which is
    // why the limit is generous; this runs on the loading fiber's stack.
    let config = RuntimeConfig { memory_limit: 0, stack_limit: crate::vm::STACK_LIMIT - 64 * 1024 };
    let runtime = Runtime::new(&config).map_err(|e| failed(e, &positions))?;
    let imports = Rc::new(Imports(RefCell::default()));
    runtime.set_resolver(imports.clone());
    let ctx = runtime.ctx();
    let (code, positions) = match format {
        Format::EsModule => (ctx.compile_module(source, name), positions),
        Format::CommonJs => {
            let wrapped = format!("{COMMON_JS_HEAD}{source}\n}})");
            (ctx.compile_script(&wrapped, name), positions.with_first_line_shift(COMMON_JS_HEAD.len() as u32))
        }
    };
    let code = code.map_err(|thrown| failed(ctx.into_exception(thrown), &positions))?;
    let imports = imports.0.take();
    Ok(Module {
        format,
        code,
        positions,
        imports,
        names,
        import_places: Vec::new(),
        throws: Throws::default(),
        source_map: None,
        exports: None,
    })
}

/// The first `file:line:column` of a QuickJS stack.
fn place(stack: &str) -> Option<(u32, u32)> {
    let line = stack.lines().next()?.trim().trim_end_matches(')');
    let mut parts = line.rsplitn(3, ':');
    let column = parts.next()?.parse().ok()?;
    Some((parts.next()?.parse().ok()?, column))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::on_fiber;

    #[test]
    fn files_without_import_or_export_are_common_js() {
        on_fiber(|| {
            assert_eq!(compile("module.exports = 1", "file:///a.js").unwrap().format, Format::CommonJs);
            assert_eq!(compile("export default 1", "file:///a.js").unwrap().format, Format::EsModule);
        });
    }

    #[test]
    fn imports_are_listed_once_and_in_order() {
        on_fiber(|| {
            let source =
                "import a from './b.js'; import 'k6'; export * from './c.js'; import { x } from './b.js'";
            assert_eq!(compile(source, "file:///a.js").unwrap().imports, ["./b.js", "k6", "./c.js"]);
        });
    }

    #[test]
    fn names_wanted_of_other_modules_are_noted() {
        on_fiber(|| {
            let names = |source| compile(source, "file:///a.js").unwrap().names;
            let pair = |module: &str, name: &str| (module.to_owned(), name.to_owned());
            assert_eq!(names("import d, { a as b } from './b.js'"), [pair("./b.js", "a")]);
            assert_eq!(names("import * as k from 'k6'"), [pair("k6", "*")]);
            assert_eq!(
                names("export * from './b.js'; export { x as y } from './c.js'"),
                [pair("./c.js", "x"), pair("./b.js", "*")]
            );
            assert_eq!(names("export * as all from './b.js'"), [pair("./b.js", "*")]);
            assert_eq!(names("export default () => import('./' + 'b.js')"), [pair("", "*")]);
        });
    }

    #[test]
    fn the_places_of_imports_are_kept() {
        on_fiber(|| {
            let source =
                "import a, { b as c } from './x.js';\n  export { d } from './y.js';\nimport './x.js';";
            let places = compile(source, "file:///a.js").unwrap().import_places;
            let of = |specifier: &str, name: Option<&str>| {
                let found = places.iter().find(|p| p.specifier == specifier && p.name.as_deref() == name);
                found.map(|place| (place.line, place.column))
            };
            assert_eq!(of("./x.js", None), Some((1, 27)));
            assert_eq!(of("./x.js", Some("default")), Some((1, 8)));
            assert_eq!(of("./x.js", Some("b")), Some((1, 13)));
            assert_eq!(of("./y.js", Some("d")), Some((2, 12)));
        });
    }

    #[test]
    fn syntax_errors_name_file_line_and_column() {
        on_fiber(|| {
            let error =
                compile("import a from 'k6'\n\nlet x = = 1", "file:///dir/a.js").err().unwrap().to_string();
            assert!(error.contains("file:///dir/a.js:3:9"), "{error}");
            let error = compile("\n\nlet x: = 1; export {}", "file:///dir/a.ts").err().unwrap().to_string();
            assert!(error.contains("file:///dir/a.ts:3:"), "{error}");
            let error = compile("let y = = 1", "file:///c.js").err().unwrap().to_string();
            assert!(error.contains("file:///c.js:1:9"), "{error}");
        });
    }

    #[test]
    fn typescript_keeps_its_meaning_and_its_lines() {
        on_fiber(|| {
            let source = "enum E { A = 1, B }\ninterface I { x: number }\nexport default (i: I): number => i.x + E.B;\n";
            assert!(compile(source, "file:///a.ts").is_ok());
        });
    }

    #[test]
    fn a_hashbang_line_is_allowed() {
        on_fiber(|| assert!(compile("#!/usr/bin/env k6\nexport default 1", "file:///a.js").is_ok()));
    }
}
