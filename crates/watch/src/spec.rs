//! What is to be watched, as it is written: `hpa/web`, `pods/app=web`, `mysql://…`.
//!
//! No character of it needs quotes in a shell. In front may stand a name, `orders=mysql://…`, which samples carry in place
//! of what would be made up.

use std::fmt;

use throng_stores::secret::{Address, AddressError};
use throng_stores::vitals;

/// One thing to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// How samples and messages call it.
    pub name: String,
    /// What it is.
    pub what: What,
}

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A database.
    Database(Address),
    /// Something in a cluster.
    Object(Object),
    /// The logs of pods.
    Logs(Object),
}

/// Something in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Of which kind.
    pub kind: ObjectKind,
    /// Its name; of pods, the selector of their labels, which may be empty.
    pub name: String,
    /// Its namespace, if it is not the one that the run watches otherwise.
    pub namespace: Option<String>,
}

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// A `HorizontalPodAutoscaler`.
    Hpa,
    /// A `Deployment`.
    Deployment,
    /// A `StatefulSet`.
    StatefulSet,
    /// Pods by their labels.
    Pods,
}

/// Why a specification cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// It is none of the known kinds.
    #[error(
        "cannot watch {0:?}: expected hpa/NAME, deployment/NAME, statefulset/NAME, pods/SELECTOR, logs/ before one of \
         the last three, or a database's URL (mysql://, postgres://, mongodb://, redis://)"
    )]
    Unknown(String),
    /// A name is missing or is no name of an object.
    #[error("cannot watch {spec:?}: {reason}")]
    Object {
        /// As it was written.
        spec: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The scheme is of no database that can be watched.
    #[error("cannot watch a database of the kind {0:?}: there are mysql, postgres, mongodb and redis")]
    Scheme(String),
    /// The URL cannot be used.
    #[error("cannot watch it: {0}")]
    Address(#[from] AddressError),
}

impl Target {
    /// Reads one specification.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let (name, spec) = match text.split_once('=') {
            Some((name, rest)) if is_name(name) => (Some(name), rest),
            _ => (None, text),
        };
        let (default, what) = what(spec)?;
        Ok(Self { name: name.map_or(default, str::to_owned), what })
    }

    /// Reads several; where two would have one name, the later ones get a number.
    pub fn parse_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<Self>, SpecError> {
        let mut targets: Vec<Self> = Vec::new();
        for text in texts {
            let mut target = Self::parse(text)?;
            let is_same = |known: &Self, name: &str| {
                known.name == name
                    && std::mem::discriminant(&known.what) == std::mem::discriminant(&target.what)
            };
            let wanted = target.name.clone();
            let mut number = 1;
            while targets.iter().any(|known| is_same(known, &target.name)) {
                number += 1;
                target.name = format!("{wanted}-{number}");
            }
            targets.push(target);
        }
        Ok(targets)
    }
}

fn what(spec: &str) -> Result<(String, What), SpecError> {
    if spec.contains("://") {
        let address = Address::new(spec, None)?;
        if !vitals::SCHEMES.contains(&address.scheme()) {
            return Err(SpecError::Scheme(address.scheme().to_owned()));
        }
        let name = match address.scheme() {
            "postgresql" => "postgres",
            "mongodb+srv" => "mongodb",
            other => other,
        };
        return Ok((name.to_owned(), What::Database(address)));
    }
    if let Some(rest) = spec.strip_prefix("logs/") {
        let object = object(rest, spec)?;
        if object.kind == ObjectKind::Hpa {
            let reason = "an autoscaler has no logs; name its deployment";
            return Err(SpecError::Object { spec: spec.to_owned(), reason });
        }
        return Ok((object.short().to_owned(), What::Logs(object)));
    }
    let object = object(spec, spec)?;
    Ok((object.short().to_owned(), What::Object(object)))
}

