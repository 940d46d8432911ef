//! All statistics of one environment.

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;

use hashbrown::{HashMap, HashTable};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyStringMethods, PyTuple, PyType};
use throng_locust::Entry;

use super::entry::{Counted, StatsEntry};
use super::error::{Occurrences, StatsError, key_of};
use super::{SharedEntry, now, own_rounding};
use crate::gil::GilBound;
use crate::web::Named;

/// Distinct errors that are kept apart; texts that are all different would fill the memory otherwise.
const ERRORS_AT_MOST: usize = 10_000;

/// Distinct entries that are kept apart, for the same reason: URLs with a number in them and no `name=`.
const ENTRIES_AT_MOST: usize = 10_000;

/// The name of the entry that the others fall into.
const OTHER: &str = "other";

/// One name and method.
struct Record {
    method: String,
    name: String,
    counted: Counted,
    view: Option<Py<PyAny>>,
    /// Errors that a status alone stands for, so that a failing server costs no exception objects.
    by_status: Vec<(u16, Occurrences)>,
}

struct ErrorRecord {
    key: String,
    occurrences: Occurrences,
    view: Py<PyAny>,
}

struct State {
    records: RefCell<Vec<Record>>,
    index: RefCell<HashTable<usize>>,
    hasher: RandomState,
    total: RefCell<Counted>,
    total_view: RefCell<Option<Py<PyAny>>>,
    errors: RefCell<Vec<ErrorRecord>>,
    error_index: RefCell<HashMap<String, usize>>,
    /// How often everything was cleared for a new test, and how often it was reset.
    generation: Cell<(u64, u64)>,
    keep_history: Cell<bool>,
    entry_class: RefCell<Option<Py<PyType>>>,
    error_class: RefCell<Option<Py<PyType>>>,
    /// The counts of the entry that is being made.
    pending: RefCell<Option<Counted>>,
}

/// Entries by name and method, the total, and errors.
#[pyclass(frozen, subclass, dict, weakref, module = "locust._core")]
pub(crate) struct Stats(GilBound<State>);

impl Stats {
    /// The total's counts, whose times all rates refer to.
    pub(super) fn run(&self, py: Python<'_>) -> SharedEntry {
        Rc::clone(&self.0.get(py).total.borrow().entry)
    }

    /// The counts that an entry made on the store's behalf shows.
    pub(super) fn pending(&self, py: Python<'_>) -> Option<Counted> {
        self.0.get(py).pending.borrow_mut().take()
    }

    /// The place of a name and method, a new one if need be.
    fn place(&self, py: Python<'_>, method: &str, name: &str) -> usize {
        let state = self.0.get(py);
        let hash = state.hasher.hash_one((method, name));
        let mut records = state.records.borrow_mut();
        let mut index = state.index.borrow_mut();
        let same = |place: &usize| records[*place].name == name && records[*place].method == method;
        if let Some(place) = index.find(hash, same) {
            return *place;
        }
        let place = records.len();
        if place >= ENTRIES_AT_MOST && (method, name) != ("", OTHER) {
            drop((records, index));
            if place == ENTRIES_AT_MOST {
                say_too_many(py);
            }
            return self.place(py, "", OTHER);
        }
        records.push(Record {
            method: method.to_owned(),
            name: name.to_owned(),
            counted: Counted::new(Some(&state.total.borrow().entry), state.keep_history.get()),
            view: None,
            by_status: Vec::new(),
        });
        index.insert_unique(hash, place, |place| {
            let record = &records[*place];
            state.hasher.hash_one((record.method.as_str(), record.name.as_str()))
        });
        place
    }

    /// Counts a request; the result is where its failure is counted.
    pub(crate) fn record(
        &self,
        py: Python<'_>,
        method: &str,
        name: &str,
        ms: Option<f64>,
        length: i64,
    ) -> PyResult<usize> {
        let rounded = own_rounding(py, ms)?;
        let at = now();
        let state = self.0.get(py);
        state.total.borrow().log(at, ms, rounded, length);
        let place = self.place(py, method, name);
        state.records.borrow()[place].counted.log(at, ms, rounded, length);
        Ok(place)
    }

