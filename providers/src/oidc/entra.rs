//! Microsoft Entra ID's tenant-independent issuers: one discovery document and key set for every tenant, and
//! ID tokens that each name their own (Microsoft identity platform, "Access tokens", sections "Multitenant
//! applications" and "Validate the signing key issuer",
//! <https://learn.microsoft.com/entra/identity-platform/access-tokens>).
//!
//! `sub` stays the subject: Entra makes it itself, out of the person and the app (it is pairwise), and no tenant
//! can have it say anything else.

use crate::settings::https_url;

/// Where the tenant's id stands in the issuer that the discovery document states.
const PLACE: &str = "{tenantid}";
/// The tenant of personal accounts, which `consumers` is a name for.
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
/// Microsoft's clouds ("National clouds", <https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>).
const CLOUDS: [&str; 3] = [
    "https://login.microsoftonline.com",
    "https://login.microsoftonline.us",
    "https://login.partner.microsoftonline.cn",
];
/// What may be given as `oidc_issuer`, in words.
pub(super) const ALLOWED: &str = "with issuer_template=entra, https://login.microsoftonline.com/common/v2.0, \
     the same with organizations, consumers or {tenantid} for common, or one of these in another of Microsoft's \
     clouds; to let one tenant in, name its id in oidc_issuer and leave issuer_template away";

/// Whose people may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tenants {
    /// `common`: every organization's, and personal accounts.
    All,
    /// `organizations`: every organization's.
    Organizations,
    /// `consumers`: personal accounts.
    Personal,
}

impl Tenants {
    /// What stands in addresses in place of a tenant.
    const fn segment(self) -> &'static str {
        match self {
            Self::All => "common",
            Self::Organizations => "organizations",
            Self::Personal => "consumers",
        }
    }

    /// Whether a person of this tenant may sign in.
    fn admits(self, tenant: &str) -> bool {
        match self {
            Self::All => true,
            Self::Organizations => tenant != PERSONAL,
            Self::Personal => tenant == PERSONAL,
        }
    }
}

/// The base of an issuer, and whose tenants it is for; `None` for one that names a tenant, or is no such address.
fn taken_apart(issuer: &str) -> Option<(&str, Tenants)> {
    let (base, segment) = issuer.strip_suffix("/v2.0")?.rsplit_once('/')?;
    let tenants = match segment {
        "common" | PLACE => Tenants::All,
        "organizations" => Tenants::Organizations,
        "consumers" => Tenants::Personal,
        _ => return None,
    };
    Some((base, tenants))
}

/// The issuer as the discovery document states it, for an `oidc_issuer` that names no tenant. In development
/// it may be anywhere.
pub(super) fn template(oidc_issuer: &str, dev: bool) -> Option<(String, Tenants)> {
    let (base, tenants) = taken_apart(oidc_issuer)?;
    let elsewhere =
        || dev && !base.ends_with('/') && https_url(base, dev).is_some_and(|url| url.query().is_none());
    (CLOUDS.contains(&base) || elsewhere()).then(|| (format!("{base}/{PLACE}/v2.0"), tenants))
}

/// Whether this `oidc_issuer` can be used with the template alone.
pub(super) fn needs_template(oidc_issuer: &str) -> bool {
    oidc_issuer.contains(PLACE) || taken_apart(oidc_issuer).is_some_and(|(base, _)| CLOUDS.contains(&base))
}

/// The address below which the discovery document lies.
pub(super) fn authority(template: &str, tenants: Tenants) -> String {
    template.replace(PLACE, tenants.segment())
}

/// Whether a discovery document may state this issuer. That of `consumers` names the tenant.
pub(super) fn is_stated(template: &str, tenants: Tenants, issuer: &str) -> bool {
    issuer == template || (tenants == Tenants::Personal && issuer == template.replace(PLACE, PERSONAL))
}

/// The tenant that an issuer names, if it is the template with a tenant's id in its place.
pub(super) fn tenant<'i>(template: &str, tenants: Tenants, issuer: &'i str) -> Option<&'i str> {
    let (before, after) = template.split_once(PLACE)?;
    let tenant = issuer.strip_prefix(before)?.strip_suffix(after)?;
    (is_id(tenant) && tenants.admits(tenant)).then_some(tenant)
}

/// Whether a key that the key set gives to `owner` may sign for `issuer`, which names `tenant`.
pub(super) fn may_sign(owner: &str, issuer: &str, tenant: &str) -> bool {
    owner.replace(PLACE, tenant) == issuer
}

/// A GUID as Entra writes it.
fn is_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}
