//! The rows that must hold, in the words of the threat model.

/// A row: its id, and what it says in a few words.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) what: &'static str,
}

const fn row(id: &'static str, what: &'static str) -> Row {
    Row { id, what }
}

/// The row of that id.
pub(super) fn find(id: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.id.eq_ignore_ascii_case(id))
}

/// Whether the test names the row among those it begins with: `e6_f1_…` is of both.
pub(super) fn is_of(test: &str, row: &Row) -> bool {
    let is_id = |word: &&str| {
        let mut letters = word.chars();
        letters.next().is_some_and(|letter| ('a'..='k').contains(&letter))
            && letters.as_str().parse::<u8>().is_ok()
    };
    let name = test.rsplit("::").next().unwrap_or(test);
    name.split('_').take_while(is_id).any(|id| id.eq_ignore_ascii_case(row.id))
}

/// Every row: one without a test fails the run.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    row("A1", "direct TCP to the outside"),
    row("A2", "UDP, ICMP and raw sockets to the outside"),
    row("A3", "the gateway and the host"),
    row("A4", "IPv6"),
    row("A5", "another bottle's parts"),
    row("A6", "the sidecars' other ports"),
    row("A7", "pipelock's uplink address"),
    row("A8", "raw frames, other addresses"),
    row("A9", "a sidecar dies"),
    row("A10", "secrets in processes, images, inspect"),
    row("A11", "sockets of the host"),
    row("A12", "capabilities, limits, bombs"),
    row("A13", "dangerous system calls"),
    row("A14", "setuid programs"),
    row("B1", "names that carry data to the resolver"),
    row("B2", "CONNECT to a denied name: nothing is resolved"),
    row("B3", "names that carry a secret under a wildcard"),
    row("B4", "rebinding and mixed answers"),
    row("B5", "one canonical form of a name"),
    row("C1", "forbidden addresses in every notation"),
    row("C2", "public address literals"),
    row("C3", "ports that are none"),
    row("C4", "an allowed host on another port"),
    row("C5", "userinfo and bracket tricks"),
    row("C6", "a redirect to a forbidden place"),
    row("C7", "an empty or broken policy denies"),
    row("D1", "SNI of another host"),
    row("D2", "Host of another host"),
    row("D3", "an absolute URI of another host inside the tunnel"),
    row("D4", "no SNI, two SNIs, ECH"),
    row("D5", "each request of a connection judged alone"),
    row("D6", "pipelined and over-read bytes"),
    row("D7", "what is neither TLS nor HTTP"),
    row("D8", "absolute form and CONNECT get the same verdict"),
    row("D9", "no credential on plain http"),
    row("D10", "an upstream whose certificate fails"),
    row("D11", "CONNECT inside the tunnel"),
    row("D12", "the hop between egress and pipelock"),
    row("E1", "two lengths of one body"),
    row("E2", "heads that are none"),
    row("E3", "chunks, trailers and their bounds"),
    row("E4", "hop-by-hop tricks on an injected header"),
    row("E5", "line breaks in a credential or a header"),
    row("E6", "h2c"),
    row("E7", "one canonical path, judged and forwarded"),
    row("E8", "queries and bodies that can be read in two ways"),
    row("E9", "method overrides"),
    row("E10", "encoded bodies and bombs"),
    row("E11", "slow, idle and half-closed connections"),
    row("E12", "events arrive as they are sent"),
    row("F1", "a WebSocket where none is allowed"),
    row("F2", "a switch of protocols that nobody asked for"),
    row("F3", "secrets in frames"),
    row("F4", "tokens in Sec-WebSocket-Protocol"),
    row("F5", "the same policy for WebSockets"),
    row("F6", "a policy revoked while a tunnel is open"),
    row("G1", "the agent's own credential headers"),
    row("G2", "outside the route no credential"),
    row("G3", "no credential, no request"),
    row("G4", "placeholders where they do not belong"),
    row("G5", "an upstream that echoes the credential"),
    row("G6", "cookies and new tokens in answers"),
    row("G7", "secrets in logs, errors, argv"),
    row("G8", "a login that is renewed"),
    row("G9", "a secret that changes while it runs"),
    row("G10", "no injection before the verdict"),
    row("G11", "the CA's key"),
    row("G12", "a budget that is used up"),
    row("H1", "secrets in every place of a push"),
    row("H2", "every way to name a ref"),
    row("H3", "all of a push or nothing"),
    row("H4", "commands and paths of git's"),
    row("H5", "packs that hurt"),
    row("H6", "what the host's git would run"),
    row("H7", "worktrees"),
    row("H8", "another repository by way of the gate"),
    row("I1", "links in place of files and folders"),
    row("I2", "archives that climb out"),
    row("I3", "files that a host tool later runs"),
    row("I4", "a manifest found in a repository"),
    row("I5", "names with metacharacters"),
    row("I6", "control characters in logs"),
    row("J1", "approvals that are forged, replayed or changed"),
    row("J2", "proposals that deceive"),
    row("J3", "a flood of proposals"),
    row("J4", "a widening that looks innocent"),
    row("J5", "approvals that race, a policy edited meanwhile"),
    row("J6", "a policy that cannot be read"),
    row("J7", "a policy revoked while in use"),
    row("J8", "a proposal to remove a sidecar"),
    row("J9", "what others have proposed"),
    row("J10", "MCP's own attacks"),
    row("K1", "kill -9 at every step"),
    row("K2", "two starts at once, a name taken"),
    row("K3", "stale networks, images that vanished"),
    row("K4", "stop means gone"),
    row("K5", "attach, detach, resize, signals"),
    row("K6", "pinned base image and agent"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_of_every_row_it_begins_with() {
        let rows = |test| ROWS.iter().filter(|row| is_of(test, row)).map(|row| row.id).collect();
        let named: Vec<_> = rows("it::framing::e6_f1_upgrades_are_refused");
        assert_eq!(named, ["E6", "F1"]);
        assert_eq!(rows("a_service_a1_without"), Vec::<&str>::new());
        assert_eq!(rows("a10_no_secret"), ["A10"]);
    }
}
