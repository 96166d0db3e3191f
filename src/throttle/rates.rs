//! The rates: the guide's, or what the settings say.

use std::num::NonZeroU32;

use super::cells::Keys;
use super::per_second;
use crate::observe::labels::{Label as _, Limit};

/// Largest rate, per second.
pub const MOST: u32 = 100_000;

/// How often a second each limit lets one through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates([Option<NonZeroU32>; Limit::ALL.len()]);

impl Default for Rates {
    fn default() -> Self {
        Self::guide()
    }
}

/// The guide's rate (p. 311; of the hosted endpoints: the published quotas), per second.
const fn guide(limit: Limit) -> u32 {
    match limit {
        Limit::Source | Limit::Client => 300,
        Limit::Domain => 500,
        Limit::Create | Limit::Customize => 1,
        Limit::Describe | Limit::List | Limit::Admin => 5,
        Limit::Membership | Limit::Auth | Limit::User => 10,
        Limit::AdminAuth => 20,
    }
}

/// How many seconds' worth may come at once.
///
/// Scripts of administrators (Terraform with thirty clients) write in one go what they then leave alone for days; a
/// browser asks for a page and what belongs to it within a moment.
pub(super) const fn burst_seconds(limit: Limit) -> NonZeroU32 {
    let seconds = match limit {
        Limit::Source | Limit::Client | Limit::Domain => 2,
        Limit::Auth | Limit::User => 10,
        Limit::Create
        | Limit::Customize
        | Limit::Describe
        | Limit::List
        | Limit::Admin
        | Limit::Membership
        | Limit::AdminAuth => 60,
    };
    match per_second(seconds) {
        Some(seconds) => seconds,
        None => NonZeroU32::MIN,
    }
}

pub(super) const fn keys(limit: Limit) -> Keys {
    match limit {
        Limit::Source | Limit::Client | Limit::Domain | Limit::Auth | Limit::User => Keys::Many,
        Limit::Create
        | Limit::Customize
        | Limit::Describe
        | Limit::List
        | Limit::Admin
        | Limit::Membership
        | Limit::AdminAuth => Keys::One,
    }
}

impl Rates {
    /// The guide's.
    pub fn guide() -> Self {
        let mut rates = Self::off();
        for limit in Limit::ALL {
            rates.0[limit.place()] = per_second(guide(*limit));
        }
        rates
    }

    /// None.
    pub const fn off() -> Self {
        Self([None; Limit::ALL.len()])
    }

    /// Whether nothing is limited.
    pub fn is_off(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Of one limit; none: without limit.
    pub fn of(&self, limit: Limit) -> Option<NonZeroU32> {
        self.0[limit.place()]
    }

    /// `guide`, `off`, or what differs from the guide's: `create=10,source=1000,domain=off`.
    ///
    /// # Errors
    /// What was given that cannot be used, and what is allowed.
    pub fn parse(text: &str) -> Result<Self, (String, String)> {
        match text {
            "guide" => return Ok(Self::guide()),
            "off" => return Ok(Self::off()),
            _ => {}
        }
        let mut rates = Self::guide();
        let mut given = Vec::new();
        for part in text.split(',').map(str::trim) {
            let refuse = || (part.to_owned(), allowed());
            let (name, rate) = part.split_once('=').ok_or_else(refuse)?;
            let limit = Limit::ALL.iter().find(|limit| limit.as_str() == name.trim()).ok_or_else(refuse)?;
            if given.contains(limit) {
                return Err((part.to_owned(), format!("{} once", limit.as_str())));
            }
            given.push(*limit);
            rates.0[limit.place()] = match rate.trim() {
                "off" => None,
                rate => {
                    let rate = rate.parse().ok().filter(|rate| (1..=MOST).contains(rate));
                    Some(rate.and_then(per_second).ok_or_else(refuse)?)
                }
            };
        }
        Ok(rates)
    }
}

fn allowed() -> String {
    let names: Vec<_> = Limit::ALL.iter().map(|limit| limit.as_str()).collect();
    format!(
        "guide, off, or NAME=RATE separated by commas; NAME: {}; RATE: 1 to {MOST} per second, or off",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_keeps_the_guides_rate() {
        let rates = Rates::parse("create=10, source=1000,domain=off").unwrap();
        assert_eq!(rates.of(Limit::Create).unwrap().get(), 10);
        assert_eq!(rates.of(Limit::Source).unwrap().get(), 1000);
        assert_eq!(rates.of(Limit::Domain), None);
        assert_eq!(rates.of(Limit::List), Rates::guide().of(Limit::List));
        assert!(Rates::parse("off").unwrap().is_off());
        assert_eq!(Rates::parse("guide").unwrap(), Rates::guide());
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_what_is_allowed() {
        for text in ["fast", "create", "create=0", "create=-1", "create=100001", "teapot=1", "create=1,"] {
            let (given, allowed) = Rates::parse(text).unwrap_err();
            assert!(text.contains(&given), "{text}: {given}");
            assert!(allowed.contains("create") && allowed.contains("100000"), "{allowed}");
        }
        assert!(Rates::parse("create=1,create=2").is_err());
    }
}