    /// Looks at all that is counted: the generation (tests, and resets), the total, and the entries in their order.
    pub(crate) fn with_entries<R>(
        &self,
        py: Python<'_>,
        look: impl FnOnce((u64, u64), &mut Entry, &mut dyn Iterator<Item = Named<'_>>) -> R,
    ) -> R {
        let state = self.0.get(py);
        let total = state.total.borrow().entry.clone();
        let records = state.records.borrow();
        let shared: Vec<SharedEntry> = records.iter().map(|record| record.counted.entry.clone()).collect();
        let mut entries: Vec<_> = shared.iter().map(|entry| entry.borrow_mut()).collect();
        let mut named = entries.iter_mut().zip(records.iter()).map(|(entry, record)| Named {
            method: &record.method,
            name: &record.name,
            entry: &mut *entry,
        });
        look(state.generation.get(), &mut total.borrow_mut(), &mut named)
    }

    fn count_failure(&self, py: Python<'_>, place: usize) {
        let state = self.0.get(py);
        let at = now();
        state.total.borrow().entry.borrow_mut().log_failure(at);
        state.records.borrow()[place].counted.entry.borrow_mut().log_failure(at);
    }

    /// Counts a request as failed with an error.
    pub(crate) fn record_error(
        &self,
        py: Python<'_>,
        place: usize,
        error: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.count_error(py, place, error).map(drop)
    }

    fn count_error(&self, py: Python<'_>, place: usize, error: &Bound<'_, PyAny>) -> PyResult<Occurrences> {
        self.count_failure(py, place);
        let (method, name) = {
            let records = self.0.get(py).records.borrow();
            (records[place].method.clone(), records[place].name.clone())
        };
        let occurrences = self.occurrences(py, &method, &name, error)?;
        occurrences.occur();
        Ok(occurrences)
    }

    /// Counts a request as failed because of its status; `make` makes the exception, which only the first needs.
    pub(crate) fn record_status(
        &self,
        py: Python<'_>,
        place: usize,
        status: u16,
        make: impl FnOnce() -> PyResult<Py<PyAny>>,
    ) -> PyResult<()> {
        let known = {
            let records = self.0.get(py).records.borrow();
            records[place].by_status.iter().find(|(known, _)| *known == status).map(|(_, n)| Rc::clone(n))
        };
        if let Some(occurrences) = known {
            self.count_failure(py, place);
            occurrences.occur();
            return Ok(());
        }
        let error = make()?;
        let occurrences = self.count_error(py, place, error.bind(py))?;
        if let Some(record) = self.0.get(py).records.borrow_mut().get_mut(place) {
            record.by_status.push((status, occurrences));
        }
        Ok(())
    }

    /// The count of an error, a new one if need be.
    fn occurrences(
        &self,
        py: Python<'_>,
        method: &str,
        name: &str,
        error: &Bound<'_, PyAny>,
    ) -> PyResult<Occurrences> {
        let state = self.0.get(py);
        let key = key_of(method, name, error)?;
        if let Some(known) = self.known_error(py, &key) {
            return Ok(known);
        }
        if state.errors.borrow().len() >= ERRORS_AT_MOST {
            let text = format!("other errors: more than {ERRORS_AT_MOST} different ones");
            let text = text.into_pyobject(py)?.into_any();
            let key = key_of("", "", &text)?;
            return match self.known_error(py, &key) {
                Some(known) => Ok(known),
                None => self.new_error(py, key, "", "", &text),
            };
        }
        self.new_error(py, key, method, name, error)
    }

    fn known_error(&self, py: Python<'_>, key: &str) -> Option<Occurrences> {
        let state = self.0.get(py);
        let place = *state.error_index.borrow().get(key)?;
        Some(Rc::clone(&state.errors.borrow()[place].occurrences))
    }

    fn new_error(
        &self,
        py: Python<'_>,
        key: String,
        method: &str,
        name: &str,
        error: &Bound<'_, PyAny>,
    ) -> PyResult<Occurrences> {
        let state = self.0.get(py);
        let class = state.error_class.borrow().as_ref().map(|class| class.clone_ref(py));
        let class = class.map_or_else(|| py.get_type::<StatsError>(), |class| class.into_bound(py));
        let view = class.call1((method, name, error, 0))?;
        let occurrences = Occurrences::default();
        view.cast::<StatsError>()?.get().share(py, Rc::clone(&occurrences));
        let mut errors = state.errors.borrow_mut();
        state.error_index.borrow_mut().insert(key.clone(), errors.len());
        errors.push(ErrorRecord { key, occurrences: Rc::clone(&occurrences), view: view.unbind() });
        Ok(occurrences)
    }

    /// The object for an entry, made as the configured class.
    fn make_view<'py>(
        slf: &Bound<'py, Self>,
        name: &str,
        method: &str,
        counted: Counted,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let state = slf.get().0.get(py);
        let class = state.entry_class.borrow().as_ref().map(|class| class.clone_ref(py));
        let class = class.map_or_else(|| py.get_type::<StatsEntry>(), |class| class.into_bound(py));
        let keep_history = counted.history.is_some();
        state.pending.replace(Some(counted));
        let made = class.call1((slf, name, method, keep_history));
        state.pending.replace(None);
        made
    }

