//! The declaration that every other part of this module reads: [`section!`] makes a settings struct together with the
//! description of its keys.

use super::{
    entries::Entries,
    finding::{Finding, Place},
    values::{Field, Range, Raw, Shape},
};

/// What a key is when nobody sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DefaultValue {
    /// This, written as in an environment variable.
    Is(&'static str),
    /// Nothing; the example shows what it could be.
    Unset {
        /// A value that would do, written as in an environment variable.
        example: &'static str,
    },
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) key: &'static str,
    /// One sentence.
    pub(super) doc: &'static str,
    pub(super) default: DefaultValue,
    pub(super) range: Range,
    pub(super) shape: Shape,
    /// Its short name in the environment, after `SATISFICE_`.
    pub(super) alias: Option<&'static str>,
    /// Whether a raw value is one for this key.
    pub(super) check: fn(&Raw, Range) -> Result<(), String>,
}

impl Setting {
    /// What to do about a wrong value.
    pub(super) fn remedy(&self) -> String {
        let words = self.shape.words(self.range);
        match self.default {
            DefaultValue::Is("") => format!("give {words}"),
            DefaultValue::Is(default) => format!("give {words}; the default is {}", self.shape.toml(default)),
            DefaultValue::Unset { .. } => format!("give {words}, or leave it out"),
        }
    }
}

/// A struct of settings made by [`section!`].
pub(super) trait Section: Sized {
    const SETTINGS: &'static [Setting];

    /// The typed values.
    fn read(from: &Reader<'_>) -> Result<Self, Finding>;
}

/// The entries as one section sees them.
pub(super) struct Reader<'a> {
    entries: &'a Entries,
    /// Where to look, first hit wins.
    sections: &'a [&'a str],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(entries: &'a Entries, sections: &'a [&'a str]) -> Self {
        Self { entries, sections }
    }

    /// The value given, else the default. Values with a fault were reported when they came in and count as not given.
    pub(super) fn get<T: Field>(&self, setting: &Setting) -> Result<T, Finding> {
        let given = self.sections.iter().find_map(|section| self.entries.sound(section, setting.key));
        if let Some(entry) = given {
            return T::parse(&entry.raw, setting.range)
                .map_err(|problem| Finding::new(entry.place.clone(), problem, setting.remedy()));
        }
        let value = match setting.default {
            DefaultValue::Is(plain) => T::parse(&Raw::Plain(plain.to_owned()), setting.range),
            DefaultValue::Unset { .. } => T::absent().ok_or_else(|| "there is none".to_owned()),
        };
        value.map_err(|problem| Finding::new(Place::Default(setting.key), problem, setting.remedy()))
    }
}

/// Whether a raw value is a `T`.
pub(super) fn check<T: Field>(raw: &Raw, range: Range) -> Result<(), String> {
    T::parse(raw, range).map(drop)
}

/// Declares a struct and its keys: `[alias] /// doc, name: type = default, range;`.
macro_rules! section {
    (
        $(#[$meta:meta])*
        $visibility:vis $name:ident {
            $( $(#[doc = $doc:literal])+ $([$alias:literal])? $field:ident: $type:ty = $default:expr, $range:expr; )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        $visibility struct $name {
            $( $(#[doc = $doc])+ pub $field: $type, )+
        }

        impl $crate::config::declare::Section for $name {
            const SETTINGS: &'static [$crate::config::declare::Setting] =
                &[$( section!(@setting $field, $type, $default, $range, [$($doc),+], [$($alias)?]) ),+];

            fn read(from: &$crate::config::declare::Reader<'_>) -> Result<Self, $crate::config::Finding> {
                Ok(Self {
                    $( $field: from.get(
                        &section!(@setting $field, $type, $default, $range, [$($doc),+], [$($alias)?])
                    )?, )+
                })
            }
        }
    };
    (@setting $field:ident, $type:ty, $default:expr, $range:expr, [$($doc:literal),+], $alias:tt) => {
        $crate::config::declare::Setting {
            key: stringify!($field),
            doc: concat!($($doc),+).trim_ascii(),
            default: $default,
            range: $range,
            shape: <$type as $crate::config::values::Field>::SHAPE,
            alias: section!(@alias $alias),
            check: $crate::config::declare::check::<$type>,
        }
    };
    (@alias []) => { None };
    (@alias [$alias:literal]) => { Some($alias) };
}
pub(super) use section;
