//! `Selection`: a list of nodes of a page, with the methods that k6 has from jQuery.

use std::rc::Rc;

use dom_query::NodeId;
use hashbrown::HashSet;
use throng_quickjs::{Call, Class, JsResult, Thrown, Value};

use super::argument::{Pick, verdicts};
use super::element::Element;
use super::page::Page;
use super::selector::below;
use super::{form, render, walk};

/// The nodes, and the selection they were made from, for `end()`.
struct Nodes {
    ids: Vec<NodeId>,
    previous: Option<Rc<Nodes>>,
}

/// See the module's description.
#[derive(Clone)]
pub(crate) struct Selection {
    page: Rc<Page>,
    nodes: Rc<Nodes>,
}

impl Selection {
    /// The document node of a page.
    pub(super) fn of_page(page: Rc<Page>) -> Self {
        let root = page.root();
        Self::first(page, vec![root])
    }

    /// A selection that nothing came before.
    pub(super) fn first(page: Rc<Page>, ids: Vec<NodeId>) -> Self {
        Self { page, nodes: Rc::new(Nodes { ids, previous: None }) }
    }

    /// A selection made from this one; each node is taken once, where it first stands.
    pub(super) fn with(&self, ids: impl IntoIterator<Item = NodeId>) -> Self {
        let mut seen = HashSet::new();
        let ids = ids.into_iter().filter(|id| seen.insert(*id)).collect();
        let nodes = Rc::new(Nodes { ids, previous: Some(self.nodes.clone()) });
        Self { page: self.page.clone(), nodes }
    }

    /// What `selector` matches below this selection.
    pub(crate) fn find(&self, selector: &str) -> Self {
        let found = self.ids().iter().flat_map(|id| super::find(&self.page, *id, selector));
        self.with(found.collect::<Vec<_>>())
    }

    pub(crate) fn page(&self) -> &Rc<Page> {
        &self.page
    }

    pub(super) fn ids(&self) -> &[NodeId] {
        &self.nodes.ids
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ids().is_empty()
    }

    /// An attribute of the first node.
    pub(crate) fn attr(&self, name: &str) -> Option<String> {
        self.ids().first().and_then(|id| self.page.attr(*id, name))
    }

    /// The first node's name.
    pub(crate) fn name(&self) -> String {
        self.ids().first().map(|id| self.page.name(*id)).unwrap_or_default()
    }

    /// What the first node holds as a control of a form.
    pub(crate) fn value(&self) -> Option<form::Held> {
        self.ids().first().and_then(|id| form::value(&self.page, *id))
    }

    /// Only the first node.
    pub(crate) fn only_first(&self) -> Self {
        self.with(self.ids().first().copied())
    }

    /// Those nodes that `way` leads to and the pick, if there is one, takes.
    fn along(&self, pick: Option<&Pick>, way: impl Fn(&Page, NodeId) -> Vec<NodeId>) -> Self {
        let reached = self.ids().iter().flat_map(|id| way(&self.page, *id));
        let taken = reached.filter(|id| pick.is_none_or(|pick| pick.takes(&self.page, *id)));
        self.with(taken.collect::<Vec<_>>())
    }
}

/// A method that follows `way` and filters by its optional argument.
fn follow(call: &Call<'_>, way: fn(&Page, NodeId) -> Vec<NodeId>) -> JsResult {
    let this = call.this();
    let pick = Pick::optional(&call.arg(0))?;
    call.ctx().instance(this.expect::<Selection>()?.along(pick.as_ref(), way))
}

/// A method that follows `way` to before what its first argument takes, and filters by its second.
fn until(call: &Call<'_>, way: fn(&Page, NodeId) -> Vec<NodeId>) -> JsResult {
    let this = call.this();
    let (end, pick) = (Pick::optional(&call.arg(0))?, Pick::optional(&call.arg(1))?);
    let selection = this.expect::<Selection>()?.along(pick.as_ref(), |page, id| {
        let passed = way(page, id).into_iter();
        passed.take_while(|id| !end.as_ref().is_some_and(|end| end.takes(page, *id))).collect()
    });
    call.ctx().instance(selection)
}

/// Reads an index; negative ones count from the end. `None` where there is no node.
fn position(index: &Value, length: usize) -> JsResult<Option<usize>> {
    let index = index.to_number()?;
    let index = if index < 0.0 { index + length as f64 } else { index };
    Ok((index >= 0.0 && index < length as f64).then_some(index as usize))
}

/// Calls the function in the first argument with the index and what `make` makes of each node.
fn for_each(call: &Call<'_>, name: &str, elements: bool) -> JsResult<Vec<Value>> {
    let (ctx, this, function) = (call.ctx(), call.this(), call.arg(0));
    let this = this.expect::<Selection>()?;
    if !function.is_function() {
        return Err(Thrown::type_error(format!("the argument to {name}() must be a function")));
    }
    let mut results = Vec::with_capacity(this.ids().len());
    for (index, id) in this.ids().iter().enumerate() {
        let item = if elements {
            Element::make(ctx, this.page().clone(), *id)?
        } else {
            ctx.instance(this.with(vec![*id]))?
        };
        results.push(function.call(&ctx.undefined(), &[&ctx.int(index as i64), &item])?);
    }
    Ok(results)
}

