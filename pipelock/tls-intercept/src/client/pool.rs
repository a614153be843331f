//! Connections that may serve again, by everything that makes them what they are.

use super::{ClientLimits, Form, Upstream};
use crate::{Body, Destination};
use hyper::client::conn::{http1, http2};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// A connection serves requests that agree in all of this.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Key {
    destination: Destination,
    address: SocketAddr,
    trust: u64,
    absolute: bool,
    /// Made for HTTP/1 alone: it carries no trailers, which gRPC needs.
    http1: bool,
}

impl Key {
    pub(super) fn new(upstream: &Upstream, http1: bool) -> Self {
        Self {
            destination: upstream.destination.clone(),
            address: upstream.address,
            trust: upstream.trust.id,
            absolute: matches!(upstream.form, Form::Absolute { .. }),
            http1,
        }
    }

    /// Whether connections made for HTTP/1 alone are meant.
    pub(super) const fn is_of_http1(&self) -> bool {
        self.http1
    }

    /// The same for connections that were made for either version.
    pub(super) fn of_either(self) -> Self {
        Self { http1: false, ..self }
    }
}

/// The near end of a connection.
#[derive(Debug)]
pub(super) enum Sender {
    /// One request at a time.
    Http1(http1::SendRequest<Body>),
    /// Many at once.
    Http2(http2::SendRequest<Body>),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Pool(Arc<Mutex<Shelves>>);

#[derive(Debug, Default)]
struct Shelves {
    by_key: BTreeMap<Key, Shelf>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Shelf {
    idle: Vec<(http1::SendRequest<Body>, Instant)>,
    shared: Option<(http2::SendRequest<Body>, Instant)>,
}

impl Pool {
    /// A connection that is free, the one used last first.
    pub(super) fn take(&self, key: &Key) -> Option<Sender> {
        let mut shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shelf = shelves.by_key.get_mut(key)?;
        if let Some((sender, used)) = &mut shelf.shared {
            if !sender.is_closed() {
                *used = Instant::now();
                return Some(Sender::Http2(sender.clone()));
            }
            shelf.shared = None;
        }
        while let Some((sender, _)) = shelf.idle.pop() {
            if sender.is_ready() {
                return Some(Sender::Http1(sender));
            }
        }
        None
    }

    pub(super) fn idle(&self) -> usize {
        let shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let usable = |shelf: &Shelf| {
            let shared = shelf.shared.iter().filter(|(sender, _)| !sender.is_closed()).count();
            shared + shelf.idle.iter().filter(|(sender, _)| sender.is_ready()).count()
        };
        shelves.by_key.values().map(usable).sum()
    }

    /// Lets go of a shared connection that takes no more requests (a GOAWAY came, say).
    pub(super) fn forget_shared(&self, key: &Key) {
        let mut shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shelf) = shelves.by_key.get_mut(key) {
            shelf.shared = None;
        }
    }

    /// Keeps a connection for whoever comes next.
    pub(super) fn put(&self, key: Key, sender: Sender, limits: &ClientLimits) {
        let mut shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shelves.closed {
            return;
        }
        if shelves.by_key.len() >= limits.upstreams && !shelves.by_key.contains_key(&key) {
            return;
        }
        let shelf = shelves.by_key.entry(key).or_default();
        match sender {
            Sender::Http1(sender) if shelf.idle.len() < limits.idle_per_upstream => {
                shelf.idle.push((sender, Instant::now()));
            }
            Sender::Http1(_) => {}
            Sender::Http2(sender) => shelf.shared = Some((sender, Instant::now())),
        }
    }

    /// Lets go of what lay unused for too long. A shared connection ends with its last request.
    pub(super) fn tidy(&self, limits: &ClientLimits) {
        let mut shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelves.by_key.retain(|_, shelf| {
            shelf.idle.retain(|(sender, used)| !sender.is_closed() && used.elapsed() < limits.idle);
            shelf.shared.take_if(|(s, used)| s.is_closed() || used.elapsed() >= limits.idle);
            !shelf.idle.is_empty() || shelf.shared.is_some()
        });
    }

    /// Lets go of everything and keeps nothing any more.
    pub(super) fn close(&self) {
        let mut shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelves.closed = true;
        shelves.by_key.clear();
    }
}
