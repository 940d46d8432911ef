//! Source maps of bundled scripts: from places in the bundle to those in the files it was made of, which its author knows.
//!
//! As k6 does (observed on k6 1.1): the map is named by the last line of a script, holds for its errors and their stacks, and
//! its sources are relative to the script. It is decoded when the first error is shown, so that loading costs no more than
//! a look at that line; and one that is missing or broken leaves the places in the bundle. Maps of remote modules are not
//! asked for. A column counts from 1 as everywhere; k6 gives the map's own, which counts from 0.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use url::Url;

const MARK: &str = "//# sourceMappingURL=";

/// The map of one script.
#[derive(Debug)]
pub struct SourceMap {
    from: From,
    decoded: OnceLock<Option<Map>>,
}

#[derive(Debug)]
enum From {
    /// Base64 in the script.
    Inline(Box<str>),
    /// A file.
    File(Url),
}

impl SourceMap {
    /// The map that a script names, `name` being the script's URL.
    pub(super) fn of(source: &str, name: &str) -> Option<Self> {
        let last = source.trim_end().rsplit('\n').next()?;
        let named = last.strip_prefix(MARK)?;
        let from = if let Some(data) = named.strip_prefix("data:") {
            let (kind, data) = data.split_once(',')?;
            kind.ends_with(";base64").then(|| From::Inline(data.into()))?
        } else {
            let script = Url::parse(name).ok().filter(|url| url.scheme() == "file")?;
            From::File(script.join(named).ok().filter(|url| url.scheme() == "file")?)
        };
        Some(Self { from, decoded: OnceLock::new() })
    }

    /// The file that it is in, if it is not in the script.
    pub(super) fn file(&self) -> Option<&Url> {
        match &self.from {
            From::Inline(_) => None,
            From::File(url) => Some(url),
        }
    }

    /// File, line and column of a place in the script `name`, all from 1. `read` gets the map's file.
    pub(super) fn original(
        &self,
        name: &str,
        line: u32,
        column: u32,
        read: impl FnOnce(&Url) -> Option<Bytes>,
    ) -> Option<(&str, u32, u32)> {
        let map = self.decoded.get_or_init(|| {
            let json = match &self.from {
                From::Inline(data) => STANDARD.decode(&**data).ok()?.into(),
                From::File(url) => read(url)?,
            };
            Map::decode(std::str::from_utf8(&json).ok()?, name)
        });
        map.as_ref()?.original(line, column)
    }
}

/// A decoded map.
#[derive(Debug, Default)]
struct Map {
    sources: Vec<String>,
    /// In the order of the script.
    tokens: Vec<Token>,
}

/// Lines and columns from 0.
#[derive(Debug)]
struct Token {
    line: u32,
    column: u32,
    /// Source, line and column; none for what the bundler wrote itself.
    original: Option<(u32, u32, u32)>,
}

impl Map {
    fn decode(json: &str, script: &str) -> Option<Self> {
        let mut map = Self::default();
        if map.add(json, script, (0, 0)).is_none() {
            // Or a map of maps, each from its place on.
            let index: serde_json::Value = serde_json::from_str(json).ok()?;
            for section in index.get("sections")?.as_array()? {
                let offset = |name| section["offset"][name].as_u64()?.try_into().ok();
                map.add(&section.get("map")?.to_string(), script, (offset("line")?, offset("column")?))?;
            }
        }
        map.tokens.sort_by_key(|token| (token.line, token.column));
        Some(map)
    }

    fn add(&mut self, json: &str, script: &str, (first_line, first_column): (u32, u32)) -> Option<()> {
        // Some tools put a line before it against browsers that take JSON for a script.
        let json = json.strip_prefix(")]}'").unwrap_or(json);
        let map = oxc_sourcemap::SourceMap::from_json_string(json).ok()?;
        let first = self.sources.len() as u32;
        let root = map.get_source_root().unwrap_or_default();
        self.sources.extend(map.get_sources().map(|source| url_of(script, root, source)));
        self.tokens.extend(map.get_tokens().map(|token| {
            let shift = if token.get_dst_line() == 0 { first_column } else { 0 };
            Token {
                line: token.get_dst_line() + first_line,
                column: token.get_dst_col() + shift,
                original: token
                    .get_source_id()
                    .map(|id| (first + id, token.get_src_line(), token.get_src_col())),
            }
        }));
        Some(())
    }

