//! A TCP proxy before a server, through which the network itself can be made to fail.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::process::PATIENCE;

/// Bytes that are read at once.
const CHUNK: usize = 16 * 1024;
/// Chunks that may be on their way in one direction.
const ON_THE_WAY: usize = 1_024;

/// What the network does with what passes from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Everything passes at once.
    Open,
    /// Each answer arrives that much later; the order stays, and answers do not wait for each other.
    Slow(Duration),
    /// At most so many bytes a second pass, each way and connection.
    Narrow(u32),
    /// Connections stand and new ones are taken, but nothing passes: as a frozen server, or a firewall that drops.
    Silent,
    /// Connections are closed, and new ones as soon as they are there.
    Cut,
}

/// The proxy, on a port of 127.0.0.1. Dropped: closed.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    wire: watch::Sender<Wire>,
    refused: Arc<watch::Sender<usize>>,
    end: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// One before the server at this port of 127.0.0.1.
    pub fn before(server: u16) -> Self {
        let (wire, seen) = watch::channel(Wire::Open);
        let (end, ended) = tokio::sync::oneshot::channel();
        let (told, hear) = mpsc::channel();
        let refused = Arc::new(watch::Sender::new(0));
        let count = Arc::clone(&refused);
        // A runtime of its own: tests that block a thread of theirs do not stop the network.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                told.send(listener.local_addr().unwrap().port()).unwrap();
                tokio::select! {
                    () = accept(listener, server, seen, count) => {}
                    _ = ended => {}
                }
            });
        });
        let port = hear.recv().expect("the proxy listens");
        Self { port, wire, refused, end: Some(end), thread: Some(thread) }
    }

    /// Its port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// From now on.
    pub fn set(&self, wire: Wire) {
        self.wire.send_replace(wire);
    }

    /// Waits until so many connections were closed at once because the wire was cut.
    pub async fn wait_for_refusals(&self, count: usize) {
        let mut refused = self.refused.subscribe();
        let many = tokio::time::timeout(PATIENCE, refused.wait_for(|refused| *refused >= count)).await;
        assert!(many.is_ok(), "nobody connects");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(
    listener: TcpListener,
    server: u16,
    wire: watch::Receiver<Wire>,
    refused: Arc<watch::Sender<usize>>,
) {
    while let Ok((client, _)) = listener.accept().await {
        if *wire.borrow() == Wire::Cut {
            refused.send_modify(|refused| *refused += 1);
            continue;
        }
        tokio::spawn(carry(client, server, wire.clone()));
    }
}

/// One connection, until either side ends it or the wire is cut.
async fn carry(client: TcpStream, server: u16, mut wire: watch::Receiver<Wire>) {
    let Ok(server) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], server))).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let there = pump(from_client, to_server, wire.clone(), false);
    let back = pump(from_server, to_client, wire.clone(), true);
    tokio::select! {
        () = there => {}
        () = back => {}
        _ = wire.wait_for(|wire| *wire == Wire::Cut) => {}
    }
}

/// One direction. Only `answers` are slowed, so that a delay is that of one round trip.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut wire: watch::Receiver<Wire>,
    answers: bool,
) {
    let (give, mut take) = tokio::sync::mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let mut seen = wire.clone();
    let read = async move {
        let mut buffer = vec![0; CHUNK];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let delay = match *seen.borrow_and_update() {
                Wire::Slow(delay) if answers => delay,
                _ => Duration::ZERO,
            };
            let Some(bytes) = buffer.get(..length) else { return };
            if give.send((Instant::now() + delay, bytes.to_vec())).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((due, bytes)) = take.recv().await {
            sleep_until(due).await;
            if wire.wait_for(|wire| *wire != Wire::Silent).await.is_err() {
                return;
            }
            let now = *wire.borrow();
            if let Wire::Narrow(rate) = now {
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                sleep(Duration::from_secs(1) * length / rate.max(1)).await;
            }
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    // What was read is still written out when the reading side has ended.
    tokio::join!(read, write);
}
