//! What scripts give to pick nodes: a selector, a selection, an element or a function.

use dom_query::NodeId;
use throng_quickjs::{Call, JsResult, Thrown, Value};

use super::element::Element;
use super::page::Page;
use super::selection::Selection;
use super::selector::Selector;

/// What decides whether a node is taken.
pub(super) enum Pick {
    /// Those that a selector matches.
    Selector(Selector),
    /// Those of a selection or an element.
    Nodes(Vec<NodeId>),
}

impl Pick {
    /// Reads an argument that must be there.
    pub(super) fn new(argument: &Value) -> JsResult<Self> {
        if argument.is_string() {
            return Ok(Self::Selector(Selector::new(&argument.to_text()?)));
        }
        if let Some(selection) = argument.downcast::<Selection>() {
            return Ok(Self::Nodes(selection.ids().to_vec()));
        }
        if let Some(element) = argument.downcast::<Element>() {
            return Ok(Self::Nodes(vec![element.id]));
        }
        Err(Thrown::type_error("expected a selector, a selection or an element to select by"))
    }

    /// Reads an argument that can be left out.
    pub(super) fn optional(argument: &Value) -> JsResult<Option<Self>> {
        if argument.is_nullish() { Ok(None) } else { Self::new(argument).map(Some) }
    }

    pub(super) fn takes(&self, page: &Page, id: NodeId) -> bool {
        match self {
            Self::Selector(selector) => selector.matches(page, id),
            Self::Nodes(nodes) => nodes.contains(&id),
        }
    }
}

/// Whether each node of the selection is taken, by the function or the selector in the first argument.
pub(super) fn verdicts(call: &Call<'_>, selection: &Selection) -> JsResult<Vec<bool>> {
    let argument = call.arg(0);
    if !argument.is_function() {
        let pick = Pick::new(&argument)?;
        return Ok(selection.ids().iter().map(|id| pick.takes(selection.page(), *id)).collect());
    }
    let ctx = call.ctx();
    let mut verdicts = Vec::with_capacity(selection.ids().len());
    for (index, id) in selection.ids().iter().enumerate() {
        let one = ctx.instance(selection.with(vec![*id]))?;
        let verdict = argument.call(&ctx.undefined(), &[&ctx.int(index as i64), &one])?;
        verdicts.push(verdict.truthy());
    }
    Ok(verdicts)
}
