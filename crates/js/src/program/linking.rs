//! What can be said of a program's imports without running it: in which order its modules run, and what one wants that
//! another does not export. Only to tell what is wrong with a script that could not be linked; linking is QuickJS's.

use std::collections::BTreeSet;

use url::Url;

use super::{Format, Program, Specifier, resolve};

/// What an ES module exports, in JavaScript: TypeScript's types are gone when it runs, and only their compiler knows which.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exports {
    /// By name, `default` among them.
    pub names: Vec<String>,
    /// The specifiers of `export * from`.
    pub everything_of: Vec<String>,
}

impl Program {
    /// The modules that `entry` imports, directly or not, and itself, in the order in which they run.
    pub(crate) fn running_order(&self, entry: &str) -> Vec<String> {
        let (mut order, mut seen) = (Vec::new(), BTreeSet::from([entry.to_owned()]));
        // Each with the imports that were not followed yet; not recursive, as scripts may nest imports at will.
        let mut path = vec![(entry.to_owned(), self.imports_of(entry))];
        while let Some((_, ahead)) = path.last_mut() {
            match ahead.next() {
                Some(next) if self.module(&next).is_some() && seen.insert(next.clone()) => {
                    let imports = self.imports_of(&next);
                    path.push((next, imports));
                }
                Some(_) => {}
                None => order.extend(path.pop().map(|(name, _)| name)),
            }
        }
        order
    }

    /// The absolute names of what a module imports.
    fn imports_of(&self, base: &str) -> std::vec::IntoIter<String> {
        let module = self.module(base);
        let specifiers = module.iter().flat_map(|module| &module.imports);
        specifiers.filter_map(|specifier| absolute(base, specifier)).collect::<Vec<_>>().into_iter()
    }

    /// The first import of `base` that the other module does not export, as an error's message with its place.
    pub(crate) fn missing_export(&self, base: &str) -> Option<String> {
        let module = self.module(base)?;
        module.exports.as_ref()?;
        module.import_places.iter().find_map(|place| {
            let (name, target) = (place.name.as_deref()?, absolute(base, &place.specifier)?);
            (!self.exports(&target, name, &mut BTreeSet::new())).then(|| {
                format!(
                    "Could not find export '{name}' in module '{target}'\n\tat {base}:{}:{}",
                    place.line, place.column
                )
            })
        })
    }

    /// Whether a module has an export of this name, as far as that can be told: what is not known to be missing is there.
    fn exports(&self, of: &str, name: &str, seen: &mut BTreeSet<String>) -> bool {
        let Some(module) = self.module(of) else { return true };
        let (Format::EsModule, Some(exports)) = (module.format, &module.exports) else { return true };
        if exports.names.iter().any(|known| known == name) {
            return true;
        }
        seen.insert(of.to_owned())
            && name != "default"
            && exports.everything_of.iter().any(|specifier| {
                absolute(of, specifier).is_none_or(|target| self.exports(&target, name, seen))
            })
    }
}

/// The name of the module that `base` names so; `None` for those that are built in.
fn absolute(base: &str, specifier: &str) -> Option<String> {
    match resolve(&Url::parse(base).ok()?, specifier) {
        Ok(Specifier::Url(url)) => Some(url.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Reading, Source, compile};
    use super::*;
    use crate::testing::on_fiber;

    fn program(modules: &[(&str, &str)]) -> Program {
        let url = Url::parse("file:///entry.js").unwrap();
        let source = Source { url, text: String::new(), working_directory: "/".into() };
        let program = Program::new(source, BTreeMap::new(), false, Reading::Directly);
        for (name, text) in modules {
            program.add_module((*name).to_owned(), compile(text, name).unwrap());
        }
        program
    }

    #[test]
    fn modules_run_after_what_they_import() {
        on_fiber(|| {
            let program = program(&[
                ("file:///entry.js", "import 'k6'; import './a.js'; import './b.js'"),
                ("file:///a.js", "import './c.js'; import './entry.js'"),
                ("file:///b.js", "import './c.js'"),
                ("file:///c.js", "module.exports = 1"),
            ]);
            let order = program.running_order("file:///entry.js");
            assert_eq!(order, ["file:///c.js", "file:///a.js", "file:///b.js", "file:///entry.js"]);
        });
    }

    #[test]
    fn only_what_is_known_to_be_missing_is_missing() {
        on_fiber(|| {
            let program = program(&[
                (
                    "file:///m.js",
                    "export const z = 1; export { q as r } from './any.js'; export * from './star.js'",
                ),
                ("file:///star.js", "export * from './m.js'; export default 1; export function s() {}"),
                ("file:///common.js", "exports.x = 1"),
                ("file:///typed.ts", "export type T = number; export const t: T = 1"),
            ]);
            let missing = |text: &str| {
                let name = "file:///entry.js";
                program.add_module(name.to_owned(), compile(text, name).unwrap());
                program.missing_export(name)
            };
            let fine = "import { z, r, s } from './m.js'; import { x } from './common.js'; import { u } from './typed.ts';
                        import http, { any } from 'k6/http'; import * as all from './m.js'; import d from './star.js'";
            assert_eq!(missing(fine), None);
            let text = "Could not find export 'nope' in module 'file:///m.js'\n\tat file:///entry.js:2:13";
            assert_eq!(missing("import 'k6';\nimport { z, nope } from './m.js'").as_deref(), Some(text));
            assert!(missing("import m from './m.js'").unwrap().contains("'default'"));
            assert!(missing("export { nope } from './m.js'").unwrap().contains("'nope'"));
        });
    }
}
