//! What a text means.

use super::*;

#[test]
fn comparisons() {
    for (text, filter) in [
        ("x = 1", compare(Eq, 1)),
        ("x==1", compare(Eq, 1)),
        ("  x\n!=\t'a' ", compare(Ne, "a")),
        ("x <> true", compare(Ne, true)),
        ("x < -1.5e3", compare(Lt, Number::new("-1500").unwrap())),
        ("x <= FALSE", compare(Le, false)),
        ("x > 'it''s'", compare(Gt, "it's")),
        ("x >= ''", compare(Ge, "")),
        (
            "x = json '[1, \"a\"]'",
            compare(Eq, Value::Json("[1, \"a\"]".into())),
        ),
        ("x = json '1'", compare(Eq, 1)),
        ("x = JSON'\"a\"'", compare(Eq, "a")),
    ] {
        assert_eq!(parse(text), filter, "{text}");
    }
    let Filter::Test(_, Predicate::Compare(_, Value::Number(big))) =
        parse("x = 1180591620717411303424")
    else {
        panic!("no number");
    };
    assert_eq!(big.as_str(), "1180591620717411303424");
}

#[test]
fn other_operators() {
    let list = |items: &[&str], negated| {
        let items = items.iter().map(|item| Value::from(*item)).collect();
        test(Predicate::In { items, negated })
    };
    let like = |pattern, negated| test(Predicate::Like { pattern, negated });
    for (text, filter) in [
        ("x in ('a', 'b')", list(&["a", "b"], false)),
        ("x IN()", list(&[], false)),
        ("x not in ( 'a' )", list(&["a"], true)),
        ("x not_in ('a')", list(&["a"], true)),
        ("x like 'a%'", like(LikePattern::like("a%").unwrap(), false)),
        (
            "x not like 'a%'",
            like(LikePattern::like("a%").unwrap(), true),
        ),
        (
            "x Not_ILike 'a%'",
            like(LikePattern::ilike("a%").unwrap(), true),
        ),
        (
            "x regex '^a'",
            test(Predicate::Regex(RegexPattern::new("^a").unwrap())),
        ),
        (
            "x starts_with 'a_'",
            test(Predicate::StartsWith("a_".into())),
        ),
        (
            "x between 1 and 2",
            test(Predicate::Between {
                low: 1.into(),
                high: 2.into(),
                negated: false,
            }),
        ),
        (
            "x not between 'a' and 'b'",
            test(Predicate::Between {
                low: "a".into(),
                high: "b".into(),
                negated: true,
            }),
        ),
        ("x exists", test(Predicate::Exists)),
        ("x not exists", test(Predicate::NotExists)),
        ("x is null", test(Predicate::NotExists)),
        ("x IS NOT NULL", test(Predicate::Exists)),
    ] {
        assert_eq!(parse(text), filter, "{text}");
    }
}

#[test]
fn points_in_time() {
    let at = |text: &str| Instant::At(text.parse().unwrap());
    const DAY: i64 = 86_400_000;
    for (text, instant) in [
        ("now()", Instant::Now(0)),
        ("NOW ( ) - 90d", Instant::Now(-90 * DAY)),
        (
            "now() -1w+ 2d - 3h + 4m - 5s + 6ms",
            Instant::Now(-5 * DAY - 3 * 3_600_000 + 240_000 - 5_000 + 6),
        ),
        ("date '2024-02-29'", at("2024-02-29T00:00:00Z")),
        ("date '2024-02-29' + 1d", at("2024-03-01T00:00:00Z")),
        (
            "timestamp '2024-01-01T01:00:00+02:00'",
            at("2023-12-31T23:00:00Z"),
        ),
        (
            "timestamp '2024-01-01 01:00' - 1h",
            at("2024-01-01T00:00:00Z"),
        ),
    ] {
        assert_eq!(
            parse(&format!("x < {text}")),
            compare(Lt, instant),
            "{text}"
        );
    }
    // Names of fields, where no value can stand.
    for name in ["date", "timestamp", "json", "now", "interval"] {
        let filter = parse(&format!("{name} = '2024'"));
        assert_eq!(
            filter,
            Filter::Test(Path::field([name]), Predicate::Compare(Eq, "2024".into()))
        );
    }
}

#[test]
fn trees_keep_their_shape() {
    let [a, b, c] =
        ["a", "b", "c"].map(|name| Filter::Test(Path::field([name]), Predicate::Exists));
    let and = |parts: &[&Filter]| Filter::And(parts.iter().copied().cloned().collect());
    let or = |parts: &[&Filter]| Filter::Or(parts.iter().copied().cloned().collect());
    for (text, filter) in [
        ("", Filter::ALL),
        ("  \n", Filter::ALL),
        ("a exists and b exists and c exists", and(&[&a, &b, &c])),
        (
            "a exists AND b exists Or c exists",
            or(&[&and(&[&a, &b]), &c]),
        ),
        (
            "a exists or b exists and c exists",
            or(&[&a, &and(&[&b, &c])]),
        ),
        (
            "(a exists or b exists)and c exists",
            and(&[&or(&[&a, &b]), &c]),
        ),
        (
            "(a exists and b exists) and c exists",
            and(&[&and(&[&a, &b]), &c]),
        ),
        ("((a exists))", a.clone()),
        ("not a exists and b exists", and(&[&!a.clone(), &b])),
        ("not (a exists and b exists)", !and(&[&a, &b])),
        ("not not a exists", !!a.clone()),
        (
            "a not exists or not(a exists)",
            or(&[
                &Filter::Test(Path::field(["a"]), Predicate::NotExists),
                &!a.clone(),
            ]),
        ),
    ] {
        assert_eq!(parse(text), filter, "{text}");
    }
}

#[test]
fn paths() {
    for (text, path) in [
        ("a", Path::field(["a"])),
        (" a.b_1.\u{fc}ber ", Path::field(["a", "b_1", "\u{fc}ber"])),
        ("\"a.b\".\"x y\"", Path::field(["a.b", "x y"])),
        ("\"say \"\"hi\"\"\"", Path::field(["say \"hi\""])),
        ("\"not\"", Path::field(["not"])),
        ("a.not", Path::field(["a", "not"])),
        ("id", Path::of(Root::Id)),
        ("id.x", Path::field(["id", "x"])),
        ("fields.id", Path::field(["id"])),
        ("metadata", Path::field(["metadata"])),
        ("metadata.x.y", Path::metadata(["x", "y"])),
        ("fields.metadata.x", Path::field(["metadata", "x"])),
        ("fields", Path::field(["fields"])),
        ("created_at", Path::field(["created_at"])),
        ("@created_at", Path::of(Root::CreatedAt)),
        ("@updated_at", Path::of(Root::UpdatedAt)),
    ] {
        assert_eq!(text.parse::<Path>().unwrap(), path, "{text}");
        assert_eq!(path.to_string().parse::<Path>().unwrap(), path, "{path}");
    }
    for text in [
        "",
        "a b",
        "a.",
        ".a",
        "a..b",
        "not",
        "1a",
        "'a'",
        "@created",
        "@created_at.x",
        "\"a",
        "a = 1",
        "a-b",
    ] {
        let error = text.parse::<Path>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(
            error.to_string().contains(" --> path, line 1, column "),
            "{error}"
        );
    }
}
