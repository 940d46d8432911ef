//! Ways through a page: each gives the nodes it passes, nearest first.

use dom_query::NodeId;

use super::page::Page;

pub(super) fn children(page: &Page, id: NodeId) -> Vec<NodeId> {
    page.children(id).into_iter().filter(|child| page.is_element(*child)).collect()
}

pub(super) fn parent(page: &Page, id: NodeId) -> Option<NodeId> {
    page.node(id).parent().map(|parent| parent.id).filter(|parent| page.is_element(*parent))
}

pub(super) fn parents(page: &Page, id: NodeId) -> Vec<NodeId> {
    std::iter::successors(parent(page, id), |id| parent(page, *id)).collect()
}

fn next(page: &Page, id: NodeId) -> Option<NodeId> {
    page.node(id).next_element_sibling().map(|node| node.id)
}

fn prev(page: &Page, id: NodeId) -> Option<NodeId> {
    page.node(id).prev_element_sibling().map(|node| node.id)
}

pub(super) fn all_next(page: &Page, id: NodeId) -> Vec<NodeId> {
    std::iter::successors(next(page, id), |id| next(page, *id)).collect()
}

pub(super) fn all_prev(page: &Page, id: NodeId) -> Vec<NodeId> {
    std::iter::successors(prev(page, id), |id| prev(page, *id)).collect()
}

pub(super) fn siblings(page: &Page, id: NodeId) -> Vec<NodeId> {
    let mut before = all_prev(page, id);
    before.reverse();
    before.extend(all_next(page, id));
    before
}
