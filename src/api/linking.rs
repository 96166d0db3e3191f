//! Links between users and further identities at the pool's providers.
//!
//! Rules beyond the model's words: `docs/linking.md`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::invalid;
use super::members::Members;
use super::user_pools::unknown_pool;
use super::{ApiContext, ApiError};
use crate::directory::{Ended, Unlink};
use crate::pool::limits::{ATTRIBUTE_VALUE, USERNAME};
use crate::pool::link::SUBJECT;
use crate::pool::{
    AppClient, IdentityProvider, LinkBy, LinkError, LinkSource, NewLink, ProviderType, User, UserPool,
};
use crate::registry::{LivePool, LiveProvider};
use crate::sign_in::recognition;
use crate::sign_out::provenance::of_person;

/// `ProviderUserIdentifierType`, as given.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    provider_name: Option<String>,
    provider_attribute_name: Option<String>,
    provider_attribute_value: Option<String>,
}

/// The same, with what must be there.
struct Reference {
    member: &'static str,
    provider: String,
    attribute: Option<String>,
    value: String,
}

impl Reference {
    fn take(input: &mut Members, member: &'static str) -> Result<Self, ApiError> {
        let given: Option<Given> = input.take(member)?;
        let given = given.ok_or_else(|| ApiError::Internal(format!("the model let {member} be absent")))?;
        let need = |value: Option<String>, name: &str| {
            let value = value.filter(|value| !value.is_empty());
            value.ok_or_else(|| invalid(format!("{member}.{name} is missing.")))
        };
        Ok(Self {
            member,
            provider: need(given.provider_name, "ProviderName")?,
            attribute: given.provider_attribute_name.filter(|name| !name.is_empty()),
            value: need(given.provider_attribute_value, "ProviderAttributeValue")?,
        })
    }

    /// No provider may have this name, in any case.
    fn is_the_pool(&self) -> bool {
        self.provider.eq_ignore_ascii_case("cognito")
    }

    fn refused(&self, name: &str, why: impl std::fmt::Display) -> ApiError {
        invalid(format!("{}.{name}: {why}", self.member))
    }

    fn provider<'p>(&self, live: &'p LivePool) -> Result<&'p LiveProvider, ApiError> {
        let provider = live.providers.get(&self.provider);
        provider.ok_or_else(|| LinkError::NoProvider(self.provider.clone()).into())
    }

    /// The person at the provider that is meant, in the bounds that every sign-in keeps.
    fn source(&self, provider: &IdentityProvider) -> Result<LinkSource, ApiError> {
        let attribute = self.attribute.as_deref().ok_or_else(|| {
            self.refused("ProviderAttributeName", format!("{SUBJECT}, or a mapped attribute, is missing."))
        })?;
        let length = self.value.chars().count();
        let by = if attribute == SUBJECT {
            let name = provider.provider_name.chars().count() + 1;
            if name + length > USERNAME {
                let why = format!(
                    "the provider's name and the subject make {}_… of {} characters; nobody signs in with more \
                     than {USERNAME}.",
                    provider.provider_name,
                    name + length
                );
                return Err(self.refused("ProviderAttributeValue", why));
            }
            LinkBy::Subject(self.value.clone())
        } else {
            if !matches!(provider.provider_type, ProviderType::Saml | ProviderType::Oidc) {
                let why = format!("for {} it must be {SUBJECT}.", provider.provider_type);
                return Err(self.refused("ProviderAttributeName", why));
            }
            if length > ATTRIBUTE_VALUE {
                let why = format!("it has {length} characters; an attribute has at most {ATTRIBUTE_VALUE}.");
                return Err(self.refused("ProviderAttributeValue", why));
            }
            LinkBy::Attribute { name: attribute.to_owned(), value: self.value.clone() }
        };
        Ok(LinkSource { provider_name: provider.provider_name.clone(), by })
    }

    /// The user of the pool that is meant: by username, or by an identity of its own or linked.
    async fn user(&self, context: &ApiContext, pool_id: &str) -> Result<User, ApiError> {
        let user = if self.is_the_pool() {
            context.core.directory.user(pool_id, &self.value).await?
        } else {
            match context.core.directory.user_of_identity(pool_id, &self.provider, &self.value).await? {
                Some(sub) => context.core.directory.token_state(pool_id, &sub, "").await?.user,
                None => None,
            }
        };
        user.ok_or(ApiError::UserNotFound)
    }
}

/// The model: "All attributes in the DestinationUser profile must be mutable."
fn check_mutable(user: &User, pool: &UserPool) -> Result<(), ApiError> {
    let fixed = user.attributes.keys().find(|name| pool.attribute(name).is_some_and(|rule| !rule.mutable));
    match fixed {
        Some(name) => Err(invalid(format!(
            "DestinationUser has the immutable attribute {name}: a user with one cannot be linked."
        ))),
        None => Ok(()),
    }
}

/// A link by attribute must be able to take, and not wait for somebody whom the user is already.
fn check_waiting(
    reference: &Reference,
    source: &LinkSource,
    provider: &IdentityProvider,
    user: &User,
) -> Result<(), ApiError> {
    let LinkBy::Attribute { name, value } = &source.by else { return Ok(()) };
    recognition::could_take(provider, name, value)
        .map_err(|why| reference.refused("ProviderAttributeName", why))?;
    let known = user.identities.iter().any(|identity| identity.provider_name == provider.provider_name);
    if known && user.attributes.get(name) == Some(value) {
        return Err(LinkError::Already.into());
    }
    Ok(())
}

pub(super) async fn link(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let pool_id = input.text("UserPoolId")?;
    let destination = Reference::take(&mut input, "DestinationUser")?;
    let reference = Reference::take(&mut input, "SourceUser")?;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    if reference.is_the_pool() {
        let why = "a person at an identity provider of the user pool is linked, not a user of the pool.";
        return Err(reference.refused("ProviderName", why));
    }
    let provider = reference.provider(live)?;
    let source = reference.source(&provider.config.value)?;
    let user = destination.user(context, &pool_id).await?;
    check_mutable(&user, &live.pool.value)?;
    check_waiting(&reference, &source, &provider.config.value, &user)?;
    let issuer = provider.adapter.as_ref().ok().and_then(|adapter| adapter.issuer());
    let kind = provider.config.value.provider_type;
    let link = NewLink {
        pool_id,
        sub: user.sub,
        source,
        provider_type: kind.as_str().to_owned(),
        issuer: issuer.filter(|_| kind == ProviderType::Saml).map(str::to_owned),
        at: context.core.now(),
    };
    context.core.directory.link(link).await?;
    Ok(json!({}))
}

/// Removes a link. What its person has here as the user ends with it.
pub(super) async fn disable(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let pool_id = input.text("UserPoolId")?;
    let reference = Reference::take(&mut input, "User")?;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    if reference.is_the_pool() {
        reference.user(context, &pool_id).await?;
        return Err(reference.refused(
            "ProviderName",
            "this user has no password that could be taken away: it signs in by an identity provider. To forget \
             the user use AdminDeleteUser.",
        ));
    }
    let source = reference.source(&reference.provider(live)?.config.value)?;
    let now = context.core.registry.common_time().end();
    let ended = Ended {
        person: of_person(&reference.provider, &reference.value),
        sessions: Vec::new(),
        at: now,
        tokens: true,
        // As long as the oldest refresh token there can be, and the last access token it can have made.
        until: now + AppClient::REFRESH_RANGE.1 + AppClient::TOKEN_RANGE.1,
    };
    context.core.directory.unlink(Unlink { pool_id, source, ended }).await?;
    Ok(json!({}))
}
