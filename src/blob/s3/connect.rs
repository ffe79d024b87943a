//! From a location to a client.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::ProvideRegion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    ProvideCredentials, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient,
};
use aws_smithy_async::time::TimeSource;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::S3Store;
use crate::blob::location::{S3Location, S3Server};
use crate::fault::mutation;
use crate::{Clock, Error, Result, SystemClock};

/// Where a request is signed for whose server has no regions.
const NO_REGION: Region = Region::from_static("us-east-1");

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the first byte of an answer may take; writes, whose bytes go up first, have their own.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// Objects that are larger go up in parts.
const PARTS_ABOVE: usize = 32 << 20;

/// The smallest part that S3 takes, except for the last one.
const SMALLEST_PART: usize = 5 << 20;

/// An [`S3Store`] in the making.
pub struct S3StoreBuilder {
    location: S3Location,
    loader: aws_config::ConfigLoader,
    parts_above: usize,
}

impl S3StoreBuilder {
    pub(super) fn new(location: S3Location) -> Self {
        Self {
            location,
            loader: aws_config::defaults(BehaviorVersion::latest())
                .time_source(Signing(Arc::new(SystemClock))),
            parts_above: PARTS_ABOVE,
        }
    }

    /// Takes credentials from a provider of your own instead of the usual chain.
    #[must_use]
    pub fn credentials(mut self, provider: impl ProvideCredentials + 'static) -> Self {
        self.loader = self.loader.credentials_provider(provider);
        self
    }

    /// The clock that requests are signed by; the system's unless said otherwise.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.loader = self.loader.time_source(Signing(Arc::new(clock)));
        self
    }

    /// Sends objects that are larger in parts, of half that size: 32 MiB unless said otherwise, at least 10 MiB.
    #[must_use]
    pub fn parts_above(mut self, bytes: usize) -> Self {
        self.parts_above = bytes.max(2 * SMALLEST_PART);
        self
    }

    /// Opens the store. Nothing is asked of its server yet.
    ///
    /// # Errors
    /// `Invalid`: no region is known, or `ca_file` cannot be read.
    pub async fn open(self) -> Result<S3Store> {
        let server = self.location.server().clone();
        server.check()?;
        let mut loader = self
            .loader
            .http_client(http_client(server.ca_file.as_deref())?)
            .retry_config(RetryConfig::standard())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .read_timeout(READ_TIMEOUT)
                    .build(),
            );
        if let Some(endpoint) = &server.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some(region) = region(&server).await {
            loader = loader.region(region);
        }
        let shared = loader.load().await;
        if shared.region().is_none() {
            return Err(Error::invalid(
                "the bucket's region is not known; name it: s3://bucket/prefix?region=eu-central-1, `region` in [s3], or \
                 AWS_REGION in the environment",
            )
            .with("bucket", self.location.bucket()));
        }
        let has_endpoint = shared.endpoint_url().is_some() || server.endpoint.is_some();
        let config = aws_sdk_s3::config::Builder::from(&shared)
            .force_path_style(server.path_style.unwrap_or(has_endpoint))
            .request_checksum_calculation(match mutation("put_without_checksum") {
                false => RequestChecksumCalculation::WhenSupported,
                true => RequestChecksumCalculation::WhenRequired,
            })
            // What is read are ranges, for which no server has a checksum; segments carry their own.
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Ok(S3Store {
            client: Client::from_conf(config),
            location: Arc::new(self.location),
            parts_above: self.parts_above,
        })
    }
}

/// Our clock as the SDK wants it.
#[derive(Debug)]
struct Signing(Arc<dyn Clock>);

impl TimeSource for Signing {
    fn now(&self) -> SystemTime {
        SystemTime::try_from(self.0.now()).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

impl fmt::Debug for S3StoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("S3StoreBuilder")
            .field(&self.location)
            .finish()
    }
}

/// The region to sign for, if the usual chain need not be asked: behind an endpoint it might ask the machine's cloud.
async fn region(server: &S3Server) -> Option<Region> {
    match (&server.region, &server.endpoint) {
        (Some(region), _) => Some(Region::new(region.clone())),
        (None, Some(_)) => {
            let named = EnvironmentVariableRegionProvider::new().region().await;
            Some(named.unwrap_or(NO_REGION))
        }
        (None, None) => None,
    }
}

/// One for all requests, those for credentials included, so that they share its trust.
fn http_client(ca_file: Option<&Path>) -> Result<SharedHttpClient> {
    let mut trust = TrustStore::default();
    if let Some(file) = ca_file {
        trust = trust.with_pem_certificate(certificates(file)?);
    }
    let context = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| Error::unexpected("TLS could not be set up").with_source(error))?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_https())
}

/// A file with certificates, looked at: the SDK panics over a wrong one.
fn certificates(file: &Path) -> Result<Vec<u8>> {
    let unreadable = |problem: &dyn fmt::Display| {
        Error::invalid("ca_file names a file in PEM with whom to trust; it cannot be read")
            .with("ca_file", file.display())
            .with("problem", problem)
    };
    let pem = std::fs::read(file).map_err(|error| unreadable(&error))?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        roots.add(certificate).map_err(|error| unreadable(&error))?;
    }
    if roots.is_empty() {
        return Err(unreadable(&"there is no certificate in it"));
    }
    Ok(pem)
}
