//! Where in the script an option is written.
//!
//! Options are values by the time they are judged: `scenarios.reads.vus` is known, its line is not. So the entry
//! module is parsed once more, only when there is something to complain about, and the exported `options` are followed
//! as written: literals, constants of the module, spreads, `Object.assign()`, CommonJS exports. What is computed ends the search at the
//! deepest place that is written down, which is where its author looks first anyway.

use std::path::Path;

use oxc::allocator::Allocator;
use oxc::ast::ast::{
    BindingPattern, Declaration, Expression, ObjectExpression, ObjectPropertyKind, Program as Ast, Statement,
    VariableDeclaration,
};
use oxc::parser::Parser;
use oxc::span::{GetSpan as _, SourceType, Span};

use super::Source;
use super::position::line_and_column;

/// How many constants and spreads are followed: more is a cycle.
const DEPTH: usize = 64;

/// The place of the option `path` (`scenarios.reads.stages[0].target`; none: of all options) line and column from 1;
/// `None` if the script's text shows no `options` at all.
pub(super) fn option_place(source: &Source, path: &[String]) -> Option<(u32, u32)> {
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let typescript = Path::new(source.url.path()).extension().is_some_and(|e| e == "ts");
    let kind = if typescript { SourceType::ts() } else { SourceType::unambiguous() };
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, kind).parse();
    let script = Script { ast: &parsed.program };
    let (span, value) = script.exported("options")?;
    let span = value.and_then(|value| script.follow(value, path, DEPTH)).unwrap_or(span);
    Some(line_and_column(text, span.start as usize))
}

/// The steps of a path as problems name it: `a.b`, `a[0]`, `a["b c"]`.
pub fn option_path(path: &str) -> Vec<String> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (step, after) = if let Some(quoted) = rest.strip_prefix("[\"") {
            let end = quoted.find("\"]").unwrap_or(quoted.len());
            (quoted[..end].replace("\\\"", "\"").replace("\\\\", "\\"), quoted.get(end + 2..))
        } else if let Some(index) = rest.strip_prefix('[') {
            let end = index.find(']').unwrap_or(index.len());
            (index[..end].to_owned(), index.get(end + 1..))
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            (name[..end].to_owned(), name.get(end..))
        };
        steps.push(step);
        rest = after.unwrap_or_default();
    }
    steps
}

/// A parsed module.
struct Script<'s, 'a> {
    ast: &'s Ast<'a>,
}

impl<'s, 'a> Script<'s, 'a> {
    /// Where `name` is exported, and its value if that is written in this module.
    fn exported(&self, name: &str) -> Option<(Span, Option<&'s Expression<'a>>)> {
        self.ast.body.iter().rev().find_map(|statement| match statement {
            Statement::ExportDeclaration(export) => match &export.declaration {
                Declaration::VariableDeclaration(variables) => declared(variables, name),
                _ => None,
            },
            Statement::ExportNamedDeclaration(export) => {
                let specifier = export.specifiers.iter().find(|s| s.exported.name() == name)?;
                Some((specifier.span, self.variable(&specifier.local.name())))
            }
            Statement::ExportFromDeclaration(export) => {
                let specifier = export.specifiers.iter().find(|s| s.exported.name() == name)?;
                Some((specifier.span, None))
            }
            Statement::ExpressionStatement(statement) => self.assigned(&statement.expression, name),
            _ => None,
        })
    }

    /// `exports.NAME = …`, `module.exports.NAME = …`, `module.exports = { NAME: … }`.
    fn assigned(
        &self,
        expression: &'s Expression<'a>,
        name: &str,
    ) -> Option<(Span, Option<&'s Expression<'a>>)> {
        let Expression::AssignmentExpression(assignment) = expression else { return None };
        let target = assignment.left.as_member_expression()?;
        let exports = |object: &Expression<'a>| {
            object.is_specific_id("exports") || object.is_specific_member_access("module", "exports")
        };
        if target.is_specific_member_access("module", "exports") {
            let (span, value) = self.member(&assignment.right, name, DEPTH)?;
            return Some((span, Some(value)));
        }
        let named = exports(target.object()) && target.static_property_name().is_some_and(|n| n == name);
        named.then_some((assignment.span, Some(&assignment.right)))
    }

    /// The value that a variable of the module's top level starts with.
    fn variable(&self, name: &str) -> Option<&'s Expression<'a>> {
        self.ast.body.iter().find_map(|statement| {
            let variables = match statement {
                Statement::VariableDeclaration(variables) => variables,
                Statement::ExportDeclaration(export) => match &export.declaration {
                    Declaration::VariableDeclaration(variables) => variables,
                    _ => return None,
                },
                _ => return None,
            };
            declared(variables, name)?.1
        })
    }

    /// The place of the member that `path` leads to, or of the last step that is written down.
    fn follow(&self, value: &'s Expression<'a>, path: &[String], depth: usize) -> Option<Span> {
        let (step, rest) = path.split_first()?;
        let (span, next) = match self.literal(value, depth)? {
            Expression::ArrayExpression(array) => {
                let element = array.elements.get(step.parse::<usize>().ok()?)?.as_expression()?;
                (element.span(), element)
            }
            _ => self.member(value, step, depth)?,
        };
        Some(depth.checked_sub(1).and_then(|depth| self.follow(next, rest, depth)).unwrap_or(span))
    }

    /// The expression itself: types, parentheses, names of constants and `Object.freeze()` aside.
    fn literal(&self, value: &'s Expression<'a>, depth: usize) -> Option<&'s Expression<'a>> {
        let depth = depth.checked_sub(1)?;
        match value.get_inner_expression() {
            Expression::Identifier(name) => self.literal(self.variable(&name.name)?, depth),
            Expression::CallExpression(call) if call.callee.is_specific_member_access("Object", "freeze") => {
                self.literal(call.arguments.first()?.as_expression()?, depth)
            }
            other => Some(other),
        }
    }

    /// A member of what is written as an object, or as `Object.assign()` of several.
    fn member(
        &self,
        value: &'s Expression<'a>,
        name: &str,
        depth: usize,
    ) -> Option<(Span, &'s Expression<'a>)> {
        let depth = depth.checked_sub(1)?;
        match self.literal(value, depth)? {
            Expression::ObjectExpression(object) => self.property(object, name, depth),
            Expression::CallExpression(call) if call.callee.is_specific_member_access("Object", "assign") => {
                let mut parts = call.arguments.iter().rev().filter_map(|argument| argument.as_expression());
                parts.find_map(|part| self.member(part, name, depth))
            }
            _ => None,
        }
    }

    /// A member of an object as written: the last of that name, also in what is spread into it. Names are compared
    /// as options are read, without regard to case.
    fn property(
        &self,
        object: &'s ObjectExpression<'a>,
        name: &str,
        depth: usize,
    ) -> Option<(Span, &'s Expression<'a>)> {
        object.properties.iter().rev().find_map(|property| match property {
            ObjectPropertyKind::ObjectProperty(property) => {
                let key = property.key.static_name()?;
                key.eq_ignore_ascii_case(name).then_some((property.span, &property.value))
            }
            ObjectPropertyKind::SpreadProperty(spread) => self.member(&spread.argument, name, depth),
        })
    }
}

