//! `http.batch(requests)`: several requests at the same time, within the limits of `batch` and `batchPerHost`.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use throng_http::Outcome;
use throng_quickjs::{Call, Ctx, JsResult, Thrown, Value};

use super::prepare::{Failure, Prepared, method_name, prepare};
use super::response::HttpResponse;
use super::send::{Context, blank, client, throws, warn};
use crate::host::host;

/// k6's defaults, for a script that runs without a plan.
const DEFAULT_LIMITS: (usize, usize) = (20, 6);

pub(super) fn batch(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let host = host(&ctx);
    host.refuse_in_init("http.batch()")?;
    let argument = call.arg(0);
    if !argument.is_object() || argument.is_function() {
        return Err(Thrown::error("http.batch() needs an array or an object with requests"));
    }
    let is_array = argument.is_array();
    let items: Vec<(String, Value)> = if is_array {
        argument.elements()?.into_iter().map(|item| (String::new(), item)).collect()
    } else {
        argument.entries()?
    };
    let mut requests = Vec::with_capacity(items.len());
    for (i, (name, item)) in items.iter().enumerate() {
        let shown = if is_array { i.to_string() } else { format!("{name:?}") };
        match prepare_item(ctx, item, &shown) {
            Ok(prepared) => requests.push(prepared),
            Err(failure) => return malformed(ctx, failure, &items, i, is_array),
        }
    }
    let outcomes = run(ctx, requests)?;
    collect(ctx, is_array, &items, outcomes)
}

/// One item: a URL, `[method, url, body?, params?]`, or `{method, url, body, params}`.
fn prepare_item(ctx: Ctx, item: &Value, shown: &str) -> Result<Prepared, Failure> {
    if item.is_array() {
        if item.length()? < 2 {
            return Err(Failure::plain(format!(
                "request {shown} of the batch needs at least a method and a URL"
            )));
        }
        let method = method_name(&item.get_index(0)?)?;
        return prepare(ctx, &method, &item.get_index(1)?, &item.get_index(2)?, &item.get_index(3)?);
    }
    if item.is_object() && item.downcast::<super::template::UrlTemplate>().is_none() {
        let url = item.get("url")?;
        if url.is_undefined() {
            return Err(Failure::plain(format!("request {shown} of the batch has no url")));
        }
        let method = method_name(&item.get("method")?)?;
        return prepare(ctx, &method, &url, &item.get("body")?, &item.get("params")?);
    }
    prepare(ctx, "GET", item, &ctx.undefined(), &ctx.undefined())
}

/// A batch with an item that makes no request sends nothing: its responses are blank up to the item, which has the
/// error, and missing after it (observed on k6 1.1).
fn malformed(ctx: Ctx, failure: Failure, items: &[(String, Value)], at: usize, is_array: bool) -> JsResult {
    let (code, message) = match failure {
        Failure::Thrown(thrown) => return Err(thrown),
        Failure::Request { code, message } => (code, message),
    };
    let host = host(&ctx);
    if throws(host) {
        return Err(Thrown::error(message));
    }
    warn(&host.thread, "A batch request failed", &message);
    let mut results = Vec::with_capacity(items.len());
    for _ in 0..at {
        results.push(blank(ctx)?);
    }
    results.push(ctx.instance(HttpResponse::of_error(code, message))?);
    if is_array {
        results.resize_with(items.len(), || ctx.null());
        return Ok(ctx.array(results));
    }
    let object = ctx.object();
    for ((name, _), result) in items.iter().zip(results) {
        object.define(name, &result)?;
    }
    Ok(object)
}

type Done = (Context, Outcome);

