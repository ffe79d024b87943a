//! Queries as JSON: the form that the Python package `dataknobs-data` writes, and instants.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::instant::parse_time;
use super::text::from_now;
use super::{
    Comparison, Filter, Instant, LikePattern, Order, Path, Predicate, Query, RegexPattern, Sort,
    Value,
};
use crate::json::{self, Entries, Items, Json};
use crate::{Error, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueryForm<'a> {
    #[serde(borrow, default)]
    filters: Option<Vec<TestForm<'a>>>,
    #[serde(borrow, default)]
    condition: Option<ConditionForm<'a>>,
    #[serde(default)]
    sort: Option<Vec<SortForm>>,
    #[serde(default)]
    limit: Option<i64>,
    #[serde(default)]
    offset: Option<i64>,
    #[serde(default)]
    fields: Option<Vec<String>>,
    #[serde(borrow, default)]
    vector_query: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionForm<'a> {
    r#type: String,
    #[serde(borrow, default)]
    filter: Option<TestForm<'a>>,
    #[serde(default)]
    operator: Option<String>,
    #[serde(borrow, default)]
    conditions: Option<Vec<Self>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestForm<'a> {
    field: String,
    operator: String,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SortForm {
    field: String,
    #[serde(default)]
    order: Option<String>,
}

impl Query {
    /// Reads a query's JSON form, as Python's `to_dict` writes it.
    ///
    /// `{"filters": [{"field", "operator", "value"}], "sort": [{"field", "order"}], "limit", "offset", "fields"}`, or a
    /// tree under `"condition"` in the place of `"filters"`; the operators are those of the text, with `_` for spaces.
    /// `{"$now": "-90d"}` and `{"$timestamp": ".."}` are points in time. Names are cut at their dots; one with odd
    /// characters stands in double quotes.
    ///
    /// # Errors
    /// `Invalid`: not JSON, or a key, an operator or a value that has no meaning; `Unsupported`: a vector query.
    pub fn from_json(text: &str) -> Result<Self> {
        json::validate_object(text)?;
        let form: QueryForm<'_> = serde_json::from_str(text).map_err(|error| {
            Error::invalid("this is no query in its JSON form").with("problem", error)
        })?;
        if form.vector_query.is_some() {
            return Err(
                Error::unsupported("vector search is not built").with("key", "vector_query")
            );
        }
        let filter = match (form.filters, form.condition) {
            (Some(tests), Some(_)) if !tests.is_empty() => {
                return Err(Error::invalid(
                    "a query has `filters` or a `condition`, not both",
                ));
            }
            (_, Some(condition)) => condition.filter()?,
            (tests, None) => Filter::And(all(tests.unwrap_or_default(), |test| test.filter())?),
        };
        let count = |key, number: Option<i64>| match number.map(u64::try_from) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err(Error::invalid("a limit and an offset are not negative")
                .with("key", key)
                .with("value", number.unwrap_or_default())),
        };
        Ok(Self {
            filter,
            sort: all(form.sort.unwrap_or_default(), |sort| sort.sort())?,
            limit: count("limit", form.limit)?,
            offset: count("offset", form.offset)?.unwrap_or(0),
            fields: form
                .fields
                .map(|names| all(names, |name| path(&name)))
                .transpose()?,
        })
    }
}

fn all<T, U>(forms: Vec<T>, read: impl Fn(T) -> Result<U>) -> Result<Vec<U>> {
    forms.into_iter().map(read).collect()
}

impl ConditionForm<'_> {
    fn filter(self) -> Result<Filter> {
        match (self.r#type.as_str(), self.filter, self.operator, self.conditions) {
            ("filter", Some(test), None, None) => test.filter(),
            ("logic", None, Some(operator), conditions) => {
                let mut parts = all(conditions.unwrap_or_default(), Self::filter)?;
                match operator.as_str() {
                    "and" => Ok(Filter::And(parts)),
                    "or" => Ok(Filter::Or(parts)),
                    // Of several: none of them.
                    "not" if parts.len() == 1 => Ok(!parts.remove(0)),
                    "not" => Ok(!Filter::Or(parts)),
                    _ => Err(Error::invalid("conditions are joined by `and`, `or` or `not`")
                        .with("operator", operator)),
                }
            }
            (kind, ..) => Err(Error::invalid(
                "a condition is {\"type\": \"filter\", \"filter\"} or {\"type\": \"logic\", \"operator\", \"conditions\"}",
            )
            .with("type", kind)),
        }
    }
}

