//! Upstream's own image in pipelock's place, and what stands beside it for what it cannot do.

use crate::{Settings, UPSTREAM_FILE, sidecar::proxy};
use compose_render::{ImageRef, Network, RenderedFile, Role, ServiceSpec, Sidecar, Slug, contract};
use std::{net::SocketAddr, path::PathBuf};

/// What a bottle does without where pipelock is another's, for people.
pub const ABSENT: &str = "the pipelock of this bottle is another's: tools that ignore HTTPS_PROXY \
                          reach nothing, hosts with a route are also reached around egress (without \
                          its credential), and there is no status of it, no `apply` and no list of \
                          decisions but its own log";

/// The image of a person's choice, that reads upstream's file and nothing of ours.
#[derive(Clone, Debug)]
pub struct Stock {
    pub image: ImageRef,
    /// The host's folder of its files: the configuration and the authority.
    pub folder: PathBuf,
    /// Our system call profile, on the host.
    pub seccomp: PathBuf,
    /// Who the process is: the owner of `folder`.
    pub user: (u32, u32),
    pub settings: Settings,
}

/// The agent's name server where pipelock is none: no name of the outside exists.
#[derive(Clone, Debug)]
pub struct Resolver {
    pub slug: Slug,
    /// pipelock's image, ours.
    pub image: ImageRef,
    /// Our system call profile, on the host.
    pub seccomp: PathBuf,
    pub user: (u32, u32),
    pub settings: Settings,
}

impl Sidecar for Stock {
    fn role(&self) -> Role {
        Role::Pipelock
    }

    fn service(&self) -> ServiceSpec {
        proxy(&self.image, (&self.folder, &self.seccomp), self.user, &self.settings)
    }

    fn files(&self) -> Vec<RenderedFile> {
        vec![RenderedFile::plain(UPSTREAM_FILE, self.settings.upstream_yaml())]
    }

    /// It asks its own default address unless told another.
    fn healthcheck(&self) -> Vec<String> {
        let at = self.settings.proxy_address().to_string();
        ["/pipelock", "healthcheck", "--addr", &at].map(str::to_owned).to_vec()
    }
}

impl Sidecar for Resolver {
    fn role(&self) -> Role {
        Role::Resolver
    }

    fn service(&self) -> ServiceSpec {
        let address = self.settings.addresses.internal(Role::Resolver);
        let listen = SocketAddr::from((address, contract::DNS_PORT)).to_string();
        ServiceSpec::hardened(Role::Resolver, self.image.clone())
            .command(["names", "--listen", &listen])
            .user(self.user.0, self.user.1)
            .network(Network::Internal, address)
            .dns(address)
            .environment(contract::SLUG_VARIABLE, self.slug.as_str())
            .restart_on_failure()
            .seccomp(&self.seccomp)
    }

    fn files(&self) -> Vec<RenderedFile> {
        Vec::new()
    }

    fn healthcheck(&self) -> Vec<String> {
        ["/pipelock", "healthcheck"].map(str::to_owned).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::tests::settings;
    use compose_render::{stitch, to_yaml};

    #[test]
    fn upstreams_image_and_the_resolver_beside_it() {
        let (seccomp, user) = (PathBuf::from("/state/fix-login/seccomp.json"), (65532, 65532));
        let slug: Slug = "fix-login".parse().unwrap();
        let stock = Stock {
            image: "ghcr.io/luckypipewrench/pipelock:3.5".to_owned().try_into().unwrap(),
            folder: "/state/fix-login/pipelock".into(),
            seccomp: seccomp.clone(),
            user,
            settings: settings(),
        };
        let resolver = Resolver {
            slug: slug.clone(),
            image: ImageRef::local("pipelock", "0123456789abcdef"),
            seccomp,
            user,
            settings: settings(),
        };
        let project = stitch(&slug, [stock.service(), resolver.service()]).unwrap();
        insta::assert_snapshot!(to_yaml(&project));
        let health = ["/pipelock", "healthcheck", "--addr", "10.213.0.3:8888"];
        assert_eq!(stock.healthcheck(), health);
        assert_eq!(resolver.healthcheck(), ["/pipelock", "healthcheck"]);
        let names: Vec<_> = stock.files().into_iter().map(|file| file.path).collect();
        assert_eq!(names, [PathBuf::from("pipelock.yaml")]);
        // Neither holds a secret of ours: it would know nothing to do with one.
        assert!(stock.service().secret_variables().is_empty());
        assert!(resolver.service().secret_variables().is_empty());
    }
}
