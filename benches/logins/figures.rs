//! What is measured: CPU time, memory, the raw cost of the cryptography.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use crate::providers::Signer;

const RAW: Duration = Duration::from_secs(3);

/// Fields of a `stat` file of `/proc` behind the name, which stands in parentheses and may hold spaces.
fn fields(stat: &str) -> Option<Vec<u64>> {
    let text = std::fs::read_to_string(stat).ok()?;
    let behind = text.get(text.rfind(')')? + 2..)?;
    Some(behind.split_whitespace().map(|field| field.parse().unwrap_or_default()).collect())
}

/// User and system time, in ticks of 10 ms.
fn ticks(fields: &[u64]) -> u64 {
    fields[11] + fields[12]
}

/// CPU time of a process or thread, from its `stat` file.
pub fn cpu(stat: &str) -> Duration {
    Duration::from_millis(ticks(&fields(stat).unwrap()) * 10)
}

/// CPU time of a process, of those it started, and of those of them that have ended.
pub fn cpu_of_family(pid: u32) -> Duration {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let id: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        Some((id, fields(&format!("/proc/{id}/stat"))?))
    });
    let processes: HashMap<_, _> = processes.collect();
    let mut total = 0;
    for (id, its) in &processes {
        if *id == pid {
            total += ticks(its) + its[13] + its[14];
        } else if its[1] == u64::from(pid) {
            total += ticks(its);
        }
    }
    Duration::from_millis(total * 10)
}

/// CPU time of two RSA-2048 signatures and one verification.
pub fn raw_cryptography() -> Duration {
    let signer = Signer::new();
    let text = [7; 1_000];
    let signature = signer.sign(&text);
    let (before, end, mut rounds) = (cpu("/proc/thread-self/stat"), Instant::now() + RAW, 0);
    while Instant::now() < end {
        for _ in 0..50 {
            std::hint::black_box(signer.sign(&text));
            std::hint::black_box(signer.sign(&text));
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, signer.public_key());
            key.verify(&text, &signature).unwrap();
        }
        rounds += 50;
    }
    (cpu("/proc/thread-self/stat") - before) / rounds
}

/// What it runs on.
pub fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(" unknown");
    let flags = text.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    let ifma = if flags.split(' ').any(|flag| flag == "avx512ifma") { "with" } else { "without" };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores, {}, {ifma} AVX-512-IFMA", model.trim_start_matches([' ', '\t', ':']))
}

/// Resident memory of a process.
pub fn resident_megabytes(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}
