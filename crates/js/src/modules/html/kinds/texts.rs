//! Elements that hold or describe text: lists, times, `<meta>`, `<script>`, `<style>`.

use super::Get::{Address, Flag, Number, OneOf, Other, Text, TextOr, Words};
use super::{CROSS_ORIGIN, Methods, REFERRER_POLICY, text};

const SCRIPT: Methods = &[
    ("async", Flag("async")),
    ("charset", Text("charset")),
    ("crossOrigin", Text("crossorigin")),
    ("defer", Flag("defer")),
    ("noModule", Flag("nomodule")),
    ("src", Address("src")),
    ("text", Other(text)),
    ("type", Text("type")),
];

const STYLESHEET: Methods = &[
    ("crossOrigin", super::Get::OneOrNone("crossorigin", CROSS_ORIGIN)),
    ("href", Address("href")),
    ("hreflang", Text("hreflang")),
    ("media", Text("media")),
    ("referrerPolicy", OneOf("referrerpolicy", REFERRER_POLICY)),
    ("rel", Text("rel")),
    ("relList", Words("rel")),
    ("target", Text("target")),
    ("type", Text("type")),
];

const ITEM_TYPES: &[&str] = &["", "1", "a", "A", "i", "I", "disc", "circle", "square"];

pub(super) fn methods(name: &str) -> Option<&'static [Methods]> {
    Some(match name {
        "base" => &[&[("href", Address("href")), ("target", Text("target"))]],
        "data" => &[&[("value", Text("value"))]],
        "del" | "ins" => &[&[("cite", Text("cite")), ("datetime", Text("datetime"))]],
        "li" => &[&[("type", OneOf("type", ITEM_TYPES)), ("value", Number("value", 0))]],
        "link" => &[STYLESHEET],
        "meta" => &[&[
            ("content", Text("content")),
            ("httpEquiv", OneOf("http-equiv", &["content-type", "default-style", "refresh"])),
            ("name", Text("name")),
        ]],
        "ol" => &[&[
            ("reversed", Flag("reversed")),
            ("start", Number("start", 0)),
            ("type", OneOf("type", &["1", "a", "A", "i", "I"])),
        ]],
        "param" | "pre" => &[&[("name", Text("name")), ("value", Text("value"))]],
        "script" => &[SCRIPT],
        "style" => &[&[("media", Text("media")), ("type", TextOr("type", "text/css"))]],
        "time" => &[&[("datetime", Text("datetime"))]],
        "title" => &[&[("text", Other(text))]],
        "ul" => &[&[("type", Text("type"))]],
        _ => return None,
    })
}
