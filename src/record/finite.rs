//! Finds NaN and infinities in Rust values: `serde_json` would write them as null, silently.

use std::fmt::{self, Display};

use serde::ser::{self, Serialize, Serializer};

/// The first float in `value` that JSON has no number for.
pub(super) fn not_finite(value: &impl Serialize) -> Option<f64> {
    match value.serialize(Search) {
        Err(Stop::NotFinite(found)) => Some(found),
        // Other errors are not asked about here: serde_json has serialized the value already.
        _ => None,
    }
}

/// Goes through a value and keeps nothing of it.
#[derive(Clone, Copy)]
struct Search;

#[derive(Debug)]
enum Stop {
    NotFinite(f64),
    Other,
}

impl Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFinite(_) => "a float that is not finite",
            Self::Other => "the value's own error",
        })
    }
}

impl std::error::Error for Stop {}

impl ser::Error for Stop {
    fn custom<T: Display>(_message: T) -> Self {
        Self::Other
    }
}

type Found = Result<(), Stop>;

/// Methods for values that hold no float.
macro_rules! harmless {
    ($($method:ident($($argument:ty),*);)*) => {
        $(fn $method(self, $(_: $argument),*) -> Found { Ok(()) })*
    };
}

/// Methods that begin a value of several parts.
macro_rules! parts {
    ($($method:ident($($argument:ty),*) -> $part:ident;)*) => {
        $(
            type $part = Self;
            fn $method(self, $(_: $argument),*) -> Result<Self, Stop> { Ok(self) }
        )*
    };
}

impl Serializer for Search {
    type Ok = ();
    type Error = Stop;

    fn serialize_f32(self, value: f32) -> Found {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Found {
        if value.is_finite() {
            Ok(())
        } else {
            Err(Stop::NotFinite(value))
        }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Found {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Found {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Found {
        value.serialize(self)
    }

    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Found {
        Ok(())
    }

    harmless! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    parts! {
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_map(Option<usize>) -> SerializeMap;
        serialize_struct(&'static str, usize) -> SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant;
    }
}

/// The parts of a value: each is searched.
macro_rules! search_parts {
    ($($part:ident: $($method:ident($($name:ty)?)),*;)*) => {
        $(impl ser::$part for Search {
            type Ok = ();
            type Error = Stop;
            $(fn $method<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> Found {
                value.serialize(*self)
            })*
            fn end(self) -> Found { Ok(()) }
        })*
    };
}

search_parts! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeMap: serialize_key(), serialize_value();
    SerializeStruct: serialize_field(&'static str);
    SerializeStructVariant: serialize_field(&'static str);
}
