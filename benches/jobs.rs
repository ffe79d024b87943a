//! Whole jobs, side by side with what one would use instead, in one run. `scripts/bench` starts it.

mod common;
#[path = "jobs/mod.rs"]
mod list;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use common::machine;
use common::table::{self, Row};

/// Why a job could not run.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Parser)]
#[command(
    name = "scripts/bench",
    about = "Compares with what one would use instead, both sides in one run"
)]
struct Arguments {
    /// The jobs to run; all of them if none is named.
    jobs: Vec<String>,
    /// Lists the jobs, and what each compares.
    #[arg(long)]
    list: bool,
    /// A table for people, or one JSON object a line.
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// Fewer rounds and smaller amounts: to see that it runs, not to quote.
    #[arg(long)]
    quick: bool,
    /// `cargo bench` says so.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amount {
    pub(crate) quick: bool,
}

impl Amount {
    /// How often every side takes its turn.
    pub(crate) fn rounds(self) -> usize {
        if self.quick { 3 } else { 7 }
    }

    /// The same for sides that take many seconds.
    pub(crate) fn long_rounds(self) -> usize {
        if self.quick { 1 } else { 5 }
    }

    /// So many, or less in a quick run.
    pub(crate) fn of(self, many: u64) -> u64 {
        if self.quick { many / 10 } else { many }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.list {
        for job in list::JOBS {
            println!("{:12} {}", job.name, job.about);
        }
        return ExitCode::SUCCESS;
    }
    match start(&arguments) {
        Ok(failed) if failed.is_empty() => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("these jobs could not run: {}", failed.join(", "));
            ExitCode::FAILURE
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the jobs; the names of those that failed.
fn start(arguments: &Arguments) -> Result<Vec<&'static str>, Failure> {
    let mut chosen = Vec::new();
    for name in &arguments.jobs {
        let job = list::JOBS.iter().find(|job| job.name == name);
        chosen.push(job.ok_or_else(|| format!("there is no job {name}; --list names them"))?);
    }
    if chosen.is_empty() {
        chosen.extend(list::JOBS);
    }
    let amount = Amount {
        quick: arguments.quick,
    };
    let (mut rows, mut failed): (Vec<Row>, _) = (Vec::new(), Vec::new());
    let began = machine::line();
    for job in chosen {
        eprintln!("{} ..", job.name);
        match (job.run)(amount) {
            Ok(more) => {
                if let Output::Json = arguments.output {
                    table::print_json(&more);
                }
                rows.extend(more);
            }
            Err(failure) => {
                eprintln!("{} could not run: {failure}", job.name);
                failed.push(job.name);
            }
        }
    }
    if let Output::Table = arguments.output {
        println!(
            "{began} (at the end {}){}",
            machine::load(),
            if amount.quick {
                "; quick: not to be quoted"
            } else {
                ""
            }
        );
        println!();
        table::print_table(&rows);
    }
    Ok(failed)
}
