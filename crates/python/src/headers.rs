//! Headers as `requests` shows them: a dictionary that does not mind the case of its keys.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyString, PyTuple};
use throng_http::HeaderBlock;

use crate::failure::named_class;
use crate::gil::GilBound;

struct Entry {
    lower: String,
    name: Py<PyString>,
    value: Py<PyAny>,
}

impl Entry {
    fn clone_ref(&self, py: Python<'_>) -> Self {
        Self { lower: self.lower.clone(), name: self.name.clone_ref(py), value: self.value.clone_ref(py) }
    }
}

#[derive(Default)]
struct State {
    entries: RefCell<Vec<Entry>>,
    /// What is in it as it goes onto the wire; forgotten at each change.
    block: RefCell<Option<Rc<HeaderBlock>>>,
    /// It was found that there is no such block.
    no_block: Cell<bool>,
}

/// A dictionary whose keys are the same in whatever case; it keeps the case and the order they were first given in.
#[pyclass(frozen, mapping, subclass, module = "locust._core")]
pub(crate) struct CaseInsensitiveDict(GilBound<State>);

impl CaseInsensitiveDict {
    /// An empty one.
    pub(crate) fn empty() -> Self {
        Self(GilBound::new(State::default()))
    }

    /// From names and values in the order of arrival. Values of the same name are joined by commas, or `listed`, as the
    /// fast client has them (observed on Locust 2.47).
    pub(crate) fn from_head(py: Python<'_>, head: &throng_http::Head, listed: bool) -> PyResult<Self> {
        let mut joined: Vec<(String, String, Vec<String>)> = Vec::new();
        for (name, value) in head {
            let (name, value) = (latin1(name), latin1(value));
            let lower = name.to_ascii_lowercase();
            match joined.iter_mut().find(|(known, ..)| *known == lower) {
                Some((.., all)) => all.push(value),
                None => joined.push((lower, name, vec![value])),
            }
        }
        let entry = |(lower, name, values): (String, String, Vec<String>)| {
            let value = match &values[..] {
                [one] => PyString::new(py, one).into_any(),
                several if listed => PyList::new(py, several)?.into_any(),
                several => PyString::new(py, &several.join(", ")).into_any(),
            };
            Ok(Entry { lower, name: PyString::new(py, &name).unbind(), value: value.unbind() })
        };
        let entries = joined.into_iter().map(entry).collect::<PyResult<_>>()?;
        Ok(Self(GilBound::new(State { entries: RefCell::new(entries), ..State::default() })))
    }

    fn changed(&self, py: Python<'_>) {
        let state = self.0.get(py);
        state.block.replace(None);
        state.no_block.set(false);
    }

    /// Sets a header; the last value wins.
    pub(crate) fn put(&self, name: &Bound<'_, PyAny>, value: Py<PyAny>) -> PyResult<()> {
        let py = name.py();
        let name = text_of(name)?;
        let lower = name.to_str()?.to_lowercase();
        let entry = Entry { lower, name: name.unbind(), value };
        let old = {
            let mut entries = self.0.get(py).entries.borrow_mut();
            if let Some(known) = entries.iter_mut().find(|known| known.lower == entry.lower) {
                Some(std::mem::replace(known, entry))
            } else {
                entries.push(entry);
                None
            }
        };
        self.changed(py);
        // Dropped with nothing borrowed: a destructor may be Python code.
        drop(old);
        Ok(())
    }

    fn find(&self, name: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
        let py = name.py();
        let lower = text_of(name)?.to_str()?.to_lowercase();
        let entries = self.0.get(py).entries.borrow();
        Ok(entries.iter().find(|entry| entry.lower == lower).map(|entry| entry.value.clone_ref(py)))
    }

    fn remove(&self, name: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
        let py = name.py();
        let lower = text_of(name)?.to_str()?.to_lowercase();
        let removed = {
            let mut entries = self.0.get(py).entries.borrow_mut();
            let place = entries.iter().position(|entry| entry.lower == lower);
            place.map(|place| entries.remove(place))
        };
        self.changed(py);
        Ok(removed.map(|entry| entry.value))
    }

    /// Whether there is a header of that name.
    pub(crate) fn contains(&self, py: Python<'_>, name: &str) -> bool {
        let entries = self.0.get(py).entries.borrow();
        entries.iter().any(|entry| entry.lower.eq_ignore_ascii_case(name))
    }

    /// Names and values, as they are now.
    pub(crate) fn pairs<'py>(&self, py: Python<'py>) -> Vec<(Bound<'py, PyString>, Bound<'py, PyAny>)> {
        let entries = self.0.get(py).entries.borrow();
        entries.iter().map(|e| (e.name.bind(py).clone(), e.value.bind(py).clone())).collect()
    }

    /// What is in it, serialised; `None` if something in it needs a look at each request.
    pub(crate) fn block(&self, py: Python<'_>) -> Option<Rc<HeaderBlock>> {
        let state = self.0.get(py);
        if let Some(block) = &*state.block.borrow() {
            return Some(Rc::clone(block));
        }
        if state.no_block.get() {
            return None;
        }
        let texts: Option<Vec<(String, String)>> = self
            .pairs(py)
            .into_iter()
            .map(|(name, value)| {
                let value = value.cast::<PyString>().ok()?.to_str().ok()?.to_owned();
                Some((name.to_str().ok()?.to_owned(), value))
            })
            .collect();
        let block = texts.and_then(|texts| {
            HeaderBlock::new(texts.iter().map(|(name, value)| (name.as_str(), value.as_str())))
        });
        let block = block.map(Rc::new);
        state.no_block.set(block.is_none());
        state.block.borrow_mut().clone_from(&block);
        block
    }
}

