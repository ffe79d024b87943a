//! Random records: few names and few values, so that questions meet them, in many spellings.

use std::sync::Arc;

use jiff::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use thermocline::Record;

/// Names of fields; some need quotes, escapes or care in somebody's path syntax.
const NAMES: &[&str] = &[
    "a",
    "b",
    "c",
    "A",
    "a.b",
    "x y",
    "",
    "é",
    "id",
    "metadata",
    "fields",
    "$",
    "$.a",
    "a[0]",
    "0",
    "\"",
    "\\",
    "'",
    "%",
    "a\u{1}",
    "😀",
    "created_at",
    "data",
    "select",
];

/// Numbers: zeros, neighbours, twins in another spelling, and what floats and 64 bits do not tell apart.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "0.0",
    "0e5",
    "1",
    "1.0",
    "10e-1",
    "1.00000000000000000001",
    "-1",
    "2",
    "10",
    "0.1",
    "0.10",
    "0.1000000000000000055511151231257827",
    "0.3",
    "0.30000000000000004",
    "1e22",
    "1e23",
    "99999999999999991611392",
    "9007199254740991",
    "9007199254740992",
    "9007199254740993",
    "9007199254740992.5",
    "-9007199254740993",
    "9223372036854775806",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "1180591620717411303424",
    "1180591620717411303425",
    "1e308",
    "1.7976931348623157e308",
    "-1e308",
    "5e-324",
    "1e-300",
    "123456789.123456789",
];

/// Strings: empty, cases, wildcards, quotes, escapes, look-alikes of other types, dates, and code points in odd order.
const STRINGS: &[&str] = &[
    "",
    " ",
    "a",
    "A",
    "ab",
    "aB",
    "AB",
    "abc",
    "a b",
    "b",
    "é",
    "É",
    "e\u{301}",
    "ß",
    "ss",
    "ı",
    "K",
    "\u{212a}",
    "k",
    "%",
    "_",
    "a%",
    "a_",
    "a\\b",
    "\\",
    "\\\\",
    "*",
    "a*",
    "?",
    "[a]",
    "[^a]",
    "'",
    "''",
    "\"",
    "a'b",
    "a\nb",
    "a\r\nb",
    "\t",
    "\u{1}",
    "\u{7f}",
    "\u{85}",
    "\u{feff}",
    "\u{ff61}",
    "\u{fffd}",
    "\u{ffff}",
    "😀",
    "a😀b",
    "\u{10ffff}",
    "1",
    "1.0",
    "0",
    "-1",
    "true",
    "false",
    "null",
    "{}",
    "[]",
    "NaN",
    "2023-01-01",
    "2023-01-01T00:00:00Z",
    "2023-01-01T00:00:00.000001Z",
    "2023-01-01T02:00:00+02:00",
    "2022-12-31T23:59:59.999999999Z",
    "2023-01-01 00:00:00",
    "2023-01-02T00:00:00-23:59",
    "2023-02-30",
    "2023-1-1",
    "0001-01-01",
    "9999-12-31T23:59:59Z",
    "20230101",
    "2023-01-01T24:00:00Z",
    "2023-06-30T23:59:60Z",
];

/// The few names and values that one comparison is about: neighbours in the lists above, so that they meet.
#[derive(Clone, Debug)]
pub(super) struct Palette {
    names: Vec<&'static str>,
    numbers: Vec<&'static str>,
    strings: Vec<&'static str>,
}

pub(super) fn palette() -> impl Strategy<Value = Palette> {
    let some = |all: &'static [&'static str], most: usize| {
        (0..all.len(), 2..most).prop_map(move |(from, count)| {
            let chosen = all.iter().cycle().skip(from).take(count);
            chosen.copied().collect::<Vec<_>>()
        })
    };
    (some(NAMES, 4), some(NUMBERS, 6), some(STRINGS, 8)).prop_map(|(names, numbers, strings)| {
        Palette {
            names,
            numbers,
            strings,
        }
    })
}

