//! A directory with everything in it that there is, made through its own doors.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sqlx::{Connection as _, SqliteConnection};
use time::{Duration, OffsetDateTime};

use crate::directory::conformance::profile;
use crate::directory::conformance::provider_sessions::within;
use crate::directory::conformance::rotations::rotation;
use crate::directory::sqlite::SqliteDirectory;
use crate::directory::sqlite::tests::TestClock;
use crate::directory::{Change, Directory, Ended, Kind, Record, Rotation, UniqueName};
use crate::migrate::source::PAGE;
use crate::pool::{FederatedProfile, LinkBy, LinkSource, NewLink, User};

pub(super) const POOL: &str = "eu-west-1_aBcDeF123";
pub(super) const GONE: &str = "eu-west-1_zYxWvU987";
pub(super) const NOON: OffsetDateTime = time::macros::datetime!(2026-11-21 12:00 UTC);
/// Nothing is forgotten before.
pub(super) const FAR: OffsetDateTime = time::macros::datetime!(2036-11-21 12:00 UTC);
/// More than one page, and the last one not full.
pub(super) const MANY: usize = PAGE * 2 + 3;

/// Texts that something on the way could take for something else.
pub(super) const HOSTILE: [&str; 12] = [
    "",
    "\\N",
    "\\.",
    "a\tb\nc\rd\\e\\\\",
    "\\x41",
    "'; DROP TABLE users; --",
    "{\"a\":[1]}",
    "NULL",
    "Ä\u{308}\u{202e}\u{feff}\u{10ffff}\u{7f}\u{1}",
    " spaces  ",
    "İstanbul ß ﬀ",
    "%_$1 ${x}",
];

pub(super) fn record(kind: Kind, pool_id: &str, id: &str, document: &str, names: &[(&str, &str)]) -> Record {
    Record {
        kind,
        pool_id: pool_id.into(),
        id: id.into(),
        document: document.into(),
        sealed: Some((0..=255).collect()),
        names: names
            .iter()
            .map(|(scope, name)| UniqueName { scope: (*scope).into(), name: (*name).into() })
            .collect(),
        version: 0,
    }
}

pub(super) fn waiting(user: &User, attribute: &str, value: &str) -> NewLink {
    let by = LinkBy::Attribute { name: attribute.into(), value: value.into() };
    link(user, LinkSource { provider_name: "Corp".into(), by })
}

fn link(user: &User, source: LinkSource) -> NewLink {
    NewLink {
        pool_id: user.pool_id.clone(),
        sub: user.sub.clone(),
        source,
        provider_type: "SAML".into(),
        issuer: None,
        at: NOON + Duration::milliseconds(7),
    }
}

/// A sign-in that carries this attribute, which is to be relied on.
pub(super) fn recognised(subject: &str, attribute: &str, value: &str) -> FederatedProfile {
    let by = BTreeMap::from([(attribute.to_owned(), value.to_owned())]);
    FederatedProfile { recognised: by, ..profile("Corp", subject) }
}

async fn configure(directory: &dyn Directory) {
    let mut plain = record(Kind::UserPool, POOL, POOL, "{ \"kept\" : [1.0, 1e2, \"\\u00e9\"] }", &[]);
    plain.sealed = None;
    let long = format!("{{\"metadata\":\"{}\"}}", "é<>&\\\\n".repeat(20_000));
    let of_pool = vec![
        plain,
        record(Kind::IdentityProvider, POOL, "Okta", &long, &[("identifier:p", "a.example")]),
        record(Kind::IdentityProvider, POOL, "Corp", "{}", &[("identifier:p", "b"), ("domain", "B")]),
        record(Kind::AppClient, POOL, "client", HOSTILE[3], &[("client", "client")]),
    ];
    directory.write(of_pool.into_iter().map(Change::Create).collect()).await.unwrap();
    let elsewhere = record(Kind::UserPool, GONE, GONE, "{}", &[]);
    directory.write(vec![Change::Create(elsewhere)]).await.unwrap();
    directory.write(vec![Change::DeletePool(GONE.into())]).await.unwrap();
    let mut again = directory.load_pool(POOL).await.unwrap();
    let mut client = again.remove(again.iter().position(|record| record.id == "client").unwrap());
    client.document = "{\"changed\":true}".into();
    directory.write(vec![Change::Replace(client)]).await.unwrap();
}

async fn people(directory: &Arc<SqliteDirectory>) {
    let signing_in: Vec<_> = (0..MANY)
        .map(|number| {
            let directory = Arc::clone(directory);
            tokio::spawn(async move {
                let mut profile = within("Okta", &format!("person{number}"), &format!("session {number}"));
                let hostile = HOSTILE[number % HOSTILE.len()];
                if !hostile.is_empty() {
                    profile.set.insert("custom:text".into(), hostile.into());
                }
                directory.sign_in(profile).await.unwrap()
            })
        })
        .collect();
    for person in signing_in {
        person.await.unwrap();
    }
    for (number, text) in HOSTILE.iter().enumerate() {
        let mut profile = profile("Corp", &format!("{text}{number}"));
        profile.identity.issuer = None;
        profile.set.insert("custom:long".into(), "\u{10ffff}".repeat(2_048));
        let user = directory.sign_in(profile).await.unwrap();
        let marks = [(vec![(*text).to_owned()], true), (Vec::new(), false)];
        for (sessions, tokens) in marks {
            let person = "person".to_owned();
            let ended = Ended { person, sessions, at: NOON, tokens, until: FAR };
            directory.end_provider_sessions(POOL, &user.sub, ended).await.unwrap();
        }
    }
    directory.delete_user(POOL, "Okta_person5").await.unwrap();
}

async fn links(directory: &dyn Directory) {
    let alice = directory.user(POOL, "Okta_person1").await.unwrap().unwrap();
    for value in [HOSTILE[3], &"ä".repeat(2_048), "7"] {
        directory.link(waiting(&alice, "custom:staff", value)).await.unwrap();
    }
    let by = LinkBy::Subject("a.smith".into());
    directory.link(link(&alice, LinkSource { provider_name: "Corp".into(), by })).await.unwrap();
    for family in HOSTILE {
        directory.revoke_family(POOL, family, FAR).await.unwrap();
        for generation in 1..4 {
            assert!(
                directory
                    .rotate(Rotation { until: FAR, ..rotation(family, generation, family) })
                    .await
                    .unwrap()
            );
        }
        assert!(directory.use_once(family, FAR).await.unwrap());
    }
}

/// Fills a new file.
pub(super) async fn directory(path: &Path) {
    let directory = Arc::new(SqliteDirectory::open(path, TestClock::at_noon()).await.unwrap());
    configure(&*directory).await;
    people(&directory).await;
    links(&*directory).await;
    directory.close().await;
    // What no door of the directory does yet.
    sql(path, "UPDATE users SET enabled = 0, signed_out_at = 1795262400123 WHERE username = 'Okta_person2'")
        .await;
}

/// Behind the directory's back.
pub(super) async fn sql(path: &Path, text: &'static str) {
    let address = format!("sqlite:{}", path.display());
    let mut connection = SqliteConnection::connect(&address).await.unwrap();
    sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
