//! From JSON to generators.
//!
//! An object whose first key begins with `$` is a generator, as is a text that does (`"$name"`). `$$` stands for a `$`
//! in a text.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::civil::{Date, DateTime as CivilDateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::error::TemplateError;
use super::json::{Kind, Node};
use super::options::Options;
use crate::generate::{FAKER_NAMES, Generator, LOCALES, faker};
use crate::value::Value;

/// The generators beside the fakers.
const OWN: [&str; 16] = [
    "array",
    "boolean",
    "choice",
    "date",
    "datetime",
    "decimal",
    "float",
    "integer",
    "join",
    "literal",
    "optional",
    "reference",
    "sequence",
    "text",
    "uuid",
    "words",
];

/// What generators need to know about the fill.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings {
    /// The fill's seed, from which the tags of other collections follow.
    pub(super) seed: u64,
}

/// Deeper than any of the databases takes documents.
const DEEPEST: usize = 100;

/// The generator that a value of the template stands for.
pub(super) fn compile(
    node: Node<'_>,
    around: Surroundings,
    depth: usize,
) -> Result<Generator, TemplateError> {
    if depth > DEEPEST {
        return Err(node.error(format!("the template is nested deeper than {DEEPEST} levels")));
    }
    Ok(Generator::Literal(match node.kind()? {
        Kind::Null => Value::Null,
        Kind::Bool(value) => Value::Bool(value),
        Kind::Int(value) => Value::Int(value),
        Kind::Float(value) => Value::Float(value),
        Kind::Text(text) => match text.strip_prefix('$') {
            Some(literal) if literal.starts_with('$') => Value::Text(literal.to_owned()),
            Some(name) => return generator(name, node, None, around, depth),
            None => Value::Text(text),
        },
        Kind::Array(items) => {
            let items = items.into_iter().map(|item| compile(item, around, depth + 1));
            return Ok(Generator::List(items.collect::<Result<_, _>>()?));
        }
        Kind::Object(pairs) => {
            if let Some((key, arguments)) = pairs.first()
                && let Some(name) = key.strip_prefix('$')
            {
                if let Some((other, at)) = pairs.get(1) {
                    return Err(at.error(format!("${name} stands alone in its object, without \"{other}\"")));
                }
                return generator(name, node, Some(*arguments), around, depth);
            }
            return Ok(Generator::Object(fields(pairs, around, depth)?));
        }
    }))
}

