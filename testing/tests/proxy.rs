//! The proxy does to a connection what it is told to, and mends when it is told to.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use poolgate_testing::{Proxy, Wire};

/// A server that says back what it hears, one connection after the other.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut heard = [0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut heard) {
                    if stream.write_all(&heard[..length]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

fn ask(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"ping")?;
    stream.read_exact(&mut [0; 4])
}

#[test]
fn an_open_wire_carries_both_ways() {
    let proxy = Proxy::before(echo());
    let mut stream = connect(&proxy);
    ask(&mut stream).unwrap();
    ask(&mut stream).unwrap();
}

#[test]
fn a_slow_wire_delays_each_answer_once() {
    let proxy = Proxy::before(echo());
    proxy.set(Wire::Slow(Duration::from_millis(300)));
    let begun = Instant::now();
    ask(&mut connect(&proxy)).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_narrow_wire_takes_its_time() {
    let proxy = Proxy::before(echo());
    proxy.set(Wire::Narrow(20));
    let begun = Instant::now();
    ask(&mut connect(&proxy)).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(400), "4 bytes there and back at 20 a second");
}

#[test]
fn a_silent_wire_says_nothing_until_it_is_open_again() {
    let proxy = Proxy::before(echo());
    let mut stream = connect(&proxy);
    ask(&mut stream).unwrap();
    proxy.set(Wire::Silent);
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let error = ask(&mut stream).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    proxy.set(Wire::Open);
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.read_exact(&mut [0; 4]).unwrap();
}

#[test]
fn a_cut_wire_ends_connections_and_takes_no_new_ones() {
    let proxy = Proxy::before(echo());
    let mut stream = connect(&proxy);
    ask(&mut stream).unwrap();
    proxy.set(Wire::Cut);
    assert!(matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_)));
    assert!(ask(&mut connect(&proxy)).is_err());
    proxy.set(Wire::Open);
    ask(&mut connect(&proxy)).unwrap();
}
