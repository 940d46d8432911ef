//! A parsed page: the tree, and the address that its links are relative to.

use std::rc::Rc;

use dom_query::{Document, NodeData, NodeId, NodeRef};
use html5ever::tendril::TendrilSink;
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{ParseOpts, parse_document};
use url::Url;

/// See the module's description. Nothing changes a page once it is parsed.
pub(crate) struct Page {
    document: Document,
    url: String,
}

impl Page {
    pub(super) fn parse(text: &str, url: &str) -> Rc<Self> {
        // As in k6, what stands in <noscript> is text, as in a browser that runs scripts.
        let tree_builder = TreeBuilderOpts { scripting_enabled: true, ..TreeBuilderOpts::default() };
        let options = ParseOpts { tree_builder, ..ParseOpts::default() };
        let document = parse_document(Document::default(), options).one(text);
        Rc::new(Self { document, url: url.to_owned() })
    }

    /// Where the page came from; empty when that is not known.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// `href` seen from this page, or as it is where the page has no address.
    pub(super) fn resolve(&self, href: &str) -> String {
        let base = Url::parse(&self.url).ok();
        base.and_then(|base| base.join(href).ok()).map_or_else(|| href.to_owned(), String::from)
    }

    pub(super) fn root(&self) -> NodeId {
        self.document.root().id
    }

    pub(super) fn node(&self, id: NodeId) -> NodeRef<'_> {
        NodeRef::new(id, &self.document.tree)
    }

    /// `div`, `#text`, `#comment`, `#document`.
    pub(super) fn name(&self, id: NodeId) -> String {
        let node = self.node(id);
        match node.node_name() {
            Some(name) => name.to_string(),
            None if node.is_text() => "#text".into(),
            None if node.is_comment() => "#comment".into(),
            None if node.is_doctype() => "html".into(),
            None => "#document".into(),
        }
    }

    /// The value of an attribute; names are compared as they are.
    pub(super) fn attr(&self, id: NodeId, name: &str) -> Option<String> {
        self.node(id).attr(name).map(|value| value.to_string())
    }

    /// The attributes in the order of the source.
    pub(super) fn attrs(&self, id: NodeId) -> Vec<(String, String)> {
        let attrs = self.node(id).attrs();
        attrs.into_iter().map(|attr| (attr.name.local.to_string(), attr.value.to_string())).collect()
    }

    /// All text below a node, that of scripts and styles too.
    pub(super) fn text(&self, id: NodeId) -> String {
        let mut text = String::new();
        self.push_text(id, &mut text);
        text
    }

    fn push_text(&self, id: NodeId, text: &mut String) {
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if let Some(own) = self.own_text(id) {
                text.push_str(&own);
            }
            let from = open.len();
            open.extend(self.children(id));
            open[from..].reverse();
        }
    }

    /// What a text node holds.
    pub(super) fn own_text(&self, id: NodeId) -> Option<String> {
        self.node(id)
            .query(|node| match &node.data {
                NodeData::Text { contents } => Some(contents.to_string()),
                _ => None,
            })
            .flatten()
    }

    /// What a comment holds.
    pub(super) fn comment(&self, id: NodeId) -> Option<String> {
        self.node(id)
            .query(|node| match &node.data {
                NodeData::Comment { contents } => Some(contents.to_string()),
                _ => None,
            })
            .flatten()
    }

    /// All child nodes. Those of a template are its children, as in k6.
    pub(super) fn children(&self, id: NodeId) -> Vec<NodeId> {
        let node = self.node(id);
        let template = node
            .query(|node| match &node.data {
                NodeData::Element(element) => element.template_contents,
                _ => None,
            })
            .flatten();
        let node = template.map_or(node, |contents| self.node(contents));
        node.children().into_iter().map(|child| child.id).collect()
    }

    pub(super) fn is_element(&self, id: NodeId) -> bool {
        self.node(id).is_element()
    }
}
