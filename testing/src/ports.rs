//! Ports for servers under test, each promised to one test at a time.

use std::fs::{File, TryLockError};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Mutex;

/// Where ports are looked for: below those that the kernel gives to outgoing connections (from 32768 on Linux). Such
/// a connection could take the port of a server that is about to be started again.
const PORTS: std::ops::Range<u16> = 10_000..30_000;

/// The promises of this process: locked files, let go by the kernel when the process ends.
static PROMISED: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A port of 127.0.0.1 that is free, and that no other test is given before this process ends. To be free now is not
/// enough: between this look and the server's start, and while a server is started again, another test looks too.
pub fn free_port() -> u16 {
    loop {
        // A new `RandomState` has other keys each time.
        let number = RandomState::new().build_hasher().finish();
        let port = PORTS.start + u16::try_from(number % u64::from(PORTS.end - PORTS.start)).unwrap();
        if promise(port) {
            return port;
        }
    }
}

/// Takes this port when it is free; whether it is ours now. `tests/deploy/stage.py` locks the same files.
pub(crate) fn promise(port: u16) -> bool {
    let file = File::options().create(true).truncate(false).write(true).open(folder().join(port.to_string()));
    let file = file.unwrap();
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return false,
        Err(TryLockError::Error(error)) => panic!("the lock of port {port}: {error}"),
    }
    if TcpListener::bind(("127.0.0.1", port)).is_err() {
        return false;
    }
    PROMISED.lock().unwrap().push(file);
    true
}

/// One folder for all tests of this user.
fn folder() -> PathBuf {
    let user = rustix::process::getuid().as_raw();
    let folder = std::env::temp_dir().join(format!("poolgate-test-ports-{user}"));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_promised_once_though_nothing_listens_on_it() {
        let port = free_port();
        assert!(TcpListener::bind(("127.0.0.1", port)).is_ok(), "it is free");
        assert!(!promise(port), "and yet given");
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_not_promised() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(!promise(listener.local_addr().unwrap().port()));
    }
}
