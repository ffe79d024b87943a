//! `metrics`: the reference of every metric.

use std::fmt::Write;

use crate::telemetry::{self, Metric};
use clap::Args;
use serde_json::{Value, json};

use super::context::{Context, Output};
use super::exit::{Exit, Failure};
use super::people::{table, write_line};

/// Explains every metric that Thermocline emits
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline metrics
  thermocline metrics --output json | jq -r '.metrics[].name'
  thermocline metrics --output markdown > docs/metrics.md

It needs no configuration. `thermocline run` serves them on /metrics; whoever embeds Thermocline gets the same ones in a \
recorder of their own.")]
pub(super) struct Metrics {}

impl Metrics {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        match context.output(Output::Table, Output::Table) {
            Output::Markdown => write_line(markdown().trim_end())?,
            _ if context.for_people()? => tell()?,
            _ => {
                let all: Vec<Value> = telemetry::all().map(described).collect();
                write_line(&json!({ "metrics": all }).to_string())?;
            }
        }
        Ok(Exit::Done)
    }
}

fn tell() -> Result<(), Failure> {
    let mut rows = table(["metric", "kind", "labels", "meaning"], &[]);
    for metric in telemetry::all() {
        let labels: Vec<&str> = metric.labels.iter().map(|label| label.name).collect();
        rows.add_row([
            metric.name.trim_start_matches("thermocline_"),
            metric.kind.as_str(),
            &labels.join(" "),
            metric.help,
        ]);
    }
    write_line(&rows.to_string())?;
    write_line(
        "\nEvery name begins with `thermocline_`. With --output markdown: values of the labels, and buckets.",
    )
}

fn described(metric: &Metric) -> Value {
    let labels: serde_json::Map<String, Value> = metric
        .labels
        .iter()
        .map(|label| (label.name.to_owned(), json!(label.values)))
        .collect();
    json!({
        "name": metric.name,
        "kind": metric.kind.as_str(),
        "unit": metric.unit.as_str(),
        "labels": labels,
        "buckets": metric.buckets,
        "help": metric.help,
    })
}

/// docs/metrics.md.
fn markdown() -> String {
    let mut text = String::from(ABOUT);
    for metric in telemetry::all() {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n## `{}`\n\n{} · {}\n\n{}\n",
            metric.name,
            metric.kind.as_str(),
            metric.unit.as_str(),
            metric.help
        );
        if !metric.labels.is_empty() {
            text.push('\n');
        }
        for label in metric.labels {
            let values: Vec<String> = label.values.iter().map(|v| format!("`{v}`")).collect();
            let _ = match values.is_empty() {
                true => writeln!(text, "* `{}`: a name from the configuration", label.name),
                false => writeln!(text, "* `{}`: {}", label.name, values.join(", ")),
            };
        }
        if !metric.buckets.is_empty() {
            let bounds: Vec<String> = metric.buckets.iter().map(|b| format!("{b:?}")).collect();
            let _ = write!(text, "\nBuckets: {}\n", bounds.join(", "));
        }
    }
    text
}

const ABOUT: &str = "\
# Metrics

<!-- Made by `thermocline metrics --output markdown > docs/metrics.md`: change src/telemetry, not this file. -->

`thermocline run` serves these on `/metrics`, in the form that Prometheus reads. Whoever embeds Thermocline gets the same
ones through the [`metrics`](https://docs.rs/metrics) facade: install a recorder *before* the database is built, give its
histograms the buckets of `thermocline::telemetry::all()`, and call `TieredDatabase::observe` now and then for the gauges
that need a look at the state. [grafana/](../grafana) has a dashboard and alerts over them.

Labels have the values listed here and no others. No metric has a record's id, a tenant or a batch as a label.
";
