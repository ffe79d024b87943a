//! A proxy that counts requests and loses answers, as networks do.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It is done, and nobody is told.
    LoseAnswer,
    /// Of its answer come so many bytes, its head included; then the connection ends.
    CutAnswer(usize),
    /// It does not arrive.
    LoseRequest,
}

/// A proxy before a server that speaks HTTP/1.1, on a port of its own.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
    stopped: CancellationToken,
}

#[derive(Debug, Default)]
struct Shared {
    requests: Mutex<Vec<String>>,
    troubles: Mutex<VecDeque<(String, Trouble)>>,
}

impl Proxy {
    pub(crate) async fn before(endpoint: &str) -> Self {
        let upstream = endpoint.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let of_all = Arc::clone(&shared);
        let stopped = CancellationToken::new();
        let stopping = stopped.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&upstream).await;
                let shared = Arc::clone(&of_all);
                if let Ok(server) = server {
                    let serving = serve(client, server, shared);
                    tokio::spawn(stopping.clone().run_until_cancelled_owned(serving));
                }
            }
        });
        Self {
            address,
            shared,
            accepting: accepting.abort_handle(),
            stopped,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What becomes of the next request whose first line contains `wanted`. Several calls, several requests.
    pub(crate) fn next(&self, wanted: &str, trouble: Trouble) {
        let mut troubles = self.shared.troubles.lock();
        troubles.push_back((wanted.to_owned(), trouble));
    }

    /// Ends every connection, and takes no other.
    pub(crate) fn stop(&self) {
        self.accepting.abort();
        self.stopped.cancel();
    }

    /// Whether everything that was to happen has happened.
    pub(crate) fn is_done(&self) -> bool {
        self.shared.troubles.lock().is_empty()
    }

    /// The requests since the last call: method, target, range, and whether the bytes have a checksum.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.requests.lock())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn serve(client: TcpStream, server: TcpStream, shared: Arc<Shared>) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let trouble = Arc::new(Mutex::new(None));
    // Whichever side ends first ends both: the halves are dropped with this future.
    tokio::select! {
        _ended = requests(from_client, to_server, &shared, &trouble) => {}
        _ended = answers(from_server, to_client, &trouble) => {}
    }
}

type Ended = Option<()>;

/// Hands requests on one by one, and notes them. Every request of the SDK says how long it is.
async fn requests(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    shared: &Shared,
    trouble: &Mutex<Option<Trouble>>,
) -> Ended {
    let mut buffer = Vec::new();
    loop {
        let head_length = loop {
            if let Some(at) = find(&buffer, b"\r\n\r\n") {
                break at + 4;
            }
            if from.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8(buffer[..head_length].to_vec()).unwrap();
        let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1");
        let value = |name: &str| {
            head.lines().find_map(|line| {
                let (found, value) = line.split_once(':')?;
                found
                    .eq_ignore_ascii_case(name)
                    .then(|| value.trim().to_owned())
            })
        };
        let range = value("range").map(|range| format!(" {range}"));
        let checksum = value("x-amz-checksum-crc32").map(|_| " with a checksum".to_owned());
        let noted = [range, checksum].into_iter().flatten();
        let noted = std::iter::once(line.to_owned()).chain(noted).collect();
        shared.requests.lock().push(noted);
        let happens = {
            let mut troubles = shared.troubles.lock();
            let at = troubles
                .iter()
                .position(|(wanted, _)| line.contains(wanted.as_str()));
            at.and_then(|at| troubles.remove(at))
                .map(|(_, trouble)| trouble)
        };
        if happens == Some(Trouble::LoseRequest) {
            return None;
        }
        *trouble.lock() = happens;
        let length = value("content-length").map_or(0, |length| length.parse().unwrap());
        let mut rest = head_length + length;
        loop {
            let now = rest.min(buffer.len());
            to.write_all(&buffer[..now]).await.ok()?;
            buffer.drain(..now);
            rest -= now;
            if rest == 0 {
                break;
            }
            if from.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        }
    }
}

async fn answers(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    trouble: &Mutex<Option<Trouble>>,
) -> Ended {
    let mut buffer = Vec::with_capacity(1 << 16);
    let mut sent = 0;
    loop {
        buffer.clear();
        if from.read_buf(&mut buffer).await.ok()? == 0 {
            return None;
        }
        let happens = *trouble.lock();
        match happens {
            // "Go on" is no answer yet.
            _ if buffer.starts_with(b"HTTP/1.1 100") => to.write_all(&buffer).await.ok()?,
            Some(Trouble::LoseAnswer) => return None,
            Some(Trouble::CutAnswer(most)) => {
                let now = buffer.len().min(most - sent);
                to.write_all(&buffer[..now]).await.ok()?;
                sent += now;
                if sent == most {
                    to.flush().await.ok()?;
                    return None;
                }
            }
            Some(Trouble::LoseRequest) | None => to.write_all(&buffer).await.ok()?,
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
