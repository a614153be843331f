//! `Sec-WebSocket-Protocol`, in which programs that can set no header of a `WebSocket` log in.

use egress::{Credential, MARK};
use http::header::{HeaderMap, HeaderValue, SEC_WEBSOCKET_PROTOCOL};

use super::Refusal;

/// What begins a protocol that is a login: of `OpenAI`'s and Kubernetes' APIs, and in common use.
const LOGINS: [&str; 10] = [
    "openai-insecure-api-key.",
    "base64url.bearer.authorization.k8s.io.",
    "bearer.",
    "authorization.",
    "access_token.",
    "access-token.",
    "api-key.",
    "apikey.",
    "token.",
    "jwt.",
];

/// Takes out the agent's own logins. What holds a placeholder stays: it is filled in.
pub(super) fn strip(headers: &mut HeaderMap) {
    let mut alone = false;
    rewrite(headers, |protocol| {
        let lower = protocol.to_ascii_lowercase();
        // `bearer, TOKEN`: the login is the item after it.
        let login = alone || LOGINS.iter().any(|login| lower.starts_with(login));
        alone = matches!(&*lower, "bearer" | "authorization" | "access_token" | "token");
        (!login || protocol.contains(MARK)).then(|| protocol.to_owned())
    });
}

/// Fills a credential in where its placeholder stands.
pub(super) fn put(
    headers: &mut HeaderMap,
    credential: &Credential,
    secret: &str,
) -> Result<(), Refusal> {
    let Some(placeholder) = &credential.placeholder else { return Ok(()) };
    let placeholder = placeholder.as_str();
    let mut refused = false;
    rewrite(headers, |protocol| {
        if !protocol.contains(placeholder) {
            return Some(protocol.to_owned());
        }
        let filled = protocol.replace(placeholder, secret);
        refused |= !filled.bytes().all(is_token_byte);
        Some(filled)
    });
    // A secret with a comma in it would be several protocols.
    if refused { Err(Refusal::Malformed) } else { Ok(()) }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte)
}

/// Writes the list anew, in one field; nothing is touched where there is none.
fn rewrite(headers: &mut HeaderMap, mut item: impl FnMut(&str) -> Option<String>) {
    if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return;
    }
    let listed: Vec<String> = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|protocol| !protocol.is_empty())
        .filter_map(&mut item)
        .collect();
    headers.remove(SEC_WEBSOCKET_PROTOCOL);
    if let Ok(mut value) = HeaderValue::from_str(&listed.join(", "))
        && !listed.is_empty()
    {
        value.set_sensitive(true);
        headers.insert(SEC_WEBSOCKET_PROTOCOL, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egress::{Form, Placeholder};

    fn after(listed: &[&str]) -> Option<String> {
        let placeholder = Placeholder::of_shape("sk-canary-0123456789abcdef", "KEY", b"tests");
        let variable = "KEY".parse().unwrap();
        let mut headers = HeaderMap::new();
        for value in listed {
            let value = value.replace("PLACEHOLDER", placeholder.as_str());
            headers.append(SEC_WEBSOCKET_PROTOCOL, value.parse().unwrap());
        }
        let credential =
            Credential { variable, form: Form::Bearer, placeholder: Some(placeholder) };
        strip(&mut headers);
        put(&mut headers, &credential, "sk-canary-0123456789abcdef").unwrap();
        let left = headers.get(SEC_WEBSOCKET_PROTOCOL)?;
        Some(left.to_str().unwrap().to_owned())
    }

    #[test]
    fn f4_the_agents_logins_go_and_a_placeholder_is_filled_in() {
        assert_eq!(after(&[]), None);
        assert_eq!(after(&["chat, superchat"]).unwrap(), "chat, superchat");
        assert_eq!(after(&["realtime, openai-insecure-api-key.mine"]).unwrap(), "realtime");
        assert_eq!(after(&["realtime", "Bearer.mine", "jwt.mine"]).unwrap(), "realtime");
        assert_eq!(after(&["bearer, mine, chat"]).unwrap(), "bearer, chat");
        assert_eq!(
            after(&["realtime", "openai-insecure-api-key.PLACEHOLDER"]).unwrap(),
            "realtime, openai-insecure-api-key.sk-canary-0123456789abcdef"
        );
        assert_eq!(after(&["token.mine"]), None);
    }

    #[test]
    fn e5_a_secret_that_is_no_protocol_is_refused() {
        let placeholder = Placeholder::of_shape("sk-canary-0123456789abcdef", "KEY", b"tests");
        let mut headers = HeaderMap::new();
        let value = format!("key.{}", placeholder.as_str());
        headers.insert(SEC_WEBSOCKET_PROTOCOL, value.parse().unwrap());
        let variable = "KEY".parse().unwrap();
        let credential =
            Credential { variable, form: Form::Bearer, placeholder: Some(placeholder) };
        let refused = put(&mut headers, &credential, "one, two");
        assert_eq!(refused, Err(Refusal::Malformed));
    }
}
