//! What of a sign-in a waiting link may go by (`pool::link`): never an address that is not verified.
//!
//! A link by attribute hands a user to whoever a provider says has that value. Many providers let people write
//! their own e-mail address, so that one counts only when this very sign-in counts it as verified; whatever has the
//! shape of an address is held to the same, under whichever name it comes.

use std::collections::BTreeMap;

use poolgate_providers::ExternalIdentity;

use super::mapping::is_trusted_email;
use crate::pool::IdentityProvider;

/// Targets of a mapping that tell nobody from another.
const NOT_A_PERSON: [&str; 4] = ["username", "cognito:groups", "email_verified", "phone_number_verified"];

/// Pool attribute → its one value, for what counts. `set` is what the sign-in makes of the user's attributes.
pub(super) fn recognised(
    identity: &ExternalIdentity,
    provider: &IdentityProvider,
    set: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mapped = provider.attribute_mapping.iter().filter(|(name, _)| tells_a_person(name));
    mapped
        .filter_map(|(name, source)| match identity.attributes.get(source).map(Vec::as_slice) {
            // Of several values none is the one that was meant.
            Some([value]) if !value.is_empty() && counts(name, value, provider, set) => {
                Some((name.clone(), value.clone()))
            }
            _ => None,
        })
        .collect()
}

fn tells_a_person(attribute: &str) -> bool {
    !NOT_A_PERSON.contains(&attribute)
}

fn counts(name: &str, value: &str, provider: &IdentityProvider, set: &BTreeMap<String, String>) -> bool {
    // In whatever case: a provider may fold the same address in one place and not in another.
    let same = |known: &String| known == value || known.to_lowercase() == value.to_lowercase();
    let is = |address: &str| name == address || set.get(address).is_some_and(same);
    let verified = |flag: &str| set.get(flag).is_some_and(|known| known == "true");
    if is("phone_number") && !verified("phone_number_verified") {
        return false;
    }
    if is("email") && !verified("email_verified") {
        return false;
    }
    let exactly = name == "email" || set.get("email").is_some_and(|known| known == value);
    exactly || !value.contains('@') || is_trusted_email(value, provider)
}