    fn view<'py>(slf: &Bound<'py, Self>, place: usize) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let state = slf.get().0.get(py);
        let (name, method, counted) = {
            let records = state.records.borrow();
            let record = &records[place];
            if let Some(view) = &record.view {
                return Ok(view.bind(py).clone());
            }
            (record.name.clone(), record.method.clone(), record.counted.clone())
        };
        let view = Self::make_view(slf, &name, &method, counted)?;
        if let Some(record) = state.records.borrow_mut().get_mut(place) {
            record.view = Some(view.clone().unbind());
        }
        Ok(view)
    }
}

fn say_too_many(py: Python<'_>) {
    let text = format!(
        "more than {ENTRIES_AT_MOST} different request names: further ones are counted as {OTHER:?}; \
         group requests with name="
    );
    let logger =
        py.import("logging").and_then(|logging| logging.call_method1("getLogger", ("locust.stats",)));
    // A warning that cannot be given is no reason to lose the request.
    let _ = logger.and_then(|logger| logger.call_method1("warning", (text,)));
}

#[pymethods]
impl Stats {
    #[new]
    #[pyo3(signature = (*args, **kwargs))]
    fn new(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        // For the initialiser of a subclass.
        let _ = (args, kwargs);
        Self(GilBound::new(State {
            records: RefCell::default(),
            index: RefCell::default(),
            hasher: RandomState::new(),
            total: RefCell::new(Counted::new(None, true)),
            total_view: RefCell::default(),
            errors: RefCell::default(),
            error_index: RefCell::default(),
            generation: Cell::default(),
            keep_history: Cell::new(true),
            entry_class: RefCell::default(),
            error_class: RefCell::default(),
            pending: RefCell::default(),
        }))
    }

    /// Says which classes the objects are of, and whether copies for current percentiles are kept.
    #[pyo3(signature = (use_response_times_cache = true, entry_class = None, error_class = None))]
    fn _configure(
        &self,
        py: Python<'_>,
        use_response_times_cache: bool,
        entry_class: Option<Py<PyType>>,
        error_class: Option<Py<PyType>>,
    ) {
        let state = self.0.get(py);
        state.keep_history.set(use_response_times_cache);
        state.entry_class.replace(entry_class);
        state.error_class.replace(error_class);
        self.clear_all(py);
    }

    #[getter]
    fn use_response_times_cache(&self, py: Python<'_>) -> bool {
        self.0.get(py).keep_history.get()
    }

