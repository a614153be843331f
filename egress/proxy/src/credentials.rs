//! New values for a running egress: `/egress credentials` reads them from stdin and hands them over
//! a socket in the container's own memory, so that they are in no argument, no file and no image.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use compose_render::Secret;
use egress::Routes;
use serde::{Deserialize, Serialize};
use sidecar::{Event, Line, Shutdown, chain};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use crate::proxy::Egress;

/// In a tmpfs that belongs to egress's user alone.
pub(crate) const SOCKET: &str = "/run/credentials.sock";

/// More than every value of a bottle together.
const LIMIT: u64 = 1024 * 1024;
/// What one exchange may take.
const EXCHANGE: Duration = Duration::from_secs(10);

/// What is answered: the names that were taken, or why nothing was.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Reply {
    #[serde(default)]
    taken: Vec<String>,
    #[serde(default)]
    refused: Option<String>,
}

/// Takes new values until the shutdown is requested.
pub(crate) async fn take(listener: UnixListener, egress: Arc<Egress>, shutdown: Shutdown) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.requested() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let exchange = exchange(stream, Arc::clone(&egress));
                shutdown.spawn(tokio::time::timeout(EXCHANGE, exchange));
            }
            // Out of descriptors, most likely: give others a moment to close theirs.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn exchange(mut stream: UnixStream, egress: Arc<Egress>) -> std::io::Result<()> {
    let mut text = String::new();
    (&mut stream).take(LIMIT).read_to_string(&mut text).await?;
    let policy = egress.policies.current();
    let reply = match parse(&text, &policy.routes) {
        Ok(values) => {
            let taken: Vec<String> = values.keys().cloned().collect();
            egress.vault.replace(&values);
            egress.log.write(Line {
                reason: Some("credentials-replaced".to_owned()),
                detail: Some(taken.join(", ")),
                generation: Some(policy.generation),
                ..Line::new(Event::Config)
            });
            Reply { taken, refused: None }
        }
        Err(error) => {
            let because = chain(error.as_ref());
            egress.log.write(Line::failure(format!("new credentials are refused: {because}")));
            Reply { taken: Vec::new(), refused: Some(because) }
        }
    };
    stream.write_all(&serde_json::to_vec(&reply).unwrap_or_default()).await
}

/// Checks every value before any is taken. No error repeats one.
fn parse(text: &str, routes: &Routes) -> anyhow::Result<BTreeMap<String, Secret>> {
    // serde's own message may quote what it did not expect, which is a value.
    let values: BTreeMap<String, String> = serde_json::from_str(text)
        .map_err(|_| anyhow::anyhow!("what came is no JSON object of names and values"))?;
    ensure!(!values.is_empty(), "it names no credential");
    let mut secrets = BTreeMap::new();
    for (name, value) in values {
        let own = routes
            .iter()
            .flat_map(|route| &route.credentials)
            .filter(|credential| credential.variable.as_str() == name);
        let mut known = false;
        for credential in own {
            known = true;
            egress::check_secret(&credential.form, &value)
                .with_context(|| format!("the credential `{name}` cannot be used"))?;
        }
        ensure!(known, "no route uses a credential of the {}th name", secrets.len() + 1);
        secrets.insert(name, Secret::new(value));
    }
    Ok(secrets)
}

/// Reads a JSON object of names and values from stdin and gives it to the egress in this container.
///
/// # Errors
///
/// When nothing was taken.
pub fn give() -> anyhow::Result<()> {
    let taken = hand_over(Path::new(SOCKET), std::io::stdin().lock())?;
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&taken)?)
        .context("cannot write to stdout")
}

fn hand_over(socket: &Path, values: impl std::io::Read) -> anyhow::Result<Vec<String>> {
    let unanswered = || format!("no egress answers at `{}`", socket.display());
    let mut stream = BlockingStream::connect(socket).with_context(unanswered)?;
    stream.set_read_timeout(Some(EXCHANGE))?;
    stream.set_write_timeout(Some(EXCHANGE))?;
    std::io::copy(&mut values.take(LIMIT), &mut stream).with_context(unanswered)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = String::new();
    stream.take(LIMIT).read_to_string(&mut answer).with_context(unanswered)?;
    let reply: Reply = serde_json::from_str(&answer).context("egress answered nothing of sense")?;
    match reply.refused {
        Some(because) => bail!("nothing was taken: {because}"),
        None => Ok(reply.taken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egress::{Credential, Form, Route};

    fn routes() -> Routes {
        let credential =
            Credential { variable: "KEY".parse().unwrap(), form: Form::Bearer, placeholder: None };
        let route =
            Route { credentials: vec![credential], ..Route::to("api.test".parse().unwrap()) };
        Routes::new(vec![route])
    }

    #[test]
    fn g9_only_good_values_of_known_names_are_taken() {
        let taken = parse(r#"{"KEY": "canary-new-value"}"#, &routes()).unwrap();
        assert_eq!(taken["KEY"].expose(), "canary-new-value");
        for bad in [
            "",
            "{}",
            r#"["canary"]"#,
            r#"{"KEY": {"canary": 1}}"#,
            r#"{"KEY": "canary\r\nx-evil: 1"}"#,
            r#"{"canary-OTHER": "canary-new-value"}"#,
            r#"{"KEY": "canary-new-value", "OTHER": "canary-new-value"}"#,
        ] {
            let error = parse(bad, &routes()).unwrap_err();
            assert!(!chain(error.as_ref()).contains("canary"), "{bad}: {error:#}");
        }
    }
}
