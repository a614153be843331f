//! Routes of services that many use, written once: hosts, methods and paths.

/// A service whose routes are known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Preset {
    Anthropic,
    Github,
    Npm,
    Pypi,
    Crates,
    Debian,
}

/// One host of a preset: its methods, its paths, and whether the route's credential goes there.
type Line = (&'static str, &'static [&'static str], &'static [&'static str], bool);

const READ: &[&str] = &["GET", "HEAD"];

impl Preset {
    /// The presets by the word a manifest uses.
    pub(crate) fn words() -> [(&'static str, Self); 6] {
        [
            ("anthropic", Self::Anthropic),
            ("github", Self::Github),
            ("npm", Self::Npm),
            ("pypi", Self::Pypi),
            ("crates", Self::Crates),
            ("debian", Self::Debian),
        ]
    }

    /// The preset's lines. Reading only, but for the model's API: what writes is named by hand.
    fn lines(self) -> &'static [Line] {
        match self {
            Self::Anthropic => {
                &[("api.anthropic.com", &["GET", "POST"], &["/v1/**", "/api/**"], true)]
            }
            Self::Github => &[
                ("api.github.com", READ, &["/**"], true),
                ("raw.githubusercontent.com", READ, &["/**"], false),
                ("objects.githubusercontent.com", READ, &["/**"], false),
                ("codeload.github.com", READ, &["/**"], false),
            ],
            Self::Npm => &[("registry.npmjs.org", READ, &["/**"], true)],
            Self::Pypi => &[
                ("pypi.org", READ, &["/**"], true),
                ("files.pythonhosted.org", READ, &["/**"], false),
            ],
            Self::Crates => &[
                ("index.crates.io", READ, &["/**"], false),
                ("static.crates.io", READ, &["/**"], false),
            ],
            Self::Debian => &[("deb.debian.org", READ, &["/**"], false)],
        }
    }

    /// The routes. A credential goes to the service's API alone, never to its file hosts.
    pub(super) fn routes(self, credentials: &[egress::Credential]) -> Vec<egress::Route> {
        let lines = self.lines().iter();
        let routes = lines.filter_map(|(host, methods, paths, credited)| {
            let credentials = if *credited { credentials.to_vec() } else { Vec::new() };
            Some(egress::Route {
                methods: methods.iter().filter_map(|method| method.parse().ok()).collect(),
                paths: paths.iter().filter_map(|path| path.parse().ok()).collect(),
                credentials,
                ..egress::Route::to(host.parse().ok()?)
            })
        });
        routes.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_every_preset_is_read_whole() {
        for (word, preset) in Preset::words() {
            let routes = preset.routes(&[]);
            assert_eq!(routes.len(), preset.lines().len(), "{word}");
            for (route, line) in routes.iter().zip(preset.lines()) {
                assert_eq!((route.methods.len(), route.paths.len()), (line.1.len(), line.2.len()));
            }
        }
    }
}
