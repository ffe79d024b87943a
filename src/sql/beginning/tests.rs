use super::*;

fn times(text: &str) -> Option<[String; 2]> {
    beginning(text).map(|times| times.map(|time| time.to_string()))
}

#[test]
fn a_text_begins_with_a_second_or_a_day() {
    let second = Some(["2024-02-29T23:59:59Z".into(), "2024-03-01T00:00:00Z".into()]);
    for text in [
        "2024-02-29T23:59:59",
        "2024-02-29T23:59:59.5Z",
        "2024-02-29T23:59:59+02:00",
    ] {
        assert_eq!(times(text), second, "{text}");
    }
    let day = Some(["2024-02-29T00:00:00Z".into(), "2024-03-01T00:00:00Z".into()]);
    for text in [
        "2024-02-29",
        "2024-02-29 23:59:59",
        "2024-02-29T23:59",
        "2024-02-29T23:59:60Z",
        "2024-02-29é",
    ] {
        assert_eq!(times(text), day, "{text}");
    }
}

#[test]
fn other_texts_begin_with_none() {
    for text in [
        "",
        "2024",
        "2024-02-30",
        "2024-2-01T00:00:00",
        "0000-12-31",
        "9999-12-31",
        "now",
        "20240229T0000",
        "é024-02-29",
    ] {
        assert_eq!(times(text), None, "{text}");
    }
}

#[test]
fn bounds_hold_every_time_whose_text_compares_so() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let (start, end) = (at("2024-02-29T00:00:00Z"), at("2024-03-01T00:00:00Z"));
    for (comparison, expected) in [
        (Comparison::Eq, (Some(start), Some(end))),
        (Comparison::Ne, (None, None)),
        (Comparison::Lt, (None, Some(end))),
        (Comparison::Le, (None, Some(end))),
        (Comparison::Gt, (Some(start), None)),
        (Comparison::Ge, (Some(start), None)),
    ] {
        assert_eq!(bounds(comparison, "2024-02-29"), expected, "{comparison:?}");
        assert_eq!(bounds(comparison, "2024"), (None, None));
    }
}
