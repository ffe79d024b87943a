//! The commands to go on with, at the end of the demo.

use super::NOW;
use super::steps::{Demo, Figures};
use super::story::Story;
use crate::cli::exit::Failure;
use crate::cli::people::number;

impl Demo<'_> {
    /// Prints the commands to go on with, as they are to be typed.
    pub(super) fn go_on(&self, story: &mut Story, figures: &Figures) -> Result<(), Failure> {
        let dir = self.dir.display();
        let config = quoted(&self.dir.join("thermocline.toml").display().to_string());
        let program = program();
        story.step("Go on")?;
        story.say(&format!(
            "   export THERMOCLINE_CONFIG={config}\n\
             \x20  {program} get UA1545-2013-01-01T10:00:00Z\n\
             \x20  {program} search \"dest = 'SFO' and dep_delay > 300\" --sort dep_delay:desc --limit 10\n\
             \x20  {program} explain AA177-2013-09-20T22:00:00Z --now {NOW}\n\
             \x20  {program} put mine '{{\"carrier\": \"XX\", \"time_hour\": \"2013-12-31T00:00:00Z\"}}'\n\
             \x20  {program} plan --now {NOW}\n\
             \x20  {program} archive --once --now {NOW}\n\
             \x20  {program} status --now {NOW}"
        ))?;
        story.tell("(without --now the policy looks from today, and every flight is old)")?;
        story.say(&format!(
            "\n   DuckDB reads the same archive, in a process of its own:\n\
             \x20  cd {dir} && duckdb\n\
             \x20  INSTALL ducklake; INSTALL sqlite;\n\
             \x20  ATTACH 'ducklake:sqlite:thermocline.db' AS lake (READ_ONLY);\n\
             \x20  SELECT carrier, count(*), avg(dep_delay) FROM lake.flights GROUP BY ALL ORDER BY 2 DESC;"
        ))?;
        story.tell(&format!("(it counts {} flights)", number(figures.archived)))
    }
}

/// This program as it was called.
fn program() -> String {
    let called = std::env::args().next().unwrap_or_default();
    // Under cargo it is called by a path that nobody types.
    let file = std::path::Path::new(&called).file_name();
    match file {
        Some(_) if called.contains('/') => quoted(&called),
        _ => "thermocline".to_owned(),
    }
}

/// A word of a shell's.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
