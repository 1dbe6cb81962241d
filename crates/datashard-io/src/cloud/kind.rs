//! What a request to a bucket is, told by its method and URL, as counters and prices have it.

use http::{Method, Uri};

use crate::request::RequestKind;

/// The kind of a request to a store.
pub(super) fn kind_of(method: &Method, uri: &Uri) -> RequestKind {
    let has = |name: &str, value: Option<&str>| {
        uri.query().unwrap_or_default().split('&').any(|pair| {
            let (key, found) = pair.split_once('=').unwrap_or((pair, ""));
            key == name && value.is_none_or(|value| value == found)
        })
    };
    match *method {
        // S3 and the XML dialect of GCS; Azure.
        Method::GET if has("list-type", None) || has("comp", Some("list")) => RequestKind::List,
        Method::HEAD => RequestKind::Head,
        Method::DELETE => RequestKind::Delete,
        // S3; Azure; GCS.
        Method::POST
            if has("delete", None)
                || has("comp", Some("batch"))
                || uri.path().ends_with("/batch/storage/v1") =>
        {
            RequestKind::Delete
        }
        Method::PUT | Method::POST => RequestKind::Put,
        _ => RequestKind::Get,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_by_method_and_query() {
        let check = |method: Method, url: &str, kind: RequestKind| {
            assert_eq!(kind_of(&method, &url.parse().unwrap()), kind, "{method} {url}");
        };
        check(Method::GET, "http://s/b/data/list-type", RequestKind::Get);
        check(Method::GET, "http://s/b?list-type=2&prefix=t%2F", RequestKind::List);
        check(Method::GET, "http://s/c?restype=container&comp=list&prefix=t", RequestKind::List);
        check(Method::HEAD, "http://s/b/k", RequestKind::Head);
        check(Method::PUT, "http://s/b/k", RequestKind::Put);
        check(Method::PUT, "http://s/b/k?partNumber=1&uploadId=u", RequestKind::Put);
        check(Method::POST, "http://s/b/k?uploads=", RequestKind::Put);
        check(Method::POST, "http://s/b?delete", RequestKind::Delete);
        check(Method::POST, "http://s/c?restype=container&comp=batch", RequestKind::Delete);
        check(Method::POST, "http://s/batch/storage/v1", RequestKind::Delete);
        check(Method::DELETE, "http://s/b/k", RequestKind::Delete);
    }
}
