//! `String.prototype.localeCompare`: the root order of Unicode, where QuickJS compares code points.
//!
//! As in k6 1.1, locales and options are not looked at, and lone surrogates are all the same character.

use throng_metrics::collation;
use throng_quickjs::{Call, Ctx, JsResult, Thrown, Value};

pub(super) fn install(globals: &Value) -> JsResult<()> {
    globals.get("String")?.get("prototype")?.method("localeCompare", 1, locale_compare)
}

fn locale_compare(call: &Call<'_>) -> JsResult {
    let (ctx, this): (Ctx, Value) = (call.ctx(), call.this());
    if this.is_nullish() {
        return Err(Thrown::type_error("localeCompare() is for a text, not for null or undefined"));
    }
    let other = call.arg(0);
    let order = this.with_str(|this| other.with_str(|other| collation::compare(this, other)))??;
    Ok(ctx.int(order as i64))
}
