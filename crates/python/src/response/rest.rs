//! A body that is read while the locustfile looks at it (`stream=True`).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use throng_http::{BodyStream, Client, RequestError, Url};

use crate::driver::{Driver, Slot};
use crate::failure::{Failure, Place, Timeouts};

/// A body that has not come to its end.
pub(crate) struct Open {
    pub(crate) driver: &'static Driver,
    pub(crate) client: Rc<Client>,
    pub(crate) stream: Box<BodyStream>,
    pub(crate) timeouts: Timeouts,
}

/// What a read leaves behind.
type Arrived = Box<(Box<BodyStream>, Result<Option<Bytes>, RequestError>)>;

/// What is still to come of a response's body, and how much of it the locustfile has seen.
#[derive(Default)]
pub(super) struct Rest {
    open: RefCell<Option<Open>>,
    /// Arrived and not asked for yet.
    ahead: RefCell<BytesMut>,
    /// It was a stream from the beginning.
    streamed: Cell<bool>,
    /// Pieces have been handed out, so that there is no whole any more.
    consumed: Cell<bool>,
    /// All of it, once it was read to be kept.
    whole: RefCell<Option<Bytes>>,
}

impl Rest {
    pub(super) fn new(open: Option<Open>) -> Self {
        Self { streamed: Cell::new(open.is_some()), open: RefCell::new(open), ..Self::default() }
    }

    /// Whether the body came as a stream.
    pub(super) fn is_stream(&self) -> bool {
        self.streamed.get()
    }

    /// Whether there is nothing more to come.
    pub(super) fn is_over(&self) -> bool {
        self.open.borrow().is_none()
    }

    /// Closes the connection if there is more to come on it.
    pub(super) fn close(&self) {
        drop(self.open.take());
    }

    /// All of the body. Waits for it; `url` is for the texts of errors.
    pub(super) fn whole(&self, py: Python<'_>, fast: bool, url: &Url) -> PyResult<Bytes> {
        if let Some(whole) = &*self.whole.borrow() {
            return Ok(whole.clone());
        }
        if self.consumed.get() {
            return Err(PyRuntimeError::new_err("The content for this response was already consumed"));
        }
        while self.arrive(py, fast, url)? {}
        let whole = self.ahead.take().freeze();
        self.whole.replace(Some(whole.clone()));
        Ok(whole)
    }

    /// The next bytes: so many, or fewer where the server chooses the sizes and at the end; `None` for what there is.
    /// Empty at the end.
    pub(super) fn next(
        &self,
        py: Python<'_>,
        amount: Option<usize>,
        fast: bool,
        url: &Url,
    ) -> PyResult<Bytes> {
        self.consumed.set(true);
        // Observed on Locust 2.47: the fast client fills its pieces up.
        let chunked = !fast && self.open.borrow().as_ref().is_some_and(|open| open.stream.is_chunked());
        let enough = amount.filter(|_| !chunked).unwrap_or(1).max(1);
        while self.ahead.borrow().len() < enough && self.arrive(py, fast, url)? {}
        let mut ahead = self.ahead.borrow_mut();
        let length = amount.unwrap_or(usize::MAX).min(ahead.len());
        Ok(ahead.split_to(length).freeze())
    }

    /// Waits for more; false at the end.
    fn arrive(&self, py: Python<'_>, fast: bool, url: &Url) -> PyResult<bool> {
        let Some(Open { driver, client, stream, timeouts }) = self.open.take() else { return Ok(false) };
        let (stream, arrived) = *Self::read(py, driver, Rc::clone(&client), stream)?;
        match arrived {
            Ok(Some(piece)) => {
                self.ahead.borrow_mut().extend_from_slice(&piece);
                self.open.replace(Some(Open { driver, client, stream, timeouts }));
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(error) => {
                let failure = Failure::of_transport(error, url, timeouts);
                let text = url.without_userinfo();
                let place = Place { fast, name: &text, url: &text, target: url.target() };
                Err(PyErr::from_value(failure.exception(py, &place, None)?.into_bound(py)))
            }
        }
    }

    #[inline(never)]
    fn read(
        py: Python<'_>,
        driver: &'static Driver,
        client: Rc<Client>,
        mut stream: Box<BodyStream>,
    ) -> PyResult<Arrived> {
        let slot: Rc<Slot<Arrived>> = Slot::new();
        let theirs = Rc::clone(&slot);
        let task = driver.handle.spawn_now(async move {
            let arrived = client.read(&mut stream).await;
            theirs.finish(driver, Box::new((stream, arrived)));
        });
        driver.wait(py, &slot, Some(task))
    }
}