/// The declaration of `name` among these variables, and what it starts with.
fn declared<'s, 'a>(
    variables: &'s VariableDeclaration<'a>,
    name: &str,
) -> Option<(Span, Option<&'s Expression<'a>>)> {
    let declarator = variables.declarations.iter().find(
        |declarator| matches!(&declarator.id, BindingPattern::BindingIdentifier(id) if id.name == name),
    )?;
    Some((declarator.span, declarator.init.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    fn place(name: &str, text: &str, path: &str) -> Option<String> {
        let url = Url::parse(&format!("file:///{name}")).unwrap();
        let source = Source { url, text: text.into(), working_directory: "/".into() };
        let (line, column) = option_place(&source, &option_path(path))?;
        Some(format!("{line}:{column}"))
    }

    fn of(text: &str, path: &str) -> String {
        place("a.js", text, path).unwrap()
    }

    #[test]
    fn a_member_is_found_where_it_is_written() {
        let text = "export const options = {\n  scenarios: {\n    'a b': { vus: 0,\n      stages: [1, {\n target: -1 }] },\n  },\n};";
        assert_eq!(of(text, "scenarios"), "2:3");
        assert_eq!(of(text, "scenarios[\"a b\"].vus"), "3:14");
        assert_eq!(of(text, "scenarios[\"a b\"].stages[1].target"), "5:2");
    }

    #[test]
    fn what_is_not_written_is_sought_where_it_would_be() {
        let text = "export const options = {\n  scenarios: {\n    a: {},\n  },\n};";
        assert_eq!(of(text, "scenarios.a.executor"), "3:5");
        assert_eq!(of(text, "vus"), "1:14");
        assert_eq!(of("export const options = make();", "vus"), "1:14");
    }

    #[test]
    fn constants_spreads_and_later_members_are_followed() {
        let text = "const base = { VUs: 0 };\nconst a = Object.freeze({ ...base, exec: 'x' });\nexport const options = { scenarios: { a } };";
        assert_eq!(of(text, "scenarios.a.vus"), "1:16");
        assert_eq!(of(text, "scenarios.a.exec"), "2:36");
        assert_eq!(of("export let options = { vus: 1,\nvus: 0 };", "vus"), "2:1");
        let assigned = "export const options = Object.assign({ vus: 0 }, __ENV.A ? {} : {},\n{ rps: 1 });";
        assert_eq!((of(assigned, "vus"), of(assigned, "rps")), ("1:40".into(), "2:3".into()));
    }

    #[test]
    fn every_way_to_export_is_known() {
        assert_eq!(of("const o = { vus: 0 };\nexport { o as options };", "vus"), "1:13");
        assert_eq!(of("export { options } from './b.js';", "vus"), "1:10");
        assert_eq!(of("exports.options = { vus: 0 }", "vus"), "1:21");
        assert_eq!(of("module.exports = { options: {\nvus: 0 } }", "vus"), "2:1");
        let typed =
            "import { Options } from 'k6/options';\nexport const options: Options = {\n vus: 0 } as Options;";
        assert_eq!(place("a.ts", typed, "vus").unwrap(), "3:2");
    }

    #[test]
    fn there_is_no_place_without_options_and_no_end_in_a_circle() {
        assert_eq!(place("a.js", "export default function () {}", "vus"), None);
        assert_eq!(of("const a = { ...a };\nexport const options = { ...a };", "vus"), "2:14");
        assert_eq!(
            of("const a = b, b = a;\nexport const options = { scenarios: a };", "scenarios.x"),
            "2:26"
        );
    }
}
