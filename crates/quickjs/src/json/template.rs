//! What an object is expected to look like: the keys of the last object at the same depth.
//!
//! QuickJS finds the shape "this one plus that key" in a table, but only while some object has it. An object that is
//! filled key by key changes its own shape in place, so the shapes on the way are gone when the next one wants them.
//! A template therefore keeps one object for each beginning of its keys alive, for the time of one parse.

use rquickjs_sys as q;

use crate::{Atom, Ctx, Value};

/// Longer objects are not worth the objects that are kept for them.
const LONGEST: usize = 32;
/// So many objects must have looked alike before another is expected to.
const SEEN: u32 = 2;

/// A key as it stands in the source, quotes included, and its name.
struct Key<'a> {
    source: &'a [u8],
    name: Atom,
}

/// The keys expected at one depth.
#[derive(Default)]
pub(super) struct Template<'a> {
    keys: Vec<Key<'a>>,
    alike: u32,
    beginnings: Vec<Value>,
}

impl<'a> Template<'a> {
    /// The key expected at place `index`: its source and its name.
    pub(super) fn expected(&self, index: usize) -> Option<(&'a [u8], q::JSAtom)> {
        self.keys.get(index).map(|key| (key.source, key.name.raw()))
    }

    /// Another key came at place `index`: it and what follows are expected next time. Returns its name.
    pub(super) fn learn(&mut self, index: usize, source: &'a [u8], name: Atom) -> q::JSAtom {
        self.keys.truncate(index);
        self.beginnings.truncate(index + 1);
        self.alike = 0;
        let raw = name.raw();
        self.keys.push(Key { source, name });
        raw
    }

    /// An object ended after `count` keys, all as expected or learnt.
    pub(super) fn seen(&mut self, ctx: Ctx, count: usize) {
        if count != self.keys.len() {
            return;
        }
        self.alike += 1;
        if self.alike == SEEN && count <= LONGEST {
            for length in self.beginnings.len()..count {
                self.beginnings.push(self.beginning(ctx, length));
            }
        }
    }

    fn beginning(&self, ctx: Ctx, length: usize) -> Value {
        let object = ctx.object();
        for key in &self.keys[..length] {
            // Without memory for it the parse goes on as it would without a template.
            if object.define_atom(&key.name, ctx.undefined()).is_err() {
                ctx.drop_exception();
            }
        }
        object
    }
}
