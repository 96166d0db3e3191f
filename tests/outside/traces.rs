//! Traces: a collector sees the steps of a sign-in in their order, and no secret of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{App, Gateway, Oidc, Person, Saml};

/// One span, as far as the tests look.
#[derive(Debug, Clone, Default)]
struct Span {
    trace: String,
    id: String,
    parent: String,
    name: String,
    kind: u64,
}

/// An OTLP/HTTP collector that keeps every body.
struct Collector {
    port: u16,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let bodies = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let kept = Arc::clone(&bodies);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(take(stream, Arc::clone(&kept)));
            }
        });
        Self { port, bodies }
    }

    fn settings(&self) -> (&'static str, String) {
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", self.port))
    }

    fn spans(&self) -> Vec<Span> {
        self.bodies.lock().unwrap().iter().flat_map(|body| spans(body)).collect()
    }

    fn everything(&self) -> String {
        self.bodies.lock().unwrap().iter().map(|body| String::from_utf8_lossy(body).into_owned()).collect()
    }
}

/// Keeps the body of every POST of a connection to `/v1/traces`.
async fn take(mut stream: TcpStream, bodies: Arc<Mutex<Vec<Vec<u8>>>>) {
    let mut read = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let text = String::from_utf8_lossy(&read[..head]).to_lowercase();
        assert!(text.starts_with("post /v1/traces "), "{text}");
        assert!(text.contains("content-type: application/x-protobuf"), "{text}");
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let end = head + 4 + length.trim().parse::<usize>().unwrap();
        while read.len() < end {
            if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                return;
            }
        }
        bodies.lock().unwrap().push(read[head + 4..end].to_vec());
        read.drain(..end);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    }
}

/// A field of a protobuf message: its number, and its bytes or its number.
enum Field<'b> {
    Bytes(u64, &'b [u8]),
    Number(u64, u64),
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return value;
        }
        shift += 7;
    }
}

/// The fields of a message (protobuf encoding, wire types 0, 1, 2 and 5).
fn fields(mut bytes: &[u8]) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let length = match tag & 7 {
            0 => {
                fields.push(Field::Number(tag >> 3, varint(&mut bytes)));
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)).unwrap(),
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (value, rest) = bytes.split_at(length);
        fields.push(Field::Bytes(tag >> 3, value));
        bytes = rest;
    }
    fields
}

fn messages(bytes: &[u8], wanted: u64) -> Vec<&[u8]> {
    let of = |field| match field {
        Field::Bytes(number, value) if number == wanted => Some(value),
        _ => None,
    };
    fields(bytes).into_iter().filter_map(of).collect()
}

/// `ExportTraceServiceRequest.resource_spans.scope_spans.spans` (opentelemetry-proto 1).
fn spans(body: &[u8]) -> Vec<Span> {
    let resources = messages(body, 1);
    let scopes = resources.into_iter().flat_map(|resource| messages(resource, 2));
    scopes.flat_map(|scope| messages(scope, 2)).map(span).collect()
}

fn span(bytes: &[u8]) -> Span {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut span = Span::default();
    for field in fields(bytes) {
        match field {
            Field::Bytes(1, value) => span.trace = hex(value),
            Field::Bytes(2, value) => span.id = hex(value),
            Field::Bytes(4, value) => span.parent = hex(value),
            Field::Bytes(5, value) => span.name = String::from_utf8(value.to_vec()).unwrap(),
            Field::Number(6, kind) => span.kind = kind,
            _ => {}
        }
    }
    span
}

/// Spans below one another, by name: the first is a root.
fn is_path(spans: &[Span], path: &[&str]) -> bool {
    let mut above: Vec<&Span> =
        spans.iter().filter(|span| span.name == path[0] && span.parent.is_empty()).collect();
    for name in &path[1..] {
        above = spans
            .iter()
            .filter(|span| span.name == *name)
            .filter(|span| above.iter().any(|one| one.id == span.parent && one.trace == span.trace))
            .collect();
    }
    !above.is_empty()
}

