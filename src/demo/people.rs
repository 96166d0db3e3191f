//! The people who live at the simulated providers.

use aws_lc_rs::digest::{SHA256, digest};
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
    /// Year, month and day of birth.
    pub born: (u16, u8, u8),
    /// Telephone number (E.164).
    pub phone: &'static str,
    /// Postal code.
    pub postal_code: &'static str,
    /// The domain whose administrator owns the account, if one does.
    pub hosted_domain: Option<&'static str>,
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
        born: (1815, 12, 10),
        phone: "+442079460101",
        postal_code: "SW1Y 4JH",
        hosted_domain: None,
    },
    Person {
        id: "grace",
        given_name: "Grace",
        family_name: "Hopper",
        email: "grace@example.com",
        department: "Compilers",
        groups: &["engineers", "navy"],
        born: (1906, 12, 9),
        phone: "+12025550109",
        postal_code: "22201-4014",
        hosted_domain: Some("example.com"),
    },
    Person {
        id: "alan",
        given_name: "Alan",
        family_name: "Turing",
        email: "alan@example.com",
        department: "Cryptanalysis",
        groups: &["mathematicians"],
        born: (1912, 6, 23),
        phone: "+441614960623",
        postal_code: "MK3 6EB",
        hosted_domain: None,
    },
];

/// The person of this id.
pub fn find(id: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|person| person.id == id)
}

impl Person {
    /// Given and family name.
    pub fn name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }

    /// A number that is theirs at this provider and nowhere else, and never changes.
    pub fn number(&self, provider: &str) -> u64 {
        let hash = digest(&SHA256, format!("{provider}/{}", self.id).as_bytes());
        hash.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}
