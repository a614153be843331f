//! The TLS hello of a client, read before rustls reads it: whom it names, and whether it hides it.
//!
//! Encrypted Client Hello is refused. A browser's GREASE looks the same by design and is refused
//! with it: no inner name could ever take effect here (we hold no key for it), but a client that
//! hides its destination has no business in a bottle, and one rule without exceptions stays true.

/// What is read of a hello.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hello {
    /// The one server name; `None` where there is no such extension.
    pub server_name: Option<String>,
    /// Whether the extension for an encrypted hello (or its draft) is there.
    pub encrypted: bool,
}

/// What the first bytes of a connection are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum First {
    /// A hello may still come of it.
    Incomplete,
    /// No TLS.
    NotTls,
    /// TLS, but not in one reading.
    Malformed,
    Hello(Hello),
}

/// More than any honest hello, post-quantum keys and session tickets included.
pub(crate) const MAX_HELLO: usize = 16 * 1024;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
const ENCRYPTED_SERVER_NAME: u16 = 0xffce;
const HOST_NAME: u8 = 0;

/// Reads the first bytes of a connection.
pub fn read(bytes: &[u8]) -> First {
    let mut handshake = Vec::new();
    let mut records = Reader(bytes);
    loop {
        match records.record() {
            Record::Payload(payload) => handshake.extend_from_slice(payload),
            Record::NotTls if handshake.is_empty() => return First::NotTls,
            Record::NotTls => return First::Malformed,
            Record::Incomplete if bytes.len() > MAX_HELLO => return First::Malformed,
            Record::Incomplete => return First::Incomplete,
        }
        let mut message = Reader(&handshake);
        let (Some(kind), Some(length)) = (message.u8(), message.u24()) else { continue };
        if kind != CLIENT_HELLO || length > MAX_HELLO {
            return First::Malformed;
        }
        if let Some(body) = message.take(length) {
            return client_hello(body).map_or(First::Malformed, First::Hello);
        }
    }
}

fn client_hello(body: &[u8]) -> Option<Hello> {
    let mut hello = Reader(body);
    hello.take(2 + 32)?;
    let session = hello.u8()?;
    hello.take(usize::from(session))?;
    let suites = hello.u16()?;
    hello.take(usize::from(suites))?;
    let compressions = hello.u8()?;
    hello.take(usize::from(compressions))?;
    let mut read = Hello { server_name: None, encrypted: false };
    if hello.0.is_empty() {
        return Some(read);
    }
    let length = hello.u16()?;
    let mut extensions = Reader(hello.take(usize::from(length))?);
    let mut seen = Vec::new();
    while !extensions.0.is_empty() {
        let (kind, length) = (extensions.u16()?, extensions.u16()?);
        let data = extensions.take(usize::from(length))?;
        if seen.contains(&kind) {
            return None;
        }
        seen.push(kind);
        match kind {
            SERVER_NAME => read.server_name = Some(server_name(data)?),
            ENCRYPTED_CLIENT_HELLO | ENCRYPTED_SERVER_NAME => read.encrypted = true,
            _ => {}
        }
    }
    hello.0.is_empty().then_some(read)
}

/// Exactly one entry, of the one kind there is.
fn server_name(data: &[u8]) -> Option<String> {
    let mut list = Reader(data);
    let length = list.u16()?;
    let mut entry = Reader(list.take(usize::from(length))?);
    let (kind, length) = (entry.u8()?, entry.u16()?);
    let name = entry.take(usize::from(length))?;
    let alone = list.0.is_empty() && entry.0.is_empty() && kind == HOST_NAME;
    alone.then(|| String::from_utf8(name.to_vec()).ok()).flatten()
}

struct Reader<'a>(&'a [u8]);

enum Record<'a> {
    Payload(&'a [u8]),
    Incomplete,
    NotTls,
}

