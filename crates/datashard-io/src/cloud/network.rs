//! How connections are made: time-outs, proxies, TLS, plain HTTP only where it was allowed.

use std::collections::BTreeMap;
use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::ClientConfigKey;
use url::{Host, Url};

use super::dialect::number;
use crate::error::StoreError;
use crate::store::options::Setting;

/// Settings of the HTTP client, and whether the store may be spoken to without TLS.
#[derive(Debug, Clone)]
pub(super) struct Network {
    allow_http: bool,
    accept_any_certificate: bool,
    connect_timeout: Duration,
    read_timeout: Option<Duration>,
    request_timeout: Option<Duration>,
    idle_timeout: Option<Duration>,
    idle_per_host: Option<usize>,
    user_agent: String,
    proxy: Option<Proxy>,
    http1_only: bool,
    /// The store is on this machine: no proxy leads there.
    is_loopback: bool,
}

#[derive(Clone)]
struct Proxy {
    url: String,
    excludes: Option<String>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may hold a password.
        f.debug_struct("Proxy").field("excludes", &self.excludes).finish_non_exhaustive()
    }
}

/// The longest that instance metadata may take to answer.
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);

/// Options of the way to a bucket, the same for all kinds.
pub(super) const KNOWN: [&str; 12] = [
    "allow_http",
    "allow_invalid_certificates",
    "connect_timeout",
    "read_timeout",
    "timeout",
    "pool_idle_timeout",
    "pool_max_idle_per_host",
    "proxy_url",
    "proxy_excludes",
    "user_agent",
    "default_content_type",
    "http1_only",
];

/// Options of the client library that this one does not pass on, by the name that they have there.
const NOT_SUPPORTED: [&str; 7] = [
    "disable_system_certificates",
    "http2_keep_alive_interval",
    "http2_keep_alive_timeout",
    "http2_keep_alive_while_idle",
    "http2_max_frame_size",
    "proxy_ca_certificate",
    "http2_only",
];

impl Network {
    /// Takes the settings that concern connections out of `chosen`. `endpoint` is where the store is, if that was given.
    pub(super) fn take(
        chosen: &mut BTreeMap<String, Setting>,
        endpoint: Option<(&Setting, &Url)>,
    ) -> Result<Self, StoreError> {
        for name in NOT_SUPPORTED {
            if let Some(setting) = chosen.remove(name) {
                return Err(setting.error("is not supported: leave it out"));
            }
        }
        // Addresses are tried in the order that the system gives; this only asks for another one.
        chosen.remove("randomize_addresses");
        let mut take = |name: &str| chosen.remove(name);
        let allow_http = take("allow_http").map(|s| s.flag()).transpose()?;
        let is_loopback = endpoint.is_some_and(|(_, url)| is_loopback(url));
        let is_plain = endpoint.is_some_and(|(_, url)| url.scheme() == "http");
        if let Some((setting, _)) = endpoint
            && is_plain
            && !allow_http.unwrap_or(is_loopback)
        {
            return Err(setting.error("is plain http, which anybody on the way can read and change: use https, or set `allow_http` to true",
            ));
        }
        let proxy = match take("proxy_url") {
            None => None,
            Some(url) => {
                // Its text may hold a password, so the error does not quote it.
                if reqwest::Proxy::all(url.value()).is_err() {
                    return Err(url.error("is not the URL of a proxy"));
                }
                Some(Proxy {
                    url: url.value().to_owned(),
                    excludes: take("proxy_excludes").map(|s| s.value().to_owned()),
                })
            }
        };
        let mut time = |name: &str| take(name).map(|s| duration(&s)).transpose();
        let connect_timeout = time("connect_timeout")?.unwrap_or(Duration::from_secs(5));
        let read_timeout = time("read_timeout")?;
        let request_timeout = time("timeout")?;
        let idle_timeout = time("pool_idle_timeout")?;
        Ok(Self {
            allow_http: is_plain || allow_http.unwrap_or(false),
            accept_any_certificate: take("allow_invalid_certificates")
                .map(|s| s.flag())
                .transpose()?
                .unwrap_or(false),
            connect_timeout,
            read_timeout,
            request_timeout,
            idle_timeout,
            idle_per_host: take("pool_max_idle_per_host").map(|s| number(&s)).transpose()?,
            user_agent: take("user_agent").map_or_else(
                || concat!("datashard/", env!("CARGO_PKG_VERSION")).to_owned(),
                |s| s.value().to_owned(),
            ),
            proxy,
            http1_only: take("http1_only").map(|s| s.flag()).transpose()?.unwrap_or(true),
            is_loopback,
        })
    }

