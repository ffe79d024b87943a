//! When and on what a run was made.

use std::fs;

use jiff::Timestamp;

/// One line: the day, the cores, the CPU, the kernel, the load.
pub(crate) fn line() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown CPU", |(_, name)| name.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{}, {cores} cores of {model}, Linux {}, load {}",
        Timestamp::now().strftime("%Y-%m-%d %H:%M UTC"),
        kernel.trim(),
        load(),
    )
}

/// How many threads wanted to run in the last minute, on average: 1.00 means one core's worth.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("unknown").to_owned()
}
