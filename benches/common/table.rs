//! What a run prints: a table for people, or one JSON object a line.

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::rounds::Costs;

/// One comparison. A ratio is always a cost: below 1 ours is the better one, whatever the unit.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    job: &'static str,
    case: String,
    goal: Option<&'static str>,
    ours: f64,
    peer: String,
    peer_value: f64,
    unit: &'static str,
    ratio: f64,
    limit: Option<f64>,
    met: Option<bool>,
}

impl Row {
    /// Ours against a peer that took its turns in the same rounds; `scale` brings the costs to the unit.
    pub(crate) fn of(
        job: &'static str,
        case: impl Into<String>,
        costs: &Costs,
        (ours, peer): (&str, &str),
        (unit, scale): (&'static str, f64),
    ) -> Self {
        let row = Self::counted(
            job,
            case,
            costs.median(ours) * scale,
            (peer, costs.median(peer) * scale),
            unit,
        );
        Self {
            ratio: costs.ratio(ours, peer),
            ..row
        }
    }

    /// Two numbers of which less is better.
    pub(crate) fn counted(
        job: &'static str,
        case: impl Into<String>,
        ours: f64,
        (peer, peer_value): (&str, f64),
        unit: &'static str,
    ) -> Self {
        Self {
            job,
            case: case.into(),
            goal: None,
            ours,
            peer: peer.to_owned(),
            peer_value,
            unit,
            ratio: ours / peer_value,
            limit: None,
            met: None,
        }
    }

    /// The ratio that was taken round by round.
    pub(crate) fn with_ratio(self, ratio: f64) -> Self {
        Self { ratio, ..self }
    }

    /// What the ratio shall be at most.
    pub(crate) fn goal(self, goal: &'static str, limit: f64) -> Self {
        Self {
            goal: Some(goal),
            limit: Some(limit),
            met: Some(self.ratio <= limit),
            ..self
        }
    }

    /// The same comparison told as a rate, of which more is better; the ratio stays the one of the costs.
    pub(crate) fn rated(self, unit: &'static str, per: f64) -> Self {
        Self {
            ours: per / self.ours,
            peer_value: per / self.peer_value,
            unit,
            ..self
        }
    }
}

/// Prints rows as JSON, one object a line.
pub(crate) fn print_json(rows: &[Row]) {
    for row in rows {
        println!("{}", serde_json::to_string(row).expect("plain values"));
    }
}

/// Prints rows as a Markdown table.
pub(crate) fn print_table(rows: &[Row]) {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["job", "case", "ours", "peer", "", "unit", "ratio", "goal"]);
    for row in rows {
        let goal = match (row.limit, row.met) {
            (Some(limit), Some(met)) => {
                let mark = if met { "met" } else { "MISSED" };
                let name = row.goal.map(|name| format!("{name} ")).unwrap_or_default();
                format!("{name}<= {}: {mark}", (limit * 100.0).round() / 100.0)
            }
            _ => String::new(),
        };
        table.add_row([
            row.job.to_owned(),
            row.case.clone(),
            number(row.ours),
            number(row.peer_value),
            row.peer.clone(),
            row.unit.to_owned(),
            if row.ratio.is_finite() {
                format!("{:.2}", row.ratio)
            } else {
                "-".to_owned()
            },
            goal,
        ]);
    }
    for column in [2, 3, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    println!("{table}");
}

/// Three digits that count.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