    /// After so long without an answer a single request is given up, if that was set.
    pub(super) fn request_timeout(&self) -> Option<Duration> {
        self.request_timeout
    }

    /// The same settings as the library knows them: it derives from them those for instance metadata.
    pub(super) fn client_options(&self) -> ClientOptions {
        ClientOptions::new().with_allow_http(self.allow_http).with_timeout_disabled()
    }

    /// A client for one service. `options` tell whether it is instance metadata, which has no TLS and answers fast or never.
    pub(super) fn client(&self, options: &ClientOptions) -> Result<reqwest::Client, reqwest::Error> {
        super::use_ring();
        let is = |key, value: &str| options.get_config_value(&key).is_some_and(|found| found == value);
        let allow_http = is(ClientConfigKey::AllowHttp, "true");
        let is_metadata = allow_http && is(ClientConfigKey::ConnectTimeout, "1s");
        let connect_timeout =
            if is_metadata { self.connect_timeout.min(Duration::from_secs(1)) } else { self.connect_timeout };
        let mut builder = reqwest::Client::builder()
            .user_agent(&self.user_agent)
            .connect_timeout(connect_timeout)
            .https_only(!allow_http)
            // A redirected read could end on another server, whose answer would be taken for the file.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate();
        if is_metadata {
            // It is one step away. What listens there but does not answer is something else.
            builder = builder.timeout(METADATA_TIMEOUT);
        }
        if let Some(timeout) = self.read_timeout {
            builder = builder.read_timeout(timeout);
        }
        if let Some(timeout) = self.idle_timeout {
            builder = builder.pool_idle_timeout(timeout);
        }
        if let Some(most) = self.idle_per_host {
            builder = builder.pool_max_idle_per_host(most);
        }
        if self.http1_only {
            builder = builder.http1_only();
        }
        if self.accept_any_certificate {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        builder = match &self.proxy {
            _ if is_metadata || self.is_loopback => builder.no_proxy(),
            Some(proxy) => {
                let excludes = proxy.excludes.as_deref().and_then(reqwest::NoProxy::from_string);
                builder.proxy(reqwest::Proxy::all(&proxy.url)?.no_proxy(excludes))
            }
            // Else what the environment says (HTTPS_PROXY and the like).
            None => builder,
        };
        builder.build()
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A duration such as `30s`, `500 ms`, `2m`, `1 hour`; a bare number is seconds.
pub(crate) fn duration(setting: &Setting) -> Result<Duration, StoreError> {
    let parse = || -> Option<Duration> {
        let text = setting.value().trim();
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at_checked(end)?;
        let count: u64 = digits.parse().ok()?;
        let ms = match unit.trim() {
            "ms" | "millis" | "millisecond" | "milliseconds" => 1,
            "" | "s" | "sec" | "secs" | "second" | "seconds" => 1_000,
            "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
            "h" | "hour" | "hours" => 3_600_000,
            _ => return None,
        };
        // Longer than a day is no time-out, and some timers cannot count much further.
        count.checked_mul(ms).filter(|ms| (1..=86_400_000).contains(ms)).map(Duration::from_millis)
    };
    parse().ok_or_else(|| setting.error("is not a duration up to a day, such as `500ms`, `30s` or `2m`"))
}
