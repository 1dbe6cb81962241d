//! Containers of Azure Blob Storage.

use std::sync::Arc;

use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};

use super::dialect::{Dialect, readable_file, refused, service_url};
use super::network::Network;
use super::service::{Connector, Shared};
use super::{Opened, Surroundings, identity};
use crate::error::StoreError;
use crate::location::Location;
use crate::store::options::{Layer, Setting};

const DIALECT: Dialect = Dialect {
    name: "Azure",
    prefix: "azure_",
    canonical,
    known: &[
        "azure_storage_account_name",
        "azure_storage_account_key",
        "azure_storage_client_id",
        "azure_storage_client_secret",
        "azure_storage_tenant_id",
        "azure_storage_authority_host",
        "azure_storage_sas_key",
        "azure_storage_token",
        "azure_storage_use_emulator",
        "azure_storage_endpoint",
        "azure_use_fabric_endpoint",
        "azure_msi_endpoint",
        "azure_object_id",
        "azure_msi_resource_id",
        "azure_federated_token_file",
        "azure_use_azure_cli",
        "azure_skip_signature",
        "azure_disable_tagging",
        "azure_fabric_token_service_url",
        "azure_fabric_workload_host",
        "azure_fabric_session_token",
        "azure_fabric_cluster_identifier",
        "azure_credential_type",
        "azure_storage_encryption_key",
    ],
    credentials: &[
        "azure_storage_account_key",
        "azure_storage_client_id",
        "azure_storage_client_secret",
        "azure_storage_sas_key",
        "azure_storage_token",
        "azure_federated_token_file",
        "azure_use_azure_cli",
        "azure_credential_type",
    ],
    free_text: &["azure_federated_token_file"],
    container: "azure_container_name",
};

fn canonical(name: &str) -> Option<String> {
    name.parse::<AzureConfigKey>().ok().map(|key| key.as_ref().to_owned())
}

/// A client for the container of `location`.
pub(crate) fn open(
    location: &Location,
    settings: &[Setting],
    surroundings: &Surroundings,
) -> Result<Opened, StoreError> {
    let mut chosen = DIALECT.choose(settings, location.container())?;
    let account = account(location, chosen.remove("azure_storage_account_name").as_ref())?;
    let emulated = chosen.get("azure_storage_use_emulator").map(Setting::flag).transpose()?.unwrap_or(false);
    if account.is_none() && !emulated {
        return Err(StoreError::Option {
            option: "azure_storage_account_name".to_owned(),
            reason: "is missing: set it, or write the location as `abfss://container@account.dfs.core.windows.net/path`"
                .to_owned(),
        });
    }
    chosen.get("azure_federated_token_file").map(readable_file).transpose()?;
    for name in ["azure_storage_authority_host", "azure_msi_endpoint", "azure_fabric_token_service_url"] {
        chosen.get(name).map(service_url).transpose()?;
    }
    let endpoint = chosen.remove("azure_storage_endpoint");
    let url = endpoint.as_ref().map(service_url).transpose()?;
    let network = Network::take(&mut chosen, endpoint.as_ref().zip(url.as_ref()))?;
    let request_timeout = network.request_timeout();
    let shared = Shared {
        counters: Arc::clone(&surroundings.counters),
        context: surroundings.context.clone(),
        // Azure says 409 where others say 412; its other conflicts (a lease, a container that is being deleted) are none of the name.
        exists_code: Some("BlobAlreadyExists"),
        older_metadata: false,
    };
    let mut builder = MicrosoftAzureBuilder::new().with_client_options(network.client_options());
    for (name, setting) in &chosen {
        let Ok(key) = name.parse::<AzureConfigKey>() else { continue };
        builder = builder.with_config(key, setting.value());
    }
    if let Some(endpoint) = &endpoint {
        builder = builder.with_endpoint(endpoint.value().trim().trim_end_matches('/').to_owned());
    }
    if let Some(account) = account {
        builder = builder.with_account(account);
    }
    let store = builder
        .with_container_name(location.container())
        .with_retry(super::no_retries())
        .with_http_connector(Connector::new(network, shared))
        .build()
        .map_err(|error| refused("azure", &error, &chosen))?;
    let store = Arc::new(store);
    Ok(Opened {
        multipart: store.clone(),
        store,
        identity: identity(location, endpoint.as_ref()),
        request_timeout,
    })
}

/// The account: of the location, of an option, of both if they agree.
fn account(location: &Location, given: Option<&Setting>) -> Result<Option<String>, StoreError> {
    let Some(given) = given else { return Ok(location.account().map(str::to_owned)) };
    let name = given.value();
    let is_name =
        (3..=24).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if !is_name {
        return Err(given.error("is not the name of an account: 3 to 24 lower-case letters and digits"));
    }
    match location.account() {
        // The environment may be meant for other places.
        Some(own) if given.layer() == Layer::Environment => Ok(Some(own.to_owned())),
        Some(other) if other != name => Err(given.error("names another account than the location does")),
        _ => Ok(Some(name.to_owned())),
    }
}
