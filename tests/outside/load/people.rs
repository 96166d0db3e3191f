//! Who signs in: new people and old ones, with attributes that change.

use std::collections::HashMap;

use super::login::Way;

/// People a worker knows at most; then only those come back.
const MOST: usize = 400;

/// A person at one provider.
#[derive(Debug, Clone)]
pub struct Soul {
    /// The subject at the provider.
    pub name: String,
    /// `Saml` or `Oidc`.
    pub provider: &'static str,
    /// How often the address has changed.
    pub moved: usize,
}

impl Soul {
    /// Somebody who signs in through this provider.
    pub fn new(name: impl Into<String>, provider: &'static str) -> Self {
        Self { name: name.into(), provider, moved: 0 }
    }

    /// The username here.
    pub fn username(&self) -> String {
        format!("{}_{}", self.provider, self.name)
    }

    /// The e-mail address now.
    pub fn mail(&self) -> String {
        format!("{}.{}@example.com", self.name, self.moved)
    }
}

/// The people of one worker: nobody else signs them in, so that it knows which address is theirs.
pub(super) struct Crowd {
    worker: usize,
    turn: usize,
    known: Vec<Soul>,
}

impl Crowd {
    pub(super) fn new(worker: usize) -> Self {
        Self { worker, turn: 0, known: Vec::new() }
    }

    /// Who comes next, how, and whether in two browsers at once.
    pub(super) fn next(&mut self) -> (&Soul, Way, bool) {
        self.turn += 1;
        let turn = self.turn;
        let is_new = turn % 3 == 1 && self.known.len() < MOST || self.known.is_empty();
        let index = if is_new {
            let provider = if turn.is_multiple_of(2) { "Saml" } else { "Oidc" };
            self.known.push(Soul::new(format!("p{}-{turn}", self.worker), provider));
            self.known.len() - 1
        } else {
            // Spread over all of them, without order.
            let index = turn.wrapping_mul(7_919) % self.known.len();
            let soul = self.known.get_mut(index).expect("an index of the crowd");
            soul.moved += usize::from(turn.is_multiple_of(4));
            index
        };
        let soul = self.known.get(index).expect("an index of the crowd");
        let way = match soul.provider {
            "Saml" if turn % 5 == 2 => Way::Unsolicited,
            _ => Way::Asked,
        };
        (soul, way, turn % 7 == 1)
    }
}

/// Which `sub` belongs to whom: one each, for ever.
#[derive(Default)]
pub(super) struct Subs {
    of: HashMap<String, String>,
    whose: HashMap<String, String>,
}

impl Subs {
    /// Notes that `username` was given this `sub`, or says what is wrong with that.
    pub(super) fn note(&mut self, username: &str, sub: &str) -> Result<(), String> {
        let known = self.of.entry(username.to_owned()).or_insert_with(|| sub.to_owned());
        if known != sub {
            return Err(format!("{username} is {sub}, and was {known} before"));
        }
        let owner = self.whose.entry(sub.to_owned()).or_insert_with(|| username.to_owned());
        if owner != username {
            return Err(format!("{username} and {owner} are both {sub}"));
        }
        Ok(())
    }

    pub(super) fn forget(&mut self, username: &str) {
        self.of.remove(username);
    }

    pub(super) fn all(&self) -> &HashMap<String, String> {
        &self.of
    }
}
