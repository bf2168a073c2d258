//! From where a request comes. Only the connection is believed, and what proxies that the operator trusts say
//! about theirs: everything else in a request is the client's own claim.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR};
use actix_web::{FromRequest, HttpRequest, web};
use ipnet::IpNet;

/// What counts as one caller: an IPv4 address, or the /64 that one IPv6 customer gets at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// The network of an address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            IpAddr::V4(address) => IpAddr::V4(address),
        })
    }

    /// From where a request comes.
    pub fn of_request(request: &HttpRequest) -> Self {
        let peer = request.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip());
        let Some(proxies) = request.app_data::<web::Data<TrustedProxies>>() else { return Self::of(peer) };
        let forwarded = [FORWARDED, X_FORWARDED_FOR].iter().any(|name| request.headers().contains_key(name));
        if forwarded && !proxies.holds(peer.to_canonical()) {
            tell_of(peer);
        }
        Self::of(proxies.client(peer, request.headers()))
    }
}

/// How long the log says nothing more of proxies that are not trusted: anybody may send their headers.
const TOLD_EVERY: Duration = Duration::from_secs(60 * 60);

/// Says that somebody forwards requests who is not trusted: if it is the operator's proxy, all its clients are one.
fn tell_of(peer: IpAddr) {
    static TOLD_AT: Mutex<Option<Instant>> = Mutex::new(None);
    let mut told_at = TOLD_AT.lock().unwrap_or_else(PoisonError::into_inner);
    if told_at.is_none_or(|at| at.elapsed() >= TOLD_EVERY) {
        *told_at = Some(Instant::now());
        log::warn!(
            "{peer} forwards requests (X-Forwarded-For, Forwarded) and is not in --trusted-proxies: all its clients \
             count as one network, and limits meet them together. If it is your proxy, name it; said once an hour"
        );
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromRequest for Network {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of_request(request)))
    }
}

/// The proxies whose word about their clients is taken: none unless a setting names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// A part of the list is neither a network nor an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a network such as 10.0.0.0/8, nor an address")]
pub struct InvalidNetwork(String);

impl FromStr for TrustedProxies {
    type Err = InvalidNetwork;

    /// Reads networks and addresses, separated by commas; nothing names nobody.
    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let network = |part: &str| {
            let alone = || part.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
            part.parse::<IpNet>().ok().or_else(alone).ok_or_else(|| InvalidNetwork(part.to_owned()))
        };
        parts.map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(IpNet::to_string).collect();
        f.write_str(&texts.join(","))
    }
}

impl TrustedProxies {
    fn holds(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The address of the client of a request that came from `peer`.
    ///
    /// Each proxy appends whom it serves, so the list is read from its end, for as long as trusted proxies speak: the
    /// first address that is not theirs is the client. What cannot be read ends the reading, because whatever stands
    /// before it may be the client's invention. So does a contradiction: a proxy writes one of the two headers and
    /// hands on whatever the client put into the other.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.holds(peer) {
            return peer;
        }
        let told = |name: &HeaderName, read: fn(&str) -> Option<IpAddr>| {
            headers.contains_key(name).then(|| self.walk(peer, elements(headers, name).map(|e| read(e?))))
        };
        match (told(&FORWARDED, forwarded_for), told(&X_FORWARDED_FOR, address)) {
            (Some(one), Some(other)) if one != other => peer,
            (Some(client), _) | (None, Some(client)) => client,
            (None, None) => peer,
        }
    }

    fn walk(&self, peer: IpAddr, from_the_end: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut client = peer;
        for element in from_the_end {
            let Some(address) = element else { break };
            client = address;
            if !self.holds(address) {
                break;
            }
        }
        client
    }
}

/// The elements of a list that may be spread over several lines, the last one first; nothing for a line that is no
/// text. Quotes are not looked at: an address has no comma, and a client that leaves a quote open must not be able
/// to swallow what the proxy appends.
fn elements<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = Option<&'a str>> + use<'a> {
    let lines: Vec<Option<&str>> = headers.get_all(name).map(|line| line.to_str().ok()).collect();
    lines.into_iter().rev().flat_map(|line| match line {
        Some(line) => line.rsplit(',').map(Some).collect::<Vec<_>>(),
        None => vec![None],
    })
}

/// The client's address of an element of `Forwarded` (RFC 7239).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut named = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, node) = named.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    let node = node.trim();
    let quoted = node.strip_prefix('"').and_then(|node| node.strip_suffix('"'));
    address(quoted.unwrap_or(node))
}

