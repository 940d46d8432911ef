//! `Element`: one node of a page, with methods named after the DOM's properties.
//!
//! What only some elements have, such as `href()`, comes from [`super::kinds`].

use std::rc::Rc;

use dom_query::NodeId;
use throng_quickjs::{Call, Class, Ctx, JsResult, Value};

use super::page::Page;
use super::selection::Selection;
use super::selector::{Selector, below};
use super::{kinds, render, walk};

/// See the module's description.
pub(crate) struct Element {
    pub(super) page: Rc<Page>,
    pub(super) id: NodeId,
}

impl Element {
    /// A script object for a node, with the methods of its kind.
    pub(super) fn make(ctx: Ctx, page: Rc<Page>, id: NodeId) -> JsResult {
        let name = page.name(id);
        let object = ctx.instance(Self { page, id })?;
        if let Some(prototype) = kinds::prototype(ctx, &name)? {
            object.set_prototype(&prototype)?;
        }
        Ok(object)
    }

    pub(super) fn attr(&self, name: &str) -> Option<String> {
        self.page.attr(self.id, name)
    }
}

/// A node as an element, `undefined` for none.
pub(super) fn maybe(ctx: Ctx, page: &Rc<Page>, id: Option<NodeId>) -> JsResult {
    id.map_or_else(|| Ok(ctx.undefined()), |id| Element::make(ctx, page.clone(), id))
}

pub(super) fn list(ctx: Ctx, page: &Rc<Page>, ids: Vec<NodeId>) -> JsResult {
    let elements = ids.into_iter().map(|id| Element::make(ctx, page.clone(), id));
    Ok(ctx.array(elements.collect::<JsResult<Vec<_>>>()?))
}

fn text_or_undefined(ctx: Ctx, text: Option<String>) -> Value {
    text.map_or_else(|| ctx.undefined(), |text| ctx.string(&text))
}

/// A method that leads to at most one other node.
fn to_one(call: &Call<'_>, way: fn(&Page, NodeId) -> Option<NodeId>) -> JsResult {
    let this = call.this();
    let this = this.expect::<Element>()?;
    maybe(call.ctx(), &this.page, way(&this.page, this.id))
}

/// A method that leads to a list of nodes.
fn to_list(call: &Call<'_>, way: fn(&Page, NodeId) -> Vec<NodeId>) -> JsResult {
    let this = call.this();
    let this = this.expect::<Element>()?;
    list(call.ctx(), &this.page, way(&this.page, this.id))
}

/// A method whose argument is compared with what `wanted` says of the elements below.
fn search(
    call: &Call<'_>,
    wanted: impl Fn(&Page, NodeId, &str) -> bool,
) -> JsResult<(Rc<Page>, Vec<NodeId>)> {
    let this = call.this();
    let this = this.expect::<Element>()?;
    let name = call.arg(0).to_text()?;
    Ok((this.page.clone(), below(&this.page, this.id, |id| wanted(&this.page, id, &name))))
}

impl Class for Element {
    const NAME: &'static str = "Element";

    fn prototype(proto: &Value) -> JsResult<()> {
        describing(proto)?;
        attributes(proto)?;
        travelling(proto)?;
        searching(proto)
    }
}

/// What the node itself is.
fn describing(proto: &Value) -> JsResult<()> {
    proto.method("nodeName", 0, |call| {
        let this = call.this();
        let this = this.expect::<Element>()?;
        Ok(call.ctx().string(&this.page.name(this.id)))
    })?;
    proto.method("nodeType", 0, |call| {
        let this = call.this();
        let this = this.expect::<Element>()?;
        let number = match this.page.name(this.id).as_str() {
            "#text" => 3,
            "#comment" => 8,
            "#document" => 9,
            _ if this.page.node(this.id).is_doctype() => 10,
            _ => 1,
        };
        Ok(call.ctx().int(number))
    })?;
    proto.method("nodeValue", 0, |call| {
        let this = call.this();
        let this = this.expect::<Element>()?;
        Ok(text_or_undefined(call.ctx(), this.page.own_text(this.id)))
    })?;
    proto.method("innerHTML", 0, |call| {
        let this = call.this();
        let this = this.expect::<Element>()?;
        Ok(call.ctx().string(&render::inner(&this.page, this.id)))
    })?;
    proto.method("textContent", 0, |call| {
        let this = call.this();
        let this = this.expect::<Element>()?;
        Ok(call.ctx().string(&this.page.text(this.id)))
    })?;
    proto.method("toString", 0, |call| {
        let this = call.this();
        let this = this.expect::<Element>()?;
        let name = if this.page.is_element(this.id) { "html.Node".into() } else { this.page.name(this.id) };
        Ok(call.ctx().string(&format!("[object {name}]")))
    })?;
    proto.method("namespaceURI", 0, |call| Ok(call.ctx().string("http://www.w3.org/1999/xhtml")))?;
    proto.method("isDefaultNamespace", 0, |call| Ok(call.ctx().bool(true)))?;
    proto.method("selection", 0, |call| {
        let this = call.this();
        let this = this.expect::<Element>()?;
        call.ctx().instance(Selection::first(this.page.clone(), vec![this.id]))
    })?;
    proto.method("isSameNode", 1, |call| {
        let (this, other) = (call.this(), call.arg(0));
        let this = this.expect::<Element>()?;
        let same = other
            .downcast::<Element>()
            .is_some_and(|other| Rc::ptr_eq(&this.page, &other.page) && this.id == other.id);
        Ok(call.ctx().bool(same))
    })?;
    proto.method("isEqualNode", 1, |call| {
        let (this, other) = (call.this(), call.arg(0));
        let this = this.expect::<Element>()?;
        let describe = |element: &Element| {
            let page = &element.page;
            let own = page.own_text(element.id).or_else(|| page.comment(element.id));
            (page.name(element.id), page.attrs(element.id), own, render::inner(page, element.id))
        };
        let equal = other.downcast::<Element>().is_some_and(|other| describe(this) == describe(other));
        Ok(call.ctx().bool(equal))
    })
}

