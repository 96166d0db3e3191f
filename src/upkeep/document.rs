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

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use poolgate_providers::fetch::{GuardedClient, MAX_BODY, Rules};

    use super::*;

    /// A server that answers one request with this, and the address of a document there.
    fn serve(answer: Vec<u8>) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let _ = socket.read(&mut [0; 4096]);
            let _ = socket.write_all(&answer);
        });
        format!("http://{address}/metadata")
    }

    fn answer(status: &str, more: &str, body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{more}\r\n", body.len());
        [head.as_bytes(), body].concat()
    }

    async fn get(url: &str, dev: bool) -> Result<String, FetchFailed> {
        fetch(&GuardedClient::new(Rules { dev, ..Rules::default() }).unwrap(), url).await
    }

    #[tokio::test]
    async fn a_document_of_a_megabyte_is_taken_and_one_byte_more_is_not() {
        let body = vec![b'x'; MAX_BODY];
        assert_eq!(get(&serve(answer("200 OK", "", &body)), true).await.unwrap().len(), MAX_BODY);
        let more = answer("200 OK", "", &[body, vec![b'x']].concat());
        let refused = get(&serve(more), true).await.unwrap_err();
        assert!(matches!(refused, FetchFailed::Http(FetchError::TooLarge)), "{refused}");
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let target = serve(answer("200 OK", "", b"<x/>"));
        let redirect = answer("302 Found", &format!("location: {target}\r\n"), b"");
        let refused = get(&serve(redirect), true).await.unwrap_err();
        assert!(matches!(refused, FetchFailed::Status(302)), "{refused}");
        assert_eq!(get(&target, true).await.unwrap(), "<x/>", "nobody has asked there");
    }

    #[tokio::test]
    async fn no_private_address_and_no_plain_http_is_asked() {
        for url in ["https://10.0.0.1/", "https://169.254.169.254/", "https://[::1]/"] {
            let refused = get(url, false).await.unwrap_err();
            assert!(matches!(refused, FetchFailed::Http(FetchError::AddressRefused(_))), "{url}: {refused}");
        }
        let refused = get(&serve(answer("200 OK", "", b"<x/>")), false).await.unwrap_err();
        assert!(matches!(refused, FetchFailed::Http(FetchError::UrlRefused(_))), "{refused}");
        assert!(matches!(get("no url", true).await, Err(FetchFailed::NotUrl)));
    }
}
