//! The program `thermocline`.

use std::process::ExitCode;

fn main() -> ExitCode {
    thermocline::cli::main()
}
