//! The address that a request came from.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::http::header::{FORWARDED, HeaderMap};
use actix_web::{HttpRequest, dev::ServiceRequest};

use super::State;
use super::host::is_trusted;

/// The address of whoever asks: the peer, or, as long as that is a proxy of ours, whom it says that it asks for.
pub fn of(request: &HttpRequest, state: &State) -> IpAddr {
    resolve(request.peer_addr(), request.headers(), |peer| is_trusted(peer, state))
}

/// The same, before a handler was found.
pub fn of_service(request: &ServiceRequest, state: &State) -> IpAddr {
    resolve(request.peer_addr(), request.headers(), |peer| is_trusted(peer, state))
}

fn resolve(peer: Option<SocketAddr>, headers: &HeaderMap, trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let Some(peer) = peer else { return Ipv4Addr::UNSPECIFIED.into() };
    let peer = peer.ip().to_canonical();
    let followed = |hops: Vec<String>| follow(peer, hops, &trusted);
    match (standard(headers), usual(headers)) {
        (None, None) => peer,
        (Some(hops), None) | (None, Some(hops)) => followed(hops),
        // A proxy writes one of them and may hand on the other as a stranger sent it: which one, nobody knows here.
        (Some(one), Some(other)) => {
            let (one, other) = (followed(one), followed(other));
            if one == other { one } else { peer }
        }
    }
}

/// From the peer back to the first that is no proxy of ours. Each proxy adds to the end whom it was asked by; what
/// stands before the first stranger is his own word.
fn follow(peer: IpAddr, hops: Vec<String>, trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let (mut address, mut hops) = (peer, hops.into_iter().rev());
    while trusted(address) {
        match hops.next().and_then(|hop| parse(&hop)) {
            Some(before) => address = before,
            None => break,
        }
    }
    address
}

/// The parts of all lines of this header, where there is one.
fn parts(headers: &HeaderMap, name: &str) -> Option<Vec<String>> {
    let lines = || headers.get_all(name).map(|value| value.to_str().unwrap_or_default());
    let parts = || lines().flat_map(|line| line.split(',')).map(|part| part.trim().to_owned()).collect();
    headers.contains_key(name).then(parts)
}

/// Whom each proxy was asked by, the nearest last, by `X-Forwarded-For`.
fn usual(headers: &HeaderMap) -> Option<Vec<String>> {
    parts(headers, "x-forwarded-for")
}

/// The same by `Forwarded` (RFC 7239).
fn standard(headers: &HeaderMap) -> Option<Vec<String>> {
    let whom = |element: &str| {
        let asker = element.split(';').find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            name.eq_ignore_ascii_case("for").then(|| value.trim_matches('"').to_owned())
        });
        asker.unwrap_or_default()
    };
    Some(parts(headers, FORWARDED.as_str())?.iter().map(|element| whom(element)).collect())
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`; none: `unknown` and the like.
fn parse(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.split(']').next()).unwrap_or(hop);
    let address = bare.parse::<IpAddr>().ok();
    address.or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip())).map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn seen(peer: &str, lines: &[(&'static str, &'static str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        let ours: [IpAddr; 2] = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        resolve(Some(peer), &headers, |address| ours.contains(&address)).to_string()
    }

    #[test]
    fn a_stranger_is_who_he_is_whatever_he_writes() {
        assert_eq!(seen("192.0.2.1", &[("x-forwarded-for", "203.0.113.9")]), "192.0.2.1");
        assert_eq!(seen("192.0.2.1", &[("forwarded", "for=203.0.113.9")]), "192.0.2.1");
    }

    #[test]
    fn behind_proxies_of_ours_it_is_whom_the_first_of_them_was_asked_by() {
        let for_ = "x-forwarded-for";
        assert_eq!(seen("10.0.0.1", &[(for_, "203.0.113.9")]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &[(for_, "1.1.1.1, 203.0.113.9, 10.0.0.2")]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &[(for_, "1.1.1.1"), (for_, "203.0.113.9")]), "203.0.113.9");
        let standard = "for=1.1.1.1, for=\"[2001:db8::9]:4711\";proto=https";
        assert_eq!(seen("10.0.0.1", &[("forwarded", standard)]), "2001:db8::9");
        assert_eq!(seen("10.0.0.1", &[("forwarded", standard), (for_, "2001:db8::9")]), "2001:db8::9");
    }

    #[test]
    fn a_header_that_a_stranger_sent_through_a_proxy_that_writes_the_other_one_is_not_believed() {
        let lines = [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=198.51.100.7")];
        assert_eq!(seen("10.0.0.1", &lines), "10.0.0.1");
    }

    #[test]
    fn a_proxy_that_does_not_say_is_who_asked() {
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &[("forwarded", "for=unknown")]), "10.0.0.1");
        assert_eq!(
            seen("10.0.0.1", &[("forwarded", "host=login.example"), ("x-forwarded-for", "1.1.1.1")]),
            "10.0.0.1"
        );
        assert_eq!(seen("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, _hidden")]), "10.0.0.1");
        assert_eq!(seen("::ffff:10.0.0.1", &[("x-forwarded-for", "203.0.113.9:80")]), "203.0.113.9");
    }
}
