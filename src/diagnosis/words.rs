//! What may be told of a failure: what was expected and what came, but nothing that speaks of a person.

use poolgate_providers::ProviderError;
use poolgate_providers::error::shown;

use crate::sign_in::failure::Cause;
use crate::triggers::TriggerError;

/// Longest text of one failure, in characters.
const LONGEST: usize = 600;

/// The failure in words, without anything that a provider may have written about a person: what it says in its
/// own words (StatusMessage, `error_description`), and usernames, which hold its subject. The log line with the
/// request's id has the rest.
pub fn of(cause: &Cause) -> String {
    const REST: &str = "its own words are in the log, under this request's id";
    let text = match cause {
        Cause::Provider(ProviderError::Denied(_)) => {
            format!("the provider or the person refused the sign-in; {REST}")
        }
        Cause::Provider(ProviderError::LoginRequired(_)) => {
            format!("the provider was not to ask the person, and would have had to; {REST}")
        }
        Cause::Provider(ProviderError::Refused { code, .. }) => {
            let named: Vec<&str> = code.split(", ").filter(|part| is_name(part)).collect();
            format!("the provider answered {}; {REST}", named.join(", "))
        }
        Cause::Trigger(error @ TriggerError::Refused { .. }) => format!("{}; {REST}", error.impersonal()),
        Cause::UsernameTaken(_) => "another identity has this username".to_owned(),
        Cause::Away(_) => "a store is away".to_owned(),
        Cause::Internal(_) => "a fault of ours; the log says more, under this request's id".to_owned(),
        Cause::Provider(_)
        | Cause::Mapping(_)
        | Cause::Profile(_)
        | Cause::Link(_)
        | Cause::Unstorable(_)
        | Cause::Trigger(_)
        | Cause::Gone(_) => cause.to_string(),
    };
    bounded(&text)
}

/// Whether this is a name of the protocol, such as `InvalidNameIDPolicy` or `invalid_client`, and no sentence.
fn is_name(code: &str) -> bool {
    code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A text on one line that nothing in it can turn or break.
pub fn bounded(text: &str) -> String {
    shown(text, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::Trigger;
    use crate::sign_in::mapping::MappingError;

    #[test]
    fn what_was_expected_and_what_came_is_told() {
        let error = ProviderError::not_believed("saml_audience", "Audience: expected urn:a, came urn:b");
        assert_eq!(of(&error.into()), "Audience: expected urn:a, came urn:b");
        let error = ProviderError::Refused {
            code: "Responder, InvalidNameIDPolicy, of jane doe".into(),
            description: String::new(),
        };
        assert!(of(&error.into()).starts_with("the provider answered Responder, InvalidNameIDPolicy;"));
        let error = MappingError::ValueTooLong("custom:groups".into());
        assert!(of(&error.into()).contains("custom:groups"));
    }

    #[test]
    fn what_a_provider_says_of_a_person_is_not() {
        let name = "jane.doe@example.com";
        let refused = ProviderError::Refused { code: "Requester".into(), description: name.into() };
        for cause in [
            ProviderError::Denied(name.into()).into(),
            ProviderError::LoginRequired(name.into()).into(),
            refused.into(),
            Cause::UsernameTaken(format!("Acme_{name}")),
            Cause::Internal(name.into()),
            TriggerError::Refused { trigger: Trigger::PreSignUp, message: name.into() }.into(),
            Cause::Away(name.into()),
        ] {
            assert!(!of(&cause).contains("jane"), "{cause:?}");
        }
    }

    #[test]
    fn it_is_bounded_and_on_one_line() {
        let hostile = format!("a\n\u{202e}b{}", "x".repeat(10_000));
        let told = of(&ProviderError::not_believed("saml_xml", hostile).into());
        assert!(told.starts_with("abx") && told.chars().count() == LONGEST, "{told}");
    }
}
