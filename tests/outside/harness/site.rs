//! Small websites: what stands before a provider, behind an app, or is one.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What a [`site`] answers.
pub enum Says {
    /// A page: HTML.
    Page(String),
    /// 302 to this address.
    Redirect(String),
}

impl Says {
    fn response(&self) -> String {
        let (head, body) = match self {
            Self::Page(html) => {
                ("200 OK\r\ncontent-type: text/html\r\ncache-control: no-store".into(), &**html)
            }
            Self::Redirect(to) => (format!("302 Found\r\nlocation: {to}"), ""),
        };
        format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }
}

/// Answers every request by its path with query, until the test ends; returns the port, of 127.0.0.1.
pub async fn site(answer: impl Fn(&str) -> Says + Send + Sync + 'static) -> u16 {
    let answer = Arc::new(answer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            // Each by itself: a browser also opens connections that it then does not use.
            tokio::spawn(async move {
                let mut bytes = [0; 16_384];
                let read = connection.read(&mut bytes).await.unwrap_or_default();
                let request = String::from_utf8_lossy(&bytes[..read]).into_owned();
                let response = answer(request.split(' ').nth(1).unwrap_or_default()).response();
                let _ = connection.write_all(response.as_bytes()).await;
            });
        }
    });
    port
}

/// The query of a path, without its mark.
pub fn query_of(path: &str) -> &str {
    path.split_once('?').map_or("", |(_, query)| query)
}
