//! One metadata document: fetched, and read as this provider's. The management API and the refresh do it alike.

use std::collections::BTreeMap;

use poolgate_providers::fetch::{FetchError, Http};
use poolgate_providers::saml::{MetadataError, SamlSettings, SettingError, metadata};
use thiserror::Error;
use time::OffsetDateTime;

/// Why there is no document.
#[derive(Debug, Error)]
pub enum FetchFailed {
    /// The address cannot be asked.
    #[error("this is not a URL")]
    NotUrl,
    /// No answer, too much, too late, or not from an allowed address.
    #[error(transparent)]
    Http(#[from] FetchError),
    /// Another status than 200; redirects are not followed.
    #[error("it answered {0}, not 200")]
    Status(u16),
    /// Another encoding.
    #[error("the document is not UTF-8")]
    NotText,
}

/// Why a document is not a provider's.
#[derive(Debug, Error)]
pub enum Unusable {
    /// It cannot be read, or it is not of this time.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// It does not fit the provider's settings.
    #[error(transparent)]
    Setting(#[from] SettingError),
}

/// Gets the document. `http` knows which addresses may be reached, how much is read and how long that may take.
///
/// Its own signature, where it has one, is not checked: what is trusted is the address, over TLS, that an
/// administrator gave, and with `pinned_certificates` the keys themselves.
///
/// # Errors
/// See [`FetchFailed`].
pub async fn fetch(http: &dyn Http, url: &str) -> Result<String, FetchFailed> {
    let request = http::Request::get(url)
        .header("accept", "application/samlmetadata+xml, application/xml, text/xml")
        .body(Vec::new())
        .map_err(|_| FetchFailed::NotUrl)?;
    let response = http.send(request).await?;
    if response.status() != http::StatusCode::OK {
        return Err(FetchFailed::Status(response.status().as_u16()));
    }
    String::from_utf8(response.into_body()).map_err(|_| FetchFailed::NotText)
}

/// What a provider with these settings would be with this document. `dev` allows http addresses.
///
/// # Errors
/// See [`Unusable`].
pub fn read(
    details: &BTreeMap<String, String>,
    document: &str,
    dev: bool,
    now: OffsetDateTime,
) -> Result<SamlSettings, Unusable> {
    let settings = SamlSettings::from_details(details, metadata::parse(document.as_bytes())?, dev)?;
    // Of the certificates that count: a pinned one may be over while another is not.
    settings.metadata.check_time(now)?;
    Ok(settings)
}
