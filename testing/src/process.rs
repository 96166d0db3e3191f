//! A server as a child process.

use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a server may take to answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Ends a server, and removes its folder, when the process that started it ends without doing so (SIGKILL): then
/// this shell reads the end of its input. SIGQUIT lets PostgreSQL take its children along.
const GUARD: &str =
    "read -r _; kill -CONT $1; kill -QUIT $1; sleep 2; kill -KILL $1; sleep 0.2; rm -rf -- \"$2\"";

/// A running server. Dropped: killed.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// A shell that waits for our end; its input is ours.
    guard: Child,
    name: String,
}

impl Server {
    /// Starts it; its output goes to `folder/NAME.log`.
    pub(crate) fn start(name: &str, command: &mut Command, folder: &Path) -> Self {
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(folder.join(format!("{name}.log")));
        let log = log.unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        // Ctrl-C at the test runner ends the tests, which end their servers.
        command.process_group(0);
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("{name} does not start ({error}): run scripts/install-test-tools")
        });
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard", &child.id().to_string()]).arg(folder).process_group(0);
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let guard = guard.spawn().expect("there is a shell");
        Self { child, guard, name: name.to_owned() }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        let running = self.child.try_wait().unwrap().is_none();
        if !running {
            self.dismiss_guard();
        }
        running
    }

    /// Waits until `answers`, or says what the server said.
    pub(crate) fn wait_for(&mut self, folder: &Path, mut answers: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !answers() {
            if !self.is_running() || begun.elapsed() > PATIENCE {
                let log =
                    std::fs::read_to_string(folder.join(format!("{}.log", self.name))).unwrap_or_default();
                let _ = writeln!(std::io::stderr(), "{log}");
                panic!("{} does not answer", self.name);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait_for_end(&mut self) {
        let _ = self.child.wait();
        self.dismiss_guard();
    }

    /// SIGKILL, and waits for the end.
    pub(crate) fn kill(&mut self) {
        // First: the process's number may be another's afterwards.
        self.dismiss_guard();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn dismiss_guard(&mut self) {
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether somebody listens there.
pub(crate) fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}
