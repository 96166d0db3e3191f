//! What Prometheus users expect of every process, read from `/proc` where there is one.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Ticks a second in `/proc` (`USER_HZ`): 100 on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// Reads `/proc/self` at each scrape. To be registered without a prefix.
#[derive(Debug)]
pub struct Process;

#[derive(Debug, Default, PartialEq)]
struct Seen {
    cpu_seconds: Option<f64>,
    start_seconds: Option<f64>,
    resident_bytes: Option<u64>,
    virtual_bytes: Option<u64>,
    open_fds: Option<u64>,
    max_fds: Option<u64>,
}

impl Seen {
    fn now() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let open = fs::read_dir("/proc/self/fd").ok().and_then(|entries| u64::try_from(entries.count()).ok());
        let (stat, status) = (read("/proc/self/stat"), read("/proc/self/status"));
        Self { open_fds: open, ..Self::of(&stat, &status, &read("/proc/self/limits"), &read("/proc/stat")) }
    }

    /// From the four files (proc(5)).
    fn of(stat: &str, status: &str, limits: &str, machine: &str) -> Self {
        // The command's name is the second field and may hold anything: fields are counted behind its bracket.
        let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
        let ticks = |place: usize| behind.split_whitespace().nth(place - 3)?.parse::<f64>().ok();
        let line = |text: &str, name: &str| {
            text.lines().find_map(|line| Some(line.strip_prefix(name)?.split_whitespace().next()?.to_owned()))
        };
        let kibibytes = |name| Some(line(status, name)?.parse::<u64>().ok()? * 1024);
        let boot = line(machine, "btime ").and_then(|seconds| seconds.parse::<f64>().ok());
        Self {
            cpu_seconds: ticks(14).zip(ticks(15)).map(|(user, system)| (user + system) / TICKS),
            start_seconds: boot.zip(ticks(22)).map(|(boot, started)| boot + started / TICKS),
            resident_bytes: kibibytes("VmRSS:"),
            virtual_bytes: kibibytes("VmSize:"),
            open_fds: None,
            max_fds: line(limits, "Max open files").and_then(|most| most.parse().ok()),
        }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let seen = Seen::now();
        if let Some(seconds) = seen.cpu_seconds {
            let help = "Total user and system CPU time spent in seconds";
            let metric = encoder.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?;
            ConstCounter::new(seconds).encode(metric)?;
        }
        if let Some(seconds) = seen.start_seconds {
            let (name, help) =
                ("process_start_time_seconds", "Start time of the process since unix epoch in seconds");
            ConstGauge::new(seconds).encode(encoder.encode_descriptor(
                name,
                help,
                None,
                MetricType::Gauge,
            )?)?;
        }
        for (name, help, value) in [
            ("process_resident_memory_bytes", "Resident memory size in bytes", seen.resident_bytes),
            ("process_virtual_memory_bytes", "Virtual memory size in bytes", seen.virtual_bytes),
            ("process_open_fds", "Number of open file descriptors", seen.open_fds),
            ("process_max_fds", "Maximum number of open file descriptors", seen.max_fds),
        ] {
            if let Some(value) = value {
                let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
                ConstGauge::new(value).encode(metric)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_files_are_read_whatever_the_command_is_called() {
        let stat = "7 (pool) gate) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 4 0 6000 1000 200 1 1";
        let status = "Name:\tpoolgate\nVmSize:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max open files            1024                 4096                 files\n";
        let seen = Seen::of(stat, status, limits, "cpu 1 2\nbtime 1700000000\n");
        let expected = Seen {
            cpu_seconds: Some(3.0),
            start_seconds: Some(1_700_000_060.0),
            resident_bytes: Some(1_048_576),
            virtual_bytes: Some(2_097_152),
            open_fds: None,
            max_fds: Some(1024),
        };
        assert_eq!(seen, expected);
        assert_eq!(Seen::of("", "", "", ""), Seen::default());
    }
}
