//! What only elements of one kind have: `href()` of links, `options()` of a `<select>`.
//!
//! One table says what each kind of element offers; a prototype is made of it when the first element of that kind is
//! shown to a script.

use std::cell::RefCell;

use dom_query::NodeId;
use throng_quickjs::{Call, Ctx, JsResult, Value};
use url::Url;

use super::element::{Element, list, maybe};
use super::form;
use crate::host::host;

/// How a method gets its answer.
#[derive(Clone, Copy)]
enum Get {
    /// An attribute, or this text where it is missing.
    Text(&'static str, &'static str),
    /// Whether the attribute is there.
    Flag(&'static str),
    /// An attribute as a number, or this one.
    Number(&'static str, i64),
    /// An attribute as an address seen from the page.
    Address(&'static str),
    /// An attribute's words.
    Words(&'static str),
    /// A part of the link's address.
    Part(fn(&Url) -> String, fn(&str) -> String),
    /// Anything else.
    Other(fn(Ctx, &Element) -> JsResult),
}

use Get::{Address, Flag, Number, Other, Part, Text, Words};

type Methods = &'static [(&'static str, Get)];

const LINK: Methods = &[
    ("accessKey", Text("accesskey", "")),
    ("download", Text("download", "")),
    ("hash", Part(|url| prefixed('#', url.fragment()), |href| from('#', href))),
    ("host", Part(|url| url[url::Position::BeforeHost..url::Position::AfterPort].to_owned(), nothing)),
    ("hostname", Part(|url| url.host_str().unwrap_or_default().to_owned(), nothing)),
    ("href", Address("href")),
    ("hrefLang", Text("hreflang", "")),
    ("origin", Part(|url| url.origin().ascii_serialization(), nothing)),
    ("password", Part(|url| url.password().unwrap_or_default().to_owned(), nothing)),
    ("pathname", Part(|url| url.path().to_owned(), path)),
    ("port", Part(|url| url.port().map(|port| port.to_string()).unwrap_or_default(), nothing)),
    // Without its colon, as in k6; of a link that leads nowhere there is only the colon.
    ("protocol", Part(|url| url.scheme().to_owned(), |_| ":".into())),
    ("referrerPolicy", Text("referrerpolicy", "")),
    ("rel", Text("rel", "")),
    ("relList", Words("rel")),
    ("search", Part(|url| prefixed('?', url.query()), query)),
    ("target", Text("target", "")),
    ("text", Other(text)),
    ("type", Text("type", "")),
    ("username", Part(|url| url.username().to_owned(), nothing)),
];

/// What every control of a form has.
const CONTROL: Methods = &[
    ("accessKey", Text("accesskey", "")),
    ("autofocus", Flag("autofocus")),
    ("disabled", Flag("disabled")),
    ("form", Other(|ctx, this| maybe(ctx, &this.page, form::owner(&this.page, this.id)))),
    ("labels", Other(labels)),
    ("name", Text("name", "")),
    ("required", Flag("required")),
    ("tabIndex", Number("tabindex", 0)),
    ("value", Other(value)),
];

/// What the controls that can send a form have.
const SENDER: Methods = &[
    ("formAction", Other(|ctx, this| of_form(ctx, this, "formaction", "action", ""))),
    ("formEnctype", Other(|ctx, this| of_form(ctx, this, "formenctype", "enctype", URL_ENCODED))),
    ("formMethod", Other(|ctx, this| of_form(ctx, this, "formmethod", "method", "get"))),
    ("formNoValidate", Flag("formnovalidate")),
    ("formTarget", Other(|ctx, this| of_form(ctx, this, "formtarget", "target", ""))),
];

const URL_ENCODED: &str = "application/x-www-form-urlencoded";

const INPUT: Methods = &[
    ("accept", Text("accept", "")),
    ("alt", Text("alt", "")),
    ("autocomplete", Text("autocomplete", "on")),
    ("checked", Flag("checked")),
    ("defaultChecked", Flag("checked")),
    ("defaultValue", Text("value", "")),
    ("dirName", Text("dirname", "")),
    ("height", Text("height", "")),
    ("max", Text("max", "")),
    ("maxLength", Number("maxlength", -1)),
    ("min", Text("min", "")),
    ("multiple", Flag("multiple")),
    ("pattern", Text("pattern", "")),
    ("placeholder", Text("placeholder", "")),
    ("readonly", Flag("readonly")),
    ("size", Number("size", 0)),
    ("src", Address("src")),
    ("step", Text("step", "")),
    ("type", Text("type", "text")),
    ("width", Text("width", "")),
];

const FORM: Methods = &[
    ("acceptCharset", Text("accept-charset", "")),
    ("action", Address("action")),
    ("autocomplete", Text("autocomplete", "on")),
    ("elements", Other(|ctx, this| list(ctx, &this.page, controls(this)))),
    ("encoding", Text("enctype", URL_ENCODED)),
    ("enctype", Text("enctype", URL_ENCODED)),
    ("length", Other(|ctx, this| Ok(ctx.int(controls(this).len() as i64)))),
    ("method", Text("method", "get")),
    ("name", Text("name", "")),
    ("noValidate", Flag("novalidate")),
    ("target", Text("target", "")),
];

const SELECT: Methods = &[
    ("length", Other(|ctx, this| Ok(ctx.int(form::options(&this.page, this.id).len() as i64)))),
    ("multiple", Flag("multiple")),
    ("options", Other(|ctx, this| list(ctx, &this.page, form::options(&this.page, this.id)))),
    ("selectedIndex", Other(selected_index)),
    ("selectedOptions", Other(|ctx, this| list(ctx, &this.page, form::chosen(&this.page, this.id)))),
    ("size", Other(select_size)),
    (
        "type",
        Other(|ctx, this| {
            Ok(ctx.string(if this.attr("multiple").is_some() { "select-multiple" } else { "select" }))
        }),
    ),
];

const OPTION: Methods = &[
    ("defaultSelected", Flag("selected")),
    ("disabled", Flag("disabled")),
    ("form", Other(|ctx, this| maybe(ctx, &this.page, form::owner(&this.page, this.id)))),
    ("index", Other(option_index)),
    (
        "label",
        Other(|ctx, this| Ok(ctx.string(&this.attr("label").unwrap_or_else(|| this.page.text(this.id))))),
    ),
    ("selected", Flag("selected")),
    ("text", Other(text)),
    ("value", Other(|ctx, this| Ok(ctx.string(&form::option(&this.page, this.id))))),
];

const TEXTAREA: Methods = &[
    ("cols", Number("cols", 20)),
    ("defaultValue", Other(text)),
    ("length", Other(|ctx, this| Ok(ctx.int(this.page.text(this.id).chars().count() as i64)))),
    ("maxLength", Number("maxlength", -1)),
    ("placeholder", Text("placeholder", "")),
    ("readOnly", Flag("readonly")),
    ("rows", Number("rows", 2)),
    ("type", Other(|ctx, _| Ok(ctx.string("textarea")))),
    ("wrap", Text("wrap", "soft")),
];

const IMAGE: Methods = &[
    ("alt", Text("alt", "")),
    ("crossOrigin", Text("crossorigin", "")),
    ("currentSrc", Address("src")),
    ("height", Number("height", 0)),
    ("isMap", Flag("ismap")),
    ("name", Text("name", "")),
    ("referrerPolicy", Text("referrerpolicy", "")),
    ("sizes", Text("sizes", "")),
    ("src", Address("src")),
    ("srcset", Text("srcset", "")),
    ("useMap", Text("usemap", "")),
    ("width", Number("width", 0)),
];

const SCRIPT: Methods = &[
    ("async", Flag("async")),
    ("charset", Text("charset", "")),
    ("crossOrigin", Text("crossorigin", "")),
    ("defer", Flag("defer")),
    ("noModule", Flag("nomodule")),
    ("src", Address("src")),
    ("text", Other(text)),
    ("type", Text("type", "")),
];

const STYLESHEET: Methods = &[
    ("crossOrigin", Text("crossorigin", "")),
    ("href", Address("href")),
    ("hreflang", Text("hreflang", "")),
    ("media", Text("media", "")),
    ("referrerPolicy", Text("referrerpolicy", "")),
    ("rel", Text("rel", "")),
    ("relList", Words("rel")),
    ("target", Text("target", "")),
    ("type", Text("type", "")),
];

/// What elements of this name offer.
fn methods(name: &str) -> &'static [Methods] {
    match name {
        "a" | "area" => &[LINK],
        "button" => &[CONTROL, SENDER, &[("type", Text("type", "submit"))]],
        "form" => &[FORM],
        "img" => &[IMAGE],
        "input" => &[CONTROL, SENDER, INPUT],
        "li" => &[&[("type", Text("type", "")), ("value", Number("value", 0))]],
        "link" => &[STYLESHEET],
        "meta" => &[&[
            ("content", Text("content", "")),
            ("httpEquiv", Text("http-equiv", "")),
            ("name", Text("name", "")),
        ]],
        "option" => &[OPTION],
        "script" => &[SCRIPT],
        "select" => &[CONTROL, SELECT],
        "textarea" => &[CONTROL, TEXTAREA],
        "title" => &[&[("text", Other(text))]],
        _ => &[],
    }
}

/// The prototypes that one virtual machine has made, by the elements' name.
#[derive(Default)]
struct Prototypes(RefCell<Vec<(String, Value)>>);

/// The prototype of elements of this name; `None` where they have nothing of their own.
pub(super) fn prototype(ctx: Ctx, name: &str) -> JsResult<Option<Value>> {
    let groups = methods(name);
    if groups.is_empty() {
        return Ok(None);
    }
    let made = host(&ctx).state::<Prototypes>();
    if let Some((_, known)) = made.0.borrow().iter().find(|(known, _)| known == name) {
        return Ok(Some(known.clone()));
    }
    let prototype = ctx.object_with_prototype(&ctx.prototype_of::<Element>()?);
    for (group, methods) in groups.iter().enumerate() {
        for (index, (method, _)) in methods.iter().enumerate() {
            let captured = [&ctx.string(name), &ctx.int(group as i64), &ctx.int(index as i64)];
            prototype.define_hidden(method, &ctx.closure(0, &captured, answer))?;
        }
    }
    made.0.borrow_mut().push((name.to_owned(), prototype.clone()));
    Ok(Some(prototype))
}

/// A method of a table: the captured values say which.
fn answer(call: &Call<'_>) -> JsResult {
    let at = |i| call.captured(i).as_number().unwrap_or_default() as usize;
    let name = call.captured(0).to_text()?;
    let (_, get) = methods(&name)[at(1)][at(2)];
    let (ctx, this) = (call.ctx(), call.this());
    let this = this.expect::<Element>()?;
    Ok(match get {
        Text(attr, default) => ctx.string(&this.attr(attr).unwrap_or_else(|| default.to_owned())),
        Flag(attr) => ctx.bool(this.attr(attr).is_some()),
        Number(attr, default) => {
            ctx.int(this.attr(attr).and_then(|text| text.trim().parse().ok()).unwrap_or(default))
        }
        Address(attr) => {
            ctx.string(&this.attr(attr).map(|href| this.page.resolve(&href)).unwrap_or_default())
        }
        Words(attr) => {
            let words = this.attr(attr).unwrap_or_default();
            ctx.array(words.split_whitespace().map(|word| ctx.string(word)))
        }
        Part(of_url, of_text) => {
            let href = this.page.resolve(&this.attr("href").unwrap_or_default());
            ctx.string(&Url::parse(&href).map_or_else(|_| of_text(&href), |url| of_url(&url)))
        }
        Other(get) => return get(ctx, this),
    })
}

fn prefixed(mark: char, part: Option<&str>) -> String {
    part.map(|part| format!("{mark}{part}")).unwrap_or_default()
}

/// The text from `mark` on.
fn from(mark: char, text: &str) -> String {
    text.find(mark).map(|at| text[at..].to_owned()).unwrap_or_default()
}

fn nothing(_: &str) -> String {
    String::new()
}

fn path(href: &str) -> String {
    href.split(['?', '#']).next().unwrap_or_default().to_owned()
}

fn query(href: &str) -> String {
    from('?', href.split('#').next().unwrap_or_default())
}

fn text(ctx: Ctx, this: &Element) -> JsResult {
    Ok(ctx.string(&this.page.text(this.id)))
}

fn value(ctx: Ctx, this: &Element) -> JsResult {
    let held = form::value(&this.page, this.id);
    Ok(held.map_or_else(|| ctx.undefined(), |held| held.to_value(ctx)))
}

/// The labels of a control: those around it, and those that name it.
fn labels(ctx: Ctx, this: &Element) -> JsResult {
    let page = &this.page;
    let id = this.attr("id");
    let around = super::walk::parents(page, this.id);
    let labels = super::selector::below(page, page.root(), |label| {
        page.name(label) == "label"
            && (around.contains(&label) || (id.is_some() && page.attr(label, "for") == id))
    });
    list(ctx, page, labels)
}

/// An attribute of a control that overrides one of its form.
fn of_form(ctx: Ctx, this: &Element, own: &str, forms: &str, default: &str) -> JsResult {
    let of_form = || form::owner(&this.page, this.id).and_then(|form| this.page.attr(form, forms));
    let found = this.attr(own).or_else(of_form).unwrap_or_else(|| default.to_owned());
    Ok(ctx.string(&if forms == "action" { this.page.resolve(&found) } else { found }))
}

/// `form.elements()`: every control, sent or not.
fn controls(this: &Element) -> Vec<NodeId> {
    super::find(&this.page, this.id, "input,button,select,textarea,fieldset,object,output")
}

fn selected_index(ctx: Ctx, this: &Element) -> JsResult {
    let options = form::options(&this.page, this.id);
    let at = options.iter().position(|id| this.page.attr(*id, "selected").is_some());
    Ok(ctx.int(at.map_or(-1, |at| at as i64)))
}

fn select_size(ctx: Ctx, this: &Element) -> JsResult {
    let default = if this.attr("multiple").is_some() { 4 } else { 1 };
    Ok(ctx.int(this.attr("size").and_then(|size| size.parse().ok()).unwrap_or(default)))
}

fn option_index(ctx: Ctx, this: &Element) -> JsResult {
    let list =
        super::walk::parents(&this.page, this.id).into_iter().find(|id| this.page.name(*id) == "select");
    let at = list.and_then(|list| form::options(&this.page, list).iter().position(|id| *id == this.id));
    Ok(ctx.int(at.unwrap_or_default() as i64))
}
