//! Time and randomness, passed in.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use time::{Duration, OffsetDateTime};

/// Tells the time. Tests bring their own.
pub trait Clock: Send + Sync {
    /// The moment it is now, in UTC.
    fn now(&self) -> OffsetDateTime;

    /// The time since some moment that stays the same while the process lives: it goes on evenly, whatever is done to
    /// the clock. A test's clock that steps only when it is told to need not say.
    fn ticks(&self) -> Duration {
        self.now() - OffsetDateTime::UNIX_EPOCH
    }
}

/// Gives random bytes fit for keys, nonces and handles. Tests bring their own.
pub trait Random: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> OffsetDateTime {
        (**self).now()
    }

    fn ticks(&self) -> Duration {
        (**self).ticks()
    }
}

impl<T: Random + ?Sized> Random for Arc<T> {
    fn fill(&self, bytes: &mut [u8]) {
        (**self).fill(bytes);
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn ticks(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        Duration::try_from(START.elapsed()).unwrap_or(Duration::MAX)
    }
}

/// The cryptography library's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks for randomness")]
    #[expect(clippy::expect_used, reason = "without randomness nothing may go on")]
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the system's random generator failed");
    }
}

/// `bytes` random bytes in base64url without padding.
pub fn random_token(random: &dyn Random, bytes: usize) -> String {
    use base64::Engine as _;
    let mut buffer = vec![0_u8; bytes];
    random.fill(&mut buffer);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(buffer)
}

/// `bytes` random bytes in lower-case hexadecimal.
pub fn random_hex(random: &dyn Random, bytes: usize) -> String {
    use std::fmt::Write as _;
    let mut buffer = vec![0_u8; bytes];
    random.fill(&mut buffer);
    buffer.iter().fold(String::with_capacity(bytes * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
