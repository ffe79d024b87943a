//! The age as it is written down with the archive's table: another one would cut the segments otherwise.

use crate::{Age, AgeForm, Result};

const SECONDS: &str = " in s";
const MILLIS: &str = " in ms";

/// The text that the catalog keeps.
pub(super) fn written(age: &Age) -> String {
    let suffix = match age.form() {
        AgeForm::Text => "",
        AgeForm::Seconds => SECONDS,
        AgeForm::Millis => MILLIS,
    };
    format!("{age}{suffix}")
}

/// The age that a text of the catalog's means.
///
/// # Errors
/// `Invalid`: it is no path.
pub(super) fn read(text: &str) -> Result<Age> {
    let forms = [(SECONDS, AgeForm::Seconds), (MILLIS, AgeForm::Millis)];
    let found = forms
        .into_iter()
        .find_map(|(suffix, form)| Some((text.strip_suffix(suffix)?, form)));
    let (path, form) = found.unwrap_or((text, AgeForm::Text));
    Age::with_form(path, form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_reads_back() {
        for (path, form) in [
            ("@created_at", AgeForm::Text),
            ("time_hour", AgeForm::Text),
            ("at.time", AgeForm::Seconds),
            ("\"odd in s\"", AgeForm::Text),
            ("\"odd in ms\"", AgeForm::Millis),
        ] {
            let age = Age::with_form(path, form).unwrap();
            assert_eq!(read(&written(&age)).unwrap(), age, "{path}");
        }
    }
}
