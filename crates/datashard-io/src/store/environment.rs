//! Variables of the environment: which matter, and what those of this library mean.

use std::collections::BTreeMap;

use super::options::{Layer, Setting, nearest};
use crate::error::StoreError;
use crate::location::{Location, Scheme};

/// Variables of this library that are options of buckets of S3, and what they are called there.
const S3_OPTIONS: [(&str, &str); 4] = [
    ("DATASHARD_S3_ENDPOINT", "aws_endpoint"),
    ("DATASHARD_S3_ACCESS_KEY", "aws_access_key_id"),
    ("DATASHARD_S3_SECRET_KEY", "aws_secret_access_key"),
    ("DATASHARD_S3_REGION", "aws_region"),
];
/// Variables of this library that mean something else.
const OTHERS: [&str; 7] = [
    "DATASHARD_STORAGE_TYPE",
    "DATASHARD_S3_BUCKET",
    "DATASHARD_S3_PREFIX",
    "DATASHARD_S3_USE_CONDITIONAL_WRITES",
    "DATASHARD_S3_ALLOW_UNSAFE_LOCK",
    "DATASHARD_VERIFY_CHECKSUMS",
    "DATASHARD_MIN_FREE_BYTES",
];

/// Whether a variable of this name can be an option.
pub(super) fn may_matter(name: &str) -> bool {
    ["AWS_", "GOOGLE_", "AZURE_", "DATASHARD_"].iter().any(|prefix| name.starts_with(prefix))
}

/// The options that the environment holds for a location, in rising precedence.
pub(super) fn settings(
    variables: &BTreeMap<String, String>,
    location: &Location,
) -> Result<Vec<Setting>, StoreError> {
    let mut common = Vec::new();
    let mut own = Vec::new();
    for (name, value) in variables {
        let setting = Setting::new(name, value, Layer::Environment);
        if name.starts_with("DATASHARD_") {
            let setting = Setting::new(name, value, Layer::OwnEnvironment);
            if let Some(setting) = own_setting(setting, location)? {
                own.push(setting);
            }
        } else {
            common.push(setting);
        }
    }
    common.append(&mut own);
    Ok(common)
}

fn own_setting(setting: Setting, location: &Location) -> Result<Option<Setting>, StoreError> {
    let name = setting.shown().to_owned();
    if let Some((_, option)) = S3_OPTIONS.iter().find(|(own, _)| *own == name) {
        return Ok((location.scheme() == Scheme::S3).then(|| setting.named(option)));
    }
    match &*name {
        "DATASHARD_S3_ALLOW_UNSAFE_LOCK" => {
            if location.scheme() != Scheme::S3 {
                return Ok(None);
            }
            if setting.flag()? {
                tracing::warn!("{name} allows a store without conditional writes: have one writer only");
            }
            Ok(Some(setting.named("unsafe_single_writer")))
        }
        "DATASHARD_S3_USE_CONDITIONAL_WRITES" => {
            if location.scheme() == Scheme::S3 && !setting.flag()? {
                return Err(setting.error(
                    "is false, but commits are made of conditional writes: unset it; for a store that has none, and one writer only, \
                     set the option `unsafe_single_writer`",
                ));
            }
            Ok(None)
        }
        "DATASHARD_STORAGE_TYPE" => storage_type(&setting, location).map(|()| None),
        "DATASHARD_S3_BUCKET" => {
            if location.scheme() == Scheme::S3 && setting.value() != location.container() {
                tracing::warn!("{name} names another bucket than the location, which holds");
            }
            Ok(None)
        }
        "DATASHARD_S3_PREFIX" => {
            let prefix = setting.value().trim_matches('/');
            if location.scheme() == Scheme::S3 && !location.root().starts_with(prefix) {
                tracing::warn!("{name} has no effect: the location is the whole path in the bucket");
            }
            Ok(None)
        }
        "DATASHARD_VERIFY_CHECKSUMS" | "DATASHARD_MIN_FREE_BYTES" => {
            tracing::warn!("{name} has no effect");
            Ok(None)
        }
        _ => match nearest(&name, S3_OPTIONS.iter().map(|(own, _)| *own).chain(OTHERS)) {
            Some(close) => Err(setting.error(&format!("is not known; did you mean `{close}`?"))),
            // Another layer's, or another program's.
            None => {
                tracing::debug!("{name} is not an option of stores");
                Ok(None)
            }
        },
    }
}

/// The variable does not choose the place. But a folder where a bucket was meant would be a table that nobody else sees.
fn storage_type(setting: &Setting, location: &Location) -> Result<(), StoreError> {
    match (&*setting.value().trim().to_ascii_lowercase(), location.scheme()) {
        ("s3", Scheme::File) => Err(setting.error(
            "is `s3`, but the location is a folder: write the location as `s3://bucket/path`, or unset the variable",
        )),
        ("s3", Scheme::S3) | ("local", Scheme::File) => Ok(()),
        ("s3" | "local", _) => {
            tracing::warn!("{} has no effect: the location says where the table lies", setting.shown());
            Ok(())
        }
        _ => Err(setting.error("is neither `local` nor `s3`")),
    }
}

#[cfg(test)]
mod tests;
