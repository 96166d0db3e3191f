//! What sign-ins make of the users that were read for them: in memory, the same for every store.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::DirectoryError;
use super::stored::no_pool;
use crate::pool::{FederatedProfile, Identity, LinkError, User};

/// The users that some sign-ins are about, as stored and as decided so far.
#[derive(Default)]
pub(super) struct SignIns {
    users: Vec<Slot>,
    /// (pool, provider, subject) → place in `users`.
    by_identity: HashMap<(String, String, String), usize>,
    /// (pool, username) of every user these could collide with.
    taken: HashSet<(String, String)>,
    /// Row id → place in `users`.
    places: HashMap<i64, usize>,
    /// What waits for those who are not known yet.
    waiting: WaitingLinks,
    /// Pools in which no user can be made.
    gone: HashSet<String>,
}

/// A user, stored or to be.
pub(super) struct Slot {
    /// Its row.
    pub(super) id: i64,
    /// As decided so far.
    pub(super) user: User,
    changed: bool,
    /// The groups that are stored, and by whose mapping.
    stored_groups: BTreeMap<String, Option<String>>,
    /// Identities that are the user's since now.
    pub(super) joined: Vec<Identity>,
}

impl Slot {
    /// The groups that are the user's since now, or are so by another's mapping, and by whose.
    pub(super) fn new_groups(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let stored = |group: &str| self.stored_groups.get(group).map(Option::as_deref);
        groups_of(&self.user).filter(move |(group, by)| stored(group) != Some(*by))
    }

    /// The stored groups that the user is in no more.
    pub(super) fn left_groups(&self) -> impl Iterator<Item = &str> {
        let stored = self.stored_groups.keys().map(String::as_str);
        stored.filter(|group| !self.user.groups.iter().any(|now| now == group))
    }
}

fn groups_of(user: &User) -> impl Iterator<Item = (&str, Option<&str>)> {
    user.groups.iter().map(|group| (group.as_str(), user.mapped_groups.get(group).map(String::as_str)))
}

fn key(profile: &FederatedProfile) -> (String, String, String) {
    let identity = &profile.identity;
    (profile.pool_id.clone(), identity.provider_name.clone(), identity.user_id.clone())
}

impl SignIns {
    /// The profile's username is somebody's.
    pub(super) fn is_taken(&mut self, profile: &FederatedProfile) {
        self.taken.insert((profile.pool_id.clone(), profile.username.clone()));
    }

    /// There is no such pool.
    pub(super) fn has_gone(&mut self, pool_id: String) {
        self.gone.insert(pool_id);
    }

    /// The profile's identity is this stored user's.
    pub(super) fn knows(&mut self, profile: &FederatedProfile, id: i64, user: User) {
        let place = self.place(id, user);
        self.by_identity.insert(key(profile), place);
    }

    /// A link to this stored user waits under this key.
    pub(super) fn awaits(&mut self, key: WaitingKey, link: Waiting, user: User) {
        self.place(link.user, user);
        self.waiting.add(key, link);
    }

    /// Where this stored user is: one place, by whatever it was found.
    fn place(&mut self, id: i64, user: User) -> usize {
        *self.places.entry(id).or_insert_with(|| {
            let groups = groups_of(&user);
            let stored_groups = groups.map(|(group, by)| (group.to_owned(), by.map(str::to_owned))).collect();
            let (changed, joined) = (false, Vec::new());
            self.users.push(Slot { id, user, changed, stored_groups, joined });
            self.users.len() - 1
        })
    }

