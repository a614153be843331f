//! Policies for the unit tests of this package.

use pipelock::Policy;

/// The policy of the smallest files with these lines added to each.
pub(crate) fn policy(upstream: &str, bottle: &str) -> Policy {
    let least = "mode: strict\nforward_proxy: {enabled: true}\ntls_interception: {enabled: true}\n";
    let upstream = format!("{least}{upstream}");
    Policy::read(&upstream, &format!("version: 1\n{bottle}")).expect("the test's files").policy
}