/// The fields of an object.
pub(super) fn fields(
    pairs: Vec<(String, Node<'_>)>,
    around: Surroundings,
    depth: usize,
) -> Result<Vec<(Arc<str>, Generator)>, TemplateError> {
    let mut seen = HashSet::new();
    let mut fields = Vec::with_capacity(pairs.len());
    for (name, node) in pairs {
        if name.contains('\0') || name.is_empty() {
            return Err(node.error("a field's name cannot be empty or hold a zero byte"));
        }
        if !seen.insert(name.clone()) {
            return Err(node.error(format!("the field \"{name}\" is there twice")));
        }
        fields.push((Arc::from(name), compile(node, around, depth + 1)?));
    }
    Ok(fields)
}

fn generator(
    name: &str,
    node: Node<'_>,
    arguments: Option<Node<'_>>,
    around: Surroundings,
    depth: usize,
) -> Result<Generator, TemplateError> {
    // Those that take a list instead of options.
    if let Some(arguments) = arguments
        && let Kind::Array(items) = arguments.kind()?
    {
        let parts: Vec<Generator> =
            items.into_iter().map(|item| compile(item, around, depth + 1)).collect::<Result<_, _>>()?;
        return match name {
            "join" => Ok(Generator::Join(parts)),
            "choice" if parts.is_empty() => Err(arguments.error("$choice needs something to choose from")),
            "choice" => {
                Ok(Generator::Choice { sums: (1..=parts.len()).map(|sum| sum as f64).collect(), of: parts })
            }
            name => Err(if is_known(name) {
                arguments.error(format!("${name} takes its options as an object"))
            } else {
                unknown(name, node)
            }),
        };
    }
    if name == "literal" {
        let Some(arguments) = arguments else { return Err(node.error("$literal needs what to write")) };
        return Ok(Generator::Literal(literal(arguments)?));
    }
    let mut options = Options::new(name, node, arguments)?;
    let made = match name {
        "sequence" => Generator::Sequence { start: options.int("start", 1)? },
        "integer" => {
            let (min, max) = (options.int("min", 0)?, options.int("max", i64::from(i32::MAX))?);
            ordered(&options, min <= max)?;
            Generator::Int { min, max }
        }
        "float" => {
            let (min, max) = (options.float("min", 0.0)?, options.float("max", 1.0)?);
            ordered(&options, min <= max && (max - min).is_finite())?;
            let decimals = options.int("decimals", -1)?;
            if !(-1..=15).contains(&decimals) {
                return Err(options.error("\"decimals\" must be between 0 and 15"));
            }
            Generator::Float { min, max, decimals: u8::try_from(decimals).ok() }
        }
        "decimal" => decimal(&mut options)?,
        "boolean" => Generator::Bool { probability: options.share("probability", 0.5)? },
        "date" => {
            let form = "a day such as \"2024-02-29\"";
            let from = options.parsed("from", Date::constant(2000, 1, 1), form)?;
            let to = options.parsed("to", Date::constant(2029, 12, 31), form)?;
            ordered(&options, from <= to)?;
            let days = from.until(to).map(|span: Span| span.get_days()).unwrap_or_default();
            Generator::Date { from, days }
        }
        "datetime" => {
            let from = moment(&mut options, "from", 946_684_800_000)?;
            let to = moment(&mut options, "to", 1_893_455_999_999)?;
            ordered(&options, from <= to)?;
            Generator::DateTime { from, to }
        }
        "uuid" => Generator::Uuid,
        "choice" => choice(&mut options, around, depth)?,
        "optional" => Generator::Optional {
            of: Box::new(compile(options.need("of")?, around, depth + 1)?),
            probability: options.share("probability", 0.5)?,
        },
        "array" => {
            let of = Box::new(compile(options.need("of")?, around, depth + 1)?);
            let (min, max) = between(&mut options, (1, 5))?;
            Generator::Repeat { of, min, max }
        }
        "words" => {
            let (min, max) = between(&mut options, (3, 10))?;
            Generator::Words { min, max }
        }
        "text" => {
            let (min, max) = match options.take("bytes") {
                Some(bytes) => match bytes.kind()? {
                    Kind::Int(bytes @ 0..=0x4000_0000) => (bytes as usize, bytes as usize),
                    _ => {
                        return Err(bytes.error("\"bytes\" of $text must be a whole number up to 1073741824"));
                    }
                },
                None => between(&mut options, (50, 200))?,
            };
            Generator::Filler { min, max }
        }
        "join" => return Err(node.error_at_key("$join takes a list of parts")),
        "reference" => reference(&mut options, around)?,
        name => fake(name, node, &mut options)?,
    };
    options.finish()?;
    Ok(made)
}

fn fake(name: &str, node: Node<'_>, options: &mut Options<'_>) -> Result<Generator, TemplateError> {
    if !FAKER_NAMES.contains(&name) {
        return Err(unknown(name, node));
    }
    let given = options.text("locale")?;
    let (locale, at) = given.map_or(("en".to_owned(), node), |(locale, at)| (locale, at));
    let locale = locale.to_ascii_lowercase().replace('-', "_");
    faker(name, &locale)
        .map(Generator::Fake)
        .ok_or_else(|| at.error(format!("unknown locale '{locale}'; there are {}", LOCALES.join(", "))))
}

fn decimal(options: &mut Options<'_>) -> Result<Generator, TemplateError> {
    let scale = options.int("scale", 2)?;
    if !(0..=9).contains(&scale) {
        return Err(options.error("\"scale\" must be between 0 and 9"));
    }
    let (min, max) = (options.float("min", 0.0)?, options.float("max", 1000.0)?);
    let factor = 10f64.powi(scale as i32);
    // What a float holds exactly.
    let whole = |value: f64| (value * factor).round();
    ordered(options, min <= max)?;
    if whole(min).abs().max(whole(max).abs()) > 9e15 {
        return Err(options.error("a decimal has at most 15 digits"));
    }
    Ok(Generator::Decimal { min: whole(min) as i64, max: whole(max) as i64, scale: scale as u8 })
}

fn choice(options: &mut Options<'_>, around: Surroundings, depth: usize) -> Result<Generator, TemplateError> {
    let list = options.need("of")?;
    let Kind::Array(items) = list.kind()? else { return Err(list.error("\"of\" of $choice must be a list")) };
    let of: Vec<Generator> =
        items.into_iter().map(|item| compile(item, around, depth + 1)).collect::<Result<_, _>>()?;
    if of.is_empty() {
        return Err(list.error("$choice needs something to choose from"));
    }
    let mut weights = vec![1.0; of.len()];
    if let Some(given) = options.take("weights") {
        let Kind::Array(items) = given.kind()? else {
            return Err(given.error("\"weights\" of $choice must be a list of numbers"));
        };
        if items.len() != of.len() {
            return Err(given.error(format!("$choice has {} weights for {} choices", items.len(), of.len())));
        }
        for (weight, item) in weights.iter_mut().zip(items) {
            *weight = match item.kind()? {
                Kind::Int(value) if value >= 0 => value as f64,
                Kind::Float(value) if value >= 0.0 => value,
                _ => return Err(item.error("a weight must be a number, at least 0")),
            };
        }
        if weights.iter().sum::<f64>() <= 0.0 {
            return Err(given.error("at least one weight must be above 0"));
        }
    }
    let sums = weights.iter().scan(0.0, |sum, weight| {
        *sum += weight;
        Some(*sum)
    });
    Ok(Generator::Choice { sums: sums.collect(), of })
}

fn reference(options: &mut Options<'_>, around: Surroundings) -> Result<Generator, TemplateError> {
    let to = options.need("to")?;
    let Kind::Text(collection) = to.kind()? else {
        return Err(to.error("\"to\" of $reference must be the name of a collection or table"));
    };
    let documents = options.need("documents")?;
    let Kind::Int(count @ 1..) = documents.kind()? else {
        return Err(documents.error("\"documents\" of $reference must be a whole number above 0"));
    };
    let seed = options.int("seed", around.seed.cast_signed())?.cast_unsigned();
    Ok(Generator::Reference { tag: super::tag(seed, &collection), documents: count.unsigned_abs() })
}

fn between(options: &mut Options<'_>, default: (usize, usize)) -> Result<(usize, usize), TemplateError> {
    let (min, max) = (options.take("min"), options.take("max"));
    let read = |node: Option<Node<'_>>| match node {
        None => Ok(None),
        Some(node) => match node.kind()? {
            Kind::Int(value @ 0..=0x4000_0000) => Ok(Some(value as usize)),
            _ => Err(node.error("\"min\" and \"max\" must be whole numbers, at least 0")),
        },
    };
    // One of them alone moves the other one along.
    let (min, max) = match (read(min)?, read(max)?) {
        (None, None) => default,
        (Some(min), None) => (min, min.max(default.1)),
        (None, Some(max)) => (max.min(default.0), max),
        (Some(min), Some(max)) => (min, max),
    };
    ordered(options, min <= max)?;
    Ok((min, max))
}

