//! The stores that the environment tells of, and clients of them.

use datashard_io::store::RetryPolicy;
use datashard_io::{StoreError, StoreOptions, TableStore};

/// A server under trial.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// "s3" or "gcs".
    pub(crate) name: &'static str,
    pub(crate) endpoint: String,
    bucket: String,
    /// Access key and secret; S3 only.
    key: Option<(String, String)>,
}

impl Server {
    /// SeaweedFS, or another S3 with conditional writes.
    pub(crate) fn s3() -> Result<Option<Self>, String> {
        Self::told("s3", "DATASHARD_TEST_S3")
    }

    /// A server that speaks S3 and ignores conditions.
    pub(crate) fn ignores_conditions() -> Result<Option<Self>, String> {
        Self::told("ignores-conditions", "DATASHARD_TEST_IGNORES_CONDITIONS")
    }

    /// fake-gcs-server behind the shim.
    pub(crate) fn gcs() -> Result<Option<Self>, String> {
        Self::told("gcs", "DATASHARD_TEST_GCS")
    }

    /// `None` if the environment tells of none, an error if it tells half.
    fn told(name: &'static str, variable: &str) -> Result<Option<Self>, String> {
        let Ok(endpoint) = std::env::var(variable) else { return Ok(None) };
        let need = |part: &str| {
            let name = format!("{variable}_{part}");
            std::env::var(&name).map_err(|_| format!("{variable} is set and {name} is not"))
        };
        let key = if name == "gcs" { None } else { Some((need("KEY")?, need("SECRET")?)) };
        Ok(Some(Self { name, endpoint, bucket: need("BUCKET")?, key }))
    }

    /// The same server behind another address.
    pub(crate) fn behind(&self, endpoint: &str) -> Self {
        Self { endpoint: endpoint.to_owned(), ..self.clone() }
    }

    /// A client of a table.
    pub(crate) async fn open(&self, table: &str) -> Result<TableStore, StoreError> {
        self.open_with(table, RetryPolicy::default()).await
    }

    /// A client of a table, under another policy.
    pub(crate) async fn open_with(&self, table: &str, retry: RetryPolicy) -> Result<TableStore, StoreError> {
        self.open_by(table, StoreOptions::new().with_retry(retry)).await
    }

    /// A client of a table, with more options.
    pub(crate) async fn open_by(&self, table: &str, options: StoreOptions) -> Result<TableStore, StoreError> {
        let bucket = &self.bucket;
        match &self.key {
            Some((key, secret)) => {
                let options = options
                    .with("endpoint", &self.endpoint)
                    .with("region", "us-east-1")
                    .with("access_key_id", key)
                    .with("secret_access_key", secret);
                TableStore::open(&format!("s3://{bucket}/{table}"), options).await
            }
            None => {
                let options = options.with("base_url", &self.endpoint).with("bearer_token", "test");
                TableStore::open(&format!("gs://{bucket}/{table}"), options).await
            }
        }
    }
}
