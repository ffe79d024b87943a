//! What is said of a text that is none, and where.

use super::*;

#[test]
fn a_mistake_is_drawn_with_its_place() {
    let error = Filter::parse("status in ('closed', )", "orders-after-90d, where").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let drawing = "\
expected a value, found `)`
  --> orders-after-90d, where, line 1, column 22
 1 | status in ('closed', )
   |                      ^ a list looks like ('a', 'b')";
    assert_eq!(error.to_string(), drawing);

    let text = "a exists\n".repeat(0) + "a = 1\nand\n\n\n\n\n\n\n\nand\t\u{fc} \u{3c}\u{3c} 5";
    let drawing = "\
expected a path, found `and`
   --> filter, line 10, column 1
 10 | and \u{fc} << 5
    | ^ a field of this name stands in double quotes: \"and\"";
    assert_eq!(text.parse::<Filter>().unwrap_err().to_string(), drawing);

    let long = format!(
        "{} or \u{fc} =! 'y' or {}",
        "a = 1 or ".repeat(50) + "b = 2",
        "c = 3 or ".repeat(50)
    );
    let error = long.parse::<Filter>().unwrap_err().to_string();
    let lines: Vec<&str> = error.lines().collect();
    let caret = lines[3].chars().position(|c| c == '^').unwrap();
    assert_eq!(lines[2].chars().nth(caret), Some('!'), "{error}");
    assert!(lines[2].chars().count() < 120, "{error}");
}

#[test]
fn limits_hold() {
    let nested = |depth: usize| format!("{}a = 1{}", "(".repeat(depth), ")".repeat(depth));
    parse(&nested(64));
    for text in [nested(65), nested(30_000), "not ".repeat(65) + "a = 1"] {
        let error = text.parse::<Filter>().unwrap_err().to_string();
        assert!(
            error.contains("at most 64 deep") && error.contains("column"),
            "{error}"
        );
    }
    parse(&("not ".repeat(64) + "a = 1"));

    let list = |count: usize| format!("a in ({}0)", "0,".repeat(count - 1));
    parse(&list(10_000));
    let error = list(10_001).parse::<Filter>().unwrap_err().to_string();
    assert!(error.contains("10,000 elements"), "{error}");

    let long = |bytes: usize| format!("a = '{}'", "x".repeat(bytes - 6));
    parse(&long(64 << 10));
    let error = long((64 << 10) + 1)
        .parse::<Filter>()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("64 KiB") && error.contains("65537"),
        "{error}"
    );
}
