//! What only elements of one kind have: `href()` of links, `options()` of a `<select>`.
//!
//! Tables say what each kind of element offers, one file a family; a prototype is made of them when the first element of
//! that kind is shown to a script. Defaults and oddities are those of k6 1.1, as observed.

mod controls;
mod embedded;
mod links;
mod tables;
mod texts;

use std::cell::RefCell;

use dom_query::NodeId;
use throng_quickjs::{Call, Ctx, JsResult, Value};

use super::element::{Element, list, maybe};
use super::page::Page;
use super::selector::below;
use super::{form, walk};
use crate::host::host;

/// How a method gets its answer.
#[derive(Clone, Copy)]
enum Get {
    /// An attribute, or nothing where it is missing.
    Text(&'static str),
    /// An attribute, or this text where it is missing or empty.
    TextOr(&'static str, &'static str),
    /// An attribute if it is one of these words, otherwise the first of them.
    OneOf(&'static str, &'static [&'static str]),
    /// An attribute if it is one of these words, otherwise `undefined`.
    OneOrNone(&'static str, &'static [&'static str]),
    /// Whether the attribute is there.
    Flag(&'static str),
    /// An attribute as a number, or this one.
    Number(&'static str, i64),
    /// An attribute as an address seen from the page.
    Address(&'static str),
    /// An attribute's words.
    Words(&'static str),
    /// The same for all.
    Always(&'static str),
    /// The first element below, and all elements below, that have this name.
    FirstBelow(&'static str),
    AllBelow(&'static [&'static str]),
    /// Anything else.
    Other(fn(Ctx, &Element) -> JsResult),
}

type Methods = &'static [(&'static str, Get)];

/// Words that several kinds of elements have in common.
const CROSS_ORIGIN: &[&str] = &["anonymous", "use-credentials"];
const REFERRER_POLICY: &[&str] =
    &["", "no-referrer", "no-referrer-when-downgrade", "origin", "origin-when-cross-origin", "unsafe-url"];
const ON_OFF: &[&str] = &["on", "off"];

/// The form that an element belongs to.
const FORM_OF: Get = Get::Other(|ctx, this| maybe(ctx, &this.page, form::owner(&this.page, this.id)));

/// What elements of this name offer.
fn methods(name: &str) -> &'static [Methods] {
    links::methods(name)
        .or_else(|| controls::methods(name))
        .or_else(|| tables::methods(name))
        .or_else(|| embedded::methods(name))
        .or_else(|| texts::methods(name))
        .unwrap_or_default()
}

/// The prototypes that one virtual machine has made, by the elements' name.
#[derive(Default)]
struct Prototypes(RefCell<Vec<(String, Value)>>);

/// The prototype of elements of this name; `None` where they have nothing of their own.
pub(super) fn prototype(ctx: Ctx, name: &str) -> JsResult<Option<Value>> {
    let groups = methods(name);
    if groups.is_empty() {
        return Ok(None);
    }
    let made = host(&ctx).state::<Prototypes>();
    if let Some((_, known)) = made.0.borrow().iter().find(|(known, _)| known == name) {
        return Ok(Some(known.clone()));
    }
    let prototype = ctx.object_with_prototype(&ctx.prototype_of::<Element>()?);
    for (group, methods) in groups.iter().enumerate() {
        for (index, (method, _)) in methods.iter().enumerate() {
            let captured = [&ctx.string(name), &ctx.int(group as i64), &ctx.int(index as i64)];
            prototype.define_hidden(method, &ctx.closure(0, &captured, answer))?;
        }
    }
    made.0.borrow_mut().push((name.to_owned(), prototype.clone()));
    Ok(Some(prototype))
}

/// A method of a table: the captured values say which.
fn answer(call: &Call<'_>) -> JsResult {
    let at = |i| call.captured(i).as_number().unwrap_or_default() as usize;
    let name = call.captured(0).to_text()?;
    let (_, get) = methods(&name)[at(1)][at(2)];
    let (ctx, this) = (call.ctx(), call.this());
    let this = this.expect::<Element>()?;
    let among = |attr: &str, words: &[&'static str]| {
        let found = this.attr(attr)?;
        words.iter().copied().find(|word| *word == found)
    };
    Ok(match get {
        Get::Text(attr) => ctx.string(&this.attr(attr).unwrap_or_default()),
        Get::TextOr(attr, default) => {
            let found = this.attr(attr).filter(|text| !text.is_empty());
            ctx.string(found.as_deref().unwrap_or(default))
        }
        Get::OneOf(attr, words) => ctx.string(among(attr, words).unwrap_or(words[0])),
        Get::OneOrNone(attr, words) => {
            among(attr, words).map_or_else(|| ctx.undefined(), |word| ctx.string(word))
        }
        Get::Flag(attr) => ctx.bool(this.attr(attr).is_some()),
        Get::Number(attr, default) => {
            ctx.int(this.attr(attr).and_then(|text| text.parse().ok()).unwrap_or(default))
        }
        Get::Address(attr) => {
            ctx.string(&this.attr(attr).map(|href| this.page.resolve(&href)).unwrap_or_default())
        }
        Get::Words(attr) => {
            let words = this.attr(attr).unwrap_or_default();
            ctx.array(words.split_whitespace().map(|word| ctx.string(word)))
        }
        Get::Always(text) => ctx.string(text),
        Get::FirstBelow(name) => return maybe(ctx, &this.page, named_below(this, &[name]).first().copied()),
        Get::AllBelow(names) => return list(ctx, &this.page, named_below(this, names)),
        Get::Other(get) => return get(ctx, this),
    })
}

/// The elements of these names anywhere below.
fn named_below(this: &Element, names: &[&str]) -> Vec<NodeId> {
    below(&this.page, this.id, |id| names.contains(&this.page.name(id).as_str()))
}

/// The nearest element around `id` that has one of these names.
fn around(page: &Page, id: NodeId, names: &[&str]) -> Option<NodeId> {
    walk::parents(page, id).into_iter().find(|id| names.contains(&page.name(*id).as_str()))
}

fn text(ctx: Ctx, this: &Element) -> JsResult {
    Ok(ctx.string(&this.page.text(this.id)))
}
