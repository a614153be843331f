//! Knows a credential file by its name, and a private key by its first lines.

use std::path::Path;

/// Names that hold credentials wherever they lie.
const NAMES: &[&str] = &[
    ".env",
    ".envrc",
    ".npmrc",
    ".pypirc",
    ".netrc",
    "_netrc",
    ".git-credentials",
    ".dockercfg",
    ".htpasswd",
    ".vault-token",
    ".terraformrc",
    ".pgpass",
    ".my.cnf",
    ".boto",
    ".s3cfg",
    "credentials",
    "credentials.json",
    "credentials.toml",
    "application_default_credentials.json",
    "kubeconfig",
    "master.key",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
];

/// Names that hold credentials in one folder.
const IN_FOLDER: &[(&str, &str)] =
    &[(".docker", "config.json"), (".kube", "config"), ("gh", "hosts.yml"), (".ssh", "config")];

/// Kinds of file that hold keys or state with secrets.
const EXTENSIONS: &[&str] =
    &["p12", "pfx", "jks", "keystore", "kdbx", "ppk", "key", "tfstate", "ovpn"];

/// Kinds of file that may hold a private key or something harmless: the contents tell.
const MAYBE: &[&str] = &["pem", "asc", "crt", "cer", "der"];

/// After `.env.`: templates, which are there to be read.
const TEMPLATES: &[&str] = &["example", "sample", "template", "dist", "defaults"];

/// How much of a file is looked at.
pub(super) const LOOK: usize = 4096;

/// What a name says about a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Plain,
    Credential,
    /// Only the contents tell: [`is_private_key`].
    Look,
}

/// Judges a file by its path.
pub(super) fn judge(path: &Path) -> Verdict {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Verdict::Plain;
    };
    let name = name.to_ascii_lowercase();
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    if let Some(rest) = name.strip_prefix(".env.") {
        let template = rest.rsplit('.').next().is_some_and(|last| TEMPLATES.contains(&last));
        return if template { Verdict::Plain } else { Verdict::Credential };
    }
    let in_folder = IN_FOLDER.iter().any(|(dir, file)| folder == Some(*dir) && name == *file);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let service_account = name.starts_with("service-account") && extension == Some("json");
    if NAMES.contains(&name.as_str()) || in_folder || service_account {
        return Verdict::Credential;
    }
    match extension {
        Some(extension) if EXTENSIONS.contains(&extension) => Verdict::Credential,
        Some(extension) if MAYBE.contains(&extension) => Verdict::Look,
        _ => Verdict::Plain,
    }
}

/// Whether a file that begins like this is a private key.
pub(super) fn is_private_key(beginning: &[u8]) -> bool {
    let text = String::from_utf8_lossy(beginning);
    text.contains("PRIVATE KEY-----") || text.contains("PRIVATE KEY BLOCK-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_credentials_by_name() {
        for path in [
            ".env",
            "a/.ENV",
            "a/.env.production",
            ".npmrc",
            "deploy/server.key",
            "x/id_ed25519",
            ".docker/config.json",
            "service-account-prod.json",
            ".aws/credentials",
            "terraform.tfstate",
        ] {
            assert_eq!(judge(Path::new(path)), Verdict::Credential, "{path}");
        }
        for path in
            [".env.example", ".env.local.sample", "id_rsa.pub", "config.json", "src/env.rs", "key"]
        {
            assert_eq!(judge(Path::new(path)), Verdict::Plain, "{path}");
        }
        assert_eq!(judge(Path::new("ca.pem")), Verdict::Look);
    }

    #[test]
    fn a_certificate_is_no_key() {
        assert!(is_private_key(b"-----BEGIN EC PRIVATE KEY-----\n"));
        assert!(is_private_key(b"-----BEGIN PGP PRIVATE KEY BLOCK-----"));
        assert!(!is_private_key(b"-----BEGIN CERTIFICATE-----\n"));
    }
}