/// The node's attributes.
fn attributes(proto: &Value) -> JsResult<()> {
    // Unlike the others, never `undefined`: observed on k6 1.1.
    proto.method("id", 0, |call| Ok(call.ctx().string(&attr_of(call, "id")?.unwrap_or_default())))?;
    proto.method("className", 0, |call| Ok(text_or_undefined(call.ctx(), attr_of(call, "class")?)))?;
    proto.method("lang", 0, |call| Ok(text_or_undefined(call.ctx(), attr_of(call, "lang")?)))?;
    proto.method("classList", 0, |call| {
        let ctx = call.ctx();
        let classes = attr_of(call, "class")?.unwrap_or_default();
        Ok(ctx.array(classes.split_whitespace().map(|class| ctx.string(class))))
    })?;
    proto.method("getAttribute", 1, |call| {
        let name = call.arg(0).to_text()?;
        Ok(text_or_undefined(call.ctx(), attr_of(call, &name)?))
    })?;
    proto.method("hasAttribute", 1, |call| {
        let name = call.arg(0).to_text()?;
        Ok(call.ctx().bool(attr_of(call, &name)?.is_some()))
    })?;
    proto.method("hasAttributes", 0, |call| {
        let this = call.this();
        let this = this.expect::<Element>()?;
        Ok(call.ctx().bool(!this.page.attrs(this.id).is_empty()))
    })?;
    proto.method("getAttributeNode", 1, |call| {
        let name = call.arg(0).to_text()?;
        match attr_of(call, &name)? {
            Some(value) => attribute(&call.this(), &name, &value),
            None => Ok(call.ctx().undefined()),
        }
    })?;
    proto.method("attributes", 0, |call| {
        let this = call.this();
        let element = this.expect::<Element>()?;
        let result = call.ctx().object();
        for (name, value) in element.page.attrs(element.id) {
            result.define(&name, &attribute(&this, &name, &value)?)?;
        }
        Ok(result)
    })
}

fn attr_of(call: &Call<'_>, name: &str) -> JsResult<Option<String>> {
    Ok(call.this().expect::<Element>()?.attr(name))
}

/// An attribute node.
fn attribute(owner: &Value, name: &str, value: &str) -> JsResult {
    let ctx = owner.ctx();
    let node = ctx.object();
    node.define("owner_element", owner)?;
    node.define("name", &ctx.string(name))?;
    node.define("value", &ctx.string(value))?;
    Ok(node)
}

/// Ways to other nodes.
fn travelling(proto: &Value) -> JsResult<()> {
    proto.method("children", 0, |call| to_list(call, walk::children))?;
    proto.method("childNodes", 0, |call| to_list(call, Page::children))?;
    proto.method("childElementCount", 0, |call| {
        let this = call.this();
        let this = this.expect::<Element>()?;
        Ok(call.ctx().int(walk::children(&this.page, this.id).len() as i64))
    })?;
    proto.method("hasChildNodes", 0, |call| {
        let this = call.this();
        let this = this.expect::<Element>()?;
        Ok(call.ctx().bool(!this.page.children(this.id).is_empty()))
    })?;
    proto.method("firstChild", 0, |call| to_one(call, |page, id| page.children(id).first().copied()))?;
    proto.method("lastChild", 0, |call| to_one(call, |page, id| page.children(id).last().copied()))?;
    proto.method("firstElementChild", 0, |call| {
        to_one(call, |page, id| walk::children(page, id).first().copied())
    })?;
    proto.method("lastElementChild", 0, |call| {
        to_one(call, |page, id| walk::children(page, id).last().copied())
    })?;
    proto.method("nextSibling", 0, |call| {
        to_one(call, |page, id| page.node(id).next_sibling().map(|node| node.id))
    })?;
    proto.method("previousSibling", 0, |call| {
        to_one(call, |page, id| page.node(id).prev_sibling().map(|node| node.id))
    })?;
    proto.method("nextElementSibling", 0, |call| {
        to_one(call, |page, id| walk::all_next(page, id).first().copied())
    })?;
    proto.method("previousElementSibling", 0, |call| {
        to_one(call, |page, id| walk::all_prev(page, id).first().copied())
    })?;
    proto.method("parentNode", 0, |call| {
        to_one(call, |page, id| page.node(id).parent().map(|node| node.id))
    })?;
    proto.method("parentElement", 0, |call| to_one(call, walk::parent))?;
    proto.method("ownerDocument", 0, |call| to_one(call, |page, _| Some(page.root())))
}

