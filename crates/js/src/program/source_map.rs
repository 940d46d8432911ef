//! Source maps of bundled scripts: from places in the bundle to those in the files it was made of, which its author knows.
//!
//! As k6 does (observed on k6 1.1): the map is named by the last line of a script, holds for its errors and their stacks, and
//! its sources are relative to the script. It is decoded when the first error is shown, so that loading costs no more than
//! a look at that line, and the first error what decoding costs (other threads that show one then wait for it); and one that is
//! missing or broken leaves the places in the bundle. Maps of remote modules are not asked for. A column counts from 1 as
//! everywhere; k6 gives the map's own, which counts from 0.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use url::Url;

const MARK: &str = "//# sourceMappingURL=";

/// The map of one script.
#[derive(Debug)]
pub struct SourceMap {
    from: From,
    wide: Wide,
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
    /// The map that a script names, `name` being the script's URL; `compiled` if QuickJS gets it as it is.
    pub(super) fn of(source: &str, name: &str, compiled: bool) -> Option<Self> {
        let last = source.trim_end().rsplit('\n').next()?;
        let named = last.strip_prefix(MARK)?;
        let from = if let Some(data) = named.strip_prefix("data:") {
            let (kind, data) = data.split_once(',')?;
            kind.ends_with(";base64").then(|| From::Inline(data.into()))?
        } else {
            let script = Url::parse(name).ok().filter(|url| url.scheme() == "file")?;
            From::File(script.join(named).ok().filter(|url| url.scheme() == "file")?)
        };
        let wide = if compiled { Wide::of(source) } else { Wide::default() };
        Some(Self { from, wide, decoded: OnceLock::new() })
    }

    /// The file that it is in, if it is not in the script.
    pub(super) fn file(&self) -> Option<&Url> {
        match &self.from {
            From::Inline(_) => None,
            From::File(url) => Some(url),
        }
    }

