//! A proxy before PostgreSQL that counts statements where they pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Counts what is executed: by the simple protocol and by the extended one.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) url: String,
    executed: Arc<AtomicU64>,
}

impl Wire {
    pub(super) async fn before(url: &str) -> Self {
        let (user, rest) = url.rsplit_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap();
        let executed = Arc::new(AtomicU64::new(0));
        let (server, count) = (server.to_owned(), Arc::clone(&executed));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (from_client, mut to_client) = client.into_split();
                let server = TcpStream::connect(&server).await.unwrap();
                let (mut from_server, to_server) = server.into_split();
                tokio::spawn(statements(from_client, to_server, Arc::clone(&count)));
                tokio::spawn(
                    async move { tokio::io::copy(&mut from_server, &mut to_client).await },
                );
            }
        });
        Self {
            url: format!("{user}@{here}/{database}?sslmode=disable"),
            executed,
        }
    }

    /// How many there were since the last call.
    pub(super) fn executed(&self) -> u64 {
        self.executed.swap(0, Ordering::Relaxed)
    }
}

/// Each message is its kind, its length and its content; only the first one has no kind.
async fn statements(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    count: Arc<AtomicU64>,
) -> std::io::Result<()> {
    let mut is_first = true;
    loop {
        let kind = match is_first {
            true => None,
            false => Some(from.read_u8().await?),
        };
        is_first = false;
        let length = from.read_u32().await?;
        let mut content = vec![0; length as usize - 4];
        from.read_exact(&mut content).await?;
        if matches!(kind, Some(b'E' | b'Q')) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let mut message = kind.map_or_else(Vec::new, |kind| vec![kind]);
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(&content);
        to.write_all(&message).await?;
    }
}
