//! How far a long job has come: a bar on a terminal, plain lines elsewhere. Always on standard error.

use std::fmt;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::people::number;

/// How often a line is written where there is no terminal.
const LINES_EVERY: Duration = Duration::from_secs(5);

/// The progress of one job.
#[derive(Debug)]
pub(super) struct Progress {
    label: &'static str,
    total: Option<u64>,
    done: u64,
    began: Instant,
    told: Instant,
    bar: Option<ProgressBar>,
    unit: Unit,
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    Records,
    Bytes,
}

impl Progress {
    /// Begins to count; `total` where it is known.
    pub(super) fn new(label: &'static str, unit: Unit, total: Option<u64>) -> Self {
        let bar = std::io::stderr()
            .is_terminal()
            .then(|| bar(label, unit, total));
        let now = Instant::now();
        Self {
            label,
            total,
            done: 0,
            began: now,
            told: now,
            bar,
            unit,
        }
    }

    /// Whether somebody sees a bar.
    pub(super) fn is_watched() -> bool {
        std::io::stderr().is_terminal()
    }

    /// So much is done by now.
    pub(super) fn set(&mut self, done: u64) {
        self.done = done;
        match &self.bar {
            Some(bar) => bar.set_position(done),
            None if self.told.elapsed() >= LINES_EVERY => {
                self.told = Instant::now();
                eprintln!("{}: {}", self.label, self.line());
            }
            None => {}
        }
    }

    /// A line about something on the way, above the bar.
    pub(super) fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    /// The bar goes; how long it took.
    pub(super) fn finish(self) -> Duration {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.began.elapsed()
    }

    fn line(&self) -> String {
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        let amount = |count: u64| match self.unit {
            Unit::Records => number(count),
            Unit::Bytes => bytesize::ByteSize(count).to_string(),
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rate for people"
        )]
        let rate = (self.done as f64 / seconds) as u64;
        let of = self.total.map(|total| format!(" of {}", amount(total)));
        let left = self
            .total
            .filter(|total| rate > 0 && *total > self.done)
            .map(|total| format!(", {} s left", (total - self.done) / rate));
        format!(
            "{}{}, {}/s{}",
            amount(self.done),
            of.unwrap_or_default(),
            amount(rate),
            left.unwrap_or_default()
        )
    }
}

fn bar(label: &'static str, unit: Unit, total: Option<u64>) -> ProgressBar {
    let (done, all, rate) = match unit {
        Unit::Records => ("{human_pos}", "{human_len}", "{rate}"),
        Unit::Bytes => (
            "{binary_bytes}",
            "{binary_total_bytes}",
            "{binary_bytes_per_sec}",
        ),
    };
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            format!("  {{msg}} {{bar:24.cyan/dim}} {done} of {all}  {rate}  {{eta}} left"),
        ),
        None => (
            ProgressBar::new_spinner(),
            format!("  {{msg}} {{spinner}} {done}  {rate}"),
        ),
    };
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style.progress_chars("━╸ ").with_key("rate", whole_rate));
    }
    bar.set_message(label);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// Whole records a second: indicatif's own rate has four decimals.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate for people"
)]
fn whole_rate(state: &ProgressState, out: &mut dyn fmt::Write) {
    // The bar shows what could be written.
    let _ = write!(out, "{}/s", number(state.per_sec() as u64));
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
