//! What the settings of Google, Facebook, Amazon and Apple have in common: everything about their endpoints is
//! known, so nothing of it is asked for.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use crate::settings::{CommonSettings, Details, SettingError, https_url};

/// Longest value of one setting, in bytes.
const LONGEST: usize = 16 * 1024;

/// Everything a social provider is made of.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// `ProviderDetails`.
    pub details: &'a BTreeMap<String, String>,
    /// The provider's attributes that are mapped to anything: only they are asked for.
    pub mapped: &'a BTreeSet<String>,
    /// Development: endpoints may be given, plain http on loopback among them.
    pub dev: bool,
}

impl<'a> Setup<'a> {
    /// Begins to read the settings.
    pub(crate) fn read(&self) -> Result<Details<'a>, SettingError> {
        match self.details.iter().find(|(_, value)| value.len() > LONGEST) {
            Some((key, _)) => Err(SettingError::hidden(key, "at most 16,384 bytes")),
            None => Ok(Details::new(self.details)),
        }
    }

    /// An address of the provider. Describing shows it, so tools send it back; only in development may it be
    /// another one.
    pub(crate) fn endpoint(
        &self,
        read: &mut Details<'_>,
        key: &'static str,
        own: &str,
    ) -> Result<Url, SettingError> {
        let refused = |given: &str| {
            let allowed =
                if self.dev { format!("{own}, or another URL (POOLGATE_DEV)") } else { own.to_owned() };
            SettingError::new(key, given, allowed)
        };
        let text = match read.get(key) {
            Some(given) if given != own && !self.dev => return Err(refused(given)),
            Some(given) => given,
            None => own,
        };
        https_url(text, self.dev).ok_or_else(|| refused(text))
    }

    /// `oidc_issuer`, as it is written: compared byte by byte.
    pub(crate) fn issuer(&self, read: &mut Details<'_>, own: &str) -> Result<String, SettingError> {
        self.endpoint(read, "oidc_issuer", own)?;
        Ok(read.get("oidc_issuer").unwrap_or(own).to_owned())
    }

    /// What is shared with other kinds of providers, at a provider that has no endpoint to sign out at.
    pub(crate) fn common(read: &mut Details<'_>) -> Result<CommonSettings, SettingError> {
        let common = CommonSettings::read(read)?;
        if common.idp_signout {
            return Err(SettingError::new(
                "IDPSignout",
                "true",
                "false: this provider has no address where an app could sign a person out",
            ));
        }
        Ok(common)
    }

    /// A setting that has one value only. Describing shows it, so tools send it back.
    pub(crate) fn fixed(
        read: &mut Details<'_>,
        key: &'static str,
        value: &'static str,
    ) -> Result<(), SettingError> {
        read.choice(key, &[(value, ())])
    }
}
