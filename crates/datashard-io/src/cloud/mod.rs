//! Buckets: the clients of `object_store` for S3, GCS and Azure, on an HTTP service of ours that counts and keeps what stores say.
//!
//! Retries of the clients are off, and so are redirects: each request that is sent is seen, counted and answered once.

mod answer;
#[cfg(feature = "azure")]
pub(crate) mod azure;
mod body;
mod bulk;
pub(crate) mod dialect;
#[cfg(feature = "gcs")]
pub(crate) mod gcs;
mod http_date;
mod kind;
pub(crate) mod network;
#[cfg(feature = "s3")]
pub(crate) mod s3;
mod service;
mod token;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use object_store::multipart::MultipartStore;
use object_store::{ObjectStore, RetryConfig};

use crate::context::Context;
use crate::location::Location;
use crate::request::Counters;
use crate::store::options::Setting;

/// What a client is built with beside its options.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) context: Context,
    pub(crate) counters: Arc<Counters>,
}

/// A client, and what its options say about requests as a whole.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// The same client, by the parts of large uploads.
    pub(crate) multipart: Arc<dyn MultipartStore>,
    /// Server and bucket, without anything secret.
    pub(crate) identity: String,
    /// After so long without an answer a single request is given up, if that was set.
    pub(crate) request_timeout: Option<Duration>,
}

/// What tells one bucket from another: the server, where one was given, and the names in the location.
fn identity(location: &Location, endpoint: Option<&Setting>) -> String {
    let server = endpoint.map_or("", |endpoint| endpoint.value().trim().trim_end_matches('/'));
    format!("{:?} {server} {:?} {}", location.scheme(), location.account(), location.container())
}

/// The library's own retries, off.
fn no_retries() -> RetryConfig {
    RetryConfig { max_retries: 0, retry_timeout: Duration::ZERO, ..RetryConfig::default() }
}

/// TLS comes from ring, unless the process chose something else before.
fn use_ring() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // That somebody else was faster is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
