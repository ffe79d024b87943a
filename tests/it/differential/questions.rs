//! Random questions: every operator, alone and nested, over the names and values that the records have.

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use thermocline::{
    Comparison, Filter, Instant, LikePattern, Number, Order, Path, Predicate, Query, RegexPattern,
    Root, Sort, Value,
};

use super::records::{Palette, time};

const PATTERNS: &[&str] = &[
    "", "%", "_", "a%", "%a", "%a%", "a_", "_b", "A%", "a\\%", "a\\_", "\\\\", "%\\\\%", "a*",
    "[a]", "?", "%'%", "%\n%", "é", "É%", "%😀%", "__", "k", "K", "2023%", "ß", "i%", "%\u{1}%",
];

const REGEXES: &[&str] = &[
    "",
    "a",
    "^a",
    "b$",
    "^a.b$",
    "(?s)^a.b$",
    "(?i)^AB",
    "[0-9]+",
    r"\d{4}-\d\d",
    "^$",
    r"\\",
    "é|É",
    "a|b",
    "(?i)k",
    r"\bb",
    "^[^a]*$",
    "%",
    "'",
];

pub(super) fn question(palette: &Palette) -> impl Strategy<Value = Query> + use<> {
    let sort = (path(palette), any::<bool>()).prop_map(|(path, descending)| Sort {
        path,
        order: if descending { Order::Desc } else { Order::Asc },
    });
    let shape = (
        vec(sort, 0..3),
        option::of(0..8_u64),
        prop_oneof![3 => Just(0), 1 => 0..6_u64],
    );
    let fields = option::weighted(0.2, vec(field(palette), 0..3));
    (filter(palette), shape, fields).prop_map(|(filter, (sort, limit, offset), fields)| Query {
        filter,
        sort,
        limit,
        offset,
        fields,
    })
}

fn filter(palette: &Palette) -> impl Strategy<Value = Filter> + use<> {
    let test = (path(palette), predicate(palette))
        .prop_map(|(path, predicate)| Filter::Test(path, predicate));
    let by_id = palette.id().prop_map(|id| Filter::id_is(&id));
    let leaf = prop_oneof![12 => test, 1 => by_id, 1 => Just(Filter::ALL)];
    leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Filter::And),
            vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(|filter| !filter),
        ]
    })
}

/// A path through the fields, mostly of one or two names.
fn field(palette: &Palette) -> impl Strategy<Value = Path> + use<> {
    vec(palette.name(), 1..3).prop_map(Path::field)
}

fn path(palette: &Palette) -> impl Strategy<Value = Path> + use<> {
    let few = palette.name().prop_map(|name| Path::field([name]));
    let root = select(&[Root::Id, Root::CreatedAt, Root::UpdatedAt][..]).prop_map(Path::of);
    let metadata = vec(palette.name(), 1..3).prop_map(Path::metadata);
    prop_oneof![5 => few, 5 => field(palette), 2 => root, 1 => metadata]
}

fn predicate(palette: &Palette) -> impl Strategy<Value = Predicate> + use<> {
    let (like, regex) = (select(PATTERNS), select(REGEXES));
    let flags = (any::<bool>(), any::<bool>());
    prop_oneof![
        6 => compare(palette),
        2 => between(palette),
        2 => (vec(value(palette), 0..4), any::<bool>()).prop_map(|(items, negated)| Predicate::In { items, negated }),
        2 => (like, flags).prop_map(|(text, (fold, negated))| Predicate::Like {
            pattern: if fold { LikePattern::ilike(text) } else { LikePattern::like(text) }.unwrap(),
            negated,
        }),
        1 => regex.prop_map(|text| Predicate::Regex(RegexPattern::new(text).unwrap())),
        1 => palette.string().prop_map(|text| Predicate::StartsWith(text.into())),
        1 => Just(Predicate::Exists),
        1 => Just(Predicate::NotExists),
    ]
}

fn compare(palette: &Palette) -> impl Strategy<Value = Predicate> + use<> {
    let equal = select(&[Comparison::Eq, Comparison::Ne][..]);
    let order = select(
        &[
            Comparison::Lt,
            Comparison::Le,
            Comparison::Gt,
            Comparison::Ge,
        ][..],
    );
    prop_oneof![
        (equal, value(palette)).prop_map(|(how, value)| Predicate::Compare(how, value)),
        (order, ordered(palette)).prop_map(|(how, value)| Predicate::Compare(how, value)),
    ]
}

fn between(palette: &Palette) -> impl Strategy<Value = Predicate> + use<> {
    let pair = |value: BoxedStrategy<Value>| (value.clone(), value);
    let bounds = prop_oneof![
        pair(numeric(palette).boxed()),
        pair(text(palette).boxed()),
        pair(instant().boxed()),
        pair(any::<bool>().prop_map(Value::Bool).boxed()),
    ];
    (bounds, any::<bool>()).prop_map(|((low, high), negated)| Predicate::Between {
        low,
        high,
        negated,
    })
}

/// An operand of `=`: any value but null.
fn value(palette: &Palette) -> impl Strategy<Value = Value> + use<> {
    let deep = palette
        .json(2)
        .prop_filter_map("null is no operand", |text| {
            Value::from_json(&text).unwrap()
        });
    prop_oneof![5 => ordered(palette), 1 => deep]
}

/// An operand that has an order.
fn ordered(palette: &Palette) -> impl Strategy<Value = Value> + use<> {
    prop_oneof![
        4 => numeric(palette),
        4 => text(palette),
        1 => any::<bool>().prop_map(Value::Bool),
        2 => instant(),
    ]
}

fn numeric(palette: &Palette) -> impl Strategy<Value = Value> + use<> {
    palette
        .number()
        .prop_map(|text| Value::Number(Number::new(&text).unwrap()))
}

fn text(palette: &Palette) -> impl Strategy<Value = Value> + use<> {
    prop_oneof![4 => palette.string(), 1 => time().prop_map(|time| format!("{time:.6}"))]
        .prop_map(|text| Value::String(text.into()))
}

/// A time near those of the records, or far from now in either direction.
fn instant() -> impl Strategy<Value = Value> {
    let fixed = select(
        &[
            "0001-01-01T00:00:00Z",
            "2022-12-31T23:59:59.999999999Z",
            "2023-01-01T00:00:00Z",
            "2023-01-01T00:00:00.000001Z",
            "2023-01-02T23:59:00Z",
            "2023-07-01T00:00:00Z",
            "9999-12-30T00:00:00Z",
        ][..],
    );
    let fixed = fixed.prop_map(|text| text.parse::<Timestamp>().unwrap());
    let at = prop_oneof![fixed, time()].prop_map(Instant::At);
    let day = 86_400_000_i64;
    let now = select(vec![0, -30 * day, 9_000 * day, -9_000 * day, 1]).prop_map(Instant::Now);
    prop_oneof![4 => at, 1 => now].prop_map(Value::Instant)
}
