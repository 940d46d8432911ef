//! Dates as texts, where QuickJS and goja, k6's engine, differ: goja names the zone and knows no hours of twelve.
//! Observed on k6 1.1.

use std::ffi::CStr;
use std::fmt::Write as _;

use rquickjs_sys as q;

use crate::{Call, Ctx, JsResult, Thrown, Value};

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What QuickJS made and scripts cannot change.
#[derive(Clone)]
pub(crate) struct Dates {
    constructor: Value,
    get_time: Value,
}

const TO_STRING: &[Part] = &[Part::Date, Part::Time, Part::Zone];

impl Ctx {
    /// Puts our texts in the place of QuickJS's, once it has made its dates: those of the methods, and what `Date()` gives
    /// without `new`.
    pub(crate) fn install_date_texts(self) -> JsResult<Dates> {
        let constructor = self.globals().get("Date")?;
        let prototype = constructor.get("prototype")?;
        prototype.method("toString", 0, |call| show(call, TO_STRING))?;
        prototype.method("toTimeString", 0, |call| show(call, &[Part::Time, Part::Zone]))?;
        prototype.method("toLocaleTimeString", 0, |call| show(call, &[Part::Time]))?;
        prototype.method("toLocaleString", 0, |call| show(call, &[Part::LocaleDate, Part::Time]))?;
        let ours = self.constructor_or_function("Date", 7, construct);
        for name in ["parse", "UTC", "now"] {
            ours.define_hidden(name, &constructor.get(name)?)?;
        }
        // SAFETY: both are live objects.
        if unsafe { q::JS_SetConstructor(self.raw(), ours.raw(), prototype.raw()) } < 0 {
            return Err(Thrown::Pending);
        }
        self.globals().define_hidden("Date", &ours)?;
        Ok(Dates { constructor, get_time: prototype.get("getTime")? })
    }
}

/// `Date(…)`, with `new` or without.
fn construct(call: &Call<'_>) -> JsResult {
    let constructor = call.ctx().dates()?.constructor;
    let new_target = call.this();
    if new_target.is_object() {
        return constructor.construct_as(&new_target, call);
    }
    text_of(&constructor.construct(&[])?, TO_STRING)
}

#[derive(Clone, Copy)]
enum Part {
    /// `Sat Feb 03 2024`
    Date,
    /// `02/03/2024,`
    LocaleDate,
    /// `04:05:06`
    Time,
    /// `GMT+0100 (CET)`
    Zone,
}

fn show(call: &Call<'_>, parts: &[Part]) -> JsResult {
    let this = call.this();
    if this.is_date() { text_of(&this, parts) } else { Err(Thrown::type_error("not a Date object")) }
}

fn text_of(date: &Value, parts: &[Part]) -> JsResult {
    let ctx = date.ctx();
    // Its time itself, not what a script's `valueOf` says.
    let time = ctx.dates()?.get_time.call(date, &[])?.to_number()?;
    let Some(local) = time.is_finite().then(|| Local::at((time / 1000.0).floor() as i64)).flatten() else {
        return Ok(ctx.string("Invalid Date"));
    };
    let mut text = String::new();
    for part in parts {
        if !text.is_empty() {
            text.push(' ');
        }
        local.write(*part, &mut text);
    }
    Ok(ctx.string(&text))
}

/// A second on the local clock.
struct Local(libc::tm);

impl Local {
    fn at(seconds: i64) -> Option<Self> {
        // SAFETY: the struct is plain data, a pointer into the C library's own memory included; the call fills it.
        unsafe {
            let mut local: libc::tm = std::mem::zeroed();
            (!libc::localtime_r(&raw const seconds, &raw mut local).is_null()).then_some(Self(local))
        }
    }

    fn write(&self, part: Part, text: &mut String) {
        let tm = &self.0;
        let year = i64::from(tm.tm_year) + 1900;
        let (sign, year) = (if year < 0 { "-" } else { "" }, year.abs());
        // Writing to a String cannot fail.
        let _ = match part {
            Part::Date => {
                let (day, month) = (DAYS[tm.tm_wday as usize % 7], MONTHS[tm.tm_mon as usize % 12]);
                write!(text, "{day} {month} {:02} {sign}{year:04}", tm.tm_mday)
            }
            Part::LocaleDate => {
                write!(text, "{:02}/{:02}/{sign}{year:04},", tm.tm_mon + 1, tm.tm_mday)
            }
            Part::Time => write!(text, "{:02}:{:02}:{:02}", tm.tm_hour, tm.tm_min, tm.tm_sec),
            Part::Zone => {
                let (sign, minutes) = (if tm.tm_gmtoff < 0 { '-' } else { '+' }, tm.tm_gmtoff.abs() / 60);
                write!(text, "GMT{sign}{:02}{:02} ({})", minutes / 60, minutes % 60, self.zone())
            }
        };
    }

    fn zone(&self) -> String {
        if self.0.tm_zone.is_null() {
            return String::new();
        }
        // SAFETY: the C library keeps the names of its zones; it is read at once.
        unsafe { CStr::from_ptr(self.0.tm_zone) }.to_string_lossy().into_owned()
    }
}
