//! Each rule of outgoing requests.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::address::{is_allowed, is_public};
use super::client::{Limits, Lookup};
use super::{FetchError, FixedClient, GuardedClient, Http, MAX_BODY, Rules};

fn get(url: &str) -> http::Request<Vec<u8>> {
    http::Request::get(url).body(Vec::new()).unwrap()
}

fn dev() -> GuardedClient {
    GuardedClient::new(Rules { dev: true, ..Rules::default() }).unwrap()
}

/// Names that resolve to what the test says.
struct Names(BTreeMap<&'static str, Vec<IpAddr>>);

impl Lookup for Names {
    fn lookup(&self, name: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> {
        let found = self.0.get(name.as_str()).cloned().unwrap_or_default();
        Box::pin(async move { Ok(found) })
    }
}

fn short() -> Limits {
    Limits { connect: Duration::from_millis(200), total: Duration::from_millis(300), body: MAX_BODY }
}

fn client(rules: Rules, names: &[(&'static str, &[&str])], limits: Limits) -> GuardedClient {
    let names =
        names.iter().map(|(name, ips)| (*name, ips.iter().map(|ip| ip.parse().unwrap()).collect())).collect();
    GuardedClient::with(rules, limits, Arc::new(Names(names))).unwrap()
}

#[test]
fn only_public_addresses_are_public() {
    for special in [
        "0.0.0.0",
        "0.1.2.3",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.9.9.9",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "::10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:2::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:a00:1::",
        "2002:808:808::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(!is_public(special.parse().unwrap()), "{special}");
    }
    for public in [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "198.20.0.1",
        "223.255.255.255",
        "2001:200::1",
        "2606:4700::1",
        "2a00:1450::1",
        "::ffff:8.8.8.8",
    ] {
        assert!(is_public(public.parse().unwrap()), "{public}");
    }
}

#[test]
fn a_named_network_and_in_development_loopback_are_allowed() {
    let networks: Vec<IpNet> = vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()];
    let allowed = |ip: &str, dev| is_allowed(ip.parse().unwrap(), &networks, dev);
    assert!(allowed("10.1.2.3", false) && allowed("::ffff:10.1.2.3", false) && allowed("fd00::1", false));
    assert!(!allowed("10.2.0.1", false) && !allowed("127.0.0.1", false) && !allowed("192.168.0.1", true));
    assert!(allowed("127.0.0.1", true) && allowed("::1", true) && allowed("::ffff:127.0.0.1", true));
}

#[tokio::test]
async fn an_address_in_the_url_is_judged_in_every_spelling() {
    let client = GuardedClient::new(Rules::default()).unwrap();
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "10.0.0.1",
        "169.254.169.254",
        "[fe80::1]",
        "[64:ff9b::7f00:1]",
        "0.0.0.0",
        "0",
    ] {
        let result = client.send(get(&format!("https://{host}/"))).await;
        assert!(matches!(result, Err(FetchError::AddressRefused(_))), "{host}: {result:?}");
    }
}

#[tokio::test]
async fn a_name_is_judged_by_the_addresses_it_resolves_to() {
    let names: &[(&str, &[&str])] = &[
        ("inside.example", &["10.0.0.1", "fd00::1"]),
        ("localhost", &["8.8.8.8"]),
        ("nowhere.example", &[]),
    ];
    let client = client(Rules { dev: true, ..Rules::default() }, names, short());
    let refused = client.send(get("https://inside.example/")).await.unwrap_err();
    assert_eq!(refused, FetchError::AddressRefused("10.0.0.1 of inside.example".into()));
    // A localhost that is not this machine may not be reached with plain http.
    let refused = client.send(get("http://localhost/")).await.unwrap_err();
    assert!(matches!(refused, FetchError::AddressRefused(_)), "{refused:?}");
    let broken = client.send(get("https://nowhere.example/")).await.unwrap_err();
    assert!(matches!(broken, FetchError::Broken(_)), "{broken:?}");
}

#[tokio::test]
async fn only_the_allowed_addresses_of_a_name_are_connected_to() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let names: &[(&str, &[&str])] = &[("localhost", &["10.0.0.1", "127.0.0.1"])];
    let client = client(
        Rules { dev: true, ..Rules::default() },
        names,
        Limits { total: Duration::from_secs(10), connect: Duration::from_secs(5), ..short() },
    );
    let url = format!("http://localhost:{}/", server.address().port());
    assert_eq!(client.send(get(&url)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn plain_http_is_refused_but_in_development_to_loopback() {
    let strict = GuardedClient::new(Rules::default()).unwrap();
    for url in ["http://idp.example.com/", "http://8.8.8.8/", "http://localhost/", "http://127.0.0.1/"] {
        let result = strict.send(get(url)).await;
        assert!(matches!(result, Err(FetchError::UrlRefused(_))), "{url}: {result:?}");
    }
    for url in
        ["http://idp.example.com/", "http://8.8.8.8/", "http://localhost.example.com/", "ftp://127.0.0.1/"]
    {
        let result = dev().send(get(url)).await;
        assert!(matches!(result, Err(FetchError::UrlRefused(_))), "{url}: {result:?}");
    }
}

#[tokio::test]
async fn a_url_with_user_information_or_without_host_is_refused() {
    for url in ["http://user:pw@127.0.0.1/", "/relative"] {
        let result = dev().send(get(url)).await;
        assert!(matches!(result, Err(FetchError::UrlRefused(_))), "{url}: {result:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let server = MockServer::start().await;
    let elsewhere = format!("{}/elsewhere", server.uri());
    Mock::given(any())
        .respond_with(ResponseTemplate::new(302).insert_header("location", elsewhere.as_str()))
        .mount(&server)
        .await;
    let response = dev().send(get(&server.uri())).await.unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn cookies_are_not_kept() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).insert_header("set-cookie", "a=b"))
        .mount(&server)
        .await;
    let client = dev();
    for _ in 0..2 {
        client.send(get(&server.uri())).await.unwrap();
    }
    let requests = server.received_requests().await.unwrap();
    assert!(requests.iter().all(|request| !request.headers.contains_key("cookie")));
}

#[tokio::test]
async fn status_headers_and_body_come_back_and_go_out() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(418).insert_header("x-a", "b").set_body_string("body"))
        .mount(&server)
        .await;
    let request = http::Request::post(server.uri()).header("x-c", "d").body(b"sent".to_vec()).unwrap();
    let response = dev().send(request).await.unwrap();
    assert_eq!((response.status().as_u16(), response.body().as_slice()), (418, &b"body"[..]));
    assert_eq!(response.headers()["x-a"], "b");
    let seen = server.received_requests().await.unwrap().remove(0);
    assert_eq!((seen.body.as_slice(), &seen.headers["x-c"]), (&b"sent"[..], &"d".parse().unwrap()));
}

#[tokio::test]
async fn a_post_says_how_long_its_body_is_even_when_it_is_empty() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    for body in [b"sent".to_vec(), Vec::new()] {
        let request = http::Request::post(server.uri()).body(body.clone()).unwrap();
        dev().send(request).await.unwrap();
        let seen = server.received_requests().await.unwrap().pop().unwrap();
        assert_eq!(seen.headers.get_all("content-length").iter().count(), 1);
        assert_eq!(seen.headers["content-length"], body.len().to_string().as_str());
    }
    dev().send(get(&server.uri())).await.unwrap();
    let seen = server.received_requests().await.unwrap().pop().unwrap();
    assert!(!seen.headers.contains_key("content-length"), "a GET has no body");
}

/// A server that answers every connection with these bytes and then does what `after` says.
async fn raw(answer: Vec<u8>, after: After) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await;
                let _ = socket.write_all(&answer).await;
                match after {
                    After::Close => {}
                    After::Stay => std::future::pending::<()>().await,
                    After::Flood => while socket.write_all(&chunk()).await.is_ok() {},
                    After::Drip => {
                        let mut tick = tokio::time::interval(Duration::from_millis(5));
                        while socket.write_all(b"1\r\nx\r\n").await.is_ok() {
                            tick.tick().await;
                        }
                    }
                }
            });
        }
    });
    address
}