/// An address with or without a port; an IPv6 one in brackets or not.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    let address = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| in_brackets().map(IpAddr::V6))
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    /// Whom a request from `peer` with these headers comes from, where 10.0.0.0/8 and one other are trusted.
    fn client(peer: &str, lines: &[(HeaderName, &str)]) -> String {
        let proxies: TrustedProxies = "10.0.0.0/8, 2001:db8:ffff::1".parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn one_customers_addresses_are_one_network() {
        let network = |address: &str| Network::of(address.parse().unwrap());
        assert_eq!(network("2001:db8:1:2:3::4"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::"), network("2001:db8:1:3::"));
        assert_eq!(network("::ffff:10.0.0.1"), network("10.0.0.1"));
        assert_ne!(network("10.0.0.1"), network("10.0.0.2"));
    }

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        for lines in [
            &[(X_FORWARDED_FOR, "9.9.9.9")][..],
            &[(FORWARDED, "for=9.9.9.9")],
            &[(X_FORWARDED_FOR, "9.9.9.9"), (FORWARDED, "for=9.9.9.9")],
        ] {
            assert_eq!(client("1.2.3.4", lines), "1.2.3.4");
            assert_eq!(client("2001:db8::7", lines), "2001:db8::7");
        }
        assert_eq!(
            TrustedProxies::default().client("10.0.0.1".parse().unwrap(), &HeaderMap::new()).to_string(),
            "10.0.0.1"
        );
    }

    #[test]
    fn a_trusted_proxy_tells_whom_it_serves() {
        for (told, expected) in [
            ("9.9.9.9", "9.9.9.9"),
            ("9.9.9.9:1234", "9.9.9.9"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("::ffff:9.9.9.9", "9.9.9.9"),
            // What the client claimed stands before what the proxy saw.
            ("6.6.6.6, 9.9.9.9", "9.9.9.9"),
            ("6.6.6.6,9.9.9.9, 10.7.7.7", "9.9.9.9"),
            ("10.1.1.1, 10.7.7.7", "10.1.1.1"),
        ] {
            for peer in ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8:ffff::1"] {
                assert_eq!(client(peer, &[(X_FORWARDED_FOR, told)]), expected, "{told}");
            }
        }
        for (told, expected) in [
            ("for=9.9.9.9", "9.9.9.9"),
            ("For=\"[2001:db8::7]:4711\";proto=https", "2001:db8::7"),
            ("by=10.0.0.1; for=9.9.9.9", "9.9.9.9"),
            ("for=6.6.6.6, for=9.9.9.9", "9.9.9.9"),
            ("for=\"6.6.6.6, for=9.9.9.9", "9.9.9.9"),
        ] {
            assert_eq!(client("10.0.0.1", &[(FORWARDED, told)]), expected, "{told}");
        }
    }

    #[test]
    fn lines_are_one_list() {
        let lines = [(X_FORWARDED_FOR, "6.6.6.6, 9.9.9.9"), (X_FORWARDED_FOR, "10.7.7.7")];
        assert_eq!(client("10.0.0.1", &lines), "9.9.9.9");
    }

    #[test]
    fn what_cannot_be_read_and_what_stands_before_it_is_not_believed() {
        for told in [
            "",
            "unknown",
            "6.6.6.6, _hidden",
            "6.6.6.6, 9.9.9.9.9",
            "6.6.6.6,",
            "6.6.6.6 9.9.9.9",
            "6.6.6.6, \u{e9}",
        ] {
            assert_eq!(client("10.0.0.1", &[(X_FORWARDED_FOR, told)]), "10.0.0.1", "{told}");
        }
        assert_eq!(client("10.0.0.1", &[(X_FORWARDED_FOR, "6.6.6.6, nobody, 10.7.7.7")]), "10.7.7.7");
        for told in
            ["9.9.9.9", "for=", "by=9.9.9.9", "for=unknown", "for=6.6.6.6, for=_x", "for=2001:db8::7:80:"]
        {
            assert_eq!(client("10.0.0.1", &[(FORWARDED, told)]), "10.0.0.1", "{told}");
        }
    }

    #[test]
    fn of_two_headers_that_differ_neither_is_believed() {
        let both = |one, other| client("10.0.0.1", &[(X_FORWARDED_FOR, one), (FORWARDED, other)]);
        assert_eq!(both("9.9.9.9", "for=6.6.6.6"), "10.0.0.1");
        assert_eq!(both("9.9.9.9", "nonsense"), "10.0.0.1");
        assert_eq!(both("9.9.9.9", "for=9.9.9.9"), "9.9.9.9");
    }

    #[test]
    fn the_setting_is_a_list_of_networks_and_addresses() {
        for (text, shown) in [
            ("", ""),
            ("10.0.0.0/8", "10.0.0.0/8"),
            (" 10.0.0.1 , 2001:db8::/32 ", "10.0.0.1/32,2001:db8::/32"),
        ] {
            assert_eq!(text.parse::<TrustedProxies>().unwrap().to_string(), shown);
        }
        for text in ["10.0.0.0/33", "proxy.example.com", "10.0.0.0/8 10.0.0.1"] {
            assert!(text.parse::<TrustedProxies>().is_err(), "{text}");
        }
    }
}
