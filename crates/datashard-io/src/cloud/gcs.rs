//! Buckets of Google Cloud Storage.

use std::sync::Arc;

use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};

use super::dialect::{Dialect, refused, service_url};
use super::network::Network;
use super::service::{Connector, Shared};
use super::{Opened, Surroundings, identity};
use crate::error::StoreError;
use crate::location::Location;
use crate::store::options::Setting;

/// The longest file with the key of a service account.
const KEY_FILE_BYTES: u64 = 64 * 1024;

const DIALECT: Dialect = Dialect {
    name: "GCS",
    prefix: "google_",
    canonical,
    known: &[
        "google_service_account",
        "google_service_account_path",
        "google_service_account_key",
        "google_application_credentials",
        "google_bearer_token",
        "google_base_url",
        "google_skip_signature",
    ],
    credentials: &[
        "google_service_account",
        "google_service_account_key",
        "google_application_credentials",
        "google_bearer_token",
    ],
    free_text: &["google_service_account", "google_service_account_key", "google_application_credentials"],
    container: "google_bucket",
};

fn canonical(name: &str) -> Option<String> {
    name.parse::<GoogleConfigKey>().ok().map(|key| key.as_ref().to_owned())
}

/// A client for the bucket of `location`.
pub(crate) fn open(
    location: &Location,
    settings: &[Setting],
    surroundings: &Surroundings,
) -> Result<Opened, StoreError> {
    let mut chosen = DIALECT.choose(settings, location.container())?;
    if let Some(skip) = chosen.get("google_skip_signature")
        && skip.flag()?
        && !chosen.keys().any(|name| DIALECT.credentials.contains(&&**name))
    {
        // The client asks for a token all the same when it writes.
        tracing::warn!("without credentials this bucket can only be read");
    }
    if let (Some(_), Some(key)) =
        (chosen.get("google_service_account"), chosen.get("google_service_account_key"))
    {
        return Err(key.error("is given beside a file with a key: give one of the two"));
    }
    let endpoint = match chosen.remove("google_base_url") {
        Some(given) => Some(given),
        None => of_service_account(&chosen)?,
    };
    let url = endpoint.as_ref().map(service_url).transpose()?;
    let network = Network::take(&mut chosen, endpoint.as_ref().zip(url.as_ref()))?;
    let request_timeout = network.request_timeout();
    let shared = Shared {
        counters: Arc::clone(&surroundings.counters),
        context: surroundings.context.clone(),
        exists_code: None,
        older_metadata: false,
    };
    let mut builder = GoogleCloudStorageBuilder::new().with_client_options(network.client_options());
    for (name, setting) in &chosen {
        let Ok(key) = name.parse::<GoogleConfigKey>() else { continue };
        builder = builder.with_config(key, setting.value());
    }
    if let Some(endpoint) = &endpoint {
        builder = builder.with_base_url(endpoint.value().trim().trim_end_matches('/'));
    }
    let store = builder
        .with_bucket_name(location.container())
        .with_retry(super::no_retries())
        .with_http_connector(Connector::new(network, shared))
        .build()
        .map_err(|error| refused("gcs", &error, &chosen))?;
    let store = Arc::new(store);
    Ok(Opened {
        multipart: store.clone(),
        store,
        identity: identity(location, endpoint.as_ref()),
        request_timeout,
    })
}

/// The server that the key of a service account names (only emulators do), as if it had been given as an option.
fn of_service_account(
    chosen: &std::collections::BTreeMap<String, Setting>,
) -> Result<Option<Setting>, StoreError> {
    let (setting, text) = if let Some(key) = chosen.get("google_service_account_key") {
        (key, key.value().to_owned())
    } else if let Some(file) = chosen.get("google_service_account") {
        let unreadable = |why: String| file.error(&format!("names a file that cannot be read: {why}"));
        let size = std::fs::metadata(file.value()).map_err(|e| unreadable(e.to_string()))?.len();
        if size > KEY_FILE_BYTES {
            return Err(unreadable(format!("it has {size} bytes, more than any key")));
        }
        (file, std::fs::read_to_string(file.value()).map_err(|e| unreadable(e.to_string()))?)
    } else {
        return Ok(None);
    };
    // What is wrong in detail could quote the key.
    let json: serde_json::Value =
        serde_json::from_str(&text).map_err(|_| setting.error("is not the JSON of a service account"))?;
    let url = json.get("gcs_base_url").and_then(serde_json::Value::as_str);
    Ok(url.map(|url| setting.with_value(url)))
}
