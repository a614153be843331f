//! Where a bottle's subnets come from.

use compose_render::Addresses;
use ipnet::Ipv4Net;
use rand::seq::SliceRandom as _;
use std::{fmt, str::FromStr};

/// Room for two thousand bottles, in a corner of the private space that others rarely use.
const DEFAULT: &str = "10.213.0.0/16";

/// More subnets than this are not looked at: a pool of a whole private space is enough.
const LARGEST: u8 = 12;

/// The address space of all bottles on a host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pool(Vec<Ipv4Net>);

/// A text that is no pool.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPool {
    #[error("`{0}` is no IPv4 network, as `10.213.0.0/16` is one")]
    Syntax(String),
    #[error("`{0}` has no room for two subnets of 16 addresses, or is larger than a /{LARGEST}")]
    Size(String),
    #[error("`{0}` is not private address space: a bottle would shadow a part of the internet")]
    Public(String),
}

impl Pool {
    /// Its subnets that meet none of `taken`, in random order: two starts at once rarely try the
    /// same one, and never get it both.
    pub(super) fn free(&self, taken: &[Ipv4Net]) -> Vec<Ipv4Net> {
        let mut free: Vec<_> = self.in_order(taken).collect();
        free.shuffle(&mut rand::rng());
        free
    }

    /// The addresses a bottle that is only shown has: the first two subnets of the pool, free
    /// or not. No engine is asked.
    pub fn first(&self) -> Option<Addresses> {
        let mut subnets = self.in_order(&[]);
        Addresses::new(subnets.next()?, subnets.next()?).ok()
    }

    fn in_order(&self, taken: &[Ipv4Net]) -> impl Iterator<Item = Ipv4Net> {
        let subnets = self.0.iter().filter_map(|net| net.subnets(Addresses::PREFIX).ok()).flatten();
        let meets =
            |net: &Ipv4Net| taken.iter().any(|taken| taken.contains(net) || net.contains(taken));
        subnets.filter(move |net| !meets(net))
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self(DEFAULT.parse().into_iter().collect())
    }
}

impl FromStr for Pool {
    type Err = InvalidPool;

    /// One network, or several with commas between.
    fn from_str(text: &str) -> Result<Self, InvalidPool> {
        let one = |part: &str| {
            let own = || part.to_owned();
            let net: Ipv4Net = part.trim().parse().map_err(|_| InvalidPool::Syntax(own()))?;
            if net.trunc() != net {
                return Err(InvalidPool::Syntax(own()));
            }
            if !(LARGEST..Addresses::PREFIX).contains(&net.prefix_len()) {
                return Err(InvalidPool::Size(own()));
            }
            if !is_private(net) {
                return Err(InvalidPool::Public(own()));
            }
            Ok(net)
        };
        text.split(',').map(one).collect::<Result<_, _>>().map(Self)
    }
}

/// RFC 1918 and the carriers' shared space of RFC 6598; all of their blocks are /12 or larger but
/// 192.168.0.0/16.
fn is_private(net: Ipv4Net) -> bool {
    let [a, b, ..] = net.network().octets();
    net.network().is_private() && net.broadcast().is_private()
        || (a == 100 && b & 0xc0 == 64 && net.prefix_len() >= 10)
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nets: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&nets.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_network_or_several_and_refuses_what_would_not_do() {
        for good in ["10.213.0.0/16", "192.168.7.0/24, 172.20.0.0/20", "100.64.0.0/16"] {
            assert!(good.parse::<Pool>().is_ok(), "{good}");
        }
        for bad in ["", "10.213.0.0", "10.213.0.1/16", "10.213.0.0/28", "10.0.0.0/8", "8.8.8.0/24"]
        {
            assert!(bad.parse::<Pool>().is_err(), "{bad}");
        }
        assert_eq!(Pool::default().to_string(), DEFAULT);
    }

    #[test]
    fn a_subnet_inside_or_around_something_taken_is_not_free() {
        let pool: Pool = "10.213.0.0/26".parse().unwrap();
        let nets = |texts: &[&str]| -> Vec<Ipv4Net> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let mut free = pool.free(&nets(&["10.213.0.5/32", "10.213.0.32/27", "10.9.0.0/16"]));
        free.sort();
        assert_eq!(free, nets(&["10.213.0.16/28"]));
        assert!(pool.free(&nets(&["10.213.0.0/16"])).is_empty());
        assert_eq!(pool.free(&[]).len(), 4);
    }
}
