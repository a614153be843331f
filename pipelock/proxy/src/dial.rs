//! Resolves, checks every answer, and dials exactly an address that was checked.

use crate::{
    judge::Target,
    resolve::{Resolve, Unresolved},
    ssrf::{self, Forbidden},
};
use compose_render::{Secret, UpstreamProxy, base64};
use pipelock::Policy;
use std::{
    net::{IpAddr, SocketAddr},
    sync::OnceLock,
    time::Duration,
};
use tls_intercept::client::{self, SendError};
use tokio::net::TcpStream;

/// What connecting to one address may take.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// So many addresses of a name are tried.
pub(crate) const TRIED: usize = 4;

/// Why no connection came about.
#[derive(Debug)]
pub enum Undialled {
    /// An address of the host is forbidden, so none of them is dialled.
    Forbidden(Forbidden),
    /// The name has no address, or nobody says.
    Unresolved(Unresolved),
}

/// The addresses of a target, each of them checked. One that is forbidden condemns them all: a
/// name that points outward and inward at once means no good.
pub async fn checked_addresses(
    policy: &Policy,
    resolver: &dyn Resolve,
    target: Target<'_>,
) -> Result<Vec<IpAddr>, Undialled> {
    let (host, mut addresses) = match target {
        Target::Address(address) => (address.to_string(), vec![address.to_canonical()]),
        Target::Name(name) => {
            let found = resolver.resolve(name).await.map_err(Undialled::Unresolved)?;
            (name.to_owned(), found.into_iter().map(|found| found.to_canonical()).collect())
        }
    };
    if addresses.is_empty() {
        return Err(Undialled::Unresolved(Unresolved::new(&host, "it has no address")));
    }
    for address in &addresses {
        ssrf::check(policy, &host, *address).map_err(Undialled::Forbidden)?;
    }
    // IPv4 first: few containers have a way out over IPv6.
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses.dedup();
    addresses.truncate(TRIED);
    Ok(addresses)
}

/// Connects to the first of the checked addresses that answers, and says which one that was.
pub async fn connect(
    addresses: &[IpAddr],
    port: u16,
    dialled: &OnceLock<SocketAddr>,
) -> Result<TcpStream, SendError> {
    let mut outcome = Err(SendError::Protocol("it has no address"));
    for address in addresses {
        let at = SocketAddr::new(*address, port);
        outcome = client::dial(at, CONNECT).await;
        if outcome.is_ok() {
            dialled.get_or_init(|| at);
            break;
        }
    }
    outcome
}

/// Connects to the first of the checked addresses that the proxy connects to. It is told the
/// address and never the name: what was checked is what is dialled, whoever dials.
pub async fn connect_through(
    proxy: &UpstreamProxy,
    authorization: Option<&Secret>,
    resolver: &dyn Resolve,
    (addresses, port): (&[IpAddr], u16),
) -> Result<TcpStream, SendError> {
    // Named by a person, so it may stand on a private network; no agent can name one.
    let at = match proxy.host.address() {
        Some(address) => Some(address),
        None => resolver.resolve(&proxy.host.to_string()).await.ok().and_then(|all| {
            all.iter().copied().find(IpAddr::is_ipv4).or_else(|| all.first().copied())
        }),
    };
    let at = at.ok_or(SendError::Protocol("the upstream proxy has no address"))?;
    let shown = authorization.map(|secret| ("proxy-authorization", secret.expose().as_bytes()));
    let mut outcome = Err(SendError::Protocol("it has no address"));
    for address in addresses {
        let stream = client::dial(SocketAddr::new(at, proxy.port), CONNECT).await?;
        let target = SocketAddr::new(*address, port).to_string();
        outcome = client::tunnel_with(stream, &target, shown, CONNECT).await;
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// What an upstream proxy is shown, of `user:password` (RFC 7617).
pub fn basic(credential: &Secret) -> Secret {
    Secret::new(format!("Basic {}", base64(credential.expose().as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{resolve::Answer, testing::policy};

    /// A name server that gives one answer, then another.
    #[derive(Debug)]
    struct Rebinding(std::sync::Mutex<Vec<Vec<&'static str>>>);

    impl Resolve for Rebinding {
        fn resolve<'a>(&'a self, _name: &'a str) -> Answer<'a> {
            let mut answers = self.0.lock().unwrap();
            let now = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
            Box::pin(async move { Ok(now.iter().map(|text| text.parse().unwrap()).collect()) })
        }
    }

    async fn ask(resolver: &Rebinding) -> Result<Vec<IpAddr>, Undialled> {
        checked_addresses(&policy("", ""), resolver, Target::Name("a.org")).await
    }

    fn resolver(answers: &[&[&'static str]]) -> Rebinding {
        Rebinding(std::sync::Mutex::new(answers.iter().map(|answer| answer.to_vec()).collect()))
    }

    #[tokio::test]
    async fn b4_one_forbidden_answer_condemns_them_all() {
        for answers in [
            &["93.184.215.14", "127.0.0.1"][..],
            &["93.184.215.14", "::1"],
            &["169.254.169.254", "93.184.215.14"],
            &["2606:4700::1111", "::ffff:10.0.0.1"],
            &["64:ff9b::a00:1"],
        ] {
            let verdict = ask(&resolver(&[answers])).await;
            assert!(matches!(verdict, Err(Undialled::Forbidden(_))), "{answers:?}");
        }
    }

    #[tokio::test]
    async fn b4_every_connection_asks_and_checks_again() {
        let rebinding = resolver(&[&["93.184.215.14"], &["127.0.0.1"]]);
        assert_eq!(ask(&rebinding).await.unwrap(), ["93.184.215.14".parse::<IpAddr>().unwrap()]);
        assert!(matches!(ask(&rebinding).await, Err(Undialled::Forbidden(_))));
    }

    #[test]
    fn a_credential_is_written_as_basic_authentication_has_it() {
        for (text, code) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("a:b", "YTpi")]
        {
            let shown = basic(&Secret::new(text.to_owned()));
            assert_eq!(shown.expose(), format!("Basic {code}"));
        }
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_not_dialled() {
        assert!(matches!(ask(&resolver(&[&[]])).await, Err(Undialled::Unresolved(_))));
    }

    #[tokio::test]
    async fn ipv4_goes_first_and_the_number_is_bounded() {
        let many = ["2606:4700::1", "1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.5"];
        let found = ask(&resolver(&[&many])).await.unwrap();
        assert_eq!(found.len(), TRIED);
        assert!(found.iter().all(IpAddr::is_ipv4));
    }
}