impl Class for Selection {
    const NAME: &'static str = "Selection";

    fn prototype(proto: &Value) -> JsResult<()> {
        proto.accessor("url", |call| Ok(call.ctx().string(call.this().expect::<Self>()?.page.url())))?;
        picking(proto)?;
        travelling(proto)?;
        reading(proto)
    }
}

/// Methods that take some of the nodes.
fn picking(proto: &Value) -> JsResult<()> {
    proto.method("add", 1, |call| {
        let this = call.this();
        let this = this.expect::<Selection>()?;
        let added = match Pick::new(&call.arg(0))? {
            Pick::Nodes(nodes) => nodes,
            pick @ Pick::Selector(_) => {
                below(this.page(), this.page().root(), |id| pick.takes(this.page(), id))
            }
        };
        call.ctx().instance(this.with(this.ids().iter().copied().chain(added)))
    })?;
    proto.method("end", 0, |call| {
        let this = call.this();
        let this = this.expect::<Selection>()?;
        let nodes = this.nodes.previous.clone();
        let nodes = nodes.unwrap_or_else(|| Rc::new(Nodes { ids: Vec::new(), previous: None }));
        call.ctx().instance(Selection { page: this.page.clone(), nodes })
    })?;
    proto.method("eq", 1, |call| {
        let this = call.this();
        let this = this.expect::<Selection>()?;
        let at = position(&call.arg(0), this.ids().len())?;
        call.ctx().instance(this.with(at.map(|at| this.ids()[at])))
    })?;
    proto.method("first", 0, |call| call.ctx().instance(call.this().expect::<Selection>()?.only_first()))?;
    proto.method("last", 0, |call| {
        let this = call.this();
        let this = this.expect::<Selection>()?;
        call.ctx().instance(this.with(this.ids().last().copied()))
    })?;
    proto.method("slice", 2, |call| {
        let this = call.this();
        let this = this.expect::<Selection>()?;
        let length = this.ids().len();
        let bound = |index: &Value| -> JsResult<usize> {
            let index = index.to_number()?;
            let index = if index < 0.0 { index + length as f64 } else { index };
            Ok((index.max(0.0) as usize).min(length))
        };
        let start = bound(&call.arg(0))?;
        let end = if call.arg(1).is_nullish() { length } else { bound(&call.arg(1))? };
        let ids = this.ids().get(start..end).unwrap_or_default();
        call.ctx().instance(this.with(ids.iter().copied()))
    })?;
    proto.method("filter", 1, |call| keep(call, true))?;
    proto.method("not", 1, |call| keep(call, false))?;
    proto.method("is", 1, |call| {
        let this = call.this();
        let any = verdicts(call, this.expect::<Selection>()?)?.contains(&true);
        Ok(call.ctx().bool(any))
    })?;
    proto.method("has", 1, |call| {
        let this = call.this();
        let this = this.expect::<Selection>()?;
        let pick = Pick::new(&call.arg(0))?;
        let has = |id: &NodeId| !below(this.page(), *id, |id| pick.takes(this.page(), id)).is_empty();
        call.ctx().instance(this.with(this.ids().iter().copied().filter(|id| has(id)).collect::<Vec<_>>()))
    })?;
    proto.method("each", 1, |call| {
        for_each(call, "each", true)?;
        Ok(call.this())
    })?;
    proto.method("map", 1, |call| {
        let ctx = call.ctx();
        let results = for_each(call, "map", false)?;
        Ok(ctx
            .array(results.into_iter().map(|result| if result.is_undefined() { ctx.null() } else { result })))
    })
}

/// `filter(pick)` and `not(pick)`
fn keep(call: &Call<'_>, taken: bool) -> JsResult {
    let this = call.this();
    let this = this.expect::<Selection>()?;
    let verdicts = verdicts(call, this)?;
    let kept = this.ids().iter().zip(verdicts).filter(|(_, verdict)| *verdict == taken);
    call.ctx().instance(this.with(kept.map(|(id, _)| *id).collect::<Vec<_>>()))
}

