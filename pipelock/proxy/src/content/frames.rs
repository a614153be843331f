//! What an agent says over a `WebSocket`, read message by message; nothing waits for the next one.

use super::{
    is_incident,
    kept::overwrite,
    knowledge::{Home, Knowledge},
    settle::settle,
    verdict::{Stopped, Verdict},
};
use dlp::{Finding, Rules, Stream};
use http::Request;
use pipelock::Action;
use tls_intercept::{
    Body,
    websocket::{Inspector, Kind, inspected},
};

/// Puts the reading into a request that asks for a `WebSocket`.
pub(crate) fn frames(
    (known, home): (&Knowledge, &Home),
    action: Action,
    request: Request<Body>,
) -> (Request<Body>, Verdict) {
    let verdict = Verdict::default();
    let messages = Messages {
        rules: known.rules().clone(),
        home: home.clone(),
        message: None,
        action,
        verdict: verdict.clone(),
    };
    (request.map(|body| inspected(body, messages)), verdict)
}

struct Messages {
    rules: Rules,
    /// Which of the bottle's secrets may go where the messages go.
    home: Home,
    /// The message that is passing, and how much of it has passed.
    message: Option<(Stream, u64)>,
    action: Action,
    verdict: Verdict,
}

impl Messages {
    fn settle(&self, findings: &[Finding], passed: u64, pending: &mut [u8]) -> Result<(), String> {
        let overwrite =
            |finding: &Finding| overwrite(pending, passed, (finding.offset, finding.len));
        let settled = settle((self.action, &self.home), &self.verdict, findings, overwrite);
        let Err(rule) = settled else { return Ok(()) };
        self.verdict.stop(Stopped::Secret(rule));
        Err(if is_incident(rule) {
            "pipelock: a message holds a secret of this bottle".to_owned()
        } else {
            format!("pipelock: a message holds a secret ({rule})")
        })
    }
}

impl Inspector for Messages {
    fn look(
        &mut self,
        kind: Kind,
        pending: &mut [u8],
        seen: usize,
        last: bool,
    ) -> Result<usize, String> {
        if matches!(kind, Kind::Close | Kind::Ping | Kind::Pong) {
            self.settle(&self.rules.scan(pending), 0, pending)?;
            return Ok(pending.len());
        }
        let (mut stream, passed) =
            self.message.take().unwrap_or_else(|| (Stream::new(&self.rules), 0));
        let mut findings = stream.push(pending.get(seen..).unwrap_or_default());
        let held = stream.held();
        if last {
            findings.extend(stream.finish());
            self.settle(&findings, passed, pending)?;
            return Ok(pending.len());
        }
        self.settle(&findings, passed, pending)?;
        let free = pending.len().saturating_sub(held);
        self.message = Some((stream, passed + free as u64));
        Ok(free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "AKIAIOSFODNN7REALKEY";

    fn messages(action: Action) -> Messages {
        let (rules, verdict) = (Rules::builtin().clone(), Verdict::default());
        Messages { rules, home: Home::default(), message: None, action, verdict }
    }

    /// What passes of a message that comes in these fragments.
    fn said(messages: &mut Messages, kind: Kind, parts: &[&str]) -> Result<String, String> {
        let (mut pending, mut seen, mut passed) = (Vec::new(), 0, Vec::new());
        for (at, part) in parts.iter().enumerate() {
            pending.extend_from_slice(part.as_bytes());
            let last = at + 1 == parts.len();
            let free = messages.look(kind, &mut pending, seen, last)?;
            passed.extend(pending.drain(..free));
            seen = pending.len();
        }
        if !pending.is_empty() {
            return Err("the last part does not let everything go".to_owned());
        }
        Ok(String::from_utf8(passed).unwrap())
    }

    #[test]
    fn f3_a_secret_in_a_message_of_any_kind_or_cut_stops_it() {
        let whole = format!("key = {SECRET} ");
        let (one, two) = whole.split_at(12);
        let plain = ["a word, ", "and another"];
        for kind in [Kind::Text, Kind::Binary, Kind::Ping, Kind::Pong, Kind::Close] {
            let mut messages = messages(Action::Block);
            assert_eq!(said(&mut messages, kind, &plain[..1]).unwrap(), plain[0]);
            said(&mut messages, kind, &[&whole]).unwrap_err();
            assert!(matches!(messages.verdict.stopped(), Some(Stopped::Secret(_))), "{kind:?}");
        }
        let mut messages = messages(Action::Block);
        assert_eq!(said(&mut messages, Kind::Text, &plain).unwrap(), plain.concat());
        said(&mut messages, Kind::Text, &[one, two]).unwrap_err();
    }

    #[test]
    fn f3_what_cannot_be_overwritten_any_more_does_not_pass() {
        let findings = Rules::builtin().scan(SECRET.as_bytes());
        let len = findings[0].len as u64;
        for (passed, stopped) in [(len, true), (len - 1, false)] {
            let messages = messages(Action::Redact);
            let settled = messages.settle(&findings, passed, &mut b"the rest".to_vec());
            assert_eq!(settled.is_err(), stopped);
            assert_eq!(messages.verdict.overwrites().is_empty(), stopped);
        }
    }

    #[test]
    fn f3_on_routed_hosts_it_is_overwritten_and_the_message_passes() {
        let mut messages = messages(Action::Redact);
        let whole = format!(r#"{{"key": "{SECRET}", "n": 1}}"#);
        let (one, two) = whole.split_at(14);
        let passed = said(&mut messages, Kind::Text, &[one, two]).unwrap();
        assert_eq!(passed.len(), whole.len());
        assert!(!passed.contains("REALKEY") && passed.ends_with(r#"", "n": 1}"#), "{passed}");
        assert_eq!(messages.verdict.overwrites().len(), 1);
    }
}
