//! Whether a private key can be used where nobody is there to type its passphrase.

/// A key the gate cannot use.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidKey {
    #[error("it is no private key")]
    NotAKey,
    #[error("it is a public key")]
    Public,
    #[error("it has a passphrase, which nobody could type at the gate")]
    Passphrase,
    #[error("it lies on a token, which cannot be copied")]
    OnAToken,
}

/// Says whether ssh can use that key file by itself.
///
/// # Errors
///
/// What is in the way. The key is in no sentence.
pub fn check_key(text: &str) -> Result<(), InvalidKey> {
    let first = text.lines().next().unwrap_or_default();
    if first.starts_with("ssh-") || first.starts_with("ecdsa-") || first.starts_with("sk-") {
        return Err(InvalidKey::Public);
    }
    let Some(kind) = first.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----"))
    else {
        return Err(InvalidKey::NotAKey);
    };
    match kind {
        "OPENSSH PRIVATE KEY" => check_openssh(text),
        "ENCRYPTED PRIVATE KEY" => Err(InvalidKey::Passphrase),
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "DSA PRIVATE KEY" | "PRIVATE KEY" => {
            let encrypted = text.lines().any(|line| line.starts_with("Proc-Type:"));
            if encrypted { Err(InvalidKey::Passphrase) } else { Ok(()) }
        }
        _ => Err(InvalidKey::NotAKey),
    }
}

/// OpenSSH's own form (its PROTOCOL.key): a mark, then strings with their lengths: the cipher, which
/// is `none` without a passphrase, the derivation and its options, a number, the public key.
fn check_openssh(text: &str) -> Result<(), InvalidKey> {
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    let bytes = base64(body.trim()).ok_or(InvalidKey::NotAKey)?;
    let rest = bytes.strip_prefix(b"openssh-key-v1\0").ok_or(InvalidKey::NotAKey)?;
    let (cipher, rest) = string(rest).ok_or(InvalidKey::NotAKey)?;
    if cipher != b"none" {
        return Err(InvalidKey::Passphrase);
    }
    let (_, rest) = string(rest).ok_or(InvalidKey::NotAKey)?;
    let (_, rest) = string(rest).ok_or(InvalidKey::NotAKey)?;
    let (public, _) = rest.get(4..).and_then(string).ok_or(InvalidKey::NotAKey)?;
    let (kind, _) = string(public).ok_or(InvalidKey::NotAKey)?;
    if kind.starts_with(b"sk-") { Err(InvalidKey::OnAToken) } else { Ok(()) }
}

fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(4)?;
    let length = u32::from_be_bytes(length.try_into().ok()?);
    rest.split_at_checked(usize::try_from(length).ok()?)
}

/// Base64 of the standard alphabet (RFC 4648, 4).
fn base64(text: &str) -> Option<Vec<u8>> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    let (mut held, mut bits) = (0_u32, 0);
    for digit in text.bytes().take_while(|&byte| byte != b'=') {
        let value = DIGITS.iter().position(|&known| known == digit)?;
        held = held << 6 | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xff).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made for this test and in use nowhere.
    const WITH_PASSPHRASE: &str = "-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABB0
-----END OPENSSH PRIVATE KEY-----
";

    fn openssh(cipher: &str, kind: &str) -> String {
        fn string(bytes: &[u8]) -> Vec<u8> {
            [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
        }
        let public = string(kind.as_bytes());
        let parts = [
            b"openssh-key-v1\0".to_vec(),
            string(cipher.as_bytes()),
            string(b"none"),
            string(b""),
            1_u32.to_be_bytes().to_vec(),
            string(&public),
        ];
        let body = encode(&parts.concat());
        format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n")
    }

    fn encode(bytes: &[u8]) -> String {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut out = String::new();
        for group in bytes.chunks(3) {
            let bits = group.iter().fold(0_u32, |bits, &b| bits << 8 | u32::from(b))
                << (8 * (3 - group.len()));
            for at in 0..=group.len() {
                out.push(char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize]));
            }
        }
        out
    }

    #[test]
    fn only_a_key_that_needs_nobody_is_taken() {
        assert_eq!(check_key(&openssh("none", "ssh-ed25519")), Ok(()));
        assert_eq!(check_key(&openssh("aes256-ctr", "ssh-ed25519")), Err(InvalidKey::Passphrase));
        assert_eq!(check_key(WITH_PASSPHRASE), Err(InvalidKey::Passphrase));
        let token = openssh("none", "sk-ssh-ed25519@openssh.com");
        assert_eq!(check_key(&token), Err(InvalidKey::OnAToken));
        assert_eq!(check_key("ssh-ed25519 AAAA me"), Err(InvalidKey::Public));
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n";
        assert_eq!(check_key(pem), Err(InvalidKey::Passphrase));
        assert_eq!(check_key("-----BEGIN PRIVATE KEY-----\nAA\n"), Ok(()));
        assert_eq!(check_key(""), Err(InvalidKey::NotAKey));
    }
}
