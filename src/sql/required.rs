//! What a regular expression cannot match without.

/// The longest text that every match of a regular expression contains, if one is plain to see.
pub(crate) fn required_text(pattern: &str) -> Option<String> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let mut found = Vec::new();
    collect_required(&hir, &mut found);
    found.into_iter().max_by_key(String::len)
}

fn collect_required(hir: &regex_syntax::hir::Hir, found: &mut Vec<String>) {
    use regex_syntax::hir::HirKind;
    match hir.kind() {
        HirKind::Literal(literal) => {
            found.extend(std::str::from_utf8(&literal.0).map(str::to_owned));
        }
        HirKind::Capture(capture) => collect_required(&capture.sub, found),
        HirKind::Concat(parts) => parts.iter().for_each(|part| collect_required(part, found)),
        HirKind::Repetition(repeated) if repeated.min > 0 => collect_required(&repeated.sub, found),
        _ => {}
    }
}
