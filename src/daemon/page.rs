//! One page for people: what the daemon does, how far it is, and what is wrong. It loads nothing from anywhere.

use std::fmt::{self, Display, Write};

use jiff::{Timestamp, Unit};

use super::readiness::Readiness;
use super::state::{Collection, Contents, Known, PolicyState};
use crate::ArchiveRun;

/// The page as it is now.
///
/// `metrics` is what `/metrics` shows: the hit ratio is reckoned from it.
pub(super) fn page(known: &Known, readiness: &Readiness, metrics: &str) -> String {
    let mut page = String::with_capacity(8 << 10);
    // Writing into a string does not fail.
    let _ = write(&mut page, known, readiness, metrics);
    page
}

fn write(page: &mut String, known: &Known, readiness: &Readiness, metrics: &str) -> fmt::Result {
    page.push_str(HEAD);
    let (class, word) = match readiness.ready {
        true => ("good", "ready"),
        false => ("bad", "not ready"),
    };
    writeln!(
        page,
        "<h1>Thermocline <span class={class}>{word}</span></h1><p>{} · version {} · process {} · since {}</p>",
        Html(&known.configuration.file),
        known.daemon.version,
        known.daemon.pid,
        Time(known.daemon.started),
    )?;
    if !readiness.reasons.is_empty() {
        page.push_str("<ul class=bad>");
        for reason in &readiness.reasons {
            let names = [&reason.collection, &reason.policy];
            let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
            let about = if names.is_empty() { "" } else { ": " };
            writeln!(
                page,
                "<li>{}{about}{}</li>",
                Html(&names.join(", ")),
                Html(&reason.message)
            )?;
        }
        page.push_str("</ul>");
    }
    for collection in &known.collections {
        write_collection(page, collection, hits(metrics, &collection.name))?;
    }
    page.push_str(
        "<p class=dim><a href=/status>/status</a> · <a href=/readyz>/readyz</a> · <a href=/metrics>/metrics</a></p>",
    );
    Ok(())
}

fn write_collection(page: &mut String, collection: &Collection, hits: Hits) -> fmt::Result {
    writeln!(page, "<h2>{}</h2>", Html(&collection.name))?;
    if let Some(problem) = &collection.problem {
        writeln!(
            page,
            "<p class=bad>not measured since {}: {}</p>",
            Time(problem.at),
            Html(&problem.message)
        )?;
    }
    match &collection.contents {
        Some(contents) => write_tiers(page, contents, hits)?,
        None => page.push_str("<p class=dim>not measured yet</p>"),
    }
    if collection.policies.is_empty() {
        page.push_str("<p class=dim>no policy</p>");
        return Ok(());
    }
    page.push_str(
        "<table><tr><th>policy<th>runs<th>now<th>next<th>last success<th class=n>failures<th>last error</tr>",
    );
    for policy in &collection.policies {
        write_policy(page, policy)?;
    }
    page.push_str("</table>");
    Ok(())
}

fn write_tiers(page: &mut String, contents: &Contents, hits: Hits) -> fmt::Result {
    page.push_str("<table><tr><th>tier<th class=n>records<th class=n>bytes<th></tr>");
    match hits.reads {
        0 => page.push_str("<tr><td>hot<td><td><td>no reads in this process</tr>"),
        reads => writeln!(
            page,
            "<tr><td>hot<td><td><td>hit ratio {:.1} % of {} reads in this process</tr>",
            hits.hot as f64 * 100.0 / reads as f64,
            Number(reads)
        )?,
    }
    let primary = &contents.primary;
    writeln!(
        page,
        "<tr><td>primary<td class=n>{}<td class=n>{}<td></tr>",
        Number(primary.records),
        OrNone(primary.bytes.map(Size)),
    )?;
    if let Some(archive) = &contents.archive {
        writeln!(
            page,
            "<tr><td>archive<td class=n>{}<td class=n>{}<td>{} segments, {} dead rows, snapshot {}</tr>",
            Number(archive.records),
            Size(archive.bytes),
            Number(archive.segments),
            Number(archive.dead_rows),
            archive.snapshot
        )?;
    }
    page.push_str("</table>");
    for backlog in &contents.backlog {
        writeln!(
            page,
            "<p>backlog of {}: {} records, {}, the oldest of {}</p>",
            Html(&backlog.policy),
            Number(backlog.rows),
            Size(backlog.bytes),
            OrNone(backlog.oldest.map(Time)),
        )?;
    }
    write_runs(page, &contents.runs)?;
    for note in &contents.notes {
        writeln!(page, "<p class=dim>{}</p>", Html(note))?;
    }
    Ok(())
}

