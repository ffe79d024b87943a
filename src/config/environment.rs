//! `${NAME}` in a value stands for the environment's variable; `$${` is a `${` that is meant as such.

/// Puts variables into `text`, or says which name is wrong.
pub(super) fn expand(
    text: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<String, (String, String)> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        expanded.push_str(&rest[..at]);
        let Some((name, after)) = rest[at + 2..].split_once('}') else {
            return Err((
                "`${` without its `}`".to_owned(),
                "write ${NAME} for a variable of the environment, $${ for the two characters"
                    .to_owned(),
            ));
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return Err((
                format!("`${{{name}}}` names no variable"),
                "a variable's name has letters, digits and `_`".to_owned(),
            ));
        }
        let value = variable(name).ok_or_else(|| {
            (
                format!("the environment has no variable {name}"),
                format!("set it: export {name}=.."),
            )
        })?;
        expanded.push_str(&value);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}