fn object(text: &str, spec: &str) -> Result<Object, SpecError> {
    let invalid = |reason| SpecError::Object { spec: spec.to_owned(), reason };
    let (text, namespace) = match text.rsplit_once('@') {
        Some((text, namespace)) if is_dns(namespace) => (text, Some(namespace.to_owned())),
        Some(_) => return Err(invalid("what follows the @ is no namespace")),
        None => (text, None),
    };
    let (kind, name) = text.split_once('/').unwrap_or((text, ""));
    let kind = match kind {
        "hpa" | "horizontalpodautoscaler" => ObjectKind::Hpa,
        "deployment" | "deploy" | "deployments" => ObjectKind::Deployment,
        "statefulset" | "sts" | "statefulsets" => ObjectKind::StatefulSet,
        "pods" | "pod" => ObjectKind::Pods,
        _ => return Err(SpecError::Unknown(spec.to_owned())),
    };
    if kind == ObjectKind::Pods {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_./,=!() ".contains(c);
        if !name.chars().all(fits) {
            return Err(invalid("what follows pods/ is no selector of labels, such as app=web"));
        }
    } else if !is_dns(name) {
        return Err(invalid("a name is missing, or has characters that no name has"));
    }
    Ok(Object { kind, name: name.to_owned(), namespace })
}

impl Object {
    /// What samples call it.
    fn short(&self) -> &str {
        match (self.kind, self.name.as_str()) {
            (ObjectKind::Pods, "") => "pods",
            (_, name) => name,
        }
    }
}

impl ObjectKind {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hpa => "hpa",
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::Pods => "pods",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Database(address) => write!(f, "{address}"),
            What::Object(object) => write!(f, "{object}"),
            What::Logs(object) => write!(f, "logs/{object}"),
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind.as_str())?;
        if !self.name.is_empty() {
            write!(f, "/{}", self.name)?;
        }
        self.namespace.as_ref().map_or(Ok(()), |namespace| write!(f, "@{namespace}"))
    }
}

/// Whether it can stand before a `=` as a name of the user's own.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Whether it could be the name of an object.
fn is_dns(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> (String, String) {
        let target = Target::parse(text).unwrap();
        (target.name.clone(), target.to_string())
    }

    #[test]
    fn specifications_are_read() {
        for (text, name, what) in [
            ("hpa/flask-backend", "flask-backend", "hpa/flask-backend"),
            ("deploy/web@shop", "web", "deployment/web@shop"),
            ("sts/mysql", "mysql", "statefulset/mysql"),
            (
                "pods/app=flask-backend,tier=web",
                "app=flask-backend,tier=web",
                "pods/app=flask-backend,tier=web",
            ),
            ("web=pods/app=flask-backend", "web", "pods/app=flask-backend"),
            ("pods", "pods", "pods"),
            ("logs/statefulset/mysql", "mysql", "logs/statefulset/mysql"),
            ("mysql://root:secret@h/shop", "mysql", "mysql://***@h/shop"),
            ("orders=postgresql://u:p@h/x?sslmode=require", "orders", "postgres://h/x"),
            ("redis://h:6379/0", "redis", "redis://h:6379/0"),
        ] {
            let expected = what.replace("postgres://h/x", "postgresql://***@h/x");
            assert_eq!(shown(text), (name.to_owned(), expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_watched_is_refused_by_name() {
        let said = |text| Target::parse(text).unwrap_err().to_string();
        assert!(said("web").contains("cannot watch \"web\": expected hpa/NAME"));
        assert!(said("hpa/").contains("a name is missing"));
        assert!(said("hpa/Web").contains("characters that no name has"));
        assert!(said("logs/hpa/web").contains("name its deployment"));
        assert!(said("pods/app;x").contains("no selector"));
        assert!(said("hpa/web@").contains("no namespace"));
        assert!(said("cassandra://h").contains("of the kind \"cassandra\""));
        assert!(!said("oracle://root:secret@h").contains("secret"));
    }

    #[test]
    fn two_of_a_kind_are_told_apart() {
        let targets =
            Target::parse_all(["mysql://a", "mysql://b", "statefulset/mysql", "x=mysql://c"]).unwrap();
        let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
        assert_eq!(names, ["mysql", "mysql-2", "mysql", "x"]);
    }
}
