//! The text syntax: what it means, what its errors say, and that it reads back.

mod meaning;
mod mistakes;
mod printing;
mod slips;

use proptest::prelude::*;

use super::*;
use crate::query::arbitrary_tests as arbitrary;
use crate::{
    Comparison, ErrorKind, Instant, LikePattern, Number, Predicate, RegexPattern, Root, Value,
};

fn parse(text: &str) -> Filter {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn test(predicate: Predicate) -> Filter {
    Filter::Test(Path::field(["x"]), predicate)
}

fn compare(comparison: Comparison, value: impl Into<Value>) -> Filter {
    test(Predicate::Compare(comparison, value.into()))
}

use Comparison::{Eq, Ge, Gt, Le, Lt, Ne};
