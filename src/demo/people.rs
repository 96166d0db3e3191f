//! The people who live at the simulated providers.

use serde::Serialize;

/// Somebody.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Person {
    /// Stable id at the provider: NameID or `sub`.
    pub id: &'static str,
    /// Given name.
    pub given_name: &'static str,
    /// Family name.
    pub family_name: &'static str,
    /// E-mail address.
    pub email: &'static str,
    /// Where they work.
    pub department: &'static str,
    /// What they belong to.
    pub groups: &'static [&'static str],
}

/// Everybody.
pub const PEOPLE: [Person; 3] = [
    Person {
        id: "ada",
        given_name: "Ada",
        family_name: "Lovelace",
        email: "ada@example.com",
        department: "Analytical Engines",
        groups: &["engineers", "authors"],
    },
    Person {
        id: "grace",
        given_name: "Grace",
        family_name: "Hopper",
        email: "grace@example.com",
        department: "Compilers",
        groups: &["engineers", "navy"],
    },
    Person {
        id: "alan",
        given_name: "Alan",
        family_name: "Turing",
        email: "alan@example.com",
        department: "Cryptanalysis",
        groups: &["mathematicians"],
    },
];

/// The person of this id.
pub fn find(id: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|person| person.id == id)
}
