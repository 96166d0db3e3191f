//! The steps as commands: each touches one key, and is atomic on the server.

use std::sync::LazyLock;
use std::time::Duration;

use redis::{Cmd, Script};
use time::OffsetDateTime;

use super::seal::nanos;
use crate::sessions::{Key, Kind, SessionError};

/// Longest name, in bytes.
const LONGEST_NAME: usize = 512;
/// How much longer than its end Redis keeps a value, so that a clock of Redis that is ahead, or is set forward, does
/// not forget it early. A replay mark forgotten early lets something in twice; anything else only asks again.
const SLACK_OF_MARKS: Duration = Duration::from_secs(600);
const SLACK: Duration = Duration::from_secs(60);
/// Longest life that is asked of Redis: its own limit is far beyond.
const LONGEST_LIFE: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Whether a stored value (see `seal`) has not ended by the moment given: bytes 2 to 9 against eight bytes, in two halves, as Lua's
/// numbers hold 53 bits and its comparison of strings depends on the locale.
macro_rules! lives {
    ($rest:literal) => {
        concat!(
            "local function half(s, i) local a, b, c, d = string.byte(s, i, i + 3) ",
            "return ((a * 256 + b) * 256 + c) * 256 + d end ",
            "local function lives(s, now) local e, n = half(s, 2), half(now, 1) ",
            "return e > n or (e == n and half(s, 6) > half(now, 5)) end ",
            "local old = redis.call('GET', KEYS[1]) ",
            $rest
        )
    };
}

/// Sets the value unless a living one, or one of no form of ours, is there.
static PUT_NEW: LazyLock<ScriptText> = LazyLock::new(|| {
    ScriptText::new(lives!(
        "if old and (string.len(old) < 25 or string.byte(old, 1) ~= 1 or lives(old, ARGV[1])) then return false end \
         redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) return 1"
    ))
});

/// Sets a new body behind the head of a living value, and gives what was there.
static EXCHANGE: LazyLock<ScriptText> = LazyLock::new(|| {
    ScriptText::new(lives!(
        "if not old or string.len(old) < 25 or string.byte(old, 1) ~= 1 or not lives(old, ARGV[1]) then \
         return false end \
         redis.call('SET', KEYS[1], string.sub(old, 1, 25) .. ARGV[2], 'KEEPTTL') return old"
    ))
});

/// A script: known to a server by its digest, once it was sent whole.
struct ScriptText {
    text: &'static str,
    digest: Script,
}

impl ScriptText {
    fn new(text: &'static str) -> Self {
        Self { text, digest: Script::new(text) }
    }
}

/// What is done with the key.
#[derive(Debug)]
pub(super) enum Verb {
    /// Sets the stored value, for so many milliseconds.
    Put(Vec<u8>, u64),
    /// Reads.
    Get,
    /// Reads and removes.
    Take,
    /// Sets if there is none that lives now.
    PutNew { now: u64, stored: Vec<u8>, millis: u64 },
    /// Sets the body of one that lives now.
    Exchange { now: u64, body: Vec<u8> },
    /// Removes.
    Delete,
}

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) key: Vec<u8>,
    pub(super) verb: Verb,
    /// Whether the replicas must know of it: forgetting it would let something be used again.
    pub(super) must_last: bool,
}

impl Step {
    /// A step of the store.
    pub(super) const fn new(key: Vec<u8>, verb: Verb) -> Self {
        let must_last = !matches!(verb, Verb::Put(..) | Verb::Get);
        Self { key, verb, must_last }
    }

    /// Whether doing it twice answers as doing it once.
    pub(super) const fn may_repeat(&self) -> bool {
        matches!(self.verb, Verb::Put(..) | Verb::Get | Verb::Delete)
    }

    /// Whether it may run once more long after it was repeated. A value that is put would be there again, used up or
    /// not: of one whose putting failed nobody knows.
    pub(super) const fn may_arrive_late(&self) -> bool {
        matches!(self.verb, Verb::Get | Verb::Delete)
    }

    /// The command; `whole` sends a script's text in the place of its digest.
    pub(super) fn command(&self, whole: bool) -> Cmd {
        let mut command = match &self.verb {
            Verb::Put(stored, millis) => {
                let mut command = redis::cmd("SET");
                command.arg(&self.key).arg(stored).arg("PX").arg(*millis);
                return command;
            }
            Verb::Get => redis::cmd("GET"),
            Verb::Take => redis::cmd("GETDEL"),
            Verb::Delete => redis::cmd("DEL"),
            Verb::PutNew { .. } => script(&PUT_NEW, whole),
            Verb::Exchange { .. } => script(&EXCHANGE, whole),
        };
        command.arg(&self.key);
        match &self.verb {
            Verb::PutNew { now, stored, millis } => {
                command.arg(&now.to_be_bytes()[..]).arg(stored).arg(*millis);
            }
            Verb::Exchange { now, body } => {
                command.arg(&now.to_be_bytes()[..]).arg(body);
            }
            _ => {}
        }
        command
    }
}

fn script(script: &ScriptText, whole: bool) -> Cmd {
    let mut command = redis::cmd(if whole { "EVAL" } else { "EVALSHA" });
    command.arg(if whole { script.text } else { script.digest.get_hash() }).arg(1);
    command
}

/// `PREFIX:v1:KIND:NAME`. Braces in a name may choose the slot of a cluster; as every step has one key, that does not
/// matter.
pub(super) fn stored_key(prefix: &str, key: &Key) -> Result<Vec<u8>, SessionError> {
    if key.name.len() > LONGEST_NAME {
        return Err(SessionError::NameTooLong(key.name.len()));
    }
    Ok(format!("{prefix}:v1:{}:{}", key.kind.as_str(), key.name).into_bytes())
}

/// How long Redis keeps what ends `until`, in milliseconds.
pub(super) fn life(kind: Kind, now: OffsetDateTime, until: OffsetDateTime) -> u64 {
    let left = Duration::from_nanos(nanos(until).saturating_sub(nanos(now))).min(LONGEST_LIFE);
    let slack = if kind == Kind::Used { SLACK_OF_MARKS } else { SLACK };
    u64::try_from((left + slack).as_millis()).unwrap_or(u64::MAX)
}