#[tokio::test]
async fn a_collector_sees_the_steps_of_a_sign_in_below_their_requests_and_no_secret_of_it() {
    let collector = Collector::start().await;
    let (name, value) = collector.settings();
    let mut gateway = Gateway::start_with(&[(name, &value)]).await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let saml = Saml::start(&gateway.url()).await;
    let (_pool, app) =
        gateway.provision_app(vec![oidc.provider("Acme"), saml.provider("Corp", "both")]).await;
    let mut secrets =
        vec![app.secret.clone().unwrap(), "outside-secret-key".to_owned(), App::STATE.to_owned()];
    let mut personal = vec!["alice".to_owned()];
    for provider in ["Acme", "Corp"] {
        let landing = app.send(&Person::new(), &[("identity_provider", provider)]).await;
        let code = app.code(&landing);
        let tokens = app.redeem(&code).await;
        let refreshed = app.refresh(&tokens.refresh).await;
        app.user_info(&tokens.access).await.error_for_status().unwrap();
        let fresh = ["id_token", "access_token"].map(|name| refreshed[name].as_str().unwrap().to_owned());
        let claims = crate::harness::claims(&tokens.id);
        personal.extend(
            ["sub", "email", "cognito:username"]
                .iter()
                .filter_map(|name| claims[name].as_str())
                .map(str::to_owned),
        );
        secrets.extend(
            landing.posted.iter().filter(|(name, _)| name == "SAMLResponse").map(|(_, value)| value.clone()),
        );
        secrets.extend([code, tokens.id, tokens.access, tokens.refresh]);
        secrets.extend(fresh);
    }
    assert_eq!(gateway.stop().await, Some(0));

    let spans = collector.spans();
    for path in [
        &["GET /oauth2/authorize", "provider begin"][..],
        &["GET /oauth2/authorize", "sessions put"],
        &["GET /oauth2/idpresponse", "sessions take"],
        &["GET /oauth2/idpresponse", "provider finish", "POST"],
        &["GET /oauth2/idpresponse", "directory sign_in"],
        &["POST /saml2/idpresponse", "provider finish"],
        &["POST /saml2/idpresponse", "directory sign_in"],
        &["POST /oauth2/token", "sessions exchange"],
        &["POST /oauth2/token", "sign tokens"],
        &["GET /oauth2/userInfo", "directory token_state"],
        &["POST /"],
    ] {
        assert!(is_path(&spans, path), "{path:?} is not in {spans:#?}");
    }
    let of = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    assert_eq!((of("POST /oauth2/token").kind, of("directory sign_in").kind, of("POST").kind), (2, 3, 3));
    let log = gateway.logged();
    let traced =
        |line: &str| spans.iter().any(|span| line.contains(&format!("\"trace_id\":\"{}\"", span.trace)));
    let sign_ins: Vec<_> = log.lines().filter(|line| line.contains("\"message\":\"sign-in\"")).collect();
    assert_eq!(sign_ins.len(), 2, "{log}");
    assert!(
        sign_ins.iter().all(|line| traced(line) && line.contains("\"name\":\"request\"")),
        "{sign_ins:?}"
    );
    let believed = sign_ins.iter().filter(|line| line.contains("\"certificate\":")).count();
    assert_eq!(believed, 1, "the SAML sign-in names the certificate: {sign_ins:?}");

    let sent = collector.everything();
    assert!(sent.contains("poolgate") && sent.contains("/oauth2/token"), "the spans can be searched");
    for secret in &secrets {
        assert!(!sent.contains(secret) && !log.contains(secret), "{secret} came out");
    }
    for name in &personal {
        assert!(!sent.contains(name.as_str()), "{name} is in a span");
    }
}

#[tokio::test]
async fn only_a_trusted_proxy_says_which_trace_a_request_belongs_to() {
    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    for (trusted, continued) in [("10.0.0.0/8", false), ("127.0.0.0/8", true)] {
        let collector = Collector::start().await;
        let (name, value) = collector.settings();
        let settings = [(name, value.as_str()), ("POOLGATE_TRUSTED_PROXIES", trusted)];
        let mut gateway = Gateway::start_with(&settings).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
        http.get(format!("{}/login", gateway.url())).header("traceparent", parent).send().await.unwrap();
        assert_eq!(gateway.stop().await, Some(0));
        let spans = collector.spans();
        let asked: Vec<_> = spans.iter().filter(|span| span.name == "GET /login").collect();
        assert_eq!(asked.len(), 1, "{spans:?}");
        assert_eq!(asked[0].trace == TRACE, continued, "trusted: {trusted}");
        assert_eq!(asked[0].parent == "b7ad6b7169203331", continued, "trusted: {trusted}");
    }
}

#[tokio::test]
async fn with_the_collector_away_people_sign_in_and_one_warning_says_so() {
    let closed = crate::harness::free_port();
    let endpoint = format!("http://127.0.0.1:{closed}");
    let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let mut gateway = Gateway::start_with(&settings).await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let (_pool, app) = gateway.provision_app(vec![oidc.provider("Acme")]).await;
    let warned = async {
        while !gateway.logged().contains("traces cannot be sent") {
            app.sign_in(&Person::new(), &[]).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), warned).await.expect("it is said");
    app.sign_in(&Person::new(), &[]).await;
    assert_eq!(gateway.stop().await, Some(0));
    let warnings = gateway.logged().matches("traces cannot be sent").count();
    assert_eq!(warnings, 1, "{}", gateway.logged());
    assert!(!gateway.logged().contains("BatchSpanProcessor"), "nothing else is said of it");
}

#[tokio::test]
async fn a_protocol_that_is_not_built_in_is_named() {
    let settings =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
    let gateway = Gateway::start_with(&settings).await;
    assert!(gateway.logged().contains("given grpc; allowed: http/protobuf"), "{}", gateway.logged());
}
