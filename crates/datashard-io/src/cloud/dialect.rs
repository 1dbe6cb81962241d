//! Options of one kind of bucket: which names it knows, which of several values of one option holds, and what may be a value.

use std::collections::BTreeMap;

use url::Url;

use super::network;
use crate::error::StoreError;
use crate::path::excerpt;
use crate::store::options::{Layer, Setting, nearest};

/// What options a kind of bucket has.
pub(super) struct Dialect {
    /// Its name, for messages.
    pub(super) name: &'static str,
    /// What its options begin with in the environment, in lower case.
    pub(super) prefix: &'static str,
    /// The one name of an option that may have several; `None` if it is unknown.
    pub(super) canonical: fn(&str) -> Option<String>,
    /// The names to propose for one that is unknown, beside those of [`network::KNOWN`].
    pub(super) known: &'static [&'static str],
    /// Options that are credentials, by their one name: they are taken from one layer or another, never mixed.
    pub(super) credentials: &'static [&'static str],
    /// Options whose value may have any character: files and keys, which do not end in a header.
    pub(super) free_text: &'static [&'static str],
    /// Options that name the bucket: the location does that.
    pub(super) container: &'static str,
}

impl Dialect {
    /// The value of each option that was given, by its one name. Later settings win over earlier ones.
    pub(super) fn choose(
        &self,
        settings: &[Setting],
        container: &str,
    ) -> Result<BTreeMap<String, Setting>, StoreError> {
        let mut chosen: BTreeMap<String, Setting> = BTreeMap::new();
        for setting in settings {
            let name = setting.name();
            let of_environment = setting.layer() == Layer::Environment;
            if of_environment && !name.starts_with(self.prefix) {
                continue;
            }
            let Some(canonical) = (self.canonical)(name) else {
                if of_environment {
                    tracing::trace!(option = name, "not an option of the store");
                    continue;
                }
                if setting.layer() == Layer::Code && is_of_another(name, self.prefix) {
                    tracing::debug!(option = name, place = self.name, "an option of another kind of store");
                    continue;
                }
                return Err(self.unknown(setting));
            };
            if canonical == self.container {
                // The environment may be meant for other programs.
                if !of_environment && setting.value() != container {
                    return Err(setting.error("names another bucket than the location does"));
                }
                continue;
            }
            self.check_value(&canonical, setting)?;
            let given = setting.layer();
            if self.credentials.contains(&&*canonical) {
                chosen.retain(|name, other| !(self.credentials.contains(&&**name) && other.layer() < given));
            }
            chosen.insert(canonical, setting.clone());
        }
        Ok(chosen)
    }

    fn unknown(&self, setting: &Setting) -> StoreError {
        let name = setting.name();
        let known = || self.known.iter().chain(&network::KNOWN).copied();
        let close = nearest(name, known())
            // Names may be given without the prefix.
            .or_else(|| nearest(&format!("{}{name}", self.prefix), known()));
        let reason = match close {
            Some(close) => format!("is not known for {}; did you mean `{close}`?", self.name),
            None => format!("is not known for {}", self.name),
        };
        setting.error(&reason)
    }

    /// Values end in headers and URLs, which the library builds without a way to fail.
    fn check_value(&self, canonical: &str, setting: &Setting) -> Result<(), StoreError> {
        let visible = |b: u8| b.is_ascii_graphic() || b == b' ';
        let value = setting.value();
        if value.is_empty() || value.len() > 64 * 1024 {
            return Err(setting.error("is empty or longer than 64 KiB"));
        }
        if !self.free_text.contains(&canonical) && !value.bytes().all(visible) {
            return Err(setting.error("has a character that is not visible ASCII, such as a line break"));
        }
        Ok(())
    }
}

fn is_of_another(name: &str, own: &str) -> bool {
    ["aws_", "google_", "azure_"].iter().any(|prefix| *prefix != own && name.starts_with(prefix))
}

pub(super) fn number(setting: &Setting) -> Result<usize, StoreError> {
    setting.value().trim().parse().map_err(|_| setting.error("is not a number"))
}

/// A URL of a service, of which the library makes others by adding to it.
pub(super) fn service_url(setting: &Setting) -> Result<Url, StoreError> {
    let text = setting.value().trim();
    let wrong = |reason: &str| setting.error(reason);
    let url = Url::parse(text)
        .map_err(|_| wrong("is not a URL: write it as `https://host` or `http://host:port`"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("is not a URL of a server: write it as `https://host` or `http://host:port`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("has a user or password in it: give them as options"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has a query or a fragment"));
    }
    if text.parse::<http::Uri>().is_err() || format!("{text}/a?b=c").parse::<http::Uri>().is_err() {
        return Err(wrong("has a character that has to be percent-encoded"));
    }
    Ok(url)
}

/// Checks that a file can be read which the library reads before each request: there it would look like a failure of the store.
#[cfg(any(feature = "s3", feature = "azure"))]
pub(super) fn readable_file(setting: &Setting) -> Result<(), StoreError> {
    std::fs::File::open(setting.value())
        .map(drop)
        .map_err(|error| setting.error(&format!("names a file that cannot be read: {error}")))
}

/// The library's complaint about its settings, without any of the values that may be secret. The option is the one whose value it quotes.
pub(super) fn refused(
    name: &'static str,
    error: &object_store::Error,
    chosen: &BTreeMap<String, Setting>,
) -> StoreError {
    let mut reason = error.to_string();
    let mut option = name.to_owned();
    // Shorter ones are parts of words.
    for setting in chosen.values().filter(|setting| setting.value().len() > 3) {
        if reason.contains(setting.value()) {
            reason = reason.replace(setting.value(), "***");
            option = excerpt(setting.shown());
        }
    }
    StoreError::Option { option, reason: excerpt(&reason) }
}