/// A header name as text; `requests` also takes bytes.
fn text_of<'py>(name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    if let Ok(text) = name.cast::<PyString>() {
        return Ok(text.clone());
    }
    if let Ok(bytes) = name.cast::<pyo3::types::PyBytes>() {
        return Ok(PyString::new(name.py(), &latin1(bytes.as_bytes())));
    }
    name.str()
}

/// Bytes of a head as text: one character per byte (RFC 9110 section 5.5).
pub(crate) fn latin1(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => text.to_owned(),
        _ => bytes.iter().map(|b| char::from(*b)).collect(),
    }
}

#[pymethods]
impl CaseInsensitiveDict {
    /// `isinstance` asks for it.
    #[getter(__class__)]
    fn named_class<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        named_class(slf.as_any())
    }

    #[new]
    #[pyo3(signature = (data = None, **kwargs))]
    fn new(data: Option<&Bound<'_, PyAny>>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let new = Self::empty();
        new.update(data, kwargs)?;
        Ok(new)
    }

    /// Takes the keys and values of a mapping, or pairs, or keywords.
    #[pyo3(signature = (data = None, **kwargs))]
    pub(crate) fn update(
        &self,
        data: Option<&Bound<'_, PyAny>>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let sources = [data, kwargs.map(Bound::as_any)];
        for source in sources.into_iter().flatten().filter(|source| !source.is_none()) {
            let pairs = if source.hasattr("items")? { source.call_method0("items")? } else { source.clone() };
            for pair in pairs.try_iter()? {
                let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
                self.put(&name, value.unbind())?;
            }
        }
        Ok(())
    }

    fn __getitem__(&self, name: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let lower = || Ok::<_, PyErr>(PyKeyError::new_err(text_of(name)?.to_str()?.to_lowercase()));
        match self.find(name)? {
            Some(value) => Ok(value),
            None => Err(lower()?),
        }
    }

    fn __setitem__(&self, name: &Bound<'_, PyAny>, value: Py<PyAny>) -> PyResult<()> {
        self.put(name, value)
    }

    fn __delitem__(&self, name: &Bound<'_, PyAny>) -> PyResult<()> {
        match self.remove(name)? {
            Some(_) => Ok(()),
            None => Err(PyKeyError::new_err(name.clone().unbind())),
        }
    }

    fn __contains__(&self, name: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.find(name)?.is_some())
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.0.get(py).entries.borrow().len()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.keys(py)?.try_iter()
    }

    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.pairs(py).into_iter().map(|(name, _)| name))
    }

    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.pairs(py).into_iter().map(|(_, value)| value))
    }

    /// Each of several values of one name is a pair of its own.
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let items = PyList::empty(py);
        for (name, value) in self.pairs(py) {
            match value.cast::<PyList>() {
                Ok(several) => several.iter().try_for_each(|one| items.append((&name, one)))?,
                Err(_) => items.append((name, value))?,
            }
        }
        Ok(items)
    }

    /// Names in lower case, with their values.
    fn lower_items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let lowered = |(name, value): (Bound<'py, PyString>, Bound<'py, PyAny>)| {
            Ok((name.to_str()?.to_lowercase(), value))
        };
        PyList::new(py, self.pairs(py).into_iter().map(lowered).collect::<PyResult<Vec<_>>>()?)
    }

    #[pyo3(signature = (name, default = None))]
    fn get(&self, name: &Bound<'_, PyAny>, default: Option<Py<PyAny>>) -> PyResult<Option<Py<PyAny>>> {
        Ok(self.find(name)?.or(default))
    }

    #[pyo3(signature = (name, *default))]
    fn pop(&self, name: &Bound<'_, PyAny>, default: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
        match self.remove(name)? {
            Some(value) => Ok(value),
            None if default.is_empty() => Err(PyKeyError::new_err(name.clone().unbind())),
            None => Ok(default.get_item(0)?.unbind()),
        }
    }

    #[pyo3(signature = (name, default = None))]
    fn setdefault(
        &self,
        py: Python<'_>,
        name: &Bound<'_, PyAny>,
        default: Option<Py<PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        if let Some(value) = self.find(name)? {
            return Ok(value);
        }
        let value = default.unwrap_or_else(|| py.None());
        self.put(name, value.clone_ref(py))?;
        Ok(value)
    }

    fn clear(&self, py: Python<'_>) {
        let old = self.0.get(py).entries.take();
        self.changed(py);
        drop(old);
    }

    pub(crate) fn copy(&self, py: Python<'_>) -> Self {
        let entries = self.0.get(py).entries.borrow().iter().map(|entry| entry.clone_ref(py)).collect();
        let state = State { entries: RefCell::new(entries), ..State::default() };
        Self(GilBound::new(state))
    }

    fn __copy__(&self, py: Python<'_>) -> Self {
        self.copy(py)
    }

    /// The values are texts, which need no copies.
    fn __deepcopy__(&self, memo: &Bound<'_, PyAny>) -> Self {
        self.copy(memo.py())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        let plain = PyDict::new(slf.py());
        for (name, value) in slf.get().pairs(slf.py()) {
            plain.set_item(name, value)?;
        }
        Ok((slf.get_type().into_any(), (plain,)))
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        if !other.hasattr("items")? {
            return Ok(false);
        }
        let other = Self::new(Some(other), None)?;
        if other.__len__(py) != self.__len__(py) {
            return Ok(false);
        }
        for (name, value) in self.pairs(py) {
            match other.find(name.as_any())? {
                Some(theirs) if value.eq(theirs.bind(py))? => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let plain = PyDict::new(py);
        for (name, value) in self.pairs(py) {
            plain.set_item(name, value)?;
        }
        Ok(plain.repr()?.to_str()?.to_owned())
    }
}
