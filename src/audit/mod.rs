//! The audit log: one JSON event for each management call, sign-in, sign-out, refresh and failure, in the shape of
//! CloudTrail. `docs/audit.md` describes it.
//!
//! [`event`] makes the lines, [`writer`] writes them in a thread of its own, [`notes`] is what a request's rooms
//! tell of it on the way. No secret and nothing that a person is known by gets into an event: what is not known to be
//! harmless is [`HIDDEN`].

pub mod event;
pub mod notes;
#[cfg(test)]
mod tests;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;

use crate::observe::metrics::Metrics;

pub use event::{Actor, Event, Kind};
pub use notes::{Notes, note, noting};
use writer::Writer;

/// What stands in the place of a value that is not told.
pub const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Where events are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Place {
    /// Nowhere.
    #[default]
    Off,
    /// Standard output.
    Stdout,
    /// A file that is appended to.
    File(PathBuf),
}

/// Takes events. The default takes none.
#[derive(Debug, Default)]
pub struct Audit {
    writer: Option<Writer>,
}

impl Audit {
    /// Opens the place. A file is made with mode 0600 where there is none.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(place: &Place, metrics: Arc<Metrics>) -> std::io::Result<Self> {
        let writer = match place {
            Place::Off => None,
            place => Some(Writer::start(place.clone(), metrics)?),
        };
        Ok(Self { writer })
    }

    /// Whether events are taken at all: what goes into one need not be worked out otherwise.
    pub fn is_on(&self) -> bool {
        self.writer.is_some()
    }

    /// Takes an event. It is written soon, by another thread: this waits for nothing, and cannot fail. What there is
    /// no room for is counted, and left out.
    pub fn record(&self, event: &Event<'_>) {
        if let Some(writer) = &self.writer {
            writer.take(event.line());
        }
    }

    /// Lets events out to standard output. Until now they were kept: the line that says that the gateway is ready comes
    /// first there.
    pub fn begin(&self) {
        if let Some(writer) = &self.writer {
            writer.begin();
        }
    }

    /// Opens the file anew, after what was taken until now: somebody has moved it away.
    pub fn reopen(&self) {
        if let Some(writer) = &self.writer {
            writer.reopen();
        }
    }

    /// Writes what was taken, for five seconds at most, and takes no more.
    pub async fn close(&self) {
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }
}
