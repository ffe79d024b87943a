//! How much memory a piece of work needs, as Linux counts it.

use std::fs;

use crate::Failure;

/// By how many MiB the memory of this process rose at most during `work`, above what it held before.
pub(crate) fn peak_growth(work: impl FnOnce()) -> Result<f64, Failure> {
    // Makes the peak what is held now: proc_pid_clear_refs(5).
    fs::write("/proc/self/clear_refs", "5")?;
    let before = status("self", "VmRSS:")?;
    work();
    Ok((status("self", "VmHWM:")? - before).max(0.0))
}

/// The most MiB that a process that runs has held until now.
///
/// What `wait4` says of one that has ended begins with what its parent held when it started it.
pub(crate) fn peak_of(process: u32) -> Result<f64, Failure> {
    status(&process.to_string(), "VmHWM:")
}

/// A line of proc_pid_status(5), in MiB.
fn status(process: &str, name: &str) -> Result<f64, Failure> {
    let file = format!("/proc/{process}/status");
    let text = fs::read_to_string(&file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    let kib: f64 = kib.ok_or_else(|| format!("no {name} in {file}"))?.parse()?;
    Ok(kib / 1024.0)
}
