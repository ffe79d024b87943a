//! What the demo tells while it runs.

use std::io::{IsTerminal, Write, stdout};
use std::time::{Duration, Instant};

use super::super::exit::Failure;
use super::super::people::duration;

/// Headings, lines and tables for people; silence where a script reads.
pub(super) struct Story {
    people: bool,
    colours: bool,
    steps: usize,
    /// The seconds of each step, for scripts.
    pub(super) seconds: Vec<(&'static str, f64)>,
}

impl Story {
    pub(super) fn new(people: bool) -> Self {
        let terminal = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self {
            people,
            colours: terminal,
            steps: 0,
            seconds: Vec::new(),
        }
    }

    /// Begins a numbered step.
    pub(super) fn step(&mut self, title: &str) -> Result<(), Failure> {
        self.steps += 1;
        let heading = format!("{}. {title}", self.steps);
        let heading = self.bold(&heading);
        self.say(&format!("\n{heading}"))
    }

    /// A line, or several.
    pub(super) fn say(&self, text: &str) -> Result<(), Failure> {
        if self.people {
            writeln!(stdout(), "{text}")?;
        }
        Ok(())
    }

    /// A line that belongs to a step.
    pub(super) fn tell(&self, text: &str) -> Result<(), Failure> {
        self.say(&format!("   {text}"))
    }

    /// A table that belongs to a step.
    pub(super) fn table(&self, table: &comfy_table::Table) -> Result<(), Failure> {
        for line in table.to_string().lines() {
            self.say(&format!("  {}", line.trim_end()))?;
        }
        Ok(())
    }

    /// Notes how long a step took.
    pub(super) fn took(&mut self, step: &'static str, began: Instant) -> Duration {
        let took = began.elapsed();
        let rounded = (took.as_secs_f64() * 1e6).round() / 1e6;
        self.seconds.push((step, rounded));
        took
    }

    pub(super) fn bold(&self, text: &str) -> String {
        if self.colours {
            format!("\x1b[1m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// The middle one of some durations, as text.
pub(super) fn median(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .map_or_else(|| "-".to_owned(), |time| duration(*time))
}