impl Palette {
    /// A name of the palette, rarely another one.
    pub(super) fn name(&self) -> BoxedStrategy<&'static str> {
        prop_oneof![9 => select(self.names.clone()), 1 => select(NAMES)].boxed()
    }

    pub(super) fn number(&self) -> BoxedStrategy<String> {
        let mine = select(self.numbers.clone()).prop_map(str::to_owned);
        prop_oneof![9 => mine, 1 => number()].boxed()
    }

    pub(super) fn string(&self) -> BoxedStrategy<String> {
        let mine = select(self.strings.clone()).prop_map(str::to_owned);
        prop_oneof![9 => mine, 1 => string()].boxed()
    }

    /// An id that is made of a string of the palette, where one may be.
    pub(super) fn id(&self) -> BoxedStrategy<String> {
        prop_oneof![2 => "[a-f]{1,2}", 1 => self.string().prop_map(|text| {
            let id: String = text.chars().filter(|c| !c.is_control()).collect();
            if id.is_empty() { "-".to_owned() } else { id }
        })]
        .boxed()
    }

    /// JSON text of any value.
    pub(super) fn json(&self, depth: u32) -> BoxedStrategy<String> {
        let palette = self.clone();
        let scalar = prop_oneof![
            2 => select(&["null", "true", "false"][..]).prop_map(str::to_owned),
            3 => self.number(),
            4 => spelled(self.string()),
        ];
        let nested = scalar.prop_recursive(depth, 12, 3, move |inner| {
            let array =
                vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(", ")));
            prop_oneof![1 => array, 2 => palette.object_of(inner)]
        });
        nested.boxed()
    }

    /// An object with names that are each there once, however they are spelled.
    fn object_of(&self, value: BoxedStrategy<String>) -> BoxedStrategy<String> {
        let entry = (any::<bool>(), value);
        let entries = btree_map(self.name(), entry, 0..5).prop_map(|entries| {
            let text = |(name, (escaped, value)): (&str, (bool, String))| {
                format!("{}:{value}", quoted(name, escaped))
            };
            entries.into_iter().map(text).collect::<Vec<_>>()
        });
        let object = |entries: Vec<String>| format!("{{{}}}", entries.join(","));
        entries.prop_shuffle().prop_map(object).boxed()
    }

    /// Some records, each id once.
    pub(super) fn samples(&self) -> BoxedStrategy<Vec<Sample>> {
        let object = |depth| self.object_of(self.json(depth));
        let content = (object(2), object(1), option::of(time()), option::of(time()));
        let samples = btree_map(self.id(), content, 2..24).prop_map(|samples| {
            let sample = |(id, (fields, metadata, created_at, updated_at))| Sample {
                id,
                fields,
                metadata,
                created_at,
                updated_at,
            };
            samples.into_iter().map(sample).collect()
        });
        samples.boxed()
    }
}

/// A record before it is one.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    id: String,
    fields: String,
    metadata: String,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
}

impl Sample {
    pub(super) fn record(&self) -> Arc<Record> {
        let record = Record::from_json(self.id.as_str(), &self.fields).unwrap();
        let record = record.with_metadata_json(&self.metadata).unwrap();
        Arc::new(record.with_times(self.created_at, self.updated_at))
    }
}

pub(super) fn time() -> impl Strategy<Value = Timestamp> {
    let exact = select(
        &[
            "2022-12-31T23:59:59.999999Z",
            "2023-01-01T00:00:00Z",
            "2023-01-01T00:00:00.000001Z",
        ][..],
    );
    let exact = exact.prop_map(|text| text.parse().unwrap());
    let any = (1_600_000_000_i64..1_700_000_000)
        .prop_map(|second| Timestamp::from_second(second).unwrap());
    prop_oneof![exact, any]
}

fn number() -> impl Strategy<Value = String> {
    let float = (-1e6..1e6).prop_map(|number: f64| number.to_string());
    prop_oneof![
        4 => select(NUMBERS).prop_map(str::to_owned),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => float,
    ]
}

fn string() -> impl Strategy<Value = String> {
    let any = vec(any::<char>().prop_filter("no NUL", |c| *c != '\0'), 0..4);
    prop_oneof![
        6 => select(STRINGS).prop_map(str::to_owned),
        1 => any.prop_map(|chars| chars.into_iter().collect()),
    ]
}

/// A string in quotes, now plain, now with escapes that need not be.
fn spelled(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (text, any::<bool>()).prop_map(|(text, escaped)| quoted(&text, escaped))
}

fn quoted(text: &str, escaped: bool) -> String {
    if !escaped {
        return serde_json::to_string(text).unwrap();
    }
    let mut units = [0; 2];
    let mut out = String::from('"');
    for c in text.chars() {
        for unit in c.encode_utf16(&mut units) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out + "\""
}
