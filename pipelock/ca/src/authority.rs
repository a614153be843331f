//! Who signs: minted by the launcher, loaded by a data plane, asked for one leaf per host.

use crate::{CERTIFICATE_FILE, KEY_FILE, der, sec1};
use compose_render::{RenderedFile, Role, Secret, Slug, base64};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use std::fmt;
use std::net::IpAddr;
use time::{Duration, OffsetDateTime};

/// Clocks of containers and hosts differ, after a suspend by hours.
const BACK_DATED: Duration = Duration::hours(24);
/// A bottle is minted anew at each start; one that lives longer than this is started again.
const ROOT_LIFE: Duration = Duration::days(14);
/// Long enough that a connection never outlives its leaf, short enough to be worth nothing.
const LEAF_LIFE: Duration = Duration::hours(48);

/// A root and its key. It can sign leaves, not other roots.
pub struct Authority {
    certificate: CertificateDer<'static>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    not_after: OffsetDateTime,
}

/// The one host that a leaf names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subject<'a> {
    Name(&'a str),
    Address(IpAddr),
}

/// A certificate for one host and its key.
pub struct Leaf {
    pub certificate: CertificateDer<'static>,
    pub key: PrivateKeyDer<'static>,
    pub not_after: OffsetDateTime,
}

/// A root that cannot be minted or read, or a leaf that cannot be issued.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    #[error("cannot sign the certificate")]
    Sign(#[source] rcgen::Error),
    #[error("`{CERTIFICATE_FILE}` is no certificate of ours")]
    Certificate,
    #[error("`{KEY_FILE}` is no P-256 key in SEC1 (`EC PRIVATE KEY`)")]
    Key,
    #[error("`{KEY_FILE}` is not the key of `{CERTIFICATE_FILE}`")]
    Mismatch,
    #[error("the root has expired")]
    Expired,
}

impl Authority {
    /// Mints the root of one sidecar of one bottle, which that bottle's agent alone trusts.
    ///
    /// Each sidecar's has a name of its own: two roots of one name in a bundle confuse verifiers.
    pub fn mint(slug: &Slug, role: Role, now: OffsetDateTime) -> Result<Self, CaError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(CaError::Sign)?;
        let mut params = root_params(&format!("bottle {slug} {role}"));
        params.not_before = now - BACK_DATED;
        params.not_after = whole_seconds(now + ROOT_LIFE);
        let certificate = params.self_signed(&key).map_err(CaError::Sign)?;
        Ok(Self {
            pem: certificate.pem(),
            certificate: certificate.der().clone(),
            not_after: params.not_after,
            issuer: Issuer::new(params, key),
        })
    }

    /// Reads what [`Authority::files`] wrote.
    pub fn load(certificate_pem: &str, key_pem: &str) -> Result<Self, CaError> {
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|_| CaError::Certificate)?;
        let root = der::root(&certificate).ok_or(CaError::Certificate)?;
        let sec1 =
            PrivateSec1KeyDer::from_pem_slice(key_pem.as_bytes()).map_err(|_| CaError::Key)?;
        let pkcs8 = sec1::to_pkcs8(sec1.secret_sec1_der()).ok_or(CaError::Key)?;
        let key = KeyPair::from_pkcs8_der_and_sign_algo(
            &PrivatePkcs8KeyDer::from(pkcs8),
            &PKCS_ECDSA_P256_SHA256,
        )
        .map_err(|_| CaError::Key)?;
        let public = key.public_key_raw();
        if !certificate.windows(public.len()).any(|bytes| bytes == public) {
            return Err(CaError::Mismatch);
        }
        let params = root_params(&root.common_name);
        Ok(Self {
            pem: certificate_pem.to_owned(),
            certificate: certificate.into_owned(),
            not_after: root.not_after,
            issuer: Issuer::new(params, key),
        })
    }

    /// The files of a sidecar's folder. The key is SEC1, as upstream pipelock needs it, and 0600.
    pub fn files(&self) -> Result<[RenderedFile; 2], CaError> {
        let key = sec1::from_pkcs8(self.issuer.key().serialized_der()).ok_or(CaError::Key)?;
        Ok([
            RenderedFile::plain(CERTIFICATE_FILE, self.pem.clone()),
            RenderedFile::secret(KEY_FILE, Secret::new(pem("EC PRIVATE KEY", &key))),
        ])
    }

    /// The root's certificate, for those who are to trust it.
    pub fn certificate_pem(&self) -> &str {
        &self.pem
    }

    /// The root's certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// When the root ends, and with it every leaf.
    pub fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    /// Issues a leaf that names this host and nothing else.
    pub fn issue(&self, subject: Subject<'_>, now: OffsetDateTime) -> Result<Leaf, CaError> {
        if now >= self.not_after {
            return Err(CaError::Expired);
        }
        // A key of its own makes the serial number, which is derived from it, unique.
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(CaError::Sign)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name("intercepted by bottle");
        params.subject_alt_names = vec![match subject {
            Subject::Name(name) => SanType::DnsName(name.try_into().map_err(CaError::Sign)?),
            Subject::Address(address) => SanType::IpAddress(address),
        }];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Strict verifiers (Python 3.13) want to be led to the issuer's key.
        params.use_authority_key_identifier_extension = true;
        params.not_before = now - BACK_DATED;
        params.not_after = whole_seconds((now + LEAF_LIFE).min(self.not_after));
        let certificate = params.signed_by(&key, &self.issuer).map_err(CaError::Sign)?;
        Ok(Leaf {
            certificate: certificate.der().clone(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            not_after: params.not_after,
        })
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaf").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

/// What a root is, apart from its life.
fn root_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn common_name(name: &str) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}

/// What a certificate can say of a time.
fn whole_seconds(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(0).unwrap_or(time)
}

fn pem(label: &str, der: &[u8]) -> String {
    const LINE: usize = 64;
    let text = base64(der);
    let lines: Vec<_> = text.as_bytes().chunks(LINE).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests;
