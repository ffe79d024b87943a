//! Empty buckets to test in.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_s3::config::{Credentials, Region};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::proxy::Proxy;
use thermocline::{S3Location, S3Server, S3Store, S3StoreBuilder};

/// A bucket of its own on a server, with the folder that every object lies in.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) endpoint: String,
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    pub(crate) access: String,
    pub(crate) secret: String,
    pub(crate) ca_file: Option<PathBuf>,
}

/// What ends when a test does.
#[derive(Debug)]
pub(crate) struct Alive {
    _folder: Option<tempfile::TempDir>,
    server: Option<AbortHandle>,
}

impl Drop for Alive {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

/// A server in this process, with an empty bucket.
pub(crate) async fn in_process() -> (Place, Alive) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("bucket")).unwrap();
    let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
    service.set_auth(SimpleAuth::from_single("access", "very-secret"));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            // The crate does not, and every answer would wait for the client's delayed acknowledgement.
            socket.set_nodelay(true).unwrap();
            let service = service.clone();
            tokio::spawn(async move {
                let serving = auto::Builder::new(TokioExecutor::new());
                // A client that went away is what some tests want.
                let _ended = serving
                    .serve_connection(TokioIo::new(socket), service)
                    .await;
            });
        }
    });
    let place = Place {
        endpoint,
        bucket: "bucket".to_owned(),
        prefix: "archive/of us".to_owned(),
        access: "access".to_owned(),
        secret: "very-secret".to_owned(),
        ca_file: None,
    };
    let alive = Alive {
        _folder: Some(folder),
        server: Some(server.abort_handle()),
    };
    (place, alive)
}

/// The real server that `scripts/services` started, with a new bucket.
pub(crate) async fn real() -> (Place, Alive) {
    let place = Place::of_server("THERMOCLINE_TEST_S3");
    let client = place.client();
    client
        .create_bucket()
        .bucket(&place.bucket)
        .send()
        .await
        .unwrap();
    let alive = Alive {
        _folder: None,
        server: None,
    };
    (place, alive)
}

impl Place {
    /// A place on the server that a variable names: `http://access:secret@host:port`.
    pub(crate) fn of_server(variable: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let url = std::env::var(variable)
            .unwrap_or_else(|_| panic!("{variable} names a server; scripts/services starts one"));
        let (scheme, rest) = url.split_once("://").unwrap();
        let (user, host) = rest.split_once('@').unwrap();
        let (access, secret) = user.split_once(':').unwrap();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            endpoint: format!("{scheme}://{host}"),
            bucket: format!("test-{}-{number}", std::process::id()),
            prefix: "archive/of us".to_owned(),
            access: access.to_owned(),
            secret: secret.to_owned(),
            ca_file: None,
        }
    }

    pub(crate) fn location(&self) -> S3Location {
        let mut server = S3Server::default();
        server.endpoint = Some(self.endpoint.clone());
        server.ca_file.clone_from(&self.ca_file);
        S3Location::new(&self.bucket, &self.prefix)
            .unwrap()
            .at(server)
    }

    pub(crate) fn builder(&self) -> S3StoreBuilder {
        let credentials = Credentials::new(&self.access, &self.secret, None, None, "tests");
        S3Store::builder(self.location()).credentials(credentials)
    }

    pub(crate) async fn store(&self) -> S3Store {
        self.builder().open().await.unwrap()
    }

    /// The same place behind a proxy.
    pub(crate) fn behind(&self, proxy: &Proxy) -> Self {
        let mut place = self.clone();
        place.endpoint = proxy.url();
        place
    }

    /// A client that knows nothing of ours.
    pub(crate) fn client(&self) -> aws_sdk_s3::Client {
        let credentials = Credentials::new(&self.access, &self.secret, None, None, "tests");
        let http = aws_smithy_http_client::Builder::new().build_http();
        aws_sdk_s3::Client::from_conf(
            aws_sdk_s3::Config::builder()
                .behavior_version_latest()
                .region(Region::from_static("us-east-1"))
                .endpoint_url(&self.endpoint)
                .credentials_provider(credentials)
                .force_path_style(true)
                .http_client(http)
                .build(),
        )
    }

    /// The statement that lets DuckDB in.
    pub(crate) fn secret_for_duckdb(&self) -> String {
        let host = self.endpoint.strip_prefix("http://").unwrap();
        let (access, secret) = (&self.access, &self.secret);
        format!(
            "CREATE SECRET (TYPE s3, KEY_ID '{access}', SECRET '{secret}', REGION 'us-east-1', ENDPOINT '{host}', \
             URL_STYLE 'path', USE_SSL false)"
        )
    }

    pub(crate) fn key(&self, path: &str) -> String {
        format!("{}/{path}", self.prefix)
    }
}

/// Makes of one test two: on the server in this process, and on a real one.
macro_rules! on_both {
    ($($name:ident)+) => {
        mod in_process { $(
            #[tokio::test]
            async fn $name() {
                let (place, _alive) = crate::s3::place::in_process().await;
                super::$name(place).await;
            }
        )+ }
        mod real { $(
            #[tokio::test]
            #[ignore = "needs a server of S3 (scripts/services)"]
            async fn $name() {
                let (place, _alive) = crate::s3::place::real().await;
                super::$name(place).await;
            }
        )+ }
    };
}
pub(crate) use on_both;
