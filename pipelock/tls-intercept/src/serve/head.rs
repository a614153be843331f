//! The head of an HTTP/1 request, read more strictly than hyper does: one reading, or none.

use crate::{Limits, Reason};

/// A head that has exactly one reading.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    method: &'a str,
    pub(crate) target: &'a str,
    fields: Vec<(&'a str, &'a [u8])>,
    minor: u8,
}

/// How the body after a head is delimited.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
}

/// Why a head is refused: the reason, and a sentence that quotes nothing of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fault(pub(crate) Reason, pub(crate) &'static str);

const fn malformed(what: &'static str) -> Fault {
    Fault(Reason::MalformedRequest, what)
}

/// Finds the end of a head, just after its empty line. The first `scanned` bytes held none.
pub(crate) fn end(bytes: &[u8], scanned: usize) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    let from = scanned.saturating_sub(END.len() - 1);
    let found = bytes.get(from..)?.windows(END.len()).position(|end| end == END);
    found.map(|at| from + at + END.len())
}

/// What can be said of a head before it is complete: a line feed alone, or bytes that begin no
/// request line, are refused at once and not waited for. The first `scanned` bytes were fine.
pub(crate) fn begins(bytes: &[u8], scanned: usize) -> Result<(), Fault> {
    let word = bytes.get(..=MAX_METHOD).unwrap_or(bytes);
    let method_end = word.iter().position(|b| !is_token(*b));
    match method_end.map(|at| (at, bytes.get(at))) {
        None if bytes.len() > MAX_METHOD => return Err(malformed("the method is no method")),
        Some((at, Some(b' '))) if (1..=MAX_METHOD).contains(&at) => {}
        None => {}
        Some(_) => return Err(malformed("the bytes begin no HTTP request")),
    }
    let torn = |pair: &[u8]| matches!(pair, [a, b] if (*b == b'\n') != (*a == b'\r'));
    if bytes.windows(2).skip(scanned.saturating_sub(1)).any(torn) {
        return Err(malformed("a line does not end in CR LF"));
    }
    Ok(())
}

const MAX_METHOD: usize = 24;

impl<'a> Head<'a> {
    /// Reads a complete head, its empty line included.
    pub(crate) fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self, Fault> {
        let mut lines = Lines(bytes);
        let (method, target, minor) = request_line(lines.next_line()?)?;
        let mut fields = Vec::new();
        loop {
            let line = lines.next_line()?;
            if line.is_empty() {
                break;
            }
            if line.len() > limits.field_bytes {
                return Err(Fault(Reason::HeadTooLarge, "a header field is too long"));
            }
            if fields.len() >= limits.fields {
                return Err(Fault(Reason::HeadTooLarge, "there are too many header fields"));
            }
            fields.push(field(line)?);
        }
        Ok(Self { method, target, fields, minor })
    }

    /// The value of a field that may be there once.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    pub(crate) fn single(&self, name: &str) -> Result<Option<&'a [u8]>, Fault> {
        let mut found = self.all(name);
        match (found.next(), found.next()) {
            (first, None) => Ok(first),
            (_, Some(_)) => Err(malformed("a field that may be there once is there twice")),
        }
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| *v)
    }

    /// How its body is delimited; every doubt is a refusal.
    pub(crate) fn framing(&self) -> Result<Framing, Fault> {
        let encoding = self.single("transfer-encoding")?;
        let length = self.single("content-length")?;
        match (encoding, length) {
            (None, None) => Ok(Framing::Length(0)),
            (None, Some(length)) => content_length(length).map(Framing::Length),
            (Some(_), Some(_)) => Err(malformed("both a length and a transfer encoding")),
            (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") && self.minor == 1 => {
                Ok(Framing::Chunked)
            }
            (Some(_), None) => Err(malformed("a transfer encoding other than `chunked`")),
        }
    }

    /// What is asked of every request but CONNECT.
    pub(crate) fn check(&self) -> Result<Framing, Fault> {
        if self.method == "CONNECT" {
            return Err(Fault(Reason::NestedConnect, "CONNECT is the first word or none"));
        }
        if self.single("host")?.is_none_or(<[u8]>::is_empty) {
            return Err(malformed("the `Host` is missing"));
        }
        if let Some(expect) = self.single("expect")?
            && !expect.eq_ignore_ascii_case(b"100-continue")
        {
            return Err(malformed("an expectation other than `100-continue`"));
        }
        self.framing()
    }
}

struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    fn next_line(&mut self) -> Result<&'a [u8], Fault> {
        let unended = malformed("a line does not end in CR LF");
        let at = self.0.iter().position(|b| matches!(b, b'\r' | b'\n')).ok_or(unended)?;
        let (line, rest) = self.0.split_at_checked(at).ok_or(unended)?;
        self.0 = rest.strip_prefix(b"\r\n").ok_or(unended)?;
        Ok(line)
    }
}