    fn original(&self, line: u32, column: u32) -> Option<(&str, u32, u32)> {
        let wanted = (line.checked_sub(1)?, column.checked_sub(1)?);
        let after = self.tokens.partition_point(|token| (token.line, token.column) <= wanted);
        let token = &self.tokens[after.checked_sub(1)?];
        let (source, line, column) = token.original.filter(|_| token.line == wanted.0)?;
        Some((self.sources.get(source as usize)?, line + 1, column + 1))
    }
}

/// What a map's source is called: `webpack://…` as it is, and else a URL.
fn url_of(script: &str, root: &str, source: &str) -> String {
    let path = match root {
        _ if source.contains("://") || source.starts_with('/') => source.to_owned(),
        "" => source.to_owned(),
        root => format!("{}/{source}", root.trim_end_matches('/')),
    };
    if path.contains("://") {
        return path;
    }
    let url = Url::parse(script).and_then(|script| script.join(&path));
    url.map_or(path, |url| url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line 3 (from 1) from column 5 is line 2, column 3 of the second source; line 4 is nobody's from column 3 on.
    const JSON: &str =
        r#"{"version":3,"sources":["../src/a.ts","b.ts"],"names":[],"mappings":";;ICCE;EAAF,C"}"#;

    fn place(source: &str, line: u32, column: u32) -> Option<(String, u32, u32)> {
        let name = "file:///test/dist/out.js";
        let map = SourceMap::of(source, name)?;
        let found = map.original(name, line, column, |url| {
            assert_eq!(url.as_str(), "file:///test/dist/maps/out.js.map");
            Some(Bytes::from_static(JSON.as_bytes()))
        });
        found.map(|(file, line, column)| (file.to_owned(), line, column))
    }

    fn inline(json: &str) -> String {
        format!("x;\n{MARK}data:application/json;charset=utf-8;base64,{}\n\n", STANDARD.encode(json))
    }

    #[test]
    fn a_map_is_in_the_script_or_beside_it() {
        let expected = Some(("file:///test/dist/b.ts".to_owned(), 2, 3));
        assert_eq!(place(&inline(JSON), 3, 5), expected);
        assert_eq!(place(&inline(JSON), 3, 50), expected);
        assert_eq!(place(&format!("x;\r\n{MARK}maps/out.js.map \r\n"), 3, 5), expected);
    }

    #[test]
    fn what_the_map_does_not_know_has_no_other_place() {
        for (line, column) in [(1, 1), (3, 4), (4, 2), (4, 4), (5, 1)] {
            assert_eq!(place(&inline(JSON), line, column), None, "{line}:{column}");
        }
        for broken in ["", "{", "{}", r#"{"version":3,"sources":[],"mappings":"!!"}"#] {
            assert_eq!(place(&inline(broken), 3, 5), None);
        }
        assert!(SourceMap::of(&format!("{MARK}a.map\nx;"), "file:///a.js").is_none(), "not the last line");
        assert!(SourceMap::of(&format!("x;\n{MARK}a.map"), "https://a.test/a.js").is_none(), "remote");
        assert!(SourceMap::of(&format!("x;\n{MARK}https://a.test/a.map"), "file:///a.js").is_none());
        assert!(SourceMap::of("x;\n//# sourceMappingURL", "file:///a.js").is_none());
    }

    #[test]
    fn sections_begin_where_they_say() {
        let json =
            format!(r#"{{"version":3,"sections":[{{"offset":{{"line":10,"column":0}},"map":{JSON}}}]}}"#);
        assert_eq!(place(&inline(&json), 13, 5), Some(("file:///test/dist/b.ts".to_owned(), 2, 3)));
    }

    #[test]
    fn sources_are_named_as_in_k6() {
        let name = |root, source| url_of("file:///test/dist/out.js", root, source);
        assert_eq!(name("", "../src/a.ts"), "file:///test/src/a.ts");
        assert_eq!(name("", "/abs/a.ts"), "file:///abs/a.ts");
        assert_eq!(name("", "webpack://app/./src/a.ts"), "webpack://app/./src/a.ts");
        assert_eq!(name("/root/x/", "../src/a.ts"), "file:///root/src/a.ts");
        assert_eq!(name("webpack://app", "src/a.ts"), "webpack://app/src/a.ts");
    }
}
