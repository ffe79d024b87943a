//! The command line of Thermocline.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