    /// All requests together.
    #[getter]
    fn total<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let state = slf.get().0.get(py);
        if let Some(view) = &*state.total_view.borrow() {
            return Ok(view.bind(py).clone());
        }
        let counted = state.total.borrow().clone();
        let view = Self::make_view(slf, "Aggregated", "", counted)?;
        state.total_view.replace(Some(view.clone().unbind()));
        Ok(view)
    }

    /// Entries by name and method, a new dictionary of the same objects each time.
    #[getter]
    fn entries<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        let py = slf.py();
        let entries = PyDict::new(py);
        let count = slf.get().0.get(py).records.borrow().len();
        for place in 0..count {
            let view = Self::view(slf, place)?;
            let (name, method) = {
                let records = slf.get().0.get(py).records.borrow();
                (records[place].name.clone(), records[place].method.clone())
            };
            entries.set_item((name, method), view)?;
        }
        Ok(entries)
    }

    /// Errors by their identity, a new dictionary of the same objects each time.
    #[getter]
    fn errors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let errors = PyDict::new(py);
        for record in self.0.get(py).errors.borrow().iter() {
            errors.set_item(&record.key, record.view.bind(py))?;
        }
        Ok(errors)
    }

    #[getter]
    fn num_requests(&self, py: Python<'_>) -> u64 {
        self.run(py).borrow().requests
    }

    #[getter]
    fn num_none_requests(&self, py: Python<'_>) -> u64 {
        self.run(py).borrow().without_time
    }

    #[getter]
    fn num_failures(&self, py: Python<'_>) -> u64 {
        self.run(py).borrow().failures
    }

    #[getter]
    fn last_request_timestamp(&self, py: Python<'_>) -> Option<f64> {
        self.run(py).borrow().last_request
    }

    #[getter]
    fn start_time(&self, py: Python<'_>) -> f64 {
        self.run(py).borrow().start_time
    }

    #[setter]
    fn set_start_time(&self, py: Python<'_>, at: f64) {
        self.run(py).borrow_mut().start_time = at;
    }

    /// Counts a request.
    #[pyo3(signature = (method, name, response_time, content_length))]
    fn log_request(
        &self,
        py: Python<'_>,
        method: Option<&Bound<'_, PyString>>,
        name: &Bound<'_, PyString>,
        response_time: Option<f64>,
        content_length: Option<f64>,
    ) -> PyResult<()> {
        let length = content_length.unwrap_or(0.0) as i64;
        let method = method.map(PyStringMethods::to_string_lossy).unwrap_or_default();
        self.record(py, &method, &name.to_string_lossy(), response_time, length).map(drop)
    }

    /// Counts a request, counted before, as failed with an exception or a text.
    fn log_error(
        &self,
        py: Python<'_>,
        method: Option<&Bound<'_, PyString>>,
        name: &Bound<'_, PyString>,
        error: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let method = method.map(PyStringMethods::to_string_lossy).unwrap_or_default();
        let place = self.place(py, &method, &name.to_string_lossy());
        self.record_error(py, place, error)
    }

    /// The entry of a name and method, a new one if there is none.
    fn get<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'_, PyString>,
        method: &Bound<'_, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let place = slf.get().place(slf.py(), &method.to_string_lossy(), &name.to_string_lossy());
        Self::view(slf, place)
    }

    /// Sets all counts to zero; entries stay.
    fn reset_all(&self, py: Python<'_>) {
        let state = self.0.get(py);
        let (tests, resets) = state.generation.get();
        state.generation.set((tests, resets + 1));
        state.total.borrow().reset();
        let mut records = state.records.borrow_mut();
        for record in records.iter_mut() {
            record.counted.reset();
            record.by_status.clear();
        }
        drop(records);
        self.clear_errors(py);
    }

    /// Removes all entries, for a new test.
    fn clear_all(&self, py: Python<'_>) {
        let state = self.0.get(py);
        let (tests, resets) = state.generation.get();
        state.generation.set((tests + 1, resets));
        let total = Counted::new(None, state.keep_history.get());
        drop((state.total.replace(total), state.total_view.take(), state.records.take()));
        state.index.borrow_mut().clear();
        self.clear_errors(py);
    }

    /// Removes all errors.
    fn clear_errors(&self, py: Python<'_>) {
        let state = self.0.get(py);
        state.error_index.borrow_mut().clear();
        drop(state.errors.take());
        for record in state.records.borrow_mut().iter_mut() {
            record.by_status.clear();
        }
    }
}
