//! `poolgate demo` as a child process.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The demo on free ports, killed when dropped.
pub struct Demo {
    /// The app's start page.
    pub url: String,
    /// Where every hosted page can be looked at in every state; ends in a slash.
    pub pages: String,
    _process: Child,
}

impl Demo {
    /// Starts it and reads the addresses that it prints.
    pub async fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_poolgate"))
            .args(["demo", "--free-ports"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut address = async |before: &str| {
            let line = lines.next_line().await.unwrap().expect("the demo prints a line");
            line.strip_prefix(before).unwrap_or_else(|| panic!("{before}URL, not {line}")).to_owned()
        };
        let url = address("poolgate demo: open ").await;
        let pages = address("poolgate demo: pages at ").await;
        Self { url, pages, _process: process }
    }
}