    /// What this sign-in makes of its user, after those decided before it. A new user gets the row `next_user`, which
    /// is counted up.
    pub(super) fn decide(
        &mut self,
        profile: &FederatedProfile,
        next_user: &mut i64,
    ) -> Result<User, DirectoryError> {
        let key = key(profile);
        if let Some(slot) = self.by_identity.get(&key).and_then(|place| self.users.get_mut(*place)) {
            let (user, changed) = profile.apply(Some(&slot.user))?;
            if changed {
                slot.user = user.clone();
                slot.changed = true;
            }
            return Ok(user);
        }
        if let Some(link) = self.waiting.of(profile)?
            && let Some(place) = self.places.get(&link.user).copied()
            && let Some(slot) = self.users.get_mut(place)
        {
            let (user, identity) = profile.join(&slot.user, link.date_created)?;
            slot.user = user.clone();
            slot.changed = true;
            slot.joined.push(identity);
            self.by_identity.insert(key, place);
            self.waiting.use_up(profile);
            return Ok(user);
        }
        if self.gone.contains(&profile.pool_id) {
            return Err(no_pool(&profile.pool_id));
        }
        let (user, _) = profile.apply(None)?;
        let name = (user.pool_id.clone(), user.username.clone());
        if self.taken.contains(&name) {
            return Err(DirectoryError::UsernameTaken(user.username));
        }
        if !profile.may_sign_up {
            return Err(DirectoryError::NotKnown(user.username));
        }
        self.taken.insert(name);
        self.by_identity.insert(key, self.users.len());
        let joined = user.identities.clone();
        let (id, stored_groups, changed) = (*next_user, BTreeMap::new(), true);
        self.users.push(Slot { id, user: user.clone(), changed, stored_groups, joined });
        *next_user += 1;
        Ok(user)
    }

    /// The users that must be written, in their final state.
    pub(super) fn changed(&self) -> impl Iterator<Item = &Slot> {
        self.users.iter().filter(|slot| slot.changed)
    }

    /// The row of the user of this sign-in, once it is decided.
    pub(super) fn row_of(&self, profile: &FederatedProfile) -> Option<i64> {
        self.by_identity.get(&key(profile)).and_then(|place| self.users.get(*place)).map(|slot| slot.id)
    }

    /// The links that are used up.
    pub(super) fn used_links(&self) -> &[WaitingKey] {
        &self.waiting.used
    }
}

/// Pool, provider, pool attribute, value.
pub(super) type WaitingKey = (String, String, String, String);

/// What a new identity finds: the user, and when the link was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    /// Row id of the user.
    pub(super) user: i64,
    pub(super) date_created: i64,
}

/// The keys under which a link may wait for this sign-in.
pub(super) fn waiting_keys(profile: &FederatedProfile) -> impl Iterator<Item = WaitingKey> + '_ {
    let (pool, provider) = (&profile.pool_id, &profile.identity.provider_name);
    profile
        .recognised
        .iter()
        .map(move |(name, value)| (pool.clone(), provider.clone(), name.clone(), value.clone()))
}

/// The links that wait, as decided so far.
#[derive(Default)]
struct WaitingLinks {
    waiting: HashMap<WaitingKey, Waiting>,
    used: Vec<WaitingKey>,
}

impl WaitingLinks {
    fn add(&mut self, key: WaitingKey, link: Waiting) {
        self.waiting.insert(key, link);
    }

    /// The link for this sign-in; the oldest, where several lead to one user.
    fn of(&self, profile: &FederatedProfile) -> Result<Option<Waiting>, LinkError> {
        if self.waiting.is_empty() {
            return Ok(None);
        }
        let mut found: Option<Waiting> = None;
        for link in waiting_keys(profile).filter_map(|key| self.waiting.get(&key)) {
            match &mut found {
                Some(before) if before.user != link.user => return Err(LinkError::Ambiguous),
                Some(before) => before.date_created = before.date_created.min(link.date_created),
                None => found = Some(*link),
            }
        }
        Ok(found)
    }

    /// Nobody else gets what this sign-in got.
    fn use_up(&mut self, profile: &FederatedProfile) {
        for key in waiting_keys(profile) {
            if self.waiting.remove(&key).is_some() {
                self.used.push(key);
            }
        }
    }
}