impl TestForm<'_> {
    fn filter(self) -> Result<Filter> {
        let predicate = self.predicate().map_err(|error| {
            error
                .with("field", &self.field)
                .with("operator", &self.operator)
        })?;
        Ok(Filter::Test(path(&self.field)?, predicate))
    }

    fn predicate(&self) -> Result<Predicate> {
        let raw = self.value.map_or("null", RawValue::get);
        let (negated, positive) = match self.operator.strip_prefix("not_") {
            Some(positive) => (true, positive),
            None => (false, self.operator.as_str()),
        };
        let compare = |comparison| Ok(Predicate::Compare(comparison, operand(raw)?));
        match (positive, negated) {
            ("=" | "==", false) => compare(Comparison::Eq),
            ("!=" | "<>", false) => compare(Comparison::Ne),
            ("<", false) => compare(Comparison::Lt),
            ("<=", false) => compare(Comparison::Le),
            (">", false) => compare(Comparison::Gt),
            (">=", false) => compare(Comparison::Ge),
            ("in", _) => Ok(Predicate::In {
                items: list(raw)?
                    .filter_map(|item| value(item).transpose())
                    .collect::<Result<_>>()?,
                negated,
            }),
            ("between", _) => {
                let bounds: Vec<&str> = list(raw)?.collect();
                let [low, high] = bounds[..] else {
                    return Err(Error::invalid("`between` has two bounds: [low, high]"));
                };
                let (low, high) = (operand(low)?, operand(high)?);
                Value::check_bounds(&low, &high)?;
                Ok(Predicate::Between { low, high, negated })
            }
            ("like", _) => Ok(Predicate::Like {
                pattern: LikePattern::like(&string(raw)?)?,
                negated,
            }),
            ("ilike", _) => Ok(Predicate::Like {
                pattern: LikePattern::ilike(&string(raw)?)?,
                negated,
            }),
            ("regex", false) => Ok(Predicate::Regex(RegexPattern::new(&string(raw)?)?)),
            ("starts_with", false) => Ok(Predicate::StartsWith(string(raw)?.into())),
            ("exists", _) if raw != "null" => Err(Error::invalid("`exists` takes no value")),
            ("exists", false) => Ok(Predicate::Exists),
            ("exists", true) => Ok(Predicate::NotExists),
            _ => Err(Error::invalid(
                "no such operator; there are = != < <= > >= in between like ilike regex starts_with exists, and with not_ \
                 in front in between like ilike exists",
            )),
        }
    }
}

impl SortForm {
    fn sort(self) -> Result<Sort> {
        let order = match self.order.as_deref() {
            None | Some("asc") => Order::Asc,
            Some("desc") => Order::Desc,
            Some(other) => {
                return Err(Error::invalid("an order is `asc` or `desc`")
                    .with("field", &self.field)
                    .with("order", other));
            }
        };
        Ok(Sort {
            path: path(&self.field)?,
            order,
        })
    }
}

/// A path cut at its dots, however its names are spelled; with quotes it is read as in a filter's text.
fn path(text: &str) -> Result<Path> {
    if text.starts_with('@') || text.contains('"') {
        return text.parse();
    }
    let names: Vec<Box<str>> = text.split('.').map(Into::into).collect();
    if names.iter().any(|name| name.is_empty()) {
        return Err(
            Error::invalid("a field has a name, and so has every part of a path")
                .with("field", format_args!("{text:?}")),
        );
    }
    Ok(Path::from_names(names))
}

/// A value that is not null.
fn operand(raw: &str) -> Result<Value> {
    value(raw)?.ok_or_else(|| {
        Error::invalid("nothing equals null; use the operator `exists` or `not_exists`")
    })
}

/// A value, or a point in time behind `$now` or `$timestamp`; none for null.
fn value(raw: &str) -> Result<Option<Value>> {
    let mut entries = Entries::of(raw);
    if let (Some((key, inner)), None) = (entries.next(), entries.next())
        && key.decode().starts_with('$')
    {
        let text = string(inner)?;
        let instant = match key.decode().as_ref() {
            "$now" => from_now(&text),
            "$timestamp" => parse_time(&text).map(|time| Instant::At(time).into()),
            _ => None,
        };
        let instant = instant.ok_or_else(|| {
            Error::invalid("a point in time is {\"$now\": \"-90d\"} or {\"$timestamp\": \"2024-01-31T08:00:00Z\"}")
                .with("value", raw)
        })?;
        return Ok(Some(instant));
    }
    Value::from_json(raw)
}

fn list(raw: &str) -> Result<Items<'_>> {
    match Json::view(raw) {
        Json::Array(items) => Ok(Items::of(items)),
        _ => Err(Error::invalid("this operator takes a list").with("value", raw)),
    }
}

fn string(raw: &str) -> Result<String> {
    match Json::view(raw) {
        Json::String(text) => Ok(text.into_owned()),
        _ => Err(Error::invalid("a string was expected").with("value", raw)),
    }
}

#[cfg(test)]
mod tests;
