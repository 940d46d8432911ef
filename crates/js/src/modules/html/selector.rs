//! Selectors: CSS, and of jQuery's additions those that k6 knows.

use dom_query::{Matcher, NodeId};

use super::page::Page;

/// A selector, compiled; one that cannot be understood matches nothing, as in k6.
pub(super) struct Selector(Option<Matcher>);

impl Selector {
    pub(super) fn new(text: &str) -> Self {
        Self(Matcher::new(&to_css(text)).ok())
    }

    pub(super) fn matches(&self, page: &Page, id: NodeId) -> bool {
        let Some(matcher) = &self.0 else { return false };
        page.is_element(id) && page.node(id).is_match(matcher)
    }
}

/// The elements below `id` that match, in the order of the page.
pub(super) fn below(page: &Page, id: NodeId, matches: impl Fn(NodeId) -> bool) -> Vec<NodeId> {
    let mut found = Vec::new();
    let mut open = page.children(id);
    open.reverse();
    while let Some(id) = open.pop() {
        if page.is_element(id) && matches(id) {
            found.push(id);
        }
        let from = open.len();
        open.extend(page.children(id));
        open[from..].reverse();
    }
    found
}

/// The elements of a page that match `selector`, given as text.
pub(crate) fn find(page: &Page, id: NodeId, selector: &str) -> Vec<NodeId> {
    let selector = Selector::new(selector);
    below(page, id, |id| selector.matches(page, id))
}

/// Rewrites what jQuery has beyond CSS: `[a!=b]`, `:input`, `:contains(text)` without quotes; and `:checked`, which is
/// about the page as it was received.
fn to_css(text: &str) -> String {
    let mut css = String::with_capacity(text.len());
    let mut rest = text.trim();
    while let Some(c) = rest.chars().next() {
        if let Some(taken) = quoted(rest) {
            css.push_str(taken);
            rest = &rest[taken.len()..];
        } else if let Some((not_equal, after)) = attribute(rest) {
            css.push_str(&not_equal);
            rest = after;
        } else if let Some(after) = pseudo(rest, ":input") {
            css.push_str(":is(input,select,textarea,button)");
            rest = after;
        } else if let Some(after) = pseudo(rest, ":checked") {
            css.push_str(":is(input[type=checkbox][checked],input[type=radio][checked],option[selected])");
            rest = after;
        } else if let Some((argument, after)) = contains(rest) {
            css.push_str(":contains(\"");
            for c in argument.chars() {
                if matches!(c, '"' | '\\') {
                    css.push('\\');
                }
                css.push(c);
            }
            css.push_str("\")");
            rest = after;
        } else {
            css.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    css
}

/// A string in quotes at the start of the text, with its quotes.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return Some(&text[..=i]),
            _ => {}
        }
    }
    None
}

/// `[name!=value]` at the start of the text, as CSS says it.
fn attribute(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('[')?;
    let end = inside.find(']')?;
    let (name, value) = inside[..end].split_once("!=")?;
    Some((format!(":not([{name}={value}])"), &inside[end + 1..]))
}

/// What follows the pseudo-class `name` at the start of the text.
fn pseudo<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let after = text.strip_prefix(name)?;
    let goes_on = after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '('));
    (!goes_on).then_some(after)
}

/// `:contains(text)` without quotes at the start of the text: the text, and what follows.
fn contains(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix(":contains(")?;
    let end = inside.find(')')?;
    let argument = inside[..end].trim();
    (!argument.starts_with(['"', '\''])).then_some((argument, &inside[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jquerys_additions_become_css() {
        for (text, css) in [
            ("input[name!=\"a\"]", "input:not([name=\"a\"])"),
            (":input", ":is(input,select,textarea,button)"),
            (":input-x", ":input-x"),
            ("p:contains(Three men) b", "p:contains(\"Three men\") b"),
            ("p:contains('x')", "p:contains('x')"),
            ("a[href='x:input']", "a[href='x:input']"),
            ("  ul > li ", "ul > li"),
        ] {
            assert_eq!(to_css(text), css);
        }
    }

    #[test]
    fn a_selector_that_makes_no_sense_matches_nothing() {
        let page = Page::parse("<p>x</p>", "");
        assert!(find(&page, page.root(), "[[").is_empty());
        assert!(find(&page, page.root(), "p:first").is_empty());
        assert_eq!(find(&page, page.root(), "P").len(), 1);
    }
}
