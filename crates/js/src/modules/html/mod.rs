//! `k6/html`: pages as trees that scripts search the way jQuery does.
//!
//! A page is parsed once into a [`page::Page`]; a [`Selection`] is a list of its nodes, an [`Element`] is one of them.
//! `Response.html()`, `submitForm()` and `clickLink()` of `k6/http` stand on the same types.

mod argument;
mod element;
mod form;
mod kinds;
mod page;
mod render;
mod selection;
mod selector;
mod walk;

use throng_quickjs::{Ctx, JsResult, Thrown};

pub(super) use form::script_object;
pub(super) use selection::Selection;
pub(super) use selector::find;

use page::Page;

pub(super) fn exports(ctx: Ctx) -> JsResult {
    let exports = ctx.object();
    exports.export("parseHTML", 1, |call| {
        let source = call.arg(0);
        // Observed on k6 1.1: nothing at all is an empty page.
        let text = if source.is_nullish() { String::new() } else { source.to_text()? };
        call.ctx().instance(parse(&text, ""))
    })?;
    Ok(exports)
}

/// A page as the selection of its document node. Addresses in it are relative to `url`, which may be empty.
pub(super) fn parse(text: &str, url: &str) -> Selection {
    Selection::of_page(Page::parse(text, url))
}

/// What k6 says where there is no body to parse.
pub(super) fn no_body() -> Thrown {
    Thrown::error("there is no body to read as HTML; the request may have failed, or the body was not kept")
}
