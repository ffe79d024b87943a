//! Durations and sizes as people write them, and back.

use std::time::Duration;

use bytesize::ByteSize;
use jiff::{Span, SpanRelativeTo};

/// `10m`, `1h 30m`, `90d`: units up to weeks, a day is 24 hours.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let span: Span = text
        .trim()
        .parse()
        .map_err(|_| "expected a duration like 30s, 10m, 1h 30m or 7d".to_owned())?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(
            "months and years differ in length, so they are no duration: write days, or minutes as `m`"
                .to_owned(),
        );
    }
    let exact = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| "this duration is too long".to_owned())?;
    Duration::try_from(exact).map_err(|_| "a duration cannot be negative".to_owned())
}

/// The shortest text that [`parse_duration`] reads as the same duration.
pub(super) fn duration_text(duration: Duration) -> String {
    const UNITS: [(&str, u128); 5] = [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    let mut rest = duration.as_millis();
    let mut parts = Vec::new();
    for (unit, millis) in UNITS {
        if rest / millis > 0 {
            parts.push(format!("{}{unit}", rest / millis));
            rest %= millis;
        }
    }
    if parts.is_empty() {
        "0s".to_owned()
    } else {
        parts.join(" ")
    }
}

/// `256 MiB` (binary), `256 MB` (decimal), `1024` (bytes).
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let size: ByteSize = text.trim().parse().map_err(|_| {
        "expected a size like 64 MiB, 1.5 GiB, 256 MB (decimal) or a number of bytes".to_owned()
    })?;
    // The crate saturates; nobody has so much, so it is a slip of the pen.
    if size.as_u64() == u64::MAX {
        return Err("this size is too large".to_owned());
    }
    Ok(size.as_u64())
}

/// The shortest text that [`parse_size`] reads as exactly the same size.
pub(super) fn size_text(bytes: u64) -> String {
    const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    UNITS
        .iter()
        .find(|(_, shift)| bytes > 0 && bytes.trailing_zeros() >= *shift)
        .map_or_else(
            || format!("{bytes} B"),
            |(unit, shift)| format!("{} {unit}", bytes >> shift),
        )
}
