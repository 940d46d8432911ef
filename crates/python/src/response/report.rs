//! How a finished request is reported: to listeners with the event's arguments, to statistics without them.

use pyo3::exceptions::{PyAttributeError, PyRuntimeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use throng_http::Url;

use super::made::{Answer, Report};
use super::object::Response;
use super::sent::Sent;
use super::verdict::Verdict;
use crate::failure::{Failure, Place, shown};
use crate::sink::Sink;

impl Response {
    /// What stands in the place of a response that a hook has replaced or refused, and is reported instead of it.
    pub(crate) fn instead_of<'py>(
        old: &Bound<'py, Self>,
        result: Result<Answer, (Failure, Sent)>,
        url: Url,
        name: Option<Bound<'py, PyString>>,
    ) -> PyResult<Bound<'py, Self>> {
        let py = old.py();
        let state = old.get().state(py);
        let Some(report) = &state.report else {
            return Err(PyRuntimeError::new_err("replace a response: it has been reported"));
        };
        let report = Report {
            method: report.method.clone_ref(py),
            name: name.map_or_else(|| report.name.clone_ref(py), Bound::unbind),
            response_time: report.response_time,
            length: result.as_ref().map_or(0, |answer| answer.body.len() as i64),
            start_time: report.start_time,
            url,
            context: report.context.as_ref().map(|context| context.clone_ref(py)),
            sink: report.sink.as_ref().map(|sink| sink.clone_ref(py)),
        };
        Self::new(state.fast, result, Vec::new(), report, old.get().is_caught(py)).into_object(py)
    }

    /// The exception that a report shows: the innermost cause, and the name in place of the URL.
    pub(super) fn reported_error(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        let py = slf.py();
        let state = slf.get().state(py);
        if !state.fast
            && let Some(report) = &state.report
            && let Some(Failure::Status { status, reason }) = &*state.failure.borrow()
        {
            let failure = Failure::Status { status: *status, reason: reason.clone() };
            let name = report.name.bind(py).to_string_lossy();
            let place = Place { fast: false, name: &name, url: &name, target: &name };
            return failure.exception(py, &place, Some(slf.as_any())).map(Some);
        }
        let Some(error) = Self::own_error(slf)? else { return Ok(None) };
        if state.fast || state.answer.is_some() {
            return Ok(Some(error));
        }
        shown(error.into_bound(py)).map(|error| Some(error.unbind()))
    }

    /// The exception of what went wrong by itself, whatever the locustfile says about it.
    pub(super) fn own_error(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        let py = slf.py();
        let state = slf.get().state(py);
        let exception = {
            let failure = state.failure.borrow();
            let Some(failure) = &*failure else { return Ok(None) };
            if let Some(given) = failure.given() {
                return Ok(Some(given.clone_ref(py)));
            }
            let sent = state.answer.as_ref().map(|answer| &answer.sent).or(state.sent.as_ref());
            let (url, target) =
                sent.map_or_else(Default::default, |sent| (sent.shown_url(), sent.url.target().to_owned()));
            let place = Place { fast: state.fast, name: &url, url: &url, target: &target };
            failure.exception(py, &place, Some(slf.as_any()))?
        };
        // The exception is the same object from now on. It refers to the response; the collector sees neither, so the
        // circle is only closed when somebody asks for the error.
        if let Ok(mut failure) = state.failure.try_borrow_mut() {
            *failure = Some(Failure::Given(exception.clone_ref(py)));
        }
        Ok(Some(exception))
    }

    /// The event's arguments, which a `with` block may change.
    pub(super) fn event<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        let py = slf.py();
        let state = slf.get().state(py);
        if let Some(meta) = &*state.meta.borrow() {
            return Ok(meta.bind(py).clone());
        }
        let meta = PyDict::new(py);
        if let Some(report) = &state.report {
            meta.set_item(intern!(py, "request_type"), &report.method)?;
            meta.set_item(intern!(py, "name"), &report.name)?;
            meta.set_item(intern!(py, "response_time"), report.response_time)?;
            meta.set_item(intern!(py, "response_length"), report.length)?;
            meta.set_item(intern!(py, "response"), slf)?;
            match &report.context {
                Some(context) => meta.set_item(intern!(py, "context"), context)?,
                None => meta.set_item(intern!(py, "context"), PyDict::new(py))?,
            }
            meta.set_item(intern!(py, "exception"), py.None())?;
            meta.set_item(intern!(py, "start_time"), report.start_time)?;
            meta.set_item(intern!(py, "url"), report.url.without_userinfo())?;
        }
        state.meta.replace(Some(meta.clone().unbind()));
        Ok(meta)
    }

    /// Tells listeners and statistics that the request is over.
    pub(crate) fn report(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let state = slf.get().state(py);
        if state.reported.replace(true) {
            return Ok(());
        }
        let Some(report) = &state.report else { return Ok(()) };
        let Some(sink) = &report.sink else { return Ok(()) };
        let sink = sink.bind(py).get();
        if sink.has_listeners(py) || state.meta.borrow().is_some() {
            return Self::report_event(slf, sink);
        }
        let Some(stats) = sink.statistics(py) else { return Ok(()) };
        let stats = stats.bind(py).get();
        let (method, name) =
            (report.method.bind(py).to_string_lossy(), report.name.bind(py).to_string_lossy());
        let place = stats.record(py, &method, &name, Some(report.response_time), report.length)?;
        let said = match &*state.verdict.borrow() {
            Verdict::Success => return Ok(()),
            Verdict::Failure(error) => Some(error.clone_ref(py)),
            Verdict::Open => None,
        };
        if let Some(error) = said {
            return stats.record_error(py, place, error.bind(py));
        }
        let status = match &*state.failure.borrow() {
            None => return Ok(()),
            Some(Failure::Status { status, .. }) => Some(*status),
            Some(_) => None,
        };
        let make = || Self::reported_error(slf)?.ok_or_else(|| PyAttributeError::new_err("error"));
        match status {
            Some(status) => stats.record_status(py, place, status, make),
            None => stats.record_error(py, place, make()?.bind(py)),
        }
    }

    /// The same with the event's arguments, in the order of the listeners.
    pub(super) fn report_event<'py>(slf: &Bound<'py, Self>, sink: &Sink) -> PyResult<()> {
        let py = slf.py();
        let state = slf.get().state(py);
        let event = Self::event(slf)?;
        let exception = Self::verdict_error(slf, Self::reported_error)?;
        event.set_item(intern!(py, "exception"), &exception)?;
        sink.notify(py, sink.listener_before(py), &event)?;
        if let Some(stats) = sink.statistics(py) {
            let stats = stats.bind(py).get();
            let text = |key: &Bound<'py, PyString>| -> PyResult<Bound<'py, PyString>> {
                event.get_item(key)?.map_or_else(|| Ok(PyString::new(py, "")), |value| value.str())
            };
            let number = |key: &Bound<'py, PyString>| -> PyResult<Option<f64>> {
                event.get_item(key)?.map_or(Ok(None), |value| value.extract())
            };
            let (method, name) = (text(intern!(py, "request_type"))?, text(intern!(py, "name"))?);
            let (time, length) = (
                number(intern!(py, "response_time"))?,
                number(intern!(py, "response_length"))?.unwrap_or(0.0),
            );
            let place =
                stats.record(py, &method.to_string_lossy(), &name.to_string_lossy(), time, length as i64)?;
            if let Some(exception) =
                event.get_item(intern!(py, "exception"))?.filter(|value| !value.is_none())
            {
                stats.record_error(py, place, &exception)?;
            }
        }
        let done = sink.notify(py, sink.listener_after(py), &event);
        // The event refers to the response: without this each would keep the other until the collector comes.
        drop(state.meta.take());
        done
    }

    /// The exception that the request counts as failed with: what the locustfile says, else `own`.
    pub(super) fn verdict_error<'py>(
        slf: &Bound<'py, Self>,
        own: impl FnOnce(&Bound<'py, Self>) -> PyResult<Option<Py<PyAny>>>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let py = slf.py();
        let said = match &*slf.get().state(py).verdict.borrow() {
            Verdict::Success => return Ok(None),
            Verdict::Failure(error) => Some(error.clone_ref(py)),
            Verdict::Open => None,
        };
        match said {
            Some(error) => Ok(Some(error)),
            None => own(slf),
        }
    }
}
