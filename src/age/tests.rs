//! Ages in their three forms, and what is none.

use super::*;

fn record(fields: &str) -> Record {
    Record::from_json("r", fields).unwrap()
}

fn at(text: &str) -> AgeAt<'static> {
    AgeAt::At(text.parse().unwrap())
}

fn of(form: AgeForm, value: &str) -> AgeAt<'static> {
    let record = record(&format!(r#"{{"a":{{"t":{value}}}}}"#));
    match Age::with_form("a.t", form).unwrap().of(&record) {
        AgeAt::At(time) => AgeAt::At(time),
        AgeAt::Absent => AgeAt::Absent,
        AgeAt::Unreadable(text) => AgeAt::Unreadable(text.into_owned().into()),
    }
}

#[test]
fn text_is_iso_8601() {
    let text = |value: &str| of(AgeForm::Text, value);
    assert_eq!(
        text(r#""2013-01-01T10:00:00Z""#),
        at("2013-01-01T10:00:00Z")
    );
    assert_eq!(text(r#""2013-01-01""#), at("2013-01-01T00:00:00Z"));
    assert_eq!(
        text(r#""2013-01-01 10:00:00+02:00""#),
        at("2013-01-01T08:00:00Z")
    );
    assert_eq!(
        text(r#""2013-01-01T10:00:00.1234567Z""#),
        at("2013-01-01T10:00:00.123456Z")
    );
    assert_eq!(text(r#""\u0032013-01-01""#), at("2013-01-01T00:00:00Z"));
    for unreadable in [
        "infinity",
        "-infinity",
        "",
        "yesterday",
        "0000-01-01",
        "10000-01-01",
        "2013-02-30",
        "1357034400",
    ] {
        assert_eq!(
            text(&format!("\"{unreadable}\"")),
            AgeAt::Unreadable(unreadable.into())
        );
    }
    for other in ["1357034400", "true", "[1]", "{\"t\":1}"] {
        assert_eq!(text(other), AgeAt::Unreadable(other.into()));
    }
}

#[test]
fn numbers_count_from_1970() {
    let seconds = |value: &str| of(AgeForm::Seconds, value);
    assert_eq!(seconds("0"), at("1970-01-01T00:00:00Z"));
    assert_eq!(seconds("1357034400"), at("2013-01-01T10:00:00Z"));
    assert_eq!(
        seconds("1357034400.1234569"),
        at("2013-01-01T10:00:00.123456Z")
    );
    assert_eq!(seconds("1.3570344e9"), at("2013-01-01T10:00:00Z"));
    assert_eq!(seconds("-0.5"), at("1969-12-31T23:59:59.5Z"));
    assert_eq!(seconds("-62135596800"), at("0001-01-01T00:00:00Z"));
    for unreadable in [
        "-62135596801",
        "253402300800",
        "1e300",
        "\"1357034400\"",
        "false",
    ] {
        let text = unreadable.trim_matches('"').to_owned();
        assert_eq!(seconds(unreadable), AgeAt::Unreadable(text.into()));
    }
    let millis = |value: &str| of(AgeForm::Millis, value);
    assert_eq!(millis("1357034400123"), at("2013-01-01T10:00:00.123Z"));
    assert_eq!(
        millis("1357034400123.4567"),
        at("2013-01-01T10:00:00.123456Z")
    );
}

#[test]
fn nothing_is_absent() {
    for form in [AgeForm::Text, AgeForm::Seconds, AgeForm::Millis] {
        assert_eq!(of(form, "null"), AgeAt::Absent);
        let age = Age::with_form("a.t", form).unwrap();
        for fields in ["{}", r#"{"a":1}"#, r#"{"a":[{"t":1}]}"#, r#"{"a.t":1}"#] {
            assert_eq!(age.of(&record(fields)), AgeAt::Absent);
        }
    }
}

#[test]
fn the_records_own_times_are_ages() {
    let created: Timestamp = "2013-01-01T10:00:00.5Z".parse().unwrap();
    let record = record("{}").with_times(Some(created), None);
    assert_eq!(
        Age::at("@created_at").unwrap().of(&record),
        AgeAt::At(created)
    );
    assert_eq!(Age::at("@updated_at").unwrap().of(&record), AgeAt::Absent);
    let other = record.with_metadata_json(r#"{"t":"2013-01-01"}"#).unwrap();
    assert_eq!(
        Age::at("metadata.t").unwrap().of(&other),
        at("2013-01-01T00:00:00Z")
    );
}

#[test]
fn a_wrong_path_is_invalid() {
    for path in ["", "a b", "@created", "a."] {
        assert_eq!(Age::at(path).unwrap_err().kind(), crate::ErrorKind::Invalid);
    }
}
