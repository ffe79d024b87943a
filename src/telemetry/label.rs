//! What tells the series of one metric apart.

/// A label, and the values that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Its values; empty where they are names from the configuration.
    pub values: &'static [&'static str],
}

impl Label {
    pub(super) const fn of(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values }
    }
}

/// The collection's name.
pub(super) const COLLECTION: Label = Label::of("collection", &[]);
/// The policy's name.
#[cfg(feature = "archive")]
pub(super) const POLICY: Label = Label::of("policy", &[]);

/// Declares the values of a label: an enum, with the text of each value.
macro_rules! label {
    (
        $(#[$about:meta])*
        $name:ident as $label:literal {
            $($(#[$value_about:meta])* $value:ident = $text:literal,)+
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name {
            $($(#[$value_about])* $value,)+
        }

        impl $name {
            pub(super) const LABEL: $crate::telemetry::Label =
                $crate::telemetry::Label::of($label, &[$($text),+]);

            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)+
                }
            }
        }
    };
}

pub(super) use label;
