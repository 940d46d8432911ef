//! Label and field selectors.

use serde_json::Value;

/// What a list or watch is limited to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    labels: Vec<Label>,
    fields: Vec<(String, bool, String)>,
}

#[derive(Debug, Clone)]
enum Label {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

impl Selector {
    /// Reads both, or says which part cannot be understood.
    pub(crate) fn parse(labels: &str, fields: &str) -> Result<Self, String> {
        Ok(Self {
            labels: split(labels).into_iter().map(|part| label(&part)).collect::<Result<_, _>>()?,
            fields: fields.split(',').filter(|part| !part.is_empty()).map(field).collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.labels.iter().all(|one| one.matches(labels))
            && self.fields.iter().all(|(path, equal, wanted)| {
                let found = path.split('.').fold(object, |value, step| &value[step]);
                let found = match found {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                (found == *wanted) == *equal
            })
    }
}

impl Label {
    fn matches(&self, labels: &Value) -> bool {
        let value = |name: &str| labels.get(name).and_then(Value::as_str);
        match self {
            Self::In(name, values) => value(name).is_some_and(|found| values.iter().any(|one| one == found)),
            Self::NotIn(name, values) => {
                value(name).is_none_or(|found| values.iter().all(|one| one != found))
            }
            Self::Exists(name) => value(name).is_some(),
            Self::Missing(name) => value(name).is_none(),
        }
    }
}

/// At commas outside of brackets.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn label(text: &str) -> Result<Label, String> {
    let set = |list: &str| -> Vec<String> {
        list.trim_matches(|c: char| "() ".contains(c))
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect()
    };
    if let Some((name, list)) = text.split_once(" notin ") {
        return Ok(Label::NotIn(name.trim().to_owned(), set(list)));
    }
    if let Some((name, list)) = text.split_once(" in ") {
        return Ok(Label::In(name.trim().to_owned(), set(list)));
    }
    if let Some((name, value)) = text.split_once("!=") {
        return Ok(Label::NotIn(name.trim().to_owned(), vec![value.trim().to_owned()]));
    }
    if let Some((name, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Label::In(name.trim().to_owned(), vec![value.trim().to_owned()]));
    }
    if text.contains(char::is_whitespace) {
        return Err(format!("unable to parse requirement: found '{text}'"));
    }
    Ok(match text.strip_prefix('!') {
        Some(name) => Label::Missing(name.to_owned()),
        None => Label::Exists(text.to_owned()),
    })
}

fn field(text: &str) -> Result<(String, bool, String), String> {
    let (path, equal, value) = if let Some((path, value)) = text.split_once("!=") {
        (path, false, value)
    } else if let Some((path, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        (path, true, value)
    } else {
        return Err(format!("invalid field selector: '{text}'"));
    };
    // The fields that real servers have an index for; others are refused there too.
    let known = path.starts_with("metadata.")
        || path.starts_with("involvedObject.")
        || ["status.phase", "spec.nodeName", "reason", "type", "status.successful"].contains(&path);
    if !known {
        return Err(format!("field label not supported: {path}"));
    }
    Ok((path.to_owned(), equal, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_selected_as_in_the_documentation() {
        let object = serde_json::json!({"metadata": {"name": "a", "labels": {"app": "x", "tier": "web"}}});
        for (selector, expected) in [
            ("app=x", true),
            ("app==x,tier=db", false),
            ("app!=x", false),
            ("other!=x", true),
            ("tier in (web, db),app", true),
            ("tier notin (web,db)", false),
            ("!other", true),
        ] {
            assert_eq!(Selector::parse(selector, "").unwrap().matches(&object), expected, "{selector}");
        }
        assert!(Selector::parse("", "metadata.name=a").unwrap().matches(&object));
        assert!(!Selector::parse("", "metadata.name!=a").unwrap().matches(&object));
        assert!(Selector::parse("", "spec.replicas=1").is_err());
    }
}