/// Searches below the node.
fn searching(proto: &Value) -> JsResult<()> {
    proto.method("querySelector", 1, |call| {
        let this = call.this();
        let this = this.expect::<Element>()?;
        let found = super::find(&this.page, this.id, &call.arg(0).to_text()?);
        maybe(call.ctx(), &this.page, found.first().copied())
    })?;
    proto.method("querySelectorAll", 1, |call| {
        let this = call.this();
        let this = this.expect::<Element>()?;
        list(call.ctx(), &this.page, super::find(&this.page, this.id, &call.arg(0).to_text()?))
    })?;
    proto.method("getElementsByClassName", 1, |call| {
        let (page, found) = search(call, |page, id, name| {
            let classes = page.attr(id, "class").unwrap_or_default();
            name.split_whitespace().all(|name| classes.split_whitespace().any(|class| class == name))
        })?;
        list(call.ctx(), &page, found)
    })?;
    proto.method("getElementsByTagName", 1, |call| {
        let (page, found) =
            search(call, |page, id, name| name == "*" || page.name(id).eq_ignore_ascii_case(name))?;
        list(call.ctx(), &page, found)
    })?;
    proto.method("matches", 1, |call| {
        let this = call.this();
        let this = this.expect::<Element>()?;
        let selector = Selector::new(&call.arg(0).to_text()?);
        Ok(call.ctx().bool(selector.matches(&this.page, this.id)))
    })?;
    proto.method("contains", 1, |call| {
        let (this, other) = (call.this(), call.arg(0));
        let this = this.expect::<Element>()?;
        let inside = other.downcast::<Element>().is_some_and(|other| {
            Rc::ptr_eq(&this.page, &other.page) && walk::parents(&this.page, other.id).contains(&this.id)
        });
        Ok(call.ctx().bool(inside))
    })
}

/// `Selection.data(name?)`: the first node's `data-` attributes as values.
pub(super) fn data(call: &Call<'_>) -> JsResult {
    let (ctx, this) = (call.ctx(), call.this());
    let this = this.expect::<Selection>()?;
    let Some(first) = this.ids().first() else { return Ok(ctx.undefined()) };
    if !call.is_empty() {
        let mut name = "data-".to_owned();
        for c in call.arg(0).to_text()?.chars() {
            if c.is_ascii_uppercase() {
                name.push('-');
            }
            name.push(c.to_ascii_lowercase());
        }
        return match this.page().attr(*first, &name) {
            Some(text) => datum(ctx, &text),
            None => Ok(ctx.undefined()),
        };
    }
    let attrs = this.page().attrs(*first);
    if attrs.is_empty() {
        return Ok(ctx.undefined());
    }
    let result = ctx.object();
    for (name, text) in attrs {
        let Some(name) = name.strip_prefix("data-") else { continue };
        let mut key = String::new();
        for (i, word) in name.split('-').enumerate() {
            let mut letters = word.chars();
            match letters.next() {
                Some(letter) if i > 0 => key.push(letter.to_ascii_uppercase()),
                Some(letter) => key.push(letter),
                None => {}
            }
            key.push_str(letters.as_str());
        }
        result.define(&key, &datum(ctx, &text)?)?;
    }
    Ok(result)
}

/// A `data-` attribute as the value it is written as: JSON, a number in its shortest form, a flag, or text.
fn datum(ctx: Ctx, text: &str) -> JsResult {
    let number = text.parse::<f64>().ok().filter(|number| number.to_string() == text);
    match text {
        // Observed on k6 1.1.
        "" | "null" => Ok(ctx.undefined()),
        "true" | "false" => Ok(ctx.bool(text == "true")),
        _ if number.is_some() => Ok(number.map_or_else(|| ctx.undefined(), |number| ctx.number(number))),
        _ if text.starts_with(['{', '[']) && serde_json::from_str::<serde_json::Value>(text).is_ok() => {
            ctx.parse_json(text, "data")
        }
        _ => Ok(ctx.string(text)),
    }
}
