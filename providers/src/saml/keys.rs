//! The keys of a provider's certificates, ready to verify.

use std::fmt;

use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::gate::{Hash, Method};

/// Smallest RSA modulus accepted, in bits.
pub const MIN_RSA_BITS: usize = 2048;
const MAX_CERTIFICATE: usize = 8 * 1024;

/// SHA-256 of a certificate's DER. It prints as 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// One signing certificate of a provider: its public key and its time. Nothing else of it is used
/// (SAML metadata is the trust anchor; there is no chain to build).
#[derive(Debug, Clone)]
pub struct VerifyKey {
    /// Start of the certificate's validity.
    pub not_before: OffsetDateTime,
    /// End of the certificate's validity.
    pub not_after: OffsetDateTime,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    keys: Vec<(Method, ParsedPublicKey)>,
    /// The same EC key for signatures in ASN.1, as many sign a redirect: see [`VerifyKey::verify_detached`].
    asn1: Option<(Method, ParsedPublicKey)>,
}

impl VerifyKey {
    /// SHA-256 of the certificate: what `pinned_certificates` names.
    pub fn fingerprint(&self) -> Fingerprint {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.certificate);
        let mut bytes = [0_u8; 32];
        bytes.copy_from_slice(digest.as_ref());
        Fingerprint(bytes)
    }

    /// Names the certificate in the request's log lines (`certificate`): who looks for a stolen key finds
    /// which sign-ins it made.
    pub(super) fn note(&self) {
        crate::line::record("certificate", tracing::field::display(self.fingerprint()));
    }

    /// Reads a DER certificate.
    ///
    /// # Errors
    /// In words: not a certificate, RSA below 2,048 bits, a key that is neither RSA nor ECDSA P-256, P-384, P-521.
    pub fn from_der(der: &[u8]) -> Result<Self, String> {
        if der.len() > MAX_CERTIFICATE {
            return Err(format!("a certificate has more than {MAX_CERTIFICATE} bytes"));
        }
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_| "a certificate cannot be read".to_owned())?;
        if !rest.is_empty() {
            return Err("something follows a certificate".to_owned());
        }
        let info = certificate.public_key();
        let choices: Vec<(Method, &'static dyn VerificationAlgorithm)> = match info.parsed() {
            Ok(PublicKey::RSA(rsa)) => {
                let bits = modulus_bits(rsa.modulus);
                if bits < MIN_RSA_BITS {
                    return Err(format!("an RSA key has {bits} bits: at least {MIN_RSA_BITS} are needed"));
                }
                vec![
                    (Method::Rsa(Hash::Sha256), &signature::RSA_PKCS1_2048_8192_SHA256),
                    (Method::Rsa(Hash::Sha384), &signature::RSA_PKCS1_2048_8192_SHA384),
                    (Method::Rsa(Hash::Sha512), &signature::RSA_PKCS1_2048_8192_SHA512),
                    (Method::Rsa(Hash::Sha1), &signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY),
                ]
            }
            Ok(PublicKey::EC(point)) => match point.data().len() {
                65 => vec![(Method::Ecdsa(Hash::Sha256), &signature::ECDSA_P256_SHA256_FIXED)],
                97 => vec![(Method::Ecdsa(Hash::Sha384), &signature::ECDSA_P384_SHA384_FIXED)],
                133 => vec![(Method::Ecdsa(Hash::Sha512), &signature::ECDSA_P521_SHA512_FIXED)],
                _ => return Err("an EC key is not on P-256, P-384 or P-521".to_owned()),
            },
            _ => return Err("a certificate's key is neither RSA nor EC".to_owned()),
        };
        let material = info.subject_public_key.data.as_ref();
        let keys = choices
            .into_iter()
            .map(|(method, algorithm)| {
                ParsedPublicKey::new(algorithm, material)
                    .map(|key| (method, key))
                    .map_err(|_| "a certificate's key cannot be used".to_owned())
            })
            .collect::<Result<Vec<_>, _>>()?;
        let asn1 = keys.first().and_then(|(method, _)| {
            let algorithm = in_asn1(*method)?;
            ParsedPublicKey::new(algorithm, material).ok().map(|key| (*method, key))
        });
        let validity = certificate.validity();
        Ok(Self {
            not_before: validity.not_before.to_datetime(),
            not_after: validity.not_after.to_datetime(),
            certificate: der.to_vec(),
            keys,
            asn1,
        })
    }

    /// Whether this key can make signatures of exactly this method.
    #[cfg(feature = "samael")]
    pub(super) fn fits(&self, method: Method) -> bool {
        self.keys.iter().any(|(own, _)| *own == method)
    }

    /// Whether `now` lies in the certificate's time.
    pub fn is_current(&self, now: OffsetDateTime) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    /// What kind of key it is, such as `RSA, 2048 bits` or `EC P-256`.
    pub fn kind(&self) -> String {
        let read = X509Certificate::from_der(&self.certificate);
        match read.as_ref().map(|(_, certificate)| certificate.public_key().parsed()) {
            Ok(Ok(PublicKey::RSA(rsa))) => format!("RSA, {} bits", modulus_bits(rsa.modulus)),
            Ok(Ok(PublicKey::EC(point))) => {
                format!("EC P-{}", if point.key_size() > 384 { 521 } else { point.key_size() })
            }
            _ => "unknown".to_owned(),
        }
    }

    /// Whether this key made `signature` over `message` with exactly this method.
    pub(super) fn verify(&self, method: Method, message: &[u8], signature: &[u8]) -> bool {
        self.keys.iter().any(|(own, key)| *own == method && key.verify_sig(message, signature).is_ok())
    }

    /// The same for a signature that stands beside its message (SAML bindings 3.4.4.1). They do not say how
    /// `r` and `s` of ECDSA are written: side by side, as in XML Signature, or in ASN.1.
    pub(super) fn verify_detached(&self, method: Method, message: &[u8], signature: &[u8]) -> bool {
        self.verify(method, message, signature)
            || self.asn1.iter().any(|(own, key)| *own == method && key.verify_sig(message, signature).is_ok())
    }
}

fn in_asn1(method: Method) -> Option<&'static dyn VerificationAlgorithm> {
    match method {
        Method::Ecdsa(Hash::Sha256) => Some(&signature::ECDSA_P256_SHA256_ASN1),
        Method::Ecdsa(Hash::Sha384) => Some(&signature::ECDSA_P384_SHA384_ASN1),
        Method::Ecdsa(Hash::Sha512) => Some(&signature::ECDSA_P521_SHA512_ASN1),
        _ => None,
    }
}

fn modulus_bits(modulus: &[u8]) -> usize {
    let significant = modulus.iter().position(|byte| *byte != 0).map_or(&[][..], |at| &modulus[at..]);
    significant.first().map_or(0, |first| significant.len() * 8 - first.leading_zeros() as usize)
}
