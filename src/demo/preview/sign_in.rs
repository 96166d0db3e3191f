//! The states of the login page.

use super::APP;
use super::scenes::Way;
use crate::http::pages::{Account, EmailDiscovery, LoginPage, ProviderChoice};

/// A state in an address, for people, and what the page is told.
type State = (&'static str, &'static str, fn(&Way) -> LoginPage);

/// Every state of it.
pub const SIGN_IN: [State; 9] = [
    ("sign-in", "E-mail address, social accounts and organizations", everything),
    ("sign-in-social", "Social accounts", social),
    ("sign-in-list", "Organizations", list),
    ("sign-in-email", "E-mail address", email),
    ("sign-in-email-unknown", "E-mail address: one that led nowhere", email_unknown),
    ("sign-in-many", "Thirty organizations", many),
    ("sign-in-nothing", "No way to sign in", nothing),
    ("choose-account", "Somebody is signed in already", choose),
    ("choose-account-email-only", "Somebody is signed in already, known by address", choose_address),
];

/// As long and as wide as names may be, in other scripts, and one with a picture.
const MANY: [&str; 30] = [
    "Acme",
    "Überlandwerke-Nord-Holding-Essen",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
    "אוניברסיטת-תל-אביב",
    "جامعة-القاهرة",
    "Rocket🚀Works",
    "株式会社サンプル",
    "서울대학교",
    "Παράδειγμα",
    "Пример-Компания",
    "3M",
    "a.example",
    "Blue-Yonder-Airlines",
    "City-Power-and-Light",
    "Coho-Winery",
    "Contoso",
    "Contoso-Pharmaceuticals-EMEA-QA",
    "Fabrikam",
    "Fourth-Coffee",
    "Globex",
    "Humongous-Insurance",
    "Initech",
    "Litware",
    "Lucerne-Publishing",
    "Margies-Travel",
    "Proseware",
    "Tailspin-Toys",
    "Umbrella",
    "Wide-World-Importers",
    "Woodgrove-Bank",
];

fn nothing(way: &Way) -> LoginPage {
    LoginPage {
        app: APP.to_owned(),
        account: None,
        discovery: None,
        organisations: Vec::new(),
        socials: Vec::new(),
        asked: way.asked.clone(),
    }
}

fn everything(way: &Way) -> LoginPage {
    LoginPage {
        discovery: Some(discovery(way, None)),
        organisations: organisations(way, &["Acme", "Globex"]),
        ..social(way)
    }
}

fn social(way: &Way) -> LoginPage {
    let choice = |name| ProviderChoice::new(name, way.away.clone());
    let socials = vec![
        choice("Google").branded("google"),
        choice("Facebook").branded("facebook"),
        choice("Amazon").branded("amazon").saying("continue-with-amazon"),
        choice("Apple").branded("apple").saying("continue-with-apple"),
    ];
    LoginPage { socials, ..nothing(way) }
}

fn list(way: &Way) -> LoginPage {
    let organisations = organisations(way, &["Acme", "Contoso", "Fabrikam", "Globex", "Woodgrove-Bank"]);
    LoginPage { organisations, ..nothing(way) }
}

fn many(way: &Way) -> LoginPage {
    LoginPage { organisations: organisations(way, &MANY), ..nothing(way) }
}

fn email(way: &Way) -> LoginPage {
    LoginPage { discovery: Some(discovery(way, None)), ..nothing(way) }
}

fn email_unknown(way: &Way) -> LoginPage {
    LoginPage { discovery: Some(discovery(way, Some("ada@nowhere.example"))), ..nothing(way) }
}

fn choose(way: &Way) -> LoginPage {
    LoginPage { account: Some(account(way, "Ada Lovelace", Some("ada@example.com"))), ..everything(way) }
}

fn choose_address(way: &Way) -> LoginPage {
    LoginPage { account: Some(account(way, "ada@example.com", None)), ..list(way) }
}

fn organisations(way: &Way, names: &[&str]) -> Vec<ProviderChoice> {
    names.iter().map(|name| ProviderChoice::new(name, way.away.clone())).collect()
}

fn discovery(way: &Way, tried: Option<&str>) -> EmailDiscovery {
    EmailDiscovery {
        action: way.away.clone(),
        input: "email".to_owned(),
        value: tried.unwrap_or_default().to_owned(),
        problem: tried.is_some(),
    }
}

fn account(way: &Way, name: &str, email: Option<&str>) -> Account {
    Account::new(name.to_owned(), email.map(str::to_owned), "Acme".to_owned(), way.away.clone())
}
