//! What was given up and arrives all the same.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use super::*;

/// A network in which the connections of a moment come to a halt, and deliver much later what they were given. New ones
/// work: another way, or a packet that was lost and is sent again.
struct Network {
    port: u16,
    /// Connections with a smaller number are halted.
    halted: watch::Sender<usize>,
    made: watch::Receiver<usize>,
    /// What was delivered late.
    late: mpsc::UnboundedReceiver<()>,
}

impl Network {
    async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (halted, halting) = watch::channel(0);
        let (making, made) = watch::channel(0);
        let (told, late) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((client, _)) = listener.accept().await else { return };
                making.send_replace(number + 1);
                tokio::spawn(carry(client, server, number, halting.clone(), told.clone()));
            }
        });
        Self { port, halted, made, late }
    }

    fn halt(&self) {
        self.halted.send_replace(*self.made.borrow());
    }

    /// Until something that was held back has reached the server.
    async fn deliver(&mut self) {
        self.halted.send_replace(0);
        self.late.recv().await.unwrap();
    }
}

async fn carry(
    client: TcpStream,
    server: u16,
    number: usize,
    mut halted: watch::Receiver<usize>,
    told: mpsc::UnboundedSender<()>,
) {
    let server = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], server))).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
        let late = *halted.borrow() > number;
        let _ = halted.wait_for(|halted| *halted <= number).await;
        if to_server.write_all(&buffer[..length]).await.is_err() {
            return;
        }
        if late {
            let _ = told.send(());
        }
    }
}

async fn behind_a_network(parameters: &str) -> (Redis, Network, At) {
    let redis = Redis::start_with(&[]);
    let server = redis.port();
    let network = Network::before(server).await;
    let at = At::new(format!("redis://127.0.0.1:{}{parameters}", network.port));
    (redis, network, at)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_used_up_is_not_there_again_when_a_late_packet_arrives() {
    let (_redis, mut network, at) = behind_a_network("").await;
    let store = at.store().await;
    let until = at.now() + TEN;
    store.put(&code("before"), b"1".to_vec(), until).await.unwrap();
    network.halt();
    // A code that the app hears of only if this succeeds, and then redeems.
    let put = store.put(&code("a"), b"alice".to_vec(), until).await;
    if put.is_ok() {
        assert_eq!(store.take(&code("a")).await.unwrap(), Some(b"alice".to_vec()));
    }
    network.deliver().await;
    // What only reads is asked again meanwhile, on another connection.
    assert_eq!(store.get(&code("before")).await.unwrap(), Some(b"1".to_vec()));
    let there = store.get(&code("a")).await.unwrap();
    assert!(put.is_err() || there.is_none(), "it was used up, and is there again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_reads_is_asked_again_on_another_connection() {
    let (_redis, network, at) = behind_a_network("").await;
    let store = at.store().await;
    store.put(&code("a"), b"1".to_vec(), at.now() + TEN).await.unwrap();
    network.halt();
    assert_eq!(store.get(&code("a")).await.unwrap(), Some(b"1".to_vec()));
}

/// Many share a connection, some go away before their answer, some give up waiting: nobody takes another's answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_hears_the_answer_to_anothers_question() {
    let (_redis, network, at) = behind_a_network("?timeout_ms=500").await;
    let store = Arc::new(at.store().await);
    let until = at.now() + Duration::minutes(10);
    for round in 0..6_u64 {
        let asking: Vec<_> = (0..200_u64)
            .map(|number| {
                let (store, name) = (Arc::clone(&store), format!("{round}-{}", number / 2));
                tokio::spawn(async move {
                    let value = name.clone().into_bytes();
                    let ask = async {
                        let first = store.put_new(&code(&name), value.clone(), until).await;
                        let found = store.get(&code(&name)).await;
                        (first, found)
                    };
                    // Some leave at once, some in the middle, most stay.
                    let patience = std::time::Duration::from_micros(number % 7 * 300);
                    let answers = match number % 3 {
                        0 => tokio::time::timeout(patience, ask).await.ok(),
                        _ => Some(ask.await),
                    };
                    let (first, found) = answers.unwrap_or((Ok(false), Ok(None)));
                    if let Ok(Some(found)) = found {
                        assert_eq!(found, value);
                    } else if let Ok(true) = first {
                        assert!(found.is_err(), "{name} was there and is absent");
                    }
                    (name, matches!(first, Ok(true)))
                })
            })
            .collect();
        if round % 2 == 1 {
            network.halt();
        }
        let mut first = std::collections::HashSet::new();
        for answer in asking {
            let (name, was_first) = answer.await.unwrap();
            assert!(!was_first || first.insert(name.clone()), "two were the first at {name}");
        }
        network.halted.send_replace(0);
    }
}
