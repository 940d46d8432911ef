//! Builds script values from JSON: one pass, no recursion, so that depth costs heap and not stack.

use rquickjs_sys as q;

use super::scan::{Number, Scanner, Text};
use super::template::Template;
use crate::{Atom, Ctx, Value};

/// Why there is no value.
pub(super) enum Refused {
    /// It is no JSON.
    Syntax,
    /// An exception is pending (no memory left).
    Threw,
}

/// A container that is not closed yet.
enum Open {
    /// Its elements so far are the values from this place on.
    Array(usize),
    /// The object, the key that waits for its value, and how many keys it has with that one.
    Object { object: Value, key: q::JSAtom, count: usize },
}

struct Builder<'a> {
    ctx: Ctx,
    scanner: Scanner<'a>,
    open: Vec<Open>,
    /// Elements of the open arrays, each with one reference of ours.
    values: Vec<q::JSValue>,
    /// By depth.
    templates: Vec<Template<'a>>,
}

/// Parses the whole of `text`.
pub(super) fn parse(ctx: Ctx, text: &str) -> Result<Value, Refused> {
    let mut builder = Builder {
        ctx,
        scanner: Scanner::new(text),
        open: Vec::new(),
        values: Vec::new(),
        templates: Vec::new(),
    };
    let value = builder.run()?;
    if builder.scanner.peek().is_some() {
        return Err(Refused::Syntax);
    }
    Ok(value)
}

impl Drop for Builder<'_> {
    fn drop(&mut self) {
        for raw in self.values.drain(..) {
            // SAFETY: each is a live value of which we own one reference.
            drop(unsafe { Value::from_raw(self.ctx, raw) });
        }
    }
}

impl Builder<'_> {
    fn run(&mut self) -> Result<Value, Refused> {
        loop {
            // A value is due. Containers are opened until there is one that is complete.
            let mut value = match self.scanner.peek() {
                Some(b'{') => match self.open_object()? {
                    Some(empty) => empty,
                    None => continue,
                },
                Some(b'[') => match self.open_array()? {
                    Some(empty) => empty,
                    None => continue,
                },
                Some(byte) => self.scalar(byte)?,
                None => return Err(Refused::Syntax),
            };
            // Its container takes it, and perhaps is complete itself.
            loop {
                match self.open.last_mut() {
                    None => return Ok(value),
                    Some(Open::Array(start)) => {
                        let start = *start;
                        self.values.push(value.into_raw());
                        if self.scanner.take(b',') {
                            break;
                        }
                        if !self.scanner.take(b']') {
                            return Err(Refused::Syntax);
                        }
                        self.open.pop();
                        value = self.close_array(start)?;
                    }
                    Some(Open::Object { object, key, .. }) => {
                        define(self.ctx, object, *key, value)?;
                        if self.scanner.take(b',') {
                            self.key()?;
                            break;
                        }
                        if !self.scanner.take(b'}') {
                            return Err(Refused::Syntax);
                        }
                        value = self.close_object()?;
                    }
                }
            }
        }
    }

    fn scalar(&mut self, first: u8) -> Result<Value, Refused> {
        let ctx = self.ctx;
        match first {
            b'"' => {
                let text = self.scanner.string().ok_or(Refused::Syntax)?;
                checked(ctx, string(ctx, &text))
            }
            b'-' | b'0'..=b'9' => {
                let raw = match self.scanner.number().ok_or(Refused::Syntax)? {
                    Number::Int(value) => q::JS_MKVAL(q::JS_TAG_INT, value),
                    Number::Float(value) => q::JS_NewFloat64(value),
                };
                // SAFETY: numbers are not counted.
                Ok(unsafe { Value::from_raw(ctx, raw) })
            }
            b't' if self.scanner.take_exactly(b"true") => Ok(ctx.bool(true)),
            b'f' if self.scanner.take_exactly(b"false") => Ok(ctx.bool(false)),
            b'n' if self.scanner.take_exactly(b"null") => Ok(ctx.null()),
            _ => Err(Refused::Syntax),
        }
    }

    /// Opens an array; one that is empty is complete at once.
    fn open_array(&mut self) -> Result<Option<Value>, Refused> {
        self.scanner.bump();
        if self.scanner.take(b']') {
            return self.close_array(self.values.len()).map(Some);
        }
        self.open.push(Open::Array(self.values.len()));
        Ok(None)
    }

    fn close_array(&mut self, start: usize) -> Result<Value, Refused> {
        let elements = &self.values[start..];
        // SAFETY: pointer and length describe values whose references are handed over, also when it fails.
        let raw = unsafe { q::JS_NewArrayFrom(self.ctx.raw(), elements.len() as i32, elements.as_ptr()) };
        self.values.truncate(start);
        checked(self.ctx, raw)
    }

    /// Opens an object and reads its first key; one that is empty is complete at once.
    fn open_object(&mut self) -> Result<Option<Value>, Refused> {
        self.scanner.bump();
        // SAFETY: hands over a reference.
        let object = checked(self.ctx, unsafe { q::JS_NewObject(self.ctx.raw()) })?;
        if self.scanner.take(b'}') {
            return Ok(Some(object));
        }
        if self.templates.len() <= self.open.len() {
            self.templates.resize_with(self.open.len() + 1, Template::default);
        }
        self.open.push(Open::Object { object, key: q::JS_ATOM_NULL, count: 0 });
        self.key()?;
        Ok(None)
    }

    fn close_object(&mut self) -> Result<Value, Refused> {
        let Some(Open::Object { object, count, .. }) = self.open.pop() else { return Err(Refused::Syntax) };
        self.templates[self.open.len()].seen(self.ctx, count);
        Ok(object)
    }

    /// Reads a key with its colon into the innermost object.
    fn key(&mut self) -> Result<(), Refused> {
        if self.scanner.peek() != Some(b'"') {
            return Err(Refused::Syntax);
        }
        let template = &mut self.templates[self.open.len() - 1];
        let Some(Open::Object { key, count, .. }) = self.open.last_mut() else { return Err(Refused::Syntax) };
        *key = match template.expected(*count) {
            Some((source, name)) if self.scanner.take_exactly(source) => name,
            _ => {
                let start = self.scanner.position();
                let text = self.scanner.string().ok_or(Refused::Syntax)?;
                template.learn(*count, self.scanner.since(start), name(self.ctx, &text)?)
            }
        };
        *count += 1;
        if self.scanner.take(b':') { Ok(()) } else { Err(Refused::Syntax) }
    }
}

