//! The few names that every user needs: `use thermocline::prelude::*`.

pub use futures::TryStreamExt;

pub use crate::{
    Database, DatabaseExt, Error, ErrorKind, Filter, Order, Query, Record, RecordId, Result, Write,
    Written,
};
