//! Tables: rows and cells, those of tables inside of them too, as in k6.

use throng_quickjs::{Ctx, JsResult};

use super::Get::{AllBelow, FirstBelow, Flag, Number, OneOf, Other, Text};
use super::{Methods, around, named_below};
use crate::modules::html::element::Element;

const SECTIONS: &[&str] = &["thead", "tbody", "tfoot"];
const CELLS: &[&str] = &["td", "th"];

const TABLE: Methods = &[
    ("caption", FirstBelow("caption")),
    ("rows", AllBelow(&["tr"])),
    ("sortable", Flag("sortable")),
    ("tBodies", AllBelow(&["tbody"])),
    ("tFoot", FirstBelow("tfoot")),
    ("tHead", FirstBelow("thead")),
];

const ROW: Methods = &[
    ("cells", AllBelow(CELLS)),
    ("rowIndex", Other(|ctx, this| index(ctx, this, &["table"], &["tr"]))),
    ("sectionRowIndex", Other(|ctx, this| index(ctx, this, SECTIONS, &["tr"]))),
];

const CELL: Methods = &[
    ("cellIndex", Other(|ctx, this| index(ctx, this, &["tr"], CELLS))),
    ("colSpan", Number("colspan", 1)),
    ("headers", Text("headers")),
    ("rowSpan", Number("rowspan", 1)),
];

const HEADER: Methods = &[
    ("abbr", Text("abbr")),
    ("scope", OneOf("scope", &["", "row", "col", "rowgroup", "colgroup"])),
    ("sorted", Flag("sorted")),
];

pub(super) fn methods(name: &str) -> Option<&'static [Methods]> {
    Some(match name {
        "col" => &[&[("span", Number("span", 1))]],
        "table" => &[TABLE],
        "tbody" | "tfoot" | "thead" => &[&[("rows", AllBelow(&["tr"]))]],
        "td" => &[CELL],
        "th" => &[CELL, HEADER],
        "tr" => &[ROW],
        _ => return None,
    })
}

/// Where an element stands among those that `outer` around it has of its kind.
fn index(ctx: Ctx, this: &Element, outer: &[&str], kind: &[&str]) -> JsResult {
    let at = around(&this.page, this.id, outer).and_then(|id| {
        let outer = Element { page: this.page.clone(), id };
        named_below(&outer, kind).iter().position(|id| *id == this.id)
    });
    Ok(ctx.int(at.map_or(-1, |at| at as i64)))
}
