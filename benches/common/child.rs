//! Sides that are processes of their own: what they print, and what they take.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use serde_json::Value;
use wait4::Wait4;

use crate::Failure;

/// What a process took from its start to its end.
#[derive(Clone, Debug)]
pub(crate) struct Took {
    /// Seconds.
    pub(crate) wall: f64,
    /// Seconds of CPU, of all its threads and in the kernel too.
    pub(crate) cpu: f64,
    /// MiB of memory at its peak.
    pub(crate) memory: f64,
    /// What its last line said, JSON.
    pub(crate) said: Value,
}

/// Runs a process to its end; its last line of output is a JSON object.
pub(crate) fn run(command: &mut Command) -> Result<Took, Failure> {
    let name = format!("{command:?}");
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{name} does not start: {error}"))?;
    let mut output = String::new();
    if let Some(stdout) = &mut child.stdout {
        stdout.read_to_string(&mut output)?;
    }
    let used = child.wait4()?;
    let wall = began.elapsed().as_secs_f64();
    if !used.status.success() {
        return Err(format!("{name} failed: {}", used.status).into());
    }
    let last = output.lines().last().unwrap_or("{}");
    #[expect(clippy::cast_precision_loss, reason = "no process takes 2^52 bytes")]
    let memory = used.rusage.maxrss as f64 / f64::from(1 << 20);
    Ok(Took {
        wall,
        cpu: (used.rusage.utime + used.rusage.stime).as_secs_f64(),
        memory,
        said: serde_json::from_str(last)
            .map_err(|error| format!("{name} ends with {last:?}: {error}"))?,
    })
}

/// The Python that has the peers, and a script of benches/peers.
pub(crate) fn python(script: &str) -> Result<Command, Failure> {
    let python = std::env::var_os("THERMOCLINE_BENCH_PYTHON")
        .ok_or("THERMOCLINE_BENCH_PYTHON is not set: scripts/bench does it")?;
    let mut command = Command::new(python);
    command.arg(peers().join(script));
    Ok(command)
}

/// A process that does pieces of work when it is its turn, and tells what each took.
pub(crate) struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts rusqlite over a file.
    pub(crate) fn sqlite(file: &Path) -> Result<Self, Failure> {
        Self::built(
            "THERMOCLINE_BENCH_SQLITE",
            &serde_json::json!({ "open": file }),
        )
    }

    /// Starts the program that a variable names, one of those that `scripts/bench` has built.
    pub(crate) fn built(variable: &str, place: &Value) -> Result<Self, Failure> {
        let program = std::env::var_os(variable)
            .ok_or_else(|| format!("{variable} is not set: scripts/bench does it"))?;
        Self::of(&mut Command::new(program), place)
    }

    /// Starts a program and tells it what it works with.
    pub(crate) fn of(command: &mut Command, place: &Value) -> Result<Self, Failure> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let mut peer = Self {
            child,
            input: input.ok_or("no pipe")?,
            output: BufReader::new(output.ok_or("no pipe")?),
        };
        writeln!(peer.input, "{place}")?;
        Ok(peer)
    }

    /// What a piece of work takes, in seconds: of CPU or of time, as the peer measures.
    pub(crate) fn works(&mut self, work: &Value) -> Result<f64, Failure> {
        writeln!(self.input, "{work}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let seconds = line.trim().parse();
        seconds.map_err(|_| format!("the peer said {line:?} instead of seconds").into())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It holds nothing that has to be put in order.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers")
}