/// Whether a link of this provider by this attribute could ever take.
///
/// # Errors
/// Why not, in words, and what would help.
pub fn could_take(provider: &IdentityProvider, attribute: &str, value: &str) -> Result<(), String> {
    let (name, mapping) = (&provider.provider_name, &provider.attribute_mapping);
    if !tells_a_person(attribute) {
        return Err(format!("{attribute} does not tell one person from another."));
    }
    if !mapping.contains_key(attribute) {
        let meant = mapping.iter().find(|(target, source)| *source == attribute && tells_a_person(target));
        return Err(match meant {
            Some((target, _)) => format!(
                "it is the name of the user pool attribute, not of the provider's: {name} maps {attribute} to \
                 {target}."
            ),
            None => {
                let mapped: Vec<_> =
                    mapping.keys().filter(|target| tells_a_person(target)).cloned().collect();
                let mapped = if mapped.is_empty() { "nothing".to_owned() } else { mapped.join(", ") };
                format!("{name} maps nothing to the user pool attribute {attribute}. Mapped: {mapped}.")
            }
        });
    }
    if attribute == "phone_number" && !mapping.contains_key("phone_number_verified") {
        return Err(format!(
            "a link by telephone number takes only where the provider says that it is verified, and {name} maps \
             nothing to phone_number_verified."
        ));
    }
    let address = attribute == "email" || value.contains('@');
    let said = mapping.contains_key("email") && mapping.contains_key("email_verified");
    if address && !said && !is_trusted_email(value, provider) {
        return Err(format!(
            "a link by e-mail address takes only where a sign-in counts the address as verified: map \
             email_verified, or list the address's domain in trusted_email_domains of {name}. Cognito_Subject is \
             safer."
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use poolgate_providers::{ProviderSession, Told};
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::provider;

    fn recognised_with(
        mapping: Value,
        trusted: &str,
        attributes: &[(&str, &[&str])],
        set: &[(&str, &str)],
    ) -> Vec<String> {
        let details = json!({"trusted_email_domains": trusted});
        let provider = provider("Acme", json!({"AttributeMapping": mapping, "ProviderDetails": details}));
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let identity = ExternalIdentity {
            subject: "jane".into(),
            attributes: attributes.iter().map(|(name, values)| ((*name).to_owned(), owned(values))).collect(),
            issuer: "https://idp.example".into(),
            session: ProviderSession::default(),
            authenticated_at: None,
            told_once: &[],
            told: Told::default(),
        };
        let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        recognised(&identity, &provider, &set).into_keys().collect()
    }

    const JANE: &[(&str, &[&str])] = &[("mail", &["jane@acme.example"])];

    #[test]
    fn an_address_counts_only_when_this_sign_in_verified_it() {
        let mapping = json!({"email": "mail"});
        let with = |flag: &str| {
            let set = [("email", "jane@acme.example"), ("email_verified", flag)];
            recognised_with(mapping.clone(), "", JANE, &set)
        };
        assert_eq!(with("true"), ["email"]);
        assert_eq!(with("false"), [""; 0]);
        assert_eq!(recognised_with(mapping, "", JANE, &[("email", "jane@acme.example")]), [""; 0]);
    }

    #[test]
    fn an_address_under_another_name_is_an_address_all_the_same() {
        let mapping = json!({"custom:upn": "mail", "email": "mail"});
        let unverified = [("email", "jane@acme.example"), ("email_verified", "false")];
        assert_eq!(recognised_with(mapping.clone(), "", JANE, &unverified), [""; 0]);
        // The provider's own word about the address counts for more than its domain.
        assert_eq!(recognised_with(mapping.clone(), "acme.example", JANE, &unverified), [""; 0]);
        let folded = [("email", "Jane@Acme.example"), ("email_verified", "false")];
        assert_eq!(recognised_with(mapping, "acme.example", JANE, &folded), [""; 0]);
        let verified = [("email", "Jane@Acme.example"), ("email_verified", "true")];
        let upn = json!({"custom:upn": "mail"});
        assert_eq!(recognised_with(upn.clone(), "", JANE, &verified), [""; 0], "not this very address");
        assert_eq!(recognised_with(upn, "acme.example", JANE, &verified), ["custom:upn"]);
        let alone = json!({"custom:upn": "mail"});
        assert_eq!(recognised_with(alone.clone(), "", JANE, &[]), [""; 0], "nobody verified it");
        assert_eq!(recognised_with(alone.clone(), "evil.example", JANE, &[]), [""; 0]);
        assert_eq!(recognised_with(alone, "acme.example", JANE, &[]), ["custom:upn"]);
    }

    #[test]
    fn a_telephone_number_counts_only_when_it_is_verified() {
        let number: &[(&str, &[&str])] = &[("tel", &["+4912345"])];
        for attribute in ["phone_number", "custom:tel"] {
            let mapping = json!({"phone_number": "tel", attribute: "tel"});
            let with = |flag: &str| {
                let set = [("phone_number", "+4912345"), ("phone_number_verified", flag)];
                recognised_with(mapping.clone(), "", number, &set)
            };
            assert_eq!(with("false"), [""; 0], "{attribute}");
            assert!(with("true").contains(&attribute.to_owned()), "{attribute}");
        }
    }

    #[test]
    fn of_several_values_none_counts_and_an_empty_one_is_none() {
        let mapping = json!({"custom:staff": "staff"});
        let with = |values: &[&str]| recognised_with(mapping.clone(), "", &[("staff", values)], &[]);
        assert_eq!(with(&["7"]), ["custom:staff"]);
        for values in [&["7", "8"][..], &["7", "7"], &[""], &[]] {
            assert_eq!(with(values), [""; 0], "{values:?}");
        }
    }

    #[test]
    fn what_tells_no_person_never_counts() {
        for target in NOT_A_PERSON {
            assert_eq!(recognised_with(json!({target: "x"}), "", &[("x", &["true"])], &[]), [""; 0]);
        }
    }

    #[test]
    fn a_link_that_could_never_take_says_why() {
        let mapping = json!({"email": "mail", "custom:staff": "staff", "phone_number": "tel"});
        let details = json!({"trusted_email_domains": "acme.example"});
        let acme = provider("Acme", json!({"AttributeMapping": mapping, "ProviderDetails": details}));
        for (attribute, value) in [("custom:staff", "7"), ("email", "jane@acme.example")] {
            assert_eq!(could_take(&acme, attribute, value), Ok(()));
        }
        for (attribute, value, expected) in [
            ("staff", "7", "maps staff to custom:staff"),
            ("custom:badge", "7", "Mapped: custom:staff, email, phone_number."),
            ("username", "jane", "does not tell"),
            ("email", "jane@evil.example", "email_verified"),
            ("custom:staff", "jane@evil.example", "email_verified"),
            ("phone_number", "+49", "phone_number_verified"),
        ] {
            let why = could_take(&acme, attribute, value).unwrap_err();
            assert!(why.contains(expected), "{attribute} {value}: {why}");
        }
        let mapping = json!({"custom:upn": "upn", "email_verified": "ok"});
        let upn = provider("Acme", json!({"AttributeMapping": mapping}));
        let why = could_take(&upn, "custom:upn", "jane@acme.example").unwrap_err();
        assert!(why.contains("email_verified"), "the word is of an address that is not mapped: {why}");
        let mut told = acme;
        for flag in ["email_verified", "phone_number_verified"] {
            told.attribute_mapping.insert(flag.into(), "ok".into());
        }
        for (attribute, value) in [("email", "jane@evil.example"), ("phone_number", "+49")] {
            assert_eq!(could_take(&told, attribute, value), Ok(()));
        }
    }
}
