//! The manifest that is used where there is no other: the first command works with no file.

use crate::environment::Environment;

/// The built-in manifest, by the credential that is there. Where both are, or neither, it is the
/// API key: that one's absence is then what is reported.
pub(super) fn text(environment: &Environment) -> &'static str {
    let key = environment.get("ANTHROPIC_API_KEY").is_some();
    let token = environment.get("CLAUDE_CODE_OAUTH_TOKEN").is_some();
    if token && !key { WITH_TOKEN } else { WITH_KEY }
}

const WITH_KEY: &str = "\
version: 1
agents:
  implementer:
    bottle: default
    command: [claude, --permission-mode, bypassPermissions]
bottles:
  default:
    workspace: copy
    forward_env: [TERM, COLORTERM]
    egress:
      routes:
        - host: api.anthropic.com
          methods: [GET, POST]
          paths: [\"/v1/**\", \"/api/**\"]
          credential: {env: ANTHROPIC_API_KEY, header: x-api-key}
";

const WITH_TOKEN: &str = "\
version: 1
agents:
  implementer:
    bottle: default
    command: [claude, --permission-mode, bypassPermissions]
bottles:
  default:
    workspace: copy
    forward_env: [TERM, COLORTERM]
    egress:
      routes:
        - host: api.anthropic.com
          methods: [GET, POST]
          paths: [\"/v1/**\", \"/api/**\"]
          credential: {env: CLAUDE_CODE_OAUTH_TOKEN, scheme: bearer}
";

#[cfg(test)]
mod tests {
    use crate::environment::Environment;
    use crate::manifest::Manifest;

    fn variable(environment: &Environment) -> String {
        let manifest = Manifest::built_in(environment).unwrap();
        let route = manifest.bottles["default"].routes[0].route.clone();
        format!("{}", route.credentials[0].variable)
    }

    #[test]
    fn takes_the_credential_that_is_there() {
        let token = ("CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-x");
        let key = ("ANTHROPIC_API_KEY", "sk-ant-api03-x");
        assert_eq!(variable(&Environment::from([token])), "CLAUDE_CODE_OAUTH_TOKEN");
        assert_eq!(variable(&Environment::from([key])), "ANTHROPIC_API_KEY");
        assert_eq!(variable(&Environment::from([key, token])), "ANTHROPIC_API_KEY");
        assert_eq!(variable(&Environment::default()), "ANTHROPIC_API_KEY");
    }
}
