//! Forms and what stands in them.

use dom_query::NodeId;
use throng_quickjs::{Ctx, JsResult};

use super::Get::{Address, Always, Flag, Number, OneOf, Other, Text};
use super::{FORM_OF, Methods, ON_OFF, around, named_below, text};
use crate::modules::html::element::{Element, list, maybe};
use crate::modules::html::selector::below;
use crate::modules::html::{form, render, walk};

const LABELS: super::Get = Other(|ctx, this| list(ctx, &this.page, labels(this)));

/// What every control of a form has.
const CONTROL: Methods = &[
    ("accessKey", Text("accesskey")),
    ("autofocus", Flag("autofocus")),
    ("disabled", Flag("disabled")),
    ("form", FORM_OF),
    ("labels", LABELS),
    ("name", Text("name")),
    ("required", Flag("required")),
    ("tabIndex", Number("tabindex", 0)),
    ("value", Other(value)),
];

const ENCODINGS: &[&str] = &["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];
const METHODS: &[&str] = &["get", "post"];

/// What the controls that can send a form have.
const SENDER: Methods = &[
    (
        "formAction",
        Other(|ctx, this| {
            let action = of_form(this, "formaction", "action").unwrap_or_default();
            Ok(ctx.string(&this.page.resolve(&action)))
        }),
    ),
    ("formEnctype", Other(|ctx, this| one_of_form(ctx, this, "formenctype", "enctype", ENCODINGS))),
    ("formMethod", Other(|ctx, this| one_of_form(ctx, this, "formmethod", "method", METHODS))),
    ("formNoValidate", Flag("formnovalidate")),
    (
        "formTarget",
        Other(|ctx, this| Ok(ctx.string(&of_form(this, "formtarget", "target").unwrap_or_default()))),
    ),
];

const BUTTON: Methods = &[
    ("type", OneOf("type", &["submit", "reset", "button", "menu"])),
    (
        "value",
        Other(|ctx, this| {
            let value = this.attr("value").unwrap_or_else(|| render::inner(&this.page, this.id));
            Ok(ctx.string(&value))
        }),
    ),
];

const INPUT_TYPES: &[&str] = &[
    "text",
    "button",
    "checkbox",
    "color",
    "date",
    "datetime-local",
    "email",
    "file",
    "hidden",
    "image",
    "month",
    "number",
    "password",
    "radio",
    "range",
    "reset",
    "search",
    "submit",
    "tel",
    "time",
    "url",
    "week",
];

const INPUT: Methods = &[
    ("accept", Text("accept")),
    ("alt", Text("alt")),
    ("autocomplete", OneOf("autocomplete", ON_OFF)),
    ("checked", Flag("checked")),
    ("defaultChecked", Flag("checked")),
    ("defaultValue", Text("value")),
    ("dirName", Text("dirname")),
    ("height", Text("height")),
    (
        "list",
        Other(|ctx, this| {
            let named = this.attr("list").and_then(|id| form::by_id(&this.page, &id));
            maybe(ctx, &this.page, named.filter(|id| this.page.name(*id) == "datalist"))
        }),
    ),
    ("max", Text("max")),
    ("maxLength", Number("maxlength", -1)),
    ("min", Text("min")),
    ("multiple", Flag("multiple")),
    ("pattern", Text("pattern")),
    ("placeholder", Text("placeholder")),
    ("readonly", Flag("readonly")),
    ("size", Number("size", 0)),
    ("src", Address("src")),
    ("step", Text("step")),
    ("type", OneOf("type", INPUT_TYPES)),
    ("width", Text("width")),
];

const FORM: Methods = &[
    ("acceptCharset", Text("accept-charset")),
    ("action", Address("action")),
    ("autocomplete", OneOf("autocomplete", ON_OFF)),
    ("elements", Other(|ctx, this| list(ctx, &this.page, named_below(this, IN_FORM)))),
    ("encoding", OneOf("enctype", ENCODINGS)),
    ("enctype", OneOf("enctype", ENCODINGS)),
    ("length", Other(|ctx, this| Ok(ctx.int(named_below(this, IN_FORM).len() as i64)))),
    ("method", OneOf("method", METHODS)),
    ("name", Text("name")),
    ("noValidate", Flag("novalidate")),
    ("target", Text("target")),
];

const IN_FORM: &[&str] = &["input", "select", "button", "textarea", "fieldset"];
const IN_FIELDSET: &[&str] = &["input", "select", "button", "textarea"];

const FIELDSET: Methods = &[
    ("disabled", Flag("disabled")),
    ("elements", super::Get::AllBelow(IN_FIELDSET)),
    ("form", FORM_OF),
    ("name", Text("name")),
    ("type", Always("fieldset")),
    ("validity", Other(|ctx, _| Ok(ctx.undefined()))),
];

const SELECT: Methods = &[
    ("length", Other(|ctx, this| Ok(ctx.int(form::options(&this.page, this.id).len() as i64)))),
    ("multiple", Flag("multiple")),
    ("options", Other(|ctx, this| list(ctx, &this.page, form::options(&this.page, this.id)))),
    ("selectedIndex", Other(selected_index)),
    ("selectedOptions", Other(|ctx, this| list(ctx, &this.page, form::chosen(&this.page, this.id)))),
    // Whatever the attribute says.
    ("size", Other(|ctx, this| Ok(ctx.int(if this.attr("multiple").is_some() { 4 } else { 1 })))),
    (
        "type",
        Other(|ctx, this| {
            Ok(ctx.string(if this.attr("multiple").is_some() { "select-multiple" } else { "select" }))
        }),
    ),
];

const OPTION: Methods = &[
    ("defaultSelected", Flag("selected")),
    (
        "disabled",
        Other(|ctx, this| {
            let group = around(&this.page, this.id, &["optgroup"]);
            let disables = |id| this.page.attr(id, "disabled").is_some();
            Ok(ctx.bool(disables(this.id) || group.is_some_and(disables)))
        }),
    ),
    (
        "form",
        Other(|ctx, this| {
            let holder = around(&this.page, this.id, &["select"]).unwrap_or(this.id);
            maybe(ctx, &this.page, form::owner(&this.page, holder))
        }),
    ),
    ("index", Other(option_index)),
    (
        "label",
        Other(|ctx, this| Ok(ctx.string(&this.attr("label").unwrap_or_else(|| this.page.text(this.id))))),
    ),
    ("selected", Flag("selected")),
    ("text", Other(text)),
    ("value", Other(|ctx, this| Ok(ctx.string(&form::option(&this.page, this.id))))),
];

/// Its value is its text, where k6 1.1 takes an attribute that a `<textarea>` does not have.
const TEXTAREA: Methods = &[
    ("autocapitalize", OneOf("autocapitalize", &["sentences", "none", "off", "characters", "words"])),
    ("autocomplete", OneOf("autocomplete", ON_OFF)),
    ("cols", Number("cols", 0)),
    ("defaultValue", Other(text)),
    ("length", Other(|ctx, this| Ok(ctx.int(this.page.text(this.id).chars().count() as i64)))),
    ("maxLength", Number("maxlength", 0)),
    ("placeholder", Text("placeholder")),
    ("readOnly", Flag("readonly")),
    ("rows", Number("rows", 0)),
    ("type", Always("textarea")),
    ("wrap", OneOf("wrap", &["soft", "hard", "off"])),
];

const LABEL: Methods = &[
    (
        "control",
        Other(|ctx, this| {
            let named = this.attr("for").and_then(|id| form::by_id(&this.page, &id));
            maybe(ctx, &this.page, named)
        }),
    ),
    ("form", FORM_OF),
    ("htmlFor", Text("for")),
];

const OUTPUT: Methods = &[
    ("defaultValue", Other(text)),
    ("form", FORM_OF),
    ("htmlFor", Text("for")),
    ("labels", LABELS),
    ("name", Text("name")),
    ("type", Always("output")),
    ("value", Other(text)),
];

const KEYGEN: Methods = &[
    ("autofocus", Flag("autofocus")),
    ("challenge", Text("challenge")),
    ("disabled", Flag("disabled")),
    ("form", FORM_OF),
    ("keytype", OneOf("keytype", &["RSA", "DSA", "EC"])),
    ("labels", LABELS),
    ("name", Text("name")),
    ("type", Always("keygen")),
];

const METER: Methods = &[
    ("high", Number("high", 0)),
    ("labels", LABELS),
    ("low", Number("low", 0)),
    ("max", Number("max", 0)),
    ("min", Number("min", 0)),
    ("optimum", Number("optimum", 0)),
];

const PROGRESS: Methods = &[
    ("labels", LABELS),
    ("max", Other(|ctx, this| Ok(ctx.number(progress(this).0)))),
    ("position", Other(|ctx, this| Ok(ctx.number(progress(this).1.unwrap_or(-1.0))))),
    ("value", Other(|ctx, this| Ok(ctx.number(progress(this).1.unwrap_or(0.0))))),
];

pub(super) fn methods(name: &str) -> Option<&'static [Methods]> {
    Some(match name {
        "button" => &[CONTROL, SENDER, BUTTON],
        "datalist" => {
            &[&[("options", Other(|ctx, this| list(ctx, &this.page, form::options(&this.page, this.id))))]]
        }
        "fieldset" => &[FIELDSET],
        "form" => &[FORM],
        "input" => &[CONTROL, SENDER, INPUT],
        "keygen" => &[KEYGEN],
        "label" => &[LABEL],
        "legend" => &[&[("accessKey", Text("accesskey")), ("form", FORM_OF)]],
        "meter" => &[METER],
        "optgroup" => &[&[("disabled", Flag("disabled")), ("label", Text("label"))]],
        "option" => &[OPTION],
        "output" => &[OUTPUT],
        "progress" => &[PROGRESS],
        "select" => &[CONTROL, SELECT],
        "textarea" => &[CONTROL, TEXTAREA],
        _ => return None,
    })
}

