//! Trees back to text, in the form that k6 gives them: quotes are escaped in text too, void elements end in `/>`.

use dom_query::NodeId;

use super::page::Page;

const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "keygen", "link", "meta", "param", "source",
    "track", "wbr",
];

/// Elements whose text is not escaped.
const RAW: &[&str] = &["iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "xmp"];

/// What stands inside a node.
pub(super) fn inner(page: &Page, id: NodeId) -> String {
    let mut out = String::new();
    let raw = page.is_element(id) && RAW.contains(&page.name(id).as_str());
    for child in page.children(id) {
        push(page, child, raw, &mut out);
    }
    out
}

fn push(page: &Page, id: NodeId, raw: bool, out: &mut String) {
    let node = page.node(id);
    if let Some(text) = page.own_text(id) {
        if raw {
            out.push_str(&text);
        } else {
            escape(&text, out);
        }
    } else if let Some(text) = page.comment(id) {
        out.push_str("<!--");
        out.push_str(&text);
        out.push_str("-->");
    } else if node.is_doctype() {
        out.push_str("<!DOCTYPE html>");
    } else if node.is_element() {
        let name = page.name(id);
        out.push('<');
        out.push_str(&name);
        for (name, value) in page.attrs(id) {
            out.push(' ');
            out.push_str(&name);
            out.push_str("=\"");
            escape(&value, out);
            out.push('"');
        }
        if VOID.contains(&name.as_str()) {
            out.push_str("/>");
            return;
        }
        out.push('>');
        let children = page.children(id);
        // The parser drops one line break here, so that one has to be written.
        let drops_break = matches!(name.as_str(), "pre" | "listing" | "textarea");
        let starts = children.first().and_then(|first| page.own_text(*first));
        if drops_break && starts.is_some_and(|text| text.starts_with('\n')) {
            out.push('\n');
        }
        let raw = RAW.contains(&name.as_str());
        for child in children {
            push(page, child, raw, out);
        }
        out.push_str("</");
        out.push_str(&name);
        out.push('>');
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '\'' => out.push_str("&#39;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\r' => out.push_str("&#13;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_in_k6s_form() {
        let page = Page::parse(
            "<p title='a\"b'>it's \"q\" &amp; &lt;b&gt;&nbsp;<br><script>a<b&&c</script><pre>\n\nx</pre>",
            "",
        );
        let expected = "<html><head></head><body><p title=\"a&#34;b\">it&#39;s &#34;q&#34; &amp; &lt;b&gt;\u{a0}<br/>\
                        <script>a<b&&c</script></p><pre>\n\nx</pre></body></html>";
        assert_eq!(inner(&page, page.root()), expected);
    }

    #[test]
    fn what_is_not_an_element_stays() {
        let page = Page::parse(
            "<!DOCTYPE html><!-- c --><noscript><b>n</b></noscript><template><i>t</i></template>",
            "",
        );
        assert_eq!(
            inner(&page, page.root()),
            "<!DOCTYPE html><!-- c --><html><head><noscript><b>n</b></noscript>\
             <template><i>t</i></template></head><body></body></html>"
        );
    }
}