/// Sends all requests and waits for all; each is recorded when it ends.
fn run(ctx: Ctx, requests: Vec<Prepared>) -> JsResult<Vec<Done>> {
    let host = host(&ctx);
    let options = host.thread.settings.plan.as_ref().map(|plan| &plan.options);
    let (total, per_host) = options.map_or(DEFAULT_LIMITS, |options| {
        (options.batch as usize, options.batch_per_host.map_or(usize::MAX, |limit| limit as usize))
    });
    let client = client(host)?;
    let thread = &host.thread;
    let jobs = requests
        .into_iter()
        .map(|prepared| {
            let (request, context) = prepared.split();
            let target = request.url.authority().to_owned();
            let job = async move {
                let outcome = client.send(request).await;
                context.tagging.record(thread, &outcome.hops);
                (context, outcome)
            };
            (target, job)
        })
        .collect();
    host.wait(limited(jobs, total, per_host))
}

/// Runs `jobs` with at most `total` at a time and `per_key` of the same key; results in the order of the jobs.
async fn limited<F: Future>(jobs: Vec<(String, F)>, total: usize, per_key: usize) -> Vec<F::Output> {
    let mut results: Vec<Option<F::Output>> = Vec::new();
    results.resize_with(jobs.len(), || None);
    let mut waiting: VecDeque<(usize, String, Pin<Box<F>>)> =
        jobs.into_iter().enumerate().map(|(i, (key, job))| (i, key, Box::pin(job))).collect();
    let mut running: Vec<(usize, String, Pin<Box<F>>)> = Vec::new();
    poll_fn(|cx| {
        loop {
            while running.len() < total.max(1) {
                let free = |key: &str| running.iter().filter(|(_, k, _)| k == key).count() < per_key.max(1);
                let Some(next) = waiting.iter().position(|(_, key, _)| free(key)) else { break };
                running.extend(waiting.remove(next));
            }
            let before = running.len();
            running.retain_mut(|(i, _, job)| match job.as_mut().poll(cx) {
                Poll::Pending => true,
                Poll::Ready(result) => {
                    results[*i] = Some(result);
                    false
                }
            });
            if running.is_empty() && waiting.is_empty() {
                return Poll::Ready(());
            }
            // Nothing ended, so nothing can begin.
            if running.len() == before {
                return Poll::Pending;
            }
        }
    })
    .await;
    results.into_iter().flatten().collect()
}

/// The responses in the shape of the argument. The first failure of a request that throws is thrown, after all ended.
fn collect(ctx: Ctx, is_array: bool, items: &[(String, Value)], outcomes: Vec<Done>) -> JsResult {
    let mut responses = Vec::with_capacity(outcomes.len());
    let mut first_error = None;
    for (context, outcome) in outcomes {
        match context.finish(ctx, outcome) {
            Ok(response) => responses.push(response),
            Err(thrown) => {
                first_error.get_or_insert(thrown);
            }
        }
    }
    if let Some(thrown) = first_error {
        return Err(thrown);
    }
    if is_array {
        return Ok(ctx.array(responses));
    }
    let object = ctx.object();
    for ((name, _), response) in items.iter().zip(&responses) {
        object.define(name, response)?;
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn no_more_run_at_a_time_than_allowed_and_results_keep_their_order() {
        let (running, most) = (Cell::new(0), Cell::new(0));
        let jobs = (0..10)
            .map(|i| {
                let (running, most) = (&running, &most);
                let job = async move {
                    running.set(running.get() + 1);
                    most.set(most.get().max(running.get()));
                    // The first ones take longest.
                    let mut left = 10 - i;
                    poll_fn(|_| {
                        left -= 1;
                        if left > 0 { Poll::Pending } else { Poll::Ready(()) }
                    })
                    .await;
                    running.set(running.get() - 1);
                    i
                };
                (if i < 8 { "a" } else { "b" }.to_owned(), job)
            })
            .collect();
        let mut all = pin!(limited(jobs, 5, 3));
        let mut cx = Context::from_waker(Waker::noop());
        let results = loop {
            if let Poll::Ready(results) = all.as_mut().poll(&mut cx) {
                break results;
            }
        };
        assert_eq!(results, (0..10).collect::<Vec<_>>());
        assert_eq!(most.get(), 5);
    }
}