fn value(ctx: Ctx, this: &Element) -> JsResult {
    let held = form::value(&this.page, this.id);
    Ok(held.map_or_else(|| ctx.undefined(), |held| held.to_value(ctx)))
}

/// The labels of a control: those around it, and those that name it.
fn labels(this: &Element) -> Vec<NodeId> {
    let page = &this.page;
    let id = this.attr("id");
    let around = walk::parents(page, this.id);
    below(page, page.root(), |label| {
        page.name(label) == "label"
            && (around.contains(&label) || (id.is_some() && page.attr(label, "for") == id))
    })
}

/// An attribute of a control that overrides one of its form.
fn of_form(this: &Element, own: &str, forms: &str) -> Option<String> {
    let of_form = || form::owner(&this.page, this.id).and_then(|form| this.page.attr(form, forms));
    this.attr(own).or_else(of_form)
}

/// As [`of_form`], one of these words in lower case.
fn one_of_form(ctx: Ctx, this: &Element, own: &str, forms: &str, words: &[&str]) -> JsResult {
    let found = of_form(this, own, forms).unwrap_or_default().to_lowercase();
    Ok(ctx.string(words.iter().find(|word| **word == found).unwrap_or(&words[0])))
}

fn selected_index(ctx: Ctx, this: &Element) -> JsResult {
    let options = form::options(&this.page, this.id);
    let at = options.iter().position(|id| this.page.attr(*id, "selected").is_some());
    Ok(ctx.int(at.map_or(-1, |at| at as i64)))
}

fn option_index(ctx: Ctx, this: &Element) -> JsResult {
    let holder = around(&this.page, this.id, &["select", "datalist"]);
    let at = holder.and_then(|list| form::options(&this.page, list).iter().position(|id| *id == this.id));
    Ok(ctx.int(at.unwrap_or_default() as i64))
}

/// The maximum of a progress bar, and how much of it is done: both its value and its position.
fn progress(this: &Element) -> (f64, Option<f64>) {
    let number = |name| this.attr(name)?.parse().ok().filter(|number: &f64| *number >= 0.0);
    let max = number("max").unwrap_or(1.0);
    (max, number("value").map(|value| value / max))
}