fn request_line(line: &[u8]) -> Result<(&str, &str, u8), Fault> {
    let mut words = line.split(|b| *b == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(malformed("the request line is not three words"));
    };
    let minor = match version {
        b"HTTP/1.1" => 1,
        b"HTTP/1.0" => 0,
        _ => return Err(malformed("the version is not one that is spoken here")),
    };
    if !(1..=MAX_METHOD).contains(&method.len()) || !method.iter().all(|b| is_token(*b)) {
        return Err(malformed("the method is no method"));
    }
    if target.is_empty() || target.iter().any(|b| b.is_ascii_control() || *b == b'#') {
        return Err(malformed("the target holds a control character or a fragment"));
    }
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| malformed("the target is no UTF-8"));
    Ok((text(method)?, text(target)?, minor))
}

fn field(line: &[u8]) -> Result<(&str, &[u8]), Fault> {
    let colon = line.iter().position(|b| !is_token(*b)).unwrap_or(line.len());
    let broken = malformed("a header field's name is broken");
    let (name, rest) = line.split_at_checked(colon).ok_or(broken)?;
    let value = rest.strip_prefix(b":").filter(|_| !name.is_empty()).ok_or(broken)?;
    if value.iter().any(|b| b.is_ascii_control() && *b != b'\t') {
        return Err(malformed("a header field holds a control character"));
    }
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let start = value.iter().position(|b| !blank(b)).unwrap_or(value.len());
    let end = value.iter().rposition(|b| !blank(b)).map_or(start, |at| at + 1);
    let name = std::str::from_utf8(name).map_err(|_| broken)?;
    Ok((name, value.get(start..end).unwrap_or_default()))
}

/// Digits alone, and not more than a `u64`.
fn content_length(value: &[u8]) -> Result<u64, Fault> {
    let digits = std::str::from_utf8(value).ok();
    digits
        .filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .ok_or(malformed("the length is no number"))
}

/// `tchar` of RFC 9110.
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(head: &str) -> Result<Framing, Fault> {
        let limits = Limits::default();
        Head::parse(head.as_bytes(), &limits).and_then(|head| head.check())
    }

    fn with(fields: &str) -> Result<Framing, Fault> {
        framing(&format!("POST / HTTP/1.1\r\nHost: a.com\r\n{fields}\r\n"))
    }

    #[test]
    fn e1_one_framing_or_none() {
        assert_eq!(with(""), Ok(Framing::Length(0)));
        assert_eq!(with("Content-Length: 5\r\n"), Ok(Framing::Length(5)));
        assert_eq!(with("Transfer-Encoding: Chunked\r\n"), Ok(Framing::Chunked));
        for fields in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "Transfer-Encoding: chunked, identity\r\n",
            "Transfer-Encoding: identity\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding: \x0bchunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding:\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: -5\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length: 5 5\r\n",
            "Content-Length:\r\n",
            "Content-Length: 18446744073709551616\r\n",
        ] {
            assert!(with(fields).is_err(), "{fields:?}");
        }
        let old = "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(framing(old).is_err());
    }

    #[test]
    fn e2_a_head_has_one_reading() {
        for head in [
            "GET / HTTP/1.1\nHost: a\n\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n",
            "GET / HTTP/1.1\r\n: a\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost\r\n\r\n",
            "GÉT / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            "GET / http/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/0.9\r\nHost: a\r\n\r\n",
            "GET /\r\nHost: a\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / a HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost:\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n",
        ] {
            assert!(framing(head).is_err(), "{head:?}");
        }
    }

    #[test]
    fn e2_size_and_number_of_fields_are_bounded() {
        let long = with(&format!("X: {}\r\n", "a".repeat(17 * 1024)));
        assert_eq!(long.map_err(|fault| fault.0), Err(Reason::HeadTooLarge));
        let many = with(&"X: a\r\n".repeat(10_000));
        assert_eq!(many.map_err(|fault| fault.0), Err(Reason::HeadTooLarge));
    }

    #[test]
    fn what_cannot_become_a_head_is_seen_early() {
        for fine in ["", "G", "GET", "GET /x HTTP/1.1\r\nHo", "PRI * HTTP/2.0\r"] {
            for scanned in 0..=fine.len() {
                assert_eq!(begins(fine.as_bytes(), scanned), Ok(()), "{fine:?}");
            }
        }
        for bad in [
            "\x16\x03\x01",
            "\r\n",
            " GET",
            "GET\t",
            "GET / \n",
            "GET / \rx",
            "SSH-2.0-OpenSSH_9.2\r\n",
            &"A".repeat(30),
        ] {
            assert!(begins(bad.as_bytes(), 0).is_err(), "{bad:?}");
        }
    }
}
