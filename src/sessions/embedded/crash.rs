//! A child process that is killed while it writes, for the tests of both embedded stores.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

const MARK: &str = "told:";

/// For the child: as a gateway would have it.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// For the child: tells that a call returned, in one write.
pub(crate) fn tell(what: &str, name: &str) {
    std::io::stdout().write_all(format!("{MARK} {what} {name}\n").as_bytes()).unwrap();
}

/// Runs the test `child` of this binary with `variable` set to `path`, kills it with SIGKILL after so
/// many lines were told, and gives all that were told in full.
pub(crate) fn kill_after(lines: usize, child: &str, variable: &str, path: &Path) -> Vec<(String, String)> {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--nocapture", "--test-threads=1"])
        .env(variable, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut told = Vec::new();
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        // libtest writes its own words before the first; a line cut short was not told.
        if let Some((_, words)) = line.split_once(MARK)
            && let Some(words) = words.strip_suffix('\n')
            && let Some((what, name)) = words.trim().split_once(' ')
        {
            told.push((what.to_owned(), name.to_owned()));
            if told.len() == lines {
                process.kill().unwrap();
            }
        }
        line.clear();
    }
    let status = process.wait().unwrap();
    assert!(
        told.len() >= lines && !status.success(),
        "the child ended by itself: {status}, {} lines",
        told.len()
    );
    told
}
