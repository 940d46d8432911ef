//! Requests that somebody has prepared (`client.send`): they go out as they are, and neither statistics nor listeners hear
//! of them, as with Locust 2.47.

use std::rc::Rc;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::arguments::Arguments;
use super::object::Session;
use super::prepare::{Prepared, absolute_url, prepare_as_given};
use super::send::{Exchange, Pending, start};
use crate::driver::Driver;
use crate::failure::Place;
use crate::response::Response;

impl Session {
    /// Sends such a request with its redirects. What fails it is raised.
    pub(super) fn send_as_given<'py>(
        slf: &Bound<'py, Self>,
        method: &str,
        url: &str,
        arguments: &Arguments<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let gate = Rc::clone(&slf.get().settings(py).gate.borrow());
        let _pass = gate.enter(py)?;
        let (driver, slot, task) = Self::begin_as_given(slf, method, url, arguments)?;
        let exchange = driver.wait(py, &slot, Some(task))?;
        Self::finish_as_given(slf, exchange)
    }

    #[inline(never)]
    fn begin_as_given<'py>(
        slf: &Bound<'py, Self>,
        method: &str,
        url: &str,
        arguments: &Arguments<'py>,
    ) -> PyResult<(&'static Driver, Rc<Pending>, throng_reactor::TaskId)> {
        let py = slf.py();
        let settings = slf.get().settings(py);
        let url = absolute_url(py, url.to_owned())?;
        let Prepared { request, plan, transport } = prepare_as_given(py, settings, method, url, arguments)?;
        let (driver, client) = slf.get().client(py, transport)?;
        let (slot, task) = start(driver, client, Exchange::as_given(request, plan));
        Ok((driver, slot, task))
    }

    #[inline(never)]
    fn finish_as_given<'py>(slf: &Bound<'py, Self>, exchange: Box<Exchange>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let Exchange { history, result, .. } = *exchange;
        match result {
            Some(Ok(answer)) => {
                let history = history
                    .into_iter()
                    .map(|answer| Ok(Response::past(false, answer).into_object(py)?.unbind()))
                    .collect::<PyResult<_>>()?;
                Ok(Response::unreported(false, answer, history).into_object(py)?.into_any())
            }
            Some(Err((failure, sent))) => {
                let url = sent.url.without_userinfo();
                let place = Place { fast: false, name: &url, url: &url, target: sent.url.target() };
                Err(PyErr::from_value(failure.exception(py, &place, None)?.into_bound(py)))
            }
            None => Err(PyRuntimeError::new_err("send a prepared request: it has no result")),
        }
    }
}
