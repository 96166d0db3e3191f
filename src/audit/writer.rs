//! The thread that writes events. Whoever has one to be written waits for nothing: neither a full disk nor a reader
//! of standard output that has stopped may keep anybody from signing in.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Place;
use crate::observe::labels::Audited;
use crate::observe::metrics::Metrics;

/// Most bytes that wait to be written. As many again may be on their way to the disk.
const MOST_WAITING: usize = 8 * 1024 * 1024;
/// How long the end of the process waits for the last events.
const FAREWELL: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Queue {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    reopen: bool,
    closing: bool,
    /// Nothing is written yet: see [`Audit::begin`](super::Audit::begin).
    held: bool,
    /// Something was left out since the queue was last empty: said once.
    overflowing: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    metrics: Arc<Metrics>,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What hands events to the thread.
pub(super) struct Writer {
    shared: Arc<Shared>,
    /// Tells the end of the thread.
    ended: Mutex<Option<tokio::sync::oneshot::Receiver<()>>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Writer")
    }
}

impl Writer {
    pub(super) fn start(place: Place, metrics: Arc<Metrics>) -> std::io::Result<Self> {
        let out = Out::open(&place)?;
        let queue = Queue { held: place == Place::Stdout, ..Queue::default() };
        let shared = Arc::new(Shared { queue: Mutex::new(queue), changed: Condvar::new(), metrics });
        let (tell, ended) = tokio::sync::oneshot::channel();
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new().name("audit".to_owned()).spawn(move || {
            run(&theirs, out, &place);
            // Nobody may be waiting.
            let _ = tell.send(());
        })?;
        Ok(Self { shared, ended: Mutex::new(Some(ended)) })
    }

    pub(super) fn take(&self, line: Vec<u8>) {
        let mut queue = self.shared.queue();
        let room = !queue.closing && queue.bytes + line.len() <= MOST_WAITING;
        if room {
            queue.bytes += line.len();
            queue.lines.push_back(line);
        }
        let first = !room && !std::mem::replace(&mut queue.overflowing, true);
        drop(queue);
        if room {
            self.shared.changed.notify_one();
            return;
        }
        self.shared.metrics.audited.of(Audited::Dropped).inc();
        if first {
            tracing::error!("audit events are left out: they come faster than they can be written");
        }
    }

    pub(super) fn begin(&self) {
        self.shared.queue().held = false;
        self.shared.changed.notify_one();
    }

    pub(super) fn reopen(&self) {
        self.shared.queue().reopen = true;
        self.shared.changed.notify_one();
    }

    pub(super) async fn close(&self) {
        self.shared.queue().closing = true;
        self.shared.changed.notify_one();
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = ended
            && tokio::time::timeout(FAREWELL, ended).await.is_err()
        {
            tracing::error!("the last audit events could not be written in time");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.queue().closing = true;
        self.shared.changed.notify_one();
    }
}

fn run(shared: &Shared, mut out: Out, place: &Place) {
    loop {
        let mut queue = shared.queue();
        while !queue.closing && (queue.held || (queue.lines.is_empty() && !queue.reopen)) {
            queue = shared.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        let lines = std::mem::take(&mut queue.lines);
        let reopen = std::mem::take(&mut queue.reopen);
        let done = queue.closing && lines.is_empty();
        queue.bytes = 0;
        queue.overflowing = false;
        drop(queue);
        for line in lines {
            out.write(line, &shared.metrics);
        }
        if reopen {
            out.reopen(place);
        }
        if done {
            return;
        }
    }
}

/// Where lines go, and how the last one went.
struct Out {
    to: Box<dyn Write + Send>,
    /// The last line was written in part: the next begins on a line of its own.
    torn: bool,
    /// The last line was not written: said once.
    failing: bool,
}

impl Out {
    fn open(place: &Place) -> std::io::Result<Self> {
        let to: Box<dyn Write + Send> = match place {
            Place::File(path) => Box::new(append_to(path)?),
            Place::Off | Place::Stdout => Box::new(std::io::stdout()),
        };
        Ok(Self { to, torn: false, failing: false })
    }

    fn write(&mut self, line: Vec<u8>, metrics: &Metrics) {
        let line = if self.torn { [b"\n".as_slice(), &line].concat() } else { line };
        match write_whole(&mut self.to, &line) {
            Ok(()) => {
                metrics.audited.of(Audited::Written).inc();
                if self.failing {
                    tracing::warn!("audit events are written again");
                }
                (self.torn, self.failing) = (false, false);
            }
            Err((error, torn)) => {
                metrics.audited.of(Audited::Failed).inc();
                if !self.failing {
                    tracing::error!(%error, "audit events cannot be written");
                }
                (self.torn, self.failing) = (self.torn || torn, true);
            }
        }
    }

    fn reopen(&mut self, place: &Place) {
        match Self::open(place) {
            Ok(out) => *self = out,
            Err(error) => {
                tracing::error!(%error, "the audit log cannot be opened anew: the old file is kept")
            }
        }
    }
}

/// One `write` for the line, as long as the system takes it whole. The error tells whether a part of it stands there.
fn write_whole(to: &mut impl Write, line: &[u8]) -> Result<(), (std::io::Error, bool)> {
    let mut rest = line;
    while !rest.is_empty() {
        match to.write(rest) {
            Ok(0) => return Err((ErrorKind::WriteZero.into(), rest.len() < line.len())),
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err((error, rest.len() < line.len())),
        }
    }
    to.flush().map_err(|error| (error, true))
}

fn append_to(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, then none.
    struct Disk {
        room: usize,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let count = bytes.len().min(self.room);
            if count == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.room -= count;
            self.written.lock().unwrap().extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn after_a_line_that_was_torn_the_next_begins_on_its_own() {
        let (metrics, written) = (Metrics::default(), Arc::<Mutex<Vec<u8>>>::default());
        let disk = |room| Box::new(Disk { room, written: Arc::clone(&written) });
        let mut out = Out { to: disk(8), torn: false, failing: false };
        out.write(b"{one}\n".to_vec(), &metrics);
        out.write(b"{two}\n".to_vec(), &metrics);
        out.write(b"{three}\n".to_vec(), &metrics);
        out.to = disk(100);
        out.write(b"{four}\n".to_vec(), &metrics);
        out.write(b"{five}\n".to_vec(), &metrics);
        assert_eq!(String::from_utf8_lossy(&written.lock().unwrap()), "{one}\n{t\n{four}\n{five}\n");
        let counted = [Audited::Written, Audited::Failed].map(|outcome| metrics.audited.of(outcome).get());
        assert_eq!(counted, [3, 2]);
    }
}
