//! Where the `throw` statements of a module are, so that the log can say where something was thrown that is no error.
//!
//! QuickJS keeps no stack with such a value. It notes one at every `throw` and for every `Error` that is made, and has
//! the oldest since the last `catch`: that is the right one, or that of an error which the script only made. So
//! [`Program::translate_throw`](super::Program::translate_throw) looks up here where the noted stack begins. Inside of a
//! `throw` statement it is believed, and the line that is shown is the statement's; anywhere else it is not.

use oxc::ast::ast::{Program, ThrowStatement};
use oxc::ast_visit::{Visit, walk};

/// The `throw` statements of one file.
#[derive(Debug, Clone, Default)]
pub struct Throws(Vec<Throw>);

/// Line and column, from 1; columns in bytes, as QuickJS counts them.
type Point = (u32, u32);

#[derive(Debug, Clone, Copy)]
struct Throw {
    start: Point,
    end: Point,
}

impl Throws {
    pub(super) fn of(program: &Program<'_>, source: &str) -> Self {
        let mut found = Found(Vec::new());
        found.visit_program(program);
        let starts: Vec<usize> =
            std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let point = |offset: u32| {
            let line = starts.partition_point(|start| *start <= offset as usize);
            (line as u32, (offset as usize - starts[line - 1]) as u32 + 1)
        };
        Self(found.0.into_iter().map(|(start, end)| Throw { start: point(start), end: point(end) }).collect())
    }

    /// The start of the innermost `throw` around a place.
    pub fn around(&self, line: u32, column: u32) -> Option<Point> {
        let at = (line, column);
        let around = self.0.iter().filter(|throw| throw.start <= at && at < throw.end);
        around.map(|throw| throw.start).max()
    }
}

/// Start and end of each in bytes.
struct Found(Vec<(u32, u32)>);

impl<'a> Visit<'a> for Found {
    fn visit_throw_statement(&mut self, statement: &ThrowStatement<'a>) {
        self.0.push((statement.span.start, statement.span.end));
        walk::walk_throw_statement(self, statement);
    }
}

#[cfg(test)]
mod tests {
    use crate::program::compile;
    use crate::testing::on_fiber;

    #[test]
    fn a_place_inside_of_a_throw_leads_to_the_word() {
        on_fiber(|| {
            let source =
                "export default () => {\n  if (x) throw {\n    a: 'é', b: f(),\n  };\n  f(); throw 'x';\n};";
            let throws = compile(source, "file:///a.js").unwrap().throws;
            assert_eq!(throws.around(3, 17), Some((2, 10)));
            assert_eq!(throws.around(2, 16), Some((2, 10)));
            assert_eq!(throws.around(2, 7), None);
            assert_eq!(throws.around(5, 3), None);
            assert_eq!(throws.around(5, 14), Some((5, 8)));
            let nested = compile("throw (() => { throw 1 })()", "file:///a.js").unwrap().throws;
            assert_eq!(nested.around(1, 22), Some((1, 16)));
        });
    }
}