    /// The column, from 1, that a map has for QuickJS's.
    pub(super) fn column(&self, line: u32, column: u32) -> u32 {
        self.wide.column(line, column)
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

/// Where a script has characters of several bytes: QuickJS's columns count bytes, those of maps UTF-16 units.
#[derive(Debug, Default)]
struct Wide(Vec<(u32, u32, u32)>);

impl Wide {
    /// Line and byte behind each such character, from 0, and by how much the line up to there has more bytes than units.
    fn of(source: &str) -> Self {
        if source.is_ascii() {
            return Self::default();
        }
        let mut all = Vec::new();
        for (line, text) in source.split('\n').enumerate() {
            let mut excess = 0;
            for (at, character) in text.char_indices().filter(|(_, character)| !character.is_ascii()) {
                excess += character.len_utf8() - character.len_utf16();
                all.push((line as u32, (at + character.len_utf8()) as u32, excess as u32));
            }
        }
        Self(all)
    }

    fn column(&self, line: u32, column: u32) -> u32 {
        let place = (line.saturating_sub(1), column.saturating_sub(1));
        let before = self.0.partition_point(|(line, behind, _)| (*line, *behind) <= place);
        let last = before.checked_sub(1).map(|i| self.0[i]).filter(|(line, ..)| *line == place.0);
        column - last.map_or(0, |(_, _, excess)| excess)
    }
}

/// A decoded map.
#[derive(Debug, Default)]
struct Map {
    /// Empty where the map does not say.
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
        // Some tools put a line before it against browsers that take JSON for a script.
        let json = json.strip_prefix(")]}'").unwrap_or(json);
        let mut map = Self::default();
        if map.add(json, script, (0, 0)).is_none() {
            let json: Value = serde_json::from_str(json).ok()?;
            if let Some(sections) = json.get("sections") {
                // A map of maps, each from its place on.
                for section in sections.as_array()? {
                    let offset = |name| section["offset"][name].as_u64()?.try_into().ok();
                    map.add_named(section.get("map")?, script, (offset("line")?, offset("column")?))?;
                }
            } else {
                map.add_named(&json, script, (0, 0))?;
            }
        }
        map.tokens.sort_by_key(|token| (token.line, token.column));
        Some(map)
    }

    /// Adds one some of whose sources may be null, which the library does not take.
    fn add_named(&mut self, json: &Value, script: &str, from: (u32, u32)) -> Option<()> {
        let mut json = json.clone();
        for source in json.get_mut("sources")?.as_array_mut()?.iter_mut().filter(|source| source.is_null()) {
            *source = "".into();
        }
        self.add(&json.to_string(), script, from)
    }

    fn add(&mut self, json: &str, script: &str, (first_line, first_column): (u32, u32)) -> Option<()> {
        let map = oxc_sourcemap::SourceMap::from_json_string(json).ok()?;
        let first = self.sources.len() as u32;
        let root = map.get_source_root().unwrap_or_default();
        self.sources.extend(map.get_sources().map(|source| url_of(script, root, source)));
        self.tokens.extend(map.get_tokens().map(|token| {
            let shift = if token.get_dst_line() == 0 { first_column } else { 0 };
            Token {
                line: token.get_dst_line().saturating_add(first_line),
                column: token.get_dst_col().saturating_add(shift),
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
        let source = self.sources.get(source as usize).filter(|source| !source.is_empty())?;
        Some((source, line.checked_add(1)?, column.checked_add(1)?))
    }
}

/// What a map's source is called: `webpack://…` as it is, and else a URL.
fn url_of(script: &str, root: &str, source: &str) -> String {
    if source.is_empty() {
        return String::new();
    }
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
        let map = SourceMap::of(source, name, true)?;
        let found = map.original(name, line, map.column(line, column), |url| {
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
        assert!(
            SourceMap::of(&format!("{MARK}a.map\nx;"), "file:///a.js", true).is_none(),
            "not the last line"
        );
        assert!(SourceMap::of(&format!("x;\n{MARK}a.map"), "https://a.test/a.js", true).is_none(), "remote");
        assert!(SourceMap::of(&format!("x;\n{MARK}https://a.test/a.map"), "file:///a.js", true).is_none());
        assert!(SourceMap::of("x;\n//# sourceMappingURL", "file:///a.js", true).is_none());
    }

    #[test]
    fn columns_of_a_map_count_no_bytes() {
        let after = |text: &str| {
            let column = text.len() as u32 + 1;
            SourceMap::of(&format!("é\n{text}x\né\n{MARK}a.map"), "file:///a.js", true)
                .unwrap()
                .column(2, column)
        };
        assert_eq!([after("abc"), after("éa"), after("aé"), after("€€"), after("😀")], [4, 3, 3, 3, 3]);
        let one_line = |text: &str| {
            // The first source up to column 10, the second from there on.
            let json = r#"{"version":3,"sources":["a.ts","b.ts"],"names":[],"mappings":"AAAA,UCAA"}"#;
            let source = format!("{text}x;\n{MARK}data:application/json;base64,{}", STANDARD.encode(json));
            place(&source, 1, text.len() as u32 + 1).map(|(file, ..)| file)
        };
        assert_eq!(one_line("äääääää").as_deref(), Some("file:///test/dist/a.ts"));
        assert_eq!(one_line("äääääääääää").as_deref(), Some("file:///test/dist/b.ts"));
    }

    #[test]
    fn sources_without_a_name_leave_the_place_in_the_bundle() {
        let json = r#"{"version":3,"sources":[null,"b.ts"],"names":[],"mappings":"AAAA,UCAA"}"#;
        assert_eq!(place(&inline(json), 1, 1), None);
        assert_eq!(place(&inline(json), 1, 11), Some(("file:///test/dist/b.ts".to_owned(), 1, 1)));
        assert!(place(&inline(&format!(")]}}'{json}")), 1, 11).is_some());
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
