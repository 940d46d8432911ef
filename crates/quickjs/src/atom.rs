//! Interned property names: what a hot host function looks properties up by.

use rquickjs_sys as q;

use crate::Ctx;

/// An owned property name of one runtime. Comparing and looking up costs no string work.
pub struct Atom {
    raw: q::JSAtom,
    ctx: Ctx,
}

impl Atom {
    /// Takes over one reference to `raw`.
    pub(crate) fn from_raw(ctx: Ctx, raw: q::JSAtom) -> Self {
        Self { raw, ctx }
    }

    pub(crate) fn ctx(&self) -> Ctx {
        self.ctx
    }

    pub(crate) fn raw(&self) -> q::JSAtom {
        self.raw
    }

    /// A number that is unique among the live atoms of this runtime: a key for host-side tables as long
    /// as the table keeps the atom itself.
    pub fn id(&self) -> u32 {
        self.raw
    }
}

impl Clone for Atom {
    fn clone(&self) -> Self {
        // SAFETY: the atom is alive while we hold it; the runtime outlives it (crate invariant).
        let raw = unsafe { q::JS_DupAtomRT(self.ctx.rt(), self.raw) };
        Self { raw, ctx: self.ctx }
    }
}

impl Drop for Atom {
    fn drop(&mut self) {
        // SAFETY: we own one reference; the runtime outlives it (crate invariant).
        unsafe { q::JS_FreeAtomRT(self.ctx.rt(), self.raw) }
    }
}