fn checked(ctx: Ctx, raw: q::JSValue) -> Result<Value, Refused> {
    Value::checked(ctx, raw).map_err(|_| Refused::Threw)
}

/// A script string with the references handed over, or the exception marker.
fn string(ctx: Ctx, text: &Text<'_>) -> q::JSValue {
    // SAFETY: pointer and length describe the text, which QuickJS copies.
    unsafe {
        match text {
            Text::Plain(text) => q::JS_NewStringLen(ctx.raw(), text.as_ptr().cast(), text.len() as q::size_t),
            // From UTF-8 the engine picks the narrowest form; only half a surrogate pair has none.
            Text::Escaped(units) => match String::from_utf16(units) {
                Ok(text) => string(ctx, &Text::Plain(&text)),
                Err(_) => q::JS_NewStringUTF16(ctx.raw(), units.as_ptr(), units.len() as q::size_t),
            },
        }
    }
}

fn name(ctx: Ctx, text: &Text<'_>) -> Result<Atom, Refused> {
    if let Text::Plain(text) = text
        && text.is_ascii()
    {
        return Ok(ctx.atom(text));
    }
    // `JS_NewAtomLen` of quickjs-ng 0.16 takes the UTF-8 bytes of one name for the Latin-1 characters of another;
    // the way over a string value is right for all.
    checked(ctx, string(ctx, text))?.to_atom().map_err(|_| Refused::Threw)
}

fn define(ctx: Ctx, object: &Value, key: q::JSAtom, value: Value) -> Result<(), Refused> {
    // SAFETY: object and atom are alive (the template owns the atom until another is learnt in its place, which
    // happens only when the next key is read); the reference to the value is handed over.
    let done = unsafe {
        q::JS_DefinePropertyValue(ctx.raw(), object.raw(), key, value.into_raw(), q::JS_PROP_C_W_E as i32)
    };
    if done < 0 { Err(Refused::Threw) } else { Ok(()) }
}