#[derive(Clone, Copy)]
enum After {
    Close,
    Stay,
    Flood,
    Drip,
}

fn chunk() -> Vec<u8> {
    [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat()
}

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

#[tokio::test]
async fn a_body_larger_than_the_cap_is_refused_by_its_announcement() {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", MAX_BODY + 1);
    let address = raw(head.into_bytes(), After::Stay).await;
    assert_eq!(dev().send(get(&format!("http://{address}/"))).await.unwrap_err(), FetchError::TooLarge);
}

#[tokio::test]
async fn a_body_that_does_not_say_its_length_is_cut_off_at_the_cap() {
    let address = raw(CHUNKED.to_vec(), After::Flood).await;
    assert_eq!(dev().send(get(&format!("http://{address}/"))).await.unwrap_err(), FetchError::TooLarge);
}

#[tokio::test]
async fn a_body_of_exactly_the_cap_is_taken() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_bytes(vec![7; MAX_BODY]))
        .mount(&server)
        .await;
    assert_eq!(dev().send(get(&server.uri())).await.unwrap().body().len(), MAX_BODY);
}

#[tokio::test]
async fn a_body_shorter_than_announced_is_an_error() {
    let address = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_vec(), After::Close).await;
    let result = dev().send(get(&format!("http://{address}/"))).await;
    assert!(matches!(result, Err(FetchError::BrokeOff)), "{result:?}");
}