/// A moment in milliseconds since 1970: a day, a time without a zone (UTC), or one with.
fn moment(options: &mut Options<'_>, option: &str, default: i64) -> Result<i64, TemplateError> {
    let Some((text, node)) = options.text(option)? else { return Ok(default) };
    let utc = |civil: CivilDateTime| civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let moment = text.parse::<Timestamp>().ok().or_else(|| text.parse::<CivilDateTime>().ok().and_then(utc));
    moment.map(Timestamp::as_millisecond).ok_or_else(|| {
        node.error(format!("\"{option}\" of $datetime must be a moment such as \"2024-02-29T12:00:00Z\""))
    })
}

fn literal(node: Node<'_>) -> Result<Value, TemplateError> {
    Ok(match node.kind()? {
        Kind::Null => Value::Null,
        Kind::Bool(value) => Value::Bool(value),
        Kind::Int(value) => Value::Int(value),
        Kind::Float(value) => Value::Float(value),
        Kind::Text(text) => Value::Text(text),
        Kind::Array(items) => Value::Array(items.into_iter().map(literal).collect::<Result<_, _>>()?),
        Kind::Object(pairs) => Value::Object(
            pairs
                .into_iter()
                .map(|(name, node)| Ok((Arc::from(name), literal(node)?)))
                .collect::<Result<_, TemplateError>>()?,
        ),
    })
}

fn ordered(options: &Options<'_>, is_ordered: bool) -> Result<(), TemplateError> {
    if is_ordered { Ok(()) } else { Err(options.error("the lower end is above the upper one")) }
}

fn is_known(name: &str) -> bool {
    OWN.contains(&name) || FAKER_NAMES.contains(&name)
}

fn unknown(name: &str, node: Node<'_>) -> TemplateError {
    let mut all: Vec<&str> = OWN.iter().chain(FAKER_NAMES).copied().collect();
    all.sort_unstable();
    let near =
        all.iter().min_by_key(|known| distance(name, known)).filter(|known| distance(name, known) <= 2);
    node.error_at_key(match near {
        Some(near) => format!("unknown generator '${name}'; did you mean '${near}'?"),
        None => format!("unknown generator '${name}'; there are ${}", all.join(", $")),
    })
}

/// How many letters must change, come, go or swap with their neighbour to come from one word to the other (optimal string
/// alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = match (i, j) {
                (0, most) | (most, 0) => most,
                _ => {
                    let kept = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    let least = kept.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                    let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                    if swapped { least.min(rows[i - 2][j - 2] + 1) } else { least }
                }
            };
        }
    }
    rows[a.len()][b.len()]
}
