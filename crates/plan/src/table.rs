//! What is known about an option beside its value: its names, its default, its help. One table row per
//! option makes the field of the layer, the JSON key, the variable, the flag and the documentation.

use crate::value::Kind;

/// Whether we do what an option asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It has its effect.
    Honoured,
    /// It concerns a service that is not part of a run, so that a run may leave it alone.
    Elsewhere,
    /// It is refused by name, with the reason.
    Refused(&'static str),
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct OptionDef {
    /// The key in the script's `options` and in the configuration file.
    pub key: &'static str,
    /// Whether a script may set it. If not, it comes from the configuration file, variables and flags.
    pub script: bool,
    /// The environment variable.
    pub env: Option<&'static str>,
    /// The long flag, without dashes.
    pub flag: Option<&'static str>,
    /// The short flag, without dash.
    pub short: Option<char>,
    /// What the flag alone, without a value, stands for; `None` if it needs a value.
    pub bare: Option<&'static str>,
    /// Whether the flag may be given several times.
    pub repeatable: bool,
    /// The default as text; empty if there is none.
    pub default: &'static str,
    /// One line of help.
    pub help: &'static str,
    /// What its values look like.
    pub kind: Kind,
    /// Whether it is honoured.
    pub support: Support,
}

impl OptionDef {
    /// An option that scripts can set.
    pub(crate) const fn script(key: &'static str) -> Self {
        Self {
            key,
            script: true,
            env: None,
            flag: None,
            short: None,
            bare: None,
            repeatable: false,
            default: "",
            help: "",
            kind: Kind::Text,
            support: Support::Honoured,
        }
    }

    /// An option that scripts cannot set.
    pub(crate) const fn outside(key: &'static str) -> Self {
        Self { script: false, ..Self::script(key) }
    }

    pub(crate) const fn env(self, name: &'static str) -> Self {
        Self { env: Some(name), ..self }
    }

    pub(crate) const fn flag(self, name: &'static str) -> Self {
        Self { flag: Some(name), ..self }
    }

    pub(crate) const fn short(self, name: char) -> Self {
        Self { short: Some(name), ..self }
    }

    pub(crate) const fn bare(self, value: &'static str) -> Self {
        Self { bare: Some(value), ..self }
    }

    pub(crate) const fn repeatable(self) -> Self {
        Self { repeatable: true, ..self }
    }

    pub(crate) const fn default(self, text: &'static str) -> Self {
        Self { default: text, ..self }
    }

    pub(crate) const fn support(self, support: Support) -> Self {
        Self { support, ..self }
    }

    /// What the macro adds: help and kind. Every switch may stand alone.
    pub(crate) const fn complete(self, help: &'static str, kind: Kind) -> Self {
        let bare = match (self.bare, kind) {
            (None, Kind::Switch) => Some("true"),
            (bare, _) => bare,
        };
        Self { bare, help, kind, ..self }
    }
}

/// Declares a layer of options: a struct of optional fields, and the table of its rows. A row is its help
/// line, `field: Type`, and the names. The order is that in which k6 prints them.
macro_rules! options {
    ($(#[$meta:meta])* $layer:ident; $($help:literal $field:ident: $type:ty = $def:expr;)*) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Default)]
        #[expect(clippy::doc_markdown, reason = "the same lines are the help, where backticks would be noise")]
        pub struct $layer {
            $(#[doc = $help] pub $field: Option<$type>,)*
        }

        impl $layer {
            /// The table: one row per option.
            pub const TABLE: &[$crate::table::OptionDef] =
                &[$($def.complete($help, <$type as $crate::value::Value>::KIND)),*];

            /// Reads every option that `wanted` picks from the members of an object.
            fn read_fields(
                fields: &mut $crate::reader::Fields<'_>,
                at: &mut $crate::reader::Reader,
                wanted: impl Fn(&$crate::table::OptionDef) -> bool,
            ) -> Self {
                let mut layer = Self::default();
                let mut rows = Self::TABLE.iter();
                $(if let Some(row) = rows.next() && wanted(row) {
                    layer.$field = fields.read(row.key, at);
                })*
                layer
            }

            /// Sets one option from the text of a variable. The error says what is expected.
            fn set_from_text(&mut self, key: &str, text: &str) -> Result<(), String> {
                let mut rows = Self::TABLE.iter();
                $(if rows.next().is_some_and(|row| row.key == key) {
                    self.$field = Some(<$type as $crate::value::Value>::from_text(text)?);
                })*
                Ok(())
            }

            /// Sets one option from a flag, or adds to it if the flag was there before.
            fn set_from_flag(&mut self, key: &str, text: &str) -> Result<(), String> {
                let mut rows = Self::TABLE.iter();
                $(if rows.next().is_some_and(|row| row.key == key) {
                    let next = <$type as $crate::value::Value>::from_flag(text)?;
                    match &mut self.$field {
                        Some(value) => $crate::value::Value::repeat(value, next),
                        None => self.$field = Some(next),
                    }
                })*
                Ok(())
            }

            /// Lays a higher layer over this one.
            fn overlay(&mut self, higher: Self) {
                $(if let Some(higher) = higher.$field {
                    self.$field = Some(match self.$field.take() {
                        Some(lower) => $crate::value::Value::over(higher, lower),
                        None => higher,
                    });
                })*
            }

            /// Every option with its value in the order of the table; `None` if it is not set.
            fn values(&self) -> Vec<(&'static $crate::table::OptionDef, Option<serde_json::Value>)> {
                let values = [$(self.$field.as_ref().map($crate::value::Value::to_json)),*];
                Self::TABLE.iter().zip(values).collect()
            }

            /// The options of the environment; empty variables count as not set.
            pub fn from_env(
                variable: impl Fn(&str) -> Option<String>,
            ) -> Result<Self, $crate::error::PlanError> {
                let mut layer = Self::default();
                let mut at = $crate::reader::Reader::default();
                for row in Self::TABLE {
                    let Some(name) = row.env else { continue };
                    let Some(text) = variable(name).filter(|text| !text.is_empty()) else { continue };
                    if let Err(expected) = layer.set_from_text(row.key, &text) {
                        at.member(name, |at| at.invalid::<()>(serde_json::json!(text), expected));
                    }
                }
                at.finish(layer)
            }

            /// The options of the command line: long flag names without dashes, each with its value if it
            /// has one. Flags of other tables are skipped: the command line's parser knows them.
            pub fn from_flags<'a>(
                flags: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
            ) -> Result<Self, $crate::error::PlanError> {
                let mut layer = Self::default();
                let mut at = $crate::reader::Reader::default();
                for (name, text) in flags {
                    let Some(row) = Self::TABLE.iter().find(|row| row.flag == Some(name)) else { continue };
                    at.member(&format!("--{name}"), |at| match text.or(row.bare) {
                        None => { at.missing::<()>(row.kind.placeholder()); }
                        Some(text) => if let Err(expected) = layer.set_from_flag(row.key, text) {
                            at.invalid::<()>(serde_json::json!(text), expected);
                        },
                    });
                }
                at.finish(layer)
            }
        }
    };
}
pub(crate) use options;
