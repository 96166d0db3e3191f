//! Google's scopes ("OAuth 2.0 Scopes for Google APIs", developers.google.com/identity/protocols/oauth2/scopes): short
//! names are for OpenID Connect, the others are addresses.

use std::collections::BTreeSet;

/// Asks for an ID token.
pub const OPENID: &str = "openid";
/// The e-mail address.
pub const EMAIL: &str = "https://www.googleapis.com/auth/userinfo.email";
/// Name and picture.
pub const PROFILE: &str = "https://www.googleapis.com/auth/userinfo.profile";

/// What is known besides: the scope, and what the page says of it.
pub const MORE: [(&str, &str); 3] = [
    ("https://www.googleapis.com/auth/user.birthday.read", "your exact date of birth"),
    ("https://www.googleapis.com/auth/user.phonenumbers.read", "your phone numbers"),
    ("https://www.googleapis.com/auth/user.organization.read", "where you work"),
];

/// The scopes of a request, separated by spaces, under their long names.
pub fn read(scope: &str) -> Result<BTreeSet<String>, String> {
    let (mut valid, mut invalid) = (BTreeSet::new(), Vec::new());
    for name in scope.split(' ').filter(|name| !name.is_empty()) {
        let known = match name {
            "email" => EMAIL,
            "profile" => PROFILE,
            OPENID | EMAIL | PROFILE => name,
            _ if MORE.iter().any(|(known, _)| *known == name) => name,
            _ => {
                invalid.push(name);
                continue;
            }
        };
        valid.insert(known.to_owned());
    }
    if !invalid.is_empty() {
        let valid: Vec<_> = valid.into_iter().collect();
        let (valid, invalid) = (valid.join(", "), invalid.join(", "));
        return Err(format!("Some requested scopes were invalid. {{valid=[{valid}], invalid=[{invalid}]}}"));
    }
    if valid.is_empty() { Err("Missing required parameter: scope".to_owned()) } else { Ok(valid) }
}

/// Them as the token endpoint names them.
pub fn long(scopes: &BTreeSet<String>) -> String {
    scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// What the page says that the app will get.
pub fn words(scopes: &BTreeSet<String>) -> Vec<&'static str> {
    let mut words = Vec::new();
    if scopes.contains(PROFILE) {
        words.push("your name and picture");
    }
    if scopes.contains(EMAIL) {
        words.push("your e-mail address");
    }
    words.extend(MORE.iter().filter(|(scope, _)| scopes.contains(*scope)).map(|(_, words)| words));
    words
}
