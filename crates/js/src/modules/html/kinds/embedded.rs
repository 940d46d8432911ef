//! Elements that bring in something else: images, sound, frames, objects.

use super::Get::{Address, AllBelow, Flag, Number, OneOf, OneOrNone, Other, Text};
use super::{CROSS_ORIGIN, FORM_OF, Methods, REFERRER_POLICY};
use crate::modules::html::element::list;
use crate::modules::html::selector::below;

const IMAGE: Methods = &[
    ("alt", Text("alt")),
    ("crossOrigin", OneOrNone("crossorigin", CROSS_ORIGIN)),
    ("currentSrc", Address("src")),
    ("height", Number("height", 0)),
    ("isMap", Flag("ismap")),
    ("name", Text("name")),
    ("referrerPolicy", OneOf("referrerpolicy", REFERRER_POLICY)),
    ("sizes", Text("sizes")),
    ("src", Address("src")),
    ("srcset", Text("srcset")),
    ("useMap", Text("usemap")),
    ("width", Number("width", 0)),
];

const MEDIA: Methods = &[
    ("autoplay", Flag("autoplay")),
    ("controls", Flag("controls")),
    ("crossOrigin", OneOrNone("crossorigin", CROSS_ORIGIN)),
    // Unlike that of an image, as it is written.
    ("currentSrc", Text("src")),
    ("defaultMuted", Flag("muted")),
    ("loop", Flag("loop")),
    ("mediaGroup", Text("mediagroup")),
    ("muted", Flag("muted")),
    ("preload", OneOf("preload", &["auto", "metadata", "none"])),
    ("src", Address("src")),
    ("textTracks", AllBelow(&["track"])),
];

const SOURCE: Methods = &[
    ("keySystem", Text("keysystem")),
    ("media", Text("media")),
    ("sizes", Text("sizes")),
    ("src", Address("src")),
    ("srcset", Text("srcset")),
    ("type", Text("type")),
];

const TRACK_KINDS: &[&str] = &["subtitle", "captions", "chapters", "descriptions", "metadata"];

const TRACK: Methods = &[
    ("default", Flag("default")),
    ("kind", OneOf("kind", TRACK_KINDS)),
    ("label", Text("label")),
    ("src", Address("src")),
    ("srclang", Text("srclang")),
];

const FRAME: Methods = &[
    ("allowfullscreen", Flag("allowfullscreen")),
    ("height", Text("height")),
    ("name", Text("name")),
    ("referrerPolicy", OneOf("referrerpolicy", REFERRER_POLICY)),
    ("src", Address("src")),
    ("width", Text("width")),
];

const OBJECT: Methods = &[
    ("data", Address("data")),
    ("form", FORM_OF),
    ("height", Text("height")),
    ("name", Text("name")),
    ("tabIndex", Number("tabindex", 0)),
    ("type", Text("type")),
    ("typeMustMatch", Flag("typemustmatch")),
    ("useMap", Text("usemap")),
    ("width", Text("width")),
];

const EMBED: Methods =
    &[("height", Text("height")), ("src", Text("src")), ("type", Text("type")), ("width", Text("width"))];

const MAP: Methods = &[
    ("areas", AllBelow(&["area"])),
    (
        "images",
        Other(|ctx, this| {
            // By the map's id, where a browser goes by its name.
            let used = format!("#{}", this.attr("id").unwrap_or_default());
            let uses =
                |id| this.page.name(id) == "img" && this.page.attr(id, "usemap").as_ref() == Some(&used);
            list(ctx, &this.page, below(&this.page, this.page.root(), uses))
        }),
    ),
    ("name", Text("name")),
];

pub(super) fn methods(name: &str) -> Option<&'static [Methods]> {
    Some(match name {
        "audio" | "video" => &[MEDIA],
        "canvas" => &[&[("height", Number("height", 150)), ("width", Number("width", 150))]],
        "embed" => &[EMBED],
        "iframe" => &[FRAME],
        "img" => &[IMAGE],
        "map" => &[MAP],
        "object" => &[OBJECT],
        "source" => &[SOURCE],
        "track" => &[TRACK],
        _ => return None,
    })
}
