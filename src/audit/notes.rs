//! What the rooms that a request walks through tell of it, for its event. A room notes with one line and without
//! being handed anything; where nobody audits the request, nothing happens.

use std::cell::RefCell;

tokio::task_local! {
    static NOTES: RefCell<Notes>;
}

/// What is known of a request. The first who tells something is right: it was nearest to what happened.
#[derive(Debug, Default)]
pub struct Notes {
    /// The pool at whose domain it arrived.
    pub pool_id: Option<String>,
    /// The app client: one that exists.
    pub client_id: Option<String>,
    /// The identity provider: one that exists.
    pub provider: Option<String>,
    /// The user's `sub`: an id that tells nothing of the person.
    pub sub: Option<String>,
    /// What an app gave for tokens.
    pub grant: Option<&'static str>,
    /// Why it was refused: a stable code and a sentence without anything of a person.
    pub error: Option<(String, String)>,
}

/// Notes something of the request that is being answered.
pub fn note(change: impl FnOnce(&mut Notes)) {
    // Not audited, or noted from within a note: both are nothing to act on.
    let _ = NOTES.try_with(|notes| {
        if let Ok(mut notes) = notes.try_borrow_mut() {
            change(&mut notes);
        }
    });
}

/// Notes whose request it is.
pub fn user(sub: &str) {
    note(|notes| {
        notes.sub.get_or_insert_with(|| sub.to_owned());
    });
}

/// Notes the app client, which exists.
pub fn client(client_id: &str) {
    note(|notes| {
        notes.client_id.get_or_insert_with(|| client_id.to_owned());
    });
}

/// Notes the identity provider, which exists.
pub fn provider(name: &str) {
    note(|notes| {
        notes.provider.get_or_insert_with(|| name.to_owned());
    });
}

/// Notes why the request is refused. `why` holds nothing of a person.
pub fn error(code: &str, why: &str) {
    note(|notes| {
        notes.error.get_or_insert_with(|| (code.to_owned(), why.to_owned()));
    });
}

/// Does the work, and collects what is noted meanwhile.
pub async fn noting<T>(work: impl Future<Output = T>) -> (T, Notes) {
    let both = async {
        let done = work.await;
        (done, NOTES.with(|notes| notes.take()))
    };
    NOTES.scope(RefCell::default(), both).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_note_is_kept_and_a_note_of_nobodys_request_is_none() {
        user("nobody");
        let (answer, notes) = noting(async {
            user("one");
            user("two");
            error("code", "why");
            error("page", "what the page says");
            7
        })
        .await;
        assert_eq!((answer, notes.sub.as_deref()), (7, Some("one")));
        assert_eq!(notes.error, Some(("code".to_owned(), "why".to_owned())));
    }
}