/// Methods that lead elsewhere in the page.
fn travelling(proto: &Value) -> JsResult<()> {
    proto.method("find", 1, |call| {
        let this = call.this();
        let pick = Pick::new(&call.arg(0))?;
        let way = |page: &Page, id| below(page, id, |id| pick.takes(page, id));
        call.ctx().instance(this.expect::<Selection>()?.along(None, way))
    })?;
    proto.method("closest", 1, |call| {
        let this = call.this();
        let pick = Pick::new(&call.arg(0))?;
        let way = |page: &Page, id| {
            let mut ids = std::iter::once(id).chain(walk::parents(page, id));
            ids.find(|id| pick.takes(page, *id)).into_iter().collect()
        };
        call.ctx().instance(this.expect::<Selection>()?.along(None, way))
    })?;
    proto.method("contents", 0, |call| {
        let this = call.this();
        call.ctx().instance(this.expect::<Selection>()?.along(None, Page::children))
    })?;
    proto.method("children", 1, |call| follow(call, walk::children))?;
    proto
        .method("parent", 1, |call| follow(call, |page, id| walk::parent(page, id).into_iter().collect()))?;
    proto.method("parents", 1, |call| follow(call, walk::parents))?;
    proto.method("parentsUntil", 2, |call| until(call, walk::parents))?;
    proto.method("siblings", 1, |call| follow(call, walk::siblings))?;
    proto.method("next", 1, |call| follow(call, |page, id| first_of(walk::all_next(page, id))))?;
    proto.method("nextAll", 1, |call| follow(call, walk::all_next))?;
    proto.method("nextUntil", 2, |call| until(call, walk::all_next))?;
    proto.method("prev", 1, |call| follow(call, |page, id| first_of(walk::all_prev(page, id))))?;
    proto.method("prevAll", 1, |call| follow(call, walk::all_prev))?;
    proto.method("prevUntil", 2, |call| until(call, walk::all_prev))
}

fn first_of(mut ids: Vec<NodeId>) -> Vec<NodeId> {
    ids.truncate(1);
    ids
}

/// Methods that tell what the nodes are.
fn reading(proto: &Value) -> JsResult<()> {
    proto.method("size", 0, |call| {
        Ok(call.ctx().int(call.this().expect::<Selection>()?.ids().len() as i64))
    })?;
    proto.method("attr", 2, |call| {
        let name = call.arg(0).to_text()?;
        let found = call.this().expect::<Selection>()?.attr(&name);
        Ok(found.map_or_else(|| call.arg(1), |value| call.ctx().string(&value)))
    })?;
    proto.method("html", 0, |call| {
        let this = call.this();
        let this = this.expect::<Selection>()?;
        let html = this.ids().first().map(|id| render::inner(this.page(), *id)).unwrap_or_default();
        Ok(call.ctx().string(&html))
    })?;
    proto.method("text", 0, |call| {
        let this = call.this();
        let this = this.expect::<Selection>()?;
        let text: String = this.ids().iter().map(|id| this.page().text(*id)).collect();
        Ok(call.ctx().string(&text))
    })?;
    proto.method("val", 0, |call| {
        let held = call.this().expect::<Selection>()?.value();
        Ok(held.map_or_else(|| call.ctx().undefined(), |held| held.to_value(call.ctx())))
    })?;
    proto.method("data", 1, super::element::data)?;
    proto.method("index", 1, index)?;
    proto.method("get", 1, |call| {
        let (ctx, this) = (call.ctx(), call.this());
        let this = this.expect::<Selection>()?;
        if call.is_empty() {
            let elements = this.ids().iter().map(|id| Element::make(ctx, this.page().clone(), *id));
            return Ok(ctx.array(elements.collect::<JsResult<Vec<_>>>()?));
        }
        match position(&call.arg(0), this.ids().len())? {
            Some(at) => Element::make(ctx, this.page().clone(), this.ids()[at]),
            None => Ok(ctx.undefined()),
        }
    })?;
    proto.method("toArray", 0, |call| {
        let (ctx, this) = (call.ctx(), call.this());
        let this = this.expect::<Selection>()?;
        let items = this.ids().iter().map(|id| ctx.instance(this.with(vec![*id])));
        Ok(ctx.array(items.collect::<JsResult<Vec<_>>>()?))
    })?;
    proto.method("serialize", 0, |call| {
        let this = call.this();
        Ok(call.ctx().string(&form::encode(form::object(this.expect::<Selection>()?))))
    })?;
    proto.method("serializeArray", 0, |call| form::array(call.ctx(), call.this().expect::<Selection>()?))?;
    proto.method("serializeObject", 0, |call| {
        form::script_object(call.ctx(), call.this().expect::<Selection>()?)
    })
}

/// `index(pick?)`: where the first node stands among its siblings, or among what a selector matches in the page; where
/// the first node of another selection stands in this one.
fn index(call: &Call<'_>) -> JsResult {
    let this = call.this();
    let this = this.expect::<Selection>()?;
    let page = this.page();
    let found = match (this.ids().first(), Pick::optional(&call.arg(0))?) {
        (None, _) => None,
        (Some(first), None) => Some(walk::all_prev(page, *first).len()),
        (Some(first), Some(pick @ Pick::Selector(_))) => {
            let matching = below(page, page.root(), |id| pick.takes(page, id));
            matching.iter().position(|id| id == first)
        }
        (_, Some(Pick::Nodes(nodes))) => {
            nodes.first().and_then(|node| this.ids().iter().position(|id| id == node))
        }
    };
    Ok(call.ctx().int(found.map_or(-1, |at| at as i64)))
}
