//! Values of form controls, and forms as data. The rules are k6's, observed on 1.1; they are not a browser's.

use dom_query::NodeId;
use throng_quickjs::{Ctx, JsResult};
use url::form_urlencoded::byte_serialize;

use super::page::Page;
use super::render;
use super::selection::Selection;
use super::selector::below;
use super::walk;

/// What a control holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Held {
    One(String),
    /// The chosen options of a `<select multiple>`.
    Many(Vec<String>),
}

impl Held {
    pub(crate) fn to_value(&self, ctx: Ctx) -> throng_quickjs::Value {
        match self {
            Self::One(text) => ctx.string(text),
            Self::Many(texts) => ctx.array(texts.iter().map(|text| ctx.string(text))),
        }
    }
}

/// What a control holds; `None` for elements that are no controls.
pub(super) fn value(page: &Page, id: NodeId) -> Option<Held> {
    let attr = page.attr(id, "value");
    let one = |text: String| Some(Held::One(text));
    match page.name(id).as_str() {
        "input" => {
            let kind = page.attr(id, "type").unwrap_or_default();
            let default = if matches!(kind.as_str(), "checkbox" | "radio") { "on" } else { "" };
            one(attr.unwrap_or_else(|| default.to_owned()))
        }
        "button" => one(attr.unwrap_or_default()),
        "option" => one(option(page, id)),
        "textarea" => one(render::inner(page, id)),
        "select" => {
            let mut chosen = chosen(page, id).into_iter().map(|id| option(page, id));
            if page.attr(id, "multiple").is_some() {
                Some(Held::Many(chosen.collect()))
            } else {
                one(chosen.next().unwrap_or_default())
            }
        }
        _ => None,
    }
}

/// What choosing an option sends.
pub(super) fn option(page: &Page, id: NodeId) -> String {
    page.attr(id, "value").unwrap_or_else(|| render::inner(page, id))
}

pub(super) fn options(page: &Page, id: NodeId) -> Vec<NodeId> {
    below(page, id, |id| page.name(id) == "option")
}

pub(super) fn chosen(page: &Page, id: NodeId) -> Vec<NodeId> {
    options(page, id).into_iter().filter(|id| page.attr(*id, "selected").is_some()).collect()
}

/// Whether a control is sent with its form.
fn is_sent(page: &Page, id: NodeId) -> bool {
    let attr = |name| page.attr(id, name).unwrap_or_default();
    let known = matches!(page.name(id).as_str(), "input" | "select" | "textarea");
    let by_type = match attr("type").as_str() {
        "submit" | "button" | "reset" | "image" | "file" => false,
        // Only the written-out form counts, not a bare `checked`.
        "checkbox" | "radio" => attr("checked") == "checked",
        _ => true,
    };
    known && by_type && page.attr(id, "name").is_some()
}

/// The controls of the selection's forms, and those that are selected themselves, by name.
pub(crate) fn fields(selection: &Selection) -> Vec<(String, Held)> {
    let page = selection.page();
    let mut ids = Vec::new();
    for id in selection.ids() {
        if page.name(*id) == "form" {
            ids.extend(below(page, *id, |id| is_sent(page, id)));
        } else if is_sent(page, *id) {
            ids.push(*id);
        }
    }
    let field = |id| Some((page.attr(id, "name")?, value(page, id)?));
    ids.into_iter().filter_map(field).collect()
}

/// The fields by name; of several with one name the last counts.
pub(crate) fn object(selection: &Selection) -> Vec<(String, Held)> {
    let mut object: Vec<(String, Held)> = Vec::new();
    for (name, held) in fields(selection) {
        match object.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = held,
            None => object.push((name, held)),
        }
    }
    object
}

/// The fields as a query, sorted by name.
pub(crate) fn encode(mut object: Vec<(String, Held)>) -> String {
    object.sort_by(|a, b| a.0.cmp(&b.0));
    let mut query = String::new();
    for (name, held) in &object {
        let values = match held {
            Held::One(text) => std::slice::from_ref(text),
            Held::Many(texts) => texts,
        };
        for value in values {
            if !query.is_empty() {
                query.push('&');
            }
            query.extend(byte_serialize(name.as_bytes()));
            query.push('=');
            query.extend(byte_serialize(value.as_bytes()));
        }
    }
    query
}

/// The form that an element belongs to: the one around it, otherwise the one that its attribute names.
pub(super) fn owner(page: &Page, id: NodeId) -> Option<NodeId> {
    let around = walk::parents(page, id).into_iter().find(|id| page.name(*id) == "form");
    around.or_else(|| by_id(page, &page.attr(id, "form")?))
}

/// The first element with this id.
pub(super) fn by_id(page: &Page, wanted: &str) -> Option<NodeId> {
    below(page, page.root(), |id| page.attr(id, "id").as_deref() == Some(wanted)).into_iter().next()
}

/// `serializeArray()`: one object for each field.
pub(super) fn array(ctx: Ctx, selection: &Selection) -> JsResult {
    let mut items = Vec::new();
    for (name, held) in fields(selection) {
        let item = ctx.object();
        item.define("name", &ctx.string(&name))?;
        item.define("value", &held.to_value(ctx))?;
        items.push(item);
    }
    Ok(ctx.array(items))
}

/// `serializeObject()`
pub(crate) fn script_object(ctx: Ctx, selection: &Selection) -> JsResult {
    let result = ctx.object();
    for (name, held) in object(selection) {
        result.define(&name, &held.to_value(ctx))?;
    }
    Ok(result)
}
