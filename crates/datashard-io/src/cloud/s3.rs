//! Buckets of S3 and of servers that speak its protocol.

use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};

use super::dialect::{Dialect, readable_file, refused, service_url};
use super::network::Network;
use super::service::{Connector, Shared};
use super::{Opened, Surroundings, identity};
use crate::error::StoreError;
use crate::location::Location;
use crate::store::options::Setting;

const DIALECT: Dialect = Dialect {
    name: "S3",
    prefix: "aws_",
    canonical,
    known: &[
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "aws_region",
        "aws_default_region",
        "aws_endpoint",
        "aws_endpoint_url",
        "aws_virtual_hosted_style_request",
        "aws_unsigned_payload",
        "aws_checksum_algorithm",
        "aws_imdsv1_fallback",
        "aws_metadata_endpoint",
        "aws_container_credentials_relative_uri",
        "aws_container_credentials_full_uri",
        "aws_container_authorization_token_file",
        "aws_web_identity_token_file",
        "aws_role_arn",
        "aws_role_session_name",
        "aws_endpoint_url_sts",
        "aws_skip_signature",
        "aws_disable_tagging",
        "aws_disable_bulk_delete",
        "aws_s3_express",
        "aws_request_payer",
        "aws_server_side_encryption",
        "aws_sse_kms_key_id",
        "aws_sse_bucket_key_enabled",
        "aws_sse_customer_key_base64",
    ],
    credentials: &["aws_access_key_id", "aws_secret_access_key", "aws_session_token"],
    free_text: &["aws_web_identity_token_file", "aws_container_authorization_token_file"],
    container: "aws_bucket",
};

fn canonical(name: &str) -> Option<String> {
    let key = name.parse::<AmazonS3ConfigKey>().ok()?;
    // The two names of the endpoint would else outrank each other whatever layer they come from.
    let key = if key == AmazonS3ConfigKey::S3Endpoint { AmazonS3ConfigKey::Endpoint } else { key };
    Some(key.as_ref().to_owned())
}

/// A client for the bucket of `location`.
pub(crate) fn open(
    location: &Location,
    settings: &[Setting],
    surroundings: &Surroundings,
) -> Result<Opened, StoreError> {
    let mut chosen = DIALECT.choose(settings, location.container())?;
    // Copies are not used.
    chosen.remove("aws_copy_if_not_exists");
    if let Some(mode) = chosen.remove("aws_conditional_put")
        && mode.value() != "etag"
    {
        return Err(mode.error(
            "switches conditional writes off, which commits are made of: leave it out, or set it to `etag`",
        ));
    }
    let keys = ["aws_access_key_id", "aws_secret_access_key"];
    if let [Some(one), None] | [None, Some(one)] = keys.map(|key| chosen.get(key)) {
        return Err(one.error("needs both the access key id and the secret access key"));
    }
    if !keys.iter().any(|key| chosen.contains_key(*key)) {
        for name in ["aws_web_identity_token_file", "aws_container_authorization_token_file"] {
            chosen.get(name).map(readable_file).transpose()?;
        }
    }
    for name in ["aws_endpoint_url_sts", "aws_metadata_endpoint", "aws_container_credentials_full_uri"] {
        chosen.get(name).map(service_url).transpose()?;
    }
    if let Some(path) = chosen.get("aws_container_credentials_relative_uri")
        && (!path.value().starts_with('/') || path.value().parse::<http::Uri>().is_err())
    {
        return Err(path.error("is not a path of a URL"));
    }
    for name in ["aws_region", "aws_default_region"] {
        if let Some(region) = chosen.get(name)
            && !region.value().bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        {
            return Err(region.error("is not the name of a region, such as `eu-west-1`"));
        }
    }
    let endpoint = chosen.remove("aws_endpoint");
    let url = endpoint.as_ref().map(service_url).transpose()?;
    let network = Network::take(&mut chosen, endpoint.as_ref().zip(url.as_ref()))?;
    let request_timeout = network.request_timeout();
    let shared = Shared {
        counters: Arc::clone(&surroundings.counters),
        context: surroundings.context.clone(),
        exists_code: None,
        older_metadata: chosen.get("aws_imdsv1_fallback").map(|it| it.flag()).transpose()?.unwrap_or(false),
    };
    let mut builder = AmazonS3Builder::new().with_client_options(network.client_options());
    for (name, setting) in &chosen {
        let Ok(key) = name.parse::<AmazonS3ConfigKey>() else { continue };
        builder = builder.with_config(key, setting.value());
    }
    if let Some(endpoint) = &endpoint {
        builder = builder.with_endpoint(endpoint.value().trim());
    }
    let store = builder
        .with_bucket_name(location.container())
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_retry(super::no_retries())
        .with_http_connector(Connector::new(network, shared))
        .build()
        .map_err(|error| refused("s3", &error, &chosen))?;
    let store = Arc::new(store);
    Ok(Opened {
        multipart: store.clone(),
        store,
        identity: identity(location, endpoint.as_ref()),
        request_timeout,
    })
}
