//! The page's files, as they are built into the binary: what npm made of `ui/`, or a page that says how to make it.
//!
//! A crate of its own, so that a changed page builds little else again.

#![forbid(unsafe_code)]

/// A file as it is built in.
struct File {
    name: &'static str,
    plain: &'static [u8],
    zipped: &'static [u8],
}

static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

static PLACEHOLDER: &str = include_str!("placeholder.html");

/// A file to be served.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its media type.
    pub kind: &'static str,
    /// Its content.
    pub plain: &'static [u8],
    /// Its content, gzip'd.
    pub zipped: &'static [u8],
}

/// Whether the real page is built in.
pub fn is_built() -> bool {
    find("index.html").is_some()
}

/// The page itself, or one that says how to build it.
pub fn index() -> Page {
    match find("index.html") {
        Some(asset) => Page::Built(asset),
        None => Page::Placeholder(PLACEHOLDER),
    }
}

/// What is served at `/`.
#[derive(Clone, Copy, Debug)]
pub enum Page {
    /// What npm made.
    Built(Asset),
    /// HTML that says how to build the page.
    Placeholder(&'static str),
}

/// The page as one file, with `data` (a snapshot, as JSON) in it instead of a stream; none without the real page.
///
/// It may be opened from anywhere, so that it says itself that it loads nothing.
pub fn report(data: &str) -> Option<String> {
    const POLICY: &str =
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";
    let index = std::str::from_utf8(find("index.html")?.plain).ok()?;
    let mut html = String::with_capacity(index.len() + data.len() + (256 << 10));
    let mut rest = index;
    while let Some(start) = rest.find('<') {
        html.push_str(&rest[..start]);
        let end = start + rest[start..].find('>')? + 1;
        let tag = &rest[start..end];
        rest = &rest[end..];
        match (attribute(tag, "src"), attribute(tag, "href"), tag) {
            (Some(script), ..) if tag.starts_with("<script") => {
                let code = std::str::from_utf8(find(script)?.plain).ok()?;
                html.push_str("<script type=\"module\">");
                html.push_str(&code.replace("</script", "<\\/script"));
            }
            (_, Some(file), _) if tag.starts_with("<link") => {
                if attribute(tag, "rel") == Some("stylesheet") {
                    html.push_str("<style>");
                    html.push_str(std::str::from_utf8(find(file)?.plain).ok()?);
                    html.push_str("</style>");
                }
            }
            (.., "<head>") => {
                html.push_str("<head><meta http-equiv=\"Content-Security-Policy\" content=\"");
                html.push_str(POLICY);
                html.push_str("\">");
            }
            _ if attribute(tag, "id") == Some("run") => {
                html.push_str(tag);
                // Nothing in it can end the script.
                html.push_str(&data.replace('<', "\\u003c"));
            }
            _ => html.push_str(tag),
        }
    }
    html.push_str(rest);
    Some(html)
}

/// An attribute's value; of a file, without the `./` before its path.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let value = tag.split_once(&format!(" {name}=\""))?.1;
    Some(value.split('"').next()?.trim_start_matches("./"))
}

/// A file of the page by its path, such as `assets/index-1a2b3c.js`.
pub fn find(name: &str) -> Option<Asset> {
    let place = FILES.binary_search_by(|file| file.name.cmp(name)).ok()?;
    let File { name, plain, zipped } = FILES[place];
    Some(Asset { kind: kind(name), plain, zipped })
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("json" | "map") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A binary of `./x` is built with the page; it sets this to be sure of it.
    #[test]
    fn the_page_is_embedded_where_it_must_be() {
        if std::env::var_os("THRONG_EXPECT_PAGE").is_some() {
            let index = find("index.html").expect("built after ./x put the page into dist");
            let text = std::str::from_utf8(index.plain).unwrap();
            assert!(text.contains("id=\"run\""), "not our page: {text}");
            let script = text.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
            assert!(find(script.trim_start_matches("./")).is_some(), "{script} is not built in");
            let zipped: usize = FILES.iter().map(|file| file.zipped.len()).sum();
            assert!(zipped < 80 << 10, "the page is {zipped} bytes, gzip'd");
        }
    }

    #[test]
    fn without_it_there_is_a_page_that_says_how_to_build_it() {
        match index() {
            Page::Built(asset) => assert_eq!(asset.kind, "text/html; charset=utf-8"),
            Page::Placeholder(text) => assert!(text.contains("./x build")),
        }
    }

    #[test]
    fn a_report_is_one_file_with_the_data_in_it() {
        let Some(html) = report(r#"{"name":"</script><b>"}"#) else {
            assert!(!is_built());
            return;
        };
        assert!(html.contains(r#"id="run">{"name":"\u003c/script>\u003cb>"}</script>"#), "{html:.300}");
        assert!(html.contains("<style>") && html.contains("default-src 'none'"));
        for link in ["src=\"./", "href=\"./", "<link"] {
            let head = html.split("<script type=\"module\">").next().unwrap();
            assert!(!head.contains(link), "{link} in {head:.500}");
        }
        assert_eq!(html.matches("<script").count(), html.matches("</script>").count());
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert!(find("../Cargo.toml").is_none() && find("").is_none());
    }
}
