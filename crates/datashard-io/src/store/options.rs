//! [`StoreOptions`]: what a store is opened with, from code, from the URL, and from the environment, in this order of precedence.

use std::collections::BTreeMap;
use std::fmt;

use super::environment;
use super::{Durability, RetryPolicy};
use crate::context::Context;
use crate::error::StoreError;
use crate::location::Location;
use crate::path::excerpt;

/// How a table's store is opened: credentials, region, endpoint and the like by name, and settings of this library.
///
/// Names are those of the client library, in any case and with `-` for `_`, with or without the prefix of their kind of store:
/// `region` and `aws_region` are the same. An option that its kind of store does not know is an error that proposes the nearest
/// name; options of other kinds of stores (by their prefix `aws_`, `google_` or `azure_`) may be given in code, so that one set
/// serves several places. Values given in code win over those in the query of the URL, and these over the environment. Credentials
/// are taken from one of the three as a whole: a session token of the environment is not sent with an access key from code.
///
/// `Debug` shows names of options, never values.
///
/// # Options of every store
/// * `unsafe_single_writer`: `true` allows a store without conditional writes, for one writer only.
/// * `durability`: `full`, `group` or `none`, for folders; see [`Durability`]. Buckets are always durable.
///
/// # Options of buckets
/// * S3: `access_key_id`, `secret_access_key`, `session_token`, `region`, `endpoint`, `virtual_hosted_style_request`,
///   `server_side_encryption`, `web_identity_token_file`, `role_arn` and the others of `AWS_*`. `conditional_put` may only be `etag`.
/// * GCS: `service_account`, `service_account_key`, `application_credentials`, `bearer_token`, `base_url` and the others of `GOOGLE_*`.
/// * Azure: `account_name`, `account_key`, `sas_token`, `client_id`, `client_secret`, `tenant_id`, `endpoint` and the others of `AZURE_*`.
/// * All: `allow_http`, `timeout` (of one request, as `30s`), `connect_timeout`, `read_timeout`, `pool_idle_timeout`,
///   `pool_max_idle_per_host`, `proxy_url`, `proxy_excludes`, `user_agent`, `default_content_type`, `allow_invalid_certificates`,
///   `http1_only`. An endpoint with plain `http` needs `allow_http`, unless it is on this machine.
///
/// # The environment
/// [`from_env`](Self::from_env) takes the variables `AWS_*`, `GOOGLE_*` and `AZURE_*` whose names the client library knows, and above
/// them `DATASHARD_S3_ENDPOINT`, `DATASHARD_S3_ACCESS_KEY`, `DATASHARD_S3_SECRET_KEY` and `DATASHARD_S3_REGION`.
/// `DATASHARD_S3_ALLOW_UNSAFE_LOCK` is `unsafe_single_writer`. `DATASHARD_S3_USE_CONDITIONAL_WRITES` may not be false.
/// `DATASHARD_STORAGE_TYPE`, `DATASHARD_S3_BUCKET` and `DATASHARD_S3_PREFIX` do not choose the place, the location does; they are an
/// error where they contradict it in a way that would put a table somewhere else, and else a warning. `DATASHARD_VERIFY_CHECKSUMS` and
/// `DATASHARD_MIN_FREE_BYTES` have no effect and give a warning.
///
/// # Examples
/// ```
/// use datashard_io::StoreOptions;
///
/// let options = StoreOptions::new()
///     .with("region", "eu-west-1")
///     .with("aws_access_key_id", "AKIA0000")
///     .with("aws_secret_access_key", "not shown");
/// assert!(!format!("{options:?}").contains("not shown"));
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct StoreOptions {
    given: BTreeMap<String, Setting>,
    environment: BTreeMap<String, String>,
    durability: Option<Durability>,
    unsafe_single_writer: Option<bool>,
    retry: Option<RetryPolicy>,
    context: Option<Context>,
}

impl StoreOptions {
    /// No options, and none of the environment.
    pub fn new() -> Self {
        Self::default()
    }