#[tokio::test]
async fn a_server_that_never_answers_or_drips_is_left_in_time() {
    for (answer, after) in [(Vec::new(), After::Stay), (CHUNKED.to_vec(), After::Drip)] {
        let address = raw(answer, after).await;
        let client = client(Rules { dev: true, ..Rules::default() }, &[], short());
        let result = client.send(get(&format!("http://{address}/"))).await;
        assert_eq!(result.unwrap_err(), FetchError::TimedOut);
    }
}

#[tokio::test]
async fn a_closed_port_is_an_error_without_the_url() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = dev().send(get(&format!("http://{address}/?secret=tell-nobody"))).await.unwrap_err();
    assert!(matches!(error, FetchError::Broken(_)) && !error.to_string().contains("tell-nobody"), "{error}");
}

#[test]
fn extra_roots_must_be_certificates() {
    for pem in ["", "no pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let rules = Rules { extra_roots_pem: Some(pem.into()), ..Rules::default() };
        assert!(matches!(GuardedClient::new(rules), Err(FetchError::Broken(_))), "{pem}");
    }
}

#[tokio::test]
async fn a_certificate_of_an_extra_root_is_believed_and_no_other() {
    use tokio_rustls::rustls::{ServerConfig, crypto::aws_lc_rs::default_provider, pki_types::PrivateKeyDer};
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut socket) = acceptor.accept(socket).await else { continue };
            let _ = socket.read(&mut [0; 4096]).await;
            let _ = socket.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
            let _ = socket.shutdown().await;
        }
    });
    let names: &[(&str, &[&str])] = &[("localhost", &["127.0.0.1"]), ("other.localhost", &["127.0.0.1"])];
    let patient = Limits { connect: Duration::from_secs(5), total: Duration::from_secs(10), body: MAX_BODY };
    let with =
        |extra_roots_pem| client(Rules { dev: true, extra_roots_pem, ..Rules::default() }, names, patient);
    let trusting = with(Some(made.cert.pem().into_bytes()));
    let url = format!("https://localhost:{port}/");
    assert_eq!(trusting.send(get(&url)).await.unwrap().status(), 204);
    let strangers = [
        with(None).send(get(&url)).await,
        trusting.send(get(&format!("https://other.localhost:{port}/"))).await,
        trusting.send(get(&format!("https://127.0.0.1:{port}/"))).await,
    ];
    for result in strangers {
        assert!(matches!(result, Err(FetchError::Broken(_))), "{result:?}");
    }
}

#[tokio::test]
async fn what_the_operator_named_may_be_private_and_nothing_else_is_asked() {
    let server = MockServer::start().await;
    let elsewhere = MockServer::start().await;
    let moved = ResponseTemplate::new(307).insert_header("location", elsewhere.uri());
    Mock::given(any()).respond_with(moved).mount(&server).await;
    let client = FixedClient::to(&server.uri().parse().unwrap(), Duration::from_secs(5)).unwrap();
    let answer = client.send(get(&format!("{}/a", server.uri()))).await.unwrap();
    assert_eq!(answer.status(), 307, "no redirect is followed");
    let other = client.send(get(&elsewhere.uri())).await;
    assert!(matches!(other, Err(FetchError::UrlRefused(_))), "{other:?}");
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0);
    for scheme in ["ftp://a.example", "file:///etc/passwd"] {
        let refused = FixedClient::to(&scheme.parse().unwrap(), Duration::from_secs(5));
        assert!(matches!(refused, Err(FetchError::UrlRefused(_))), "{scheme}");
    }
}

#[tokio::test]
async fn what_the_operator_named_has_its_time_and_its_size_too() {
    let server = MockServer::start().await;
    let base = server.uri().parse().unwrap();
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(600));
    Mock::given(wiremock::matchers::path("/slow")).respond_with(slow).mount(&server).await;
    let large = ResponseTemplate::new(200).set_body_bytes(vec![b'x'; MAX_BODY + 1]);
    Mock::given(wiremock::matchers::path("/large")).respond_with(large).mount(&server).await;
    let hasty = FixedClient::to(&base, Duration::from_millis(300)).unwrap();
    assert_eq!(hasty.send(get(&format!("{}/slow", server.uri()))).await.unwrap_err(), FetchError::TimedOut);
    let patient = FixedClient::to(&base, Duration::from_secs(60)).unwrap();
    assert_eq!(
        patient.send(get(&format!("{}/large", server.uri()))).await.unwrap_err(),
        FetchError::TooLarge
    );
}
