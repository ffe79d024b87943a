//! How much memory a piece of work needs, as Linux counts it.

use std::fs;

use crate::Failure;

/// By how many MiB the memory of this process rose at most during `work`, above what it held before.
pub(crate) fn peak_growth(work: impl FnOnce()) -> Result<f64, Failure> {
    // Makes the peak what is held now: proc_pid_clear_refs(5).
    fs::write("/proc/self/clear_refs", "5")?;
    let before = status("VmRSS:")?;
    work();
    Ok((status("VmHWM:")? - before).max(0.0) / 1024.0)
}

/// A line of proc_pid_status(5), KiB.
fn status(name: &str) -> Result<f64, Failure> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    Ok(kib
        .ok_or_else(|| format!("no {name} in /proc/self/status"))?
        .parse()?)
}
