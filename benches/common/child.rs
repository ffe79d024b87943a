//! Sides that are processes of their own: what they print, and what they take.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use wait4::Wait4;

use super::memory;
use crate::Failure;

/// How often a process that runs is asked for its peak, which only grows.
const LOOK: Duration = Duration::from_millis(5);

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
    let stdout = child.stdout.take().ok_or("no pipe")?;
    let (output, memory) = watched(child.id(), stdout);
    let output = output?;
    let used = child.wait4()?;
    let wall = began.elapsed().as_secs_f64();
    if !used.status.success() {
        return Err(format!("{name} failed: {}", used.status).into());
    }
    let last = output.lines().last().unwrap_or("{}");
    Ok(Took {
        wall,
        cpu: (used.rusage.utime + used.rusage.stime).as_secs_f64(),
        memory,
        said: serde_json::from_str(last)
            .map_err(|error| format!("{name} ends with {last:?}: {error}"))?,
    })
}

/// What a process prints until its end, and the most MiB that it was seen to hold.
fn watched(process: u32, mut stdout: ChildStdout) -> (std::io::Result<String>, f64) {
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut output = String::new();
            stdout.read_to_string(&mut output).map(|_| output)
        });
        let mut most = 0.0;
        while !reader.is_finished() {
            // It may have ended just now.
            most = memory::peak_of(process).unwrap_or(most);
            std::thread::sleep(LOOK);
        }
        let output = reader.join();
        (
            output.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            most,
        )
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