/// Reads of this process by id, and those that the hot tier answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Hits {
    hot: u64,
    reads: u64,
}

/// Adds them up from the metrics of a collection.
fn hits(metrics: &str, collection: &str) -> Hits {
    let escaped = collection.replace('\\', r"\\").replace('"', "\\\"");
    let of_collection = format!("collection=\"{escaped}\",");
    let mut hits = Hits::default();
    for line in metrics.lines() {
        let Some(labels) = line.strip_prefix("thermocline_requests_total{") else {
            continue;
        };
        if !labels.contains(&of_collection) || !labels.contains("op=\"read") {
            continue;
        }
        let count = labels.rsplit(' ').next().and_then(|text| text.parse().ok());
        let count: u64 = count.unwrap_or(0);
        hits.reads += count;
        if labels.contains("tier=\"hot\"") {
            hits.hot += count;
        }
    }
    hits
}

fn write_runs(page: &mut String, runs: &[ArchiveRun]) -> fmt::Result {
    if runs.is_empty() {
        return Ok(());
    }
    page.push_str(
        "<table><tr><th>last runs<th>policy<th>outcome<th class=n>moved<th class=n>segments<th>by<th></tr>",
    );
    for run in runs {
        let times = match run.times {
            1 => String::new(),
            times => format!(" {} times", Number(times)),
        };
        writeln!(
            page,
            "<tr><td>{}<td>{}<td>{}{times}<td class=n>{}<td class=n>{}<td>{}<td class=bad>{}</tr>",
            Time(run.started),
            Html(&run.policy),
            run.outcome.as_str(),
            Number(run.moved),
            Number(run.segments),
            Html(&run.holder),
            Html(run.error.as_ref().map_or("", |error| &error.message)),
        )?;
    }
    page.push_str("</table>");
    Ok(())
}

fn write_policy(page: &mut String, policy: &PolicyState) -> fmt::Result {
    let now = match &policy.running {
        Some(running) => format!(
            "since {}: {} records moved",
            Time(running.since),
            Number(running.moved)
        ),
        None => "waits".to_owned(),
    };
    let error = policy.error.as_ref();
    writeln!(
        page,
        "<tr><td>{}<td>{}<td>{now}<td>{}<td>{}<td class=n>{}<td class=bad>{}</tr>",
        Html(&policy.policy),
        Html(
            policy
                .schedule
                .as_deref()
                .unwrap_or("only by archive --once")
        ),
        OrNone(policy.next.map(Time)),
        OrNone(policy.last_success.map(Time)),
        policy.failures,
        Html(error.map_or("", |error| &error.message)),
    )
}

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=10>\
<meta name=viewport content='width=device-width'><title>Thermocline</title><style>\
body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#1d2733;background:#fff}\
h1{font-size:1.5em}h1 span{font-size:.6em;padding:.2em .6em;border-radius:1em;color:#fff;vertical-align:middle}\
h1 .good{background:#23795a}h1 .bad{background:#b3261e}h2{font-size:1.15em;margin-top:2em}\
table{border-collapse:collapse;margin:.6em 0}th,td{text-align:left;padding:.2em 1.2em .2em 0;vertical-align:top}\
th{font-weight:500;color:#5d6b7a;border-bottom:1px solid #d5dce3}.n{text-align:right;font-variant-numeric:tabular-nums}\
.bad{color:#b3261e}.dim,a{color:#5d6b7a}\
@media(prefers-color-scheme:dark){body{color:#dde5ee;background:#14191f}th{border-color:#38424d}.bad{color:#ff8a80}}\
</style>";

/// Text that stays text.
struct Html<'a>(&'a str);

impl Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

struct Time(Timestamp);

impl Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.round(Unit::Second).unwrap_or(self.0);
        write!(f, "{}", whole.strftime("%F %T UTC"))
    }
}

struct Number(u64);

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                f.write_char(',')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

struct Size(u64);

impl Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", bytesize::ByteSize(self.0))
    }
}

struct OrNone<T>(Option<T>);

impl<T: Display> Display for OrNone<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("–"),
        }
    }
}

#[cfg(test)]
mod tests;
