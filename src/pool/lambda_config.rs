//! The functions of the administrator that take part in a pool's sign-ins: `LambdaConfigType` of the model.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Rest;

/// Which functions a pool names. What belongs to flows that are not built here (custom challenges, migration of users,
/// messages) is kept in `rest`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LambdaConfig {
    /// Before somebody becomes a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_sign_up: Option<String>,
    /// After somebody has become one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_confirmation: Option<String>,
    /// Before each sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_authentication: Option<String>,
    /// After each sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_authentication: Option<String>,
    /// Before tokens are made, in the first version of its event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_token_generation: Option<String>,
    /// The same, in the version that is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_token_generation_config: Option<Versioned<TokenEventVersion>>,
    /// Between a provider's answer and the attribute mapping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound_federation: Option<Versioned<FederationEventVersion>>,
    /// Members kept as they came.
    #[serde(flatten)]
    pub rest: Rest,
}

/// A function, and the version of the event that it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Versioned<V> {
    /// Its ARN.
    pub lambda_arn: String,
    /// Version of the event.
    pub lambda_version: V,
}

/// `PreTokenGenerationLambdaVersionType` of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TokenEventVersion {
    /// The ID token of users.
    #[serde(rename = "V1_0")]
    V1,
    /// ID and access token of users.
    #[serde(rename = "V2_0")]
    V2,
    /// And the access token of machines.
    #[serde(rename = "V3_0")]
    V3,
}

/// `InboundFederationLambdaVersionType` of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FederationEventVersion {
    /// The only one.
    #[serde(rename = "V1_0")]
    V1,
}

/// Where in a sign-in a function is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// Between a provider's answer and the attribute mapping.
    InboundFederation,
    /// Before somebody becomes a user.
    PreSignUp,
    /// After somebody has become one.
    PostConfirmation,
    /// Before each sign-in.
    PreAuthentication,
    /// After each sign-in.
    PostAuthentication,
    /// Before tokens are made.
    PreTokenGeneration,
}

impl Trigger {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::InboundFederation,
        Self::PreSignUp,
        Self::PostConfirmation,
        Self::PreAuthentication,
        Self::PostAuthentication,
        Self::PreTokenGeneration,
    ];

    /// As `LambdaConfig` names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InboundFederation => "InboundFederation",
            Self::PreSignUp => "PreSignUp",
            Self::PostConfirmation => "PostConfirmation",
            Self::PreAuthentication => "PreAuthentication",
            Self::PostAuthentication => "PostAuthentication",
            Self::PreTokenGeneration => "PreTokenGeneration",
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl LambdaConfig {
    /// The function that is asked there, if there is one.
    pub fn function(&self, trigger: Trigger) -> Option<&str> {
        let named = match trigger {
            Trigger::InboundFederation => {
                self.inbound_federation.as_ref().map(|function| &function.lambda_arn)
            }
            Trigger::PreSignUp => self.pre_sign_up.as_ref(),
            Trigger::PostConfirmation => self.post_confirmation.as_ref(),
            Trigger::PreAuthentication => self.pre_authentication.as_ref(),
            Trigger::PostAuthentication => self.post_authentication.as_ref(),
            Trigger::PreTokenGeneration => return self.token_generation().map(|(function, _)| function),
        };
        named.map(String::as_str).filter(|arn| !arn.is_empty())
    }

    /// The function that is asked before tokens are made, and the version of its event.
    pub fn token_generation(&self) -> Option<(&str, TokenEventVersion)> {
        let versioned =
            self.pre_token_generation_config.as_ref().map(|named| (&*named.lambda_arn, named.lambda_version));
        let plain = self.pre_token_generation.as_deref().map(|arn| (arn, TokenEventVersion::V1));
        versioned.or(plain).filter(|(arn, _)| !arn.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_member_comes_back_as_it_went() {
        let given = json!({
            "PreSignUp": "a", "PostConfirmation": "b", "PreAuthentication": "c", "PostAuthentication": "d",
            "PreTokenGeneration": "e", "PreTokenGenerationConfig": { "LambdaArn": "e", "LambdaVersion": "V2_0" },
            "InboundFederation": { "LambdaArn": "f", "LambdaVersion": "V1_0" }, "CustomMessage": "g",
            "CustomSMSSender": { "LambdaArn": "h", "LambdaVersion": "V1_0" },
        });
        let config: LambdaConfig = serde_json::from_value(given.clone()).unwrap();
        assert_eq!(serde_json::to_value(&config).unwrap(), given);
        let asked = Trigger::ALL.map(|trigger| config.function(trigger).unwrap().to_owned());
        assert_eq!(asked, ["f", "a", "b", "c", "d", "e"]);
        assert_eq!(config.token_generation(), Some(("e", TokenEventVersion::V2)));
        assert_eq!(serde_json::to_value(LambdaConfig::default()).unwrap(), json!({}));
    }

    #[test]
    fn an_empty_name_names_no_function() {
        let config: LambdaConfig =
            serde_json::from_value(json!({ "PreSignUp": "", "PreTokenGeneration": "" })).unwrap();
        assert_eq!(config.function(Trigger::PreSignUp), None);
        assert_eq!(config.function(Trigger::PreTokenGeneration), None);
    }
}