impl<'a> Reader<'a> {
    /// The payload of the next record of handshake bytes.
    fn record(&mut self) -> Record<'a> {
        /// A version of any TLS: `3.x`.
        const MAJOR: u8 = 3;
        let fits = |at: usize, good: &dyn Fn(u8) -> bool| self.0.get(at).is_none_or(|b| good(*b));
        if !fits(0, &|b| b == HANDSHAKE) || !fits(1, &|b| b == MAJOR) || !fits(2, &|b| b <= 4) {
            return Record::NotTls;
        }
        let mut rest = Reader(self.0);
        let Some(length) = rest.take(3).and_then(|_| rest.u16()) else { return Record::Incomplete };
        if length == 0 || usize::from(length) > MAX_HELLO {
            return Record::NotTls;
        }
        let Some(payload) = rest.take(usize::from(length)) else { return Record::Incomplete };
        self.0 = rest.0;
        Record::Payload(payload)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u24(&mut self) -> Option<usize> {
        let (high, low) = (self.u8()?, self.u16()?);
        Some(usize::from(high) << 16 | usize::from(low))
    }
}

/// A fatal alert in the clear: what a client prints is then more than "connection reset".
pub(crate) const fn alert(description: u8) -> [u8; 7] {
    [21, 3, 3, 0, 2, 2, description]
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A hello with these extensions, in records of at most `record` bytes.
    pub(crate) fn hello_of(extensions: &[(u16, Vec<u8>)], record: usize) -> Vec<u8> {
        let mut listed = Vec::new();
        for (kind, data) in extensions {
            listed.extend(kind.to_be_bytes());
            listed.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            listed.extend(data);
        }
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
        body.extend(u16::try_from(listed.len()).unwrap().to_be_bytes());
        body.extend(listed);
        let mut message = vec![CLIENT_HELLO, 0];
        message.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        message.extend(body);
        let mut bytes = Vec::new();
        for part in message.chunks(record) {
            bytes.extend([HANDSHAKE, 3, 1]);
            bytes.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
            bytes.extend(part);
        }
        bytes
    }

    /// The server name extension with these entries.
    pub(crate) fn names(names: &[&str]) -> (u16, Vec<u8>) {
        let mut list = Vec::new();
        for name in names {
            list.push(HOST_NAME);
            list.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
            list.extend(name.as_bytes());
        }
        let mut data = u16::try_from(list.len()).unwrap().to_be_bytes().to_vec();
        data.extend(list);
        (SERVER_NAME, data)
    }

    fn named(name: &str) -> First {
        First::Hello(Hello { server_name: Some(name.to_owned()), encrypted: false })
    }

    #[test]
    fn d4_reads_the_one_name_also_from_fragments() {
        let whole = hello_of(&[names(&["a.com"]), (43, vec![2, 3, 4])], 4096);
        assert_eq!(read(&whole), named("a.com"));
        let fragments = hello_of(&[names(&["a.com"])], 3);
        assert_eq!(read(&fragments), named("a.com"));
        for cut in 0..fragments.len() {
            assert_eq!(read(&fragments[..cut]), First::Incomplete, "{cut}");
        }
    }

    #[test]
    fn d4_two_names_or_two_extensions_have_no_reading() {
        assert_eq!(read(&hello_of(&[names(&["a.com", "b.com"])], 4096)), First::Malformed);
        assert_eq!(
            read(&hello_of(&[names(&["a.com"]), names(&["b.com"])], 4096)),
            First::Malformed
        );
        assert_eq!(read(&hello_of(&[(SERVER_NAME, vec![])], 4096)), First::Malformed);
    }

    #[test]
    fn d4_an_encrypted_hello_is_seen() {
        for kind in [ENCRYPTED_CLIENT_HELLO, ENCRYPTED_SERVER_NAME] {
            let hello = hello_of(&[names(&["a.com"]), (kind, vec![0; 32])], 4096);
            assert!(matches!(read(&hello), First::Hello(Hello { encrypted: true, .. })));
        }
        let none = read(&hello_of(&[], 4096));
        assert_eq!(none, First::Hello(Hello { server_name: None, encrypted: false }));
    }

    #[test]
    fn d7_what_is_no_tls_is_known_by_its_first_bytes() {
        for bytes in ["GET / HTTP/1.1", "SSH-2.0-x", "EHLO x", "\x16\x02\x01", "\x17\x03\x03", "\0"]
        {
            assert_eq!(read(bytes.as_bytes()), First::NotTls, "{bytes:?}");
        }
        assert_eq!(read(&[22, 3, 1, 0, 0]), First::NotTls);
        assert_eq!(read(&[22, 3, 1, 0, 4, 2, 0, 0, 0]), First::Malformed);
        assert_eq!(read(&[22, 3, 1, 0, 4, 1, 0xff, 0, 0]), First::Malformed);
    }
}