    /// The options of the process's environment.
    pub fn from_env() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::from_environment(variables)
    }

    /// The options of an environment that is given as names and values.
    pub fn from_environment(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let environment = variables
            .into_iter()
            // A variable that is set to nothing is meant to be unset.
            .filter(|(name, value)| environment::may_matter(name) && !value.is_empty())
            .collect();
        Self { environment, ..Self::default() }
    }

    /// Sets an option by name.
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        let setting = Setting::new(key, value, Layer::Code);
        self.given.insert(setting.name.clone(), setting);
        self
    }

    /// Sets what of a folder survives a power loss; wins over the option `durability`, and means nothing to buckets.
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }

    /// Allows a store without conditional writes, where commits of two writers would overwrite each other.
    pub fn with_unsafe_single_writer(mut self, allowed: bool) -> Self {
        self.unsafe_single_writer = Some(allowed);
        self
    }

    /// Sets how long and how often requests are repeated; wins over the option `timeout`.
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Sets clock, randomness and ids; the system's are the default.
    pub fn with_context(mut self, context: Context) -> Self {
        self.context = Some(context);
        self
    }

    /// What holds for one location, with the options in the query of its URL.
    pub(super) fn settle(self, location: &Location, query: Option<&str>) -> Result<Settled, StoreError> {
        let mut settings = environment::settings(&self.environment, location)?;
        settings.extend(of_query(query)?);
        settings.extend(self.given.into_values());
        let mut unsafe_single_writer = false;
        let mut durability = Durability::default();
        let mut rest = Vec::with_capacity(settings.len());
        for setting in settings {
            match setting.name() {
                "unsafe_single_writer" => unsafe_single_writer = setting.flag()?,
                "durability" => durability = setting.durability()?,
                _ => rest.push(setting),
            }
        }
        Ok(Settled {
            settings: rest,
            unsafe_single_writer: self.unsafe_single_writer.unwrap_or(unsafe_single_writer),
            durability: self.durability.unwrap_or(durability),
            retry: self.retry,
            context: self.context.unwrap_or_else(Context::system),
        })
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreOptions")
            .field("given", &self.given.keys())
            .field("environment", &self.environment.keys())
            .field("durability", &self.durability)
            .field("unsafe_single_writer", &self.unsafe_single_writer)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// Options as they hold for one location.
pub(super) struct Settled {
    /// In rising precedence.
    pub(super) settings: Vec<Setting>,
    pub(super) unsafe_single_writer: bool,
    #[cfg_attr(not(any(test, feature = "local")), expect(dead_code, reason = "folders have it"))]
    pub(super) durability: Durability,
    pub(super) retry: Option<RetryPolicy>,
    pub(super) context: Context,
}

/// Where a setting comes from, in rising precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    /// Variables that other programs read too.
    Environment,
    /// Variables of this library.
    OwnEnvironment,
    /// The query of the URL.
    Url,
    /// `StoreOptions::with`.
    Code,
}

/// One option with its value, which may be secret.
#[derive(Clone)]
pub(crate) struct Setting {
    name: String,
    shown: String,
    value: String,
    layer: Layer,
}

impl Setting {
    pub(super) fn new(shown: &str, value: impl Into<String>, layer: Layer) -> Self {
        let name = shown.trim().to_ascii_lowercase().replace('-', "_");
        Self { name, shown: shown.to_owned(), value: value.into(), layer }
    }

    /// The same option under another name.
    pub(super) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The same option with another value.
    #[cfg(feature = "gcs")]
    pub(crate) fn with_value(&self, value: &str) -> Self {
        Self { value: value.to_owned(), ..self.clone() }
    }

    /// The name in lower case.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The name as it was given.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    pub(crate) fn value(&self) -> &str {
        &self.value
    }

    #[cfg(any(test, feature = "cloud"))]
    pub(crate) fn layer(&self) -> Layer {
        self.layer
    }

    /// The value as true or false.
    pub(crate) fn flag(&self) -> Result<bool, StoreError> {
        match self.value.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "on" | "yes" | "y" => Ok(true),
            "0" | "false" | "off" | "no" | "n" => Ok(false),
            _ => Err(self.error("is neither true nor false")),
        }
    }

    fn durability(&self) -> Result<Durability, StoreError> {
        match self.value.trim().to_ascii_lowercase().as_str() {
            "full" => Ok(Durability::Full),
            "group" => Ok(Durability::group()),
            "none" => Ok(Durability::None),
            _ => Err(self.error("is none of `full`, `group` and `none`")),
        }
    }

    /// An error about this option, which is named as it was given; its value is not told.
    pub(crate) fn error(&self, reason: &str) -> StoreError {
        StoreError::Option { option: excerpt(&self.shown), reason: reason.to_owned() }
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting")
            .field("name", &self.name)
            .field("layer", &self.layer)
            .finish_non_exhaustive()
    }
}

fn of_query(query: Option<&str>) -> Result<Vec<Setting>, StoreError> {
    let mut settings: Vec<Setting> = Vec::new();
    for (key, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let setting = Setting::new(&key, value, Layer::Url);
        if settings.iter().any(|other| other.name == setting.name) {
            return Err(setting.error("is given twice in the URL"));
        }
        settings.push(setting);
    }
    Ok(settings)
}

/// Refuses options where there are none to know: folders and memory have only those of every store.
pub(super) fn refuse_others(settings: &[Setting], place: &str) -> Result<(), StoreError> {
    const KNOWN: [&str; 2] = ["unsafe_single_writer", "durability"];
    for setting in settings {
        let is_of_bucket =
            ["aws_", "google_", "azure_"].iter().any(|prefix| setting.name.starts_with(prefix));
        match setting.layer {
            Layer::Environment | Layer::OwnEnvironment => {}
            Layer::Code if is_of_bucket => {}
            Layer::Code | Layer::Url => {
                return Err(match nearest(&setting.name, KNOWN) {
                    Some(close) => {
                        setting.error(&format!("is not known for {place}; did you mean `{close}`?"))
                    }
                    None => setting.error(&format!("is not known for {place}")),
                });
            }
        }
    }
    Ok(())
}

/// The name that is written most like `name`, if one is near enough to have been meant.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > 64 {
        return None;
    }
    let most = (name.len() / 4).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (distance(name.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many bytes have to be inserted, removed or replaced to make one out of the other.
fn distance(one: &[u8], other: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, b) in row.iter_mut().skip(1).zip(other) {
            let replaced = diagonal.saturating_add(usize::from(a != b));
            diagonal = *cell;
            left = replaced.min(diagonal.saturating_add(1)).min(left.saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
