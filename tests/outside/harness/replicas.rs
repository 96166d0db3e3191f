//! Several gateways over the same stores, behind a balancer that sends each request to any of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use super::{Gateway, access};

/// What all replicas open the same secrets with: 32 bytes in base64.
pub const MASTER_KEY: &str = "b3V0c2lkZS1tYXN0ZXIta2V5LW9mLTMyLWJ5dGVzISE=";
/// Longest head of a request, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// How long a replica may take to be ready again by itself.
const RECOVERY: Duration = Duration::from_secs(30);

/// The replicas. Dropped: killed.
pub struct Replicas {
    /// Each of them.
    pub gateways: Vec<Gateway>,
    /// What stands before them.
    pub balancer: Balancer,
}

impl Replicas {
    /// Starts `count` at the same moment on empty stores.
    pub async fn start(count: usize, directory: &str, sessions: &str) -> Self {
        Self::start_with(count, directory, sessions, &[]).await
    }

    /// The same, with further settings.
    pub async fn start_with(count: usize, directory: &str, sessions: &str, more: &[(&str, &str)]) -> Self {
        let mut balancer = Balancer::bind().await;
        let mut settings = vec![
            ("POOLGATE_PUBLIC_URL".to_owned(), balancer.url()),
            ("POOLGATE_MASTER_KEY".to_owned(), MASTER_KEY.to_owned()),
            ("POOLGATE_DIRECTORY_URL".to_owned(), directory.to_owned()),
            ("POOLGATE_SESSION_URL".to_owned(), sessions.to_owned()),
        ];
        settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut starting = JoinSet::new();
        for _ in 0..count {
            let settings = settings.clone();
            starting.spawn(async move {
                let settings: Vec<_> =
                    settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                Gateway::start_with(&settings).await
            });
        }
        let gateways = starting.join_all().await;
        balancer.serve(gateways.iter().map(Gateway::port).collect());
        Self { gateways, balancer }
    }

    /// The address all of them are known by, without a slash at the end.
    pub fn url(&self) -> String {
        self.balancer.url()
    }

    /// Address and credentials, as the Python helpers take them: through the balancer.
    pub fn access(&self) -> Value {
        access(&self.url())
    }

    /// Waits until every one says that it is ready; how long that took.
    pub async fn wait_until_ready(&self) -> Duration {
        let begun = Instant::now();
        for gateway in &self.gateways {
            gateway.wait_for_readiness(true, RECOVERY).await;
        }
        begun.elapsed()
    }

    /// The end of every log, for a failure that needs explaining.
    pub fn logged(&self, lines: usize) -> String {
        let of = |(number, gateway): (usize, &Gateway)| {
            let log = gateway.logged();
            let all: Vec<_> = log.lines().collect();
            let end = all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n");
            format!("--- replica {number} ---\n{end}\n")
        };
        self.gateways.iter().enumerate().map(of).collect()
    }
}

/// Sends each request to a replica of its own choice, drawn at random; a replica that takes no connection is left
/// out. Each connection carries one request.
pub struct Balancer {
    port: u16,
    listener: Option<TcpListener>,
    served: Arc<Vec<AtomicU64>>,
    task: Option<AbortHandle>,
}

struct Pick {
    ports: Vec<u16>,
    served: Arc<Vec<AtomicU64>>,
    random: AtomicU64,
}

impl Balancer {
    /// Takes a port; serves nobody yet.
    pub async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { port, listener: Some(listener), served: Arc::default(), task: None }
    }

    /// From now on it stands before these ports of 127.0.0.1. The draw is repeated by `POOLGATE_TEST_SEED`.
    pub fn serve(&mut self, ports: Vec<u16>) {
        let seed = std::env::var("POOLGATE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed: u64 = seed.unwrap_or_else(|| {
            let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
            u64::try_from(now % u128::from(u64::MAX)).unwrap()
        });
        eprintln!("the balancer draws from POOLGATE_TEST_SEED={seed}");
        self.served = Arc::new(ports.iter().map(|_| AtomicU64::new(0)).collect());
        let pick = Arc::new(Pick { ports, served: Arc::clone(&self.served), random: AtomicU64::new(seed) });
        let listener = self.listener.take().expect("it serves once");
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let pick = Arc::clone(&pick);
                tokio::spawn(async move { pick.carry(client).await });
            }
        });
        self.task = Some(task.abort_handle());
    }

    /// Base URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// How many requests each replica was sent.
    pub fn served(&self) -> Vec<u64> {
        self.served.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Pick {
    async fn carry(&self, mut client: TcpStream) -> Option<()> {
        let (head, rest) = read_head(&mut client).await?;
        let mut replica = self.connect().await?;
        let _ = (client.set_nodelay(true), replica.set_nodelay(true));
        replica.write_all(one_request(&head).as_bytes()).await.ok()?;
        replica.write_all(&rest).await.ok()?;
        copy_bidirectional(&mut client, &mut replica).await.ok()?;
        Some(())
    }

    /// A connection to a replica drawn at random, or to the next that takes one.
    async fn connect(&self) -> Option<TcpStream> {
        let first = usize::try_from(self.draw() % self.ports.len() as u64).ok()?;
        for step in 0..self.ports.len() {
            let chosen = (first + step) % self.ports.len();
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", *self.ports.get(chosen)?)).await {
                self.served.get(chosen)?.fetch_add(1, Ordering::Relaxed);
                return Some(stream);
            }
        }
        None
    }

    /// SplitMix64.
    fn draw(&self) -> u64 {
        let state = self.random.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// The head of a request, up to and with its empty line, and what came behind it.
async fn read_head(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut read = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            return Some((String::from_utf8(read).ok()?, rest));
        }
        if read.len() > MAX_HEAD {
            return None;
        }
        match client.read(&mut chunk).await {
            Ok(length @ 1..) => read.extend(chunk.get(..length)?),
            _ => return None,
        }
    }
}

/// The same head, saying that the connection ends with this request.
fn one_request(head: &str) -> String {
    let mut lines: Vec<_> = head
        .trim_end()
        .split("\r\n")
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"))
        .collect();
    lines.push("connection: close");
    lines.join("\r\n") + "\r\n\r\n"
}
