//! Which statuses a script expects: `expectedStatuses`, `setResponseCallback`, `params.responseCallback`.

use std::ops::RangeInclusive;
use std::rc::Rc;

use throng_quickjs::{Call, Class, JsResult, Thrown, Value};

use super::state::State;
use crate::host::host;

/// Judges a status.
#[derive(Debug, Clone, Default)]
pub(super) enum Callback {
    /// 200 to 399.
    #[default]
    Usual,
    /// The script's own choice.
    Statuses(Rc<[RangeInclusive<u16>]>),
    /// Nothing is judged: no `http_req_failed`, no `expected_response`.
    None,
}

impl Callback {
    /// Whether a request that ended with `status` (0 for none) was as expected.
    pub(super) fn expects(&self, status: u16) -> Option<bool> {
        match self {
            Self::Usual => Some((200..400).contains(&status)),
            Self::Statuses(ranges) => Some(ranges.iter().any(|range| range.contains(&status))),
            Self::None => None,
        }
    }

    /// From a script: `null`, or what `expectedStatuses` returned.
    pub(super) fn from_value(value: &Value) -> Option<Self> {
        if value.is_null() {
            return Some(Self::None);
        }
        value.downcast::<ExpectedStatuses>().map(|statuses| Self::Statuses(statuses.0.clone()))
    }
}

/// What `expectedStatuses` returns.
struct ExpectedStatuses(Rc<[RangeInclusive<u16>]>);

impl Class for ExpectedStatuses {
    const NAME: &'static str = "ExpectedStatuses";

    fn prototype(_: &Value) -> JsResult<()> {
        Ok(())
    }
}

/// `expectedStatuses(200, {min: 300, max: 305}, …)`
pub(super) fn expected_statuses(call: &Call<'_>) -> JsResult {
    if call.is_empty() {
        return Err(Thrown::error("expectedStatuses() needs at least one status"));
    }
    let mut ranges = Vec::with_capacity(call.len());
    for i in 0..call.len() {
        let wrong = || {
            let n = i + 1;
            Thrown::error(format!(
                "argument {n} of expectedStatuses() is neither a status nor {{min: …, max: …}}"
            ))
        };
        let value = call.arg(i);
        let range = if value.is_object() {
            status(&value.get("min")?).zip(status(&value.get("max")?))
        } else {
            status(&value).map(|status| (status, status))
        };
        let (min, max) = range.ok_or_else(wrong)?;
        ranges.push(min..=max);
    }
    call.ctx().instance(ExpectedStatuses(ranges.into()))
}

fn status(value: &Value) -> Option<u16> {
    let number = value.as_number()?;
    let status = number as u16;
    (f64::from(status) == number).then_some(status)
}

/// `setResponseCallback(expectedStatuses(…) | null)`
pub(super) fn set(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let callback =
        if call.arg(0).is_undefined() { Some(Callback::None) } else { Callback::from_value(&call.arg(0)) };
    let callback = callback.ok_or_else(|| {
        Thrown::error("setResponseCallback() needs what http.expectedStatuses() returns, or null")
    })?;
    host(&ctx).state::<State>().set_callback(callback);
    Ok(ctx.undefined())
}
