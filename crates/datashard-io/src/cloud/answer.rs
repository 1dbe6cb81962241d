//! Reads what a store says when it does not do what was asked: code and message out of XML, JSON or headers, and when to come back.

use std::time::Duration;

use http::HeaderMap;
use http::StatusCode;
use http::header::{DATE, RETRY_AFTER};

use super::http_date;
use crate::context::Clock;
use crate::evidence::Answer;
use crate::path::excerpt;

/// The longest code that is believed to be one.
const MAX_CODE_CHARS: usize = 64;

/// The answer that status, headers and (the start of) the body amount to.
pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8], clock: &dyn Clock) -> Answer {
    let text = String::from_utf8_lossy(body);
    let (code, mut message) = code_and_message(&text);
    let code = code.or_else(|| header(headers, "x-ms-error-code").and_then(|c| as_code(&c)));
    if let Some(hint) = region_hint(status, headers, &text) {
        message = if message.is_empty() { hint } else { format!("{message}; {hint}") };
    }
    let now_ms = clock.now_ms();
    Answer {
        status: status.as_u16(),
        code,
        message,
        retry_after: header(headers, RETRY_AFTER.as_str()).and_then(|value| retry_after(&value, now_ms)),
        skew_ms: header(headers, DATE.as_str())
            .and_then(|date| http_date::parse_ms(&date))
            .and_then(|ms| now_ms.checked_sub(ms)),
    }
}

/// Whether the body of a success is an error all the same.
///
/// S3 sends the status of a long request before it knows how the request ends, and may then write an error into the body.
/// Only the outermost element counts: the answer to a bulk deletion has errors of single files inside.
pub(super) fn is_error_document(body: &[u8]) -> bool {
    let mut rest = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    if let Some(declaration) = rest.strip_prefix(b"<?") {
        let Some(end) = declaration.windows(2).position(|pair| pair == b"?>") else { return false };
        rest = declaration.get(end.saturating_add(2)..).unwrap_or_default().trim_ascii_start();
    }
    rest.strip_prefix(b"<Error").is_some_and(|after| {
        after.first().is_some_and(|b| matches!(b, b'>' | b'/') || b.is_ascii_whitespace())
    })
}

fn code_and_message(text: &str) -> (Option<String>, String) {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('{') {
        return from_json(text);
    }
    if text.starts_with('<') {
        let code = element(text, "Code").and_then(|code| as_code(&code));
        let message = element(text, "Message");
        if code.is_some() || message.is_some() {
            return (code, message.map(|m| excerpt(&m)).unwrap_or_default());
        }
    }
    (None, excerpt(text.trim_end()))
}

/// `{"error": {"code": 404, "message": "...", "errors": [{"reason": "notFound"}]}}`, and the flat form of token services:
/// `{"error": "invalid_grant", "error_description": "..."}`.
fn from_json(text: &str) -> (Option<String>, String) {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { return (None, excerpt(text)) };
    let part = |pointer: &str| value.pointer(pointer).and_then(serde_json::Value::as_str);
    let code = part("/error/errors/0/reason")
        .or_else(|| part("/error/status"))
        .or_else(|| part("/error/code"))
        .or_else(|| part("/error"))
        .or_else(|| part("/code"))
        .or_else(|| part("/Code"));
    let message = part("/error/message")
        .or_else(|| part("/error_description"))
        .or_else(|| part("/message"))
        .or_else(|| part("/Message"));
    (code.and_then(as_code), message.map(excerpt).unwrap_or_default())
}

/// The text of the first element of this name, with the five named entities resolved.
fn element(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (content, _) = rest.split_once("</")?;
    let content = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
        .iter()
        .fold(content.to_owned(), |text, (entity, plain)| text.replace(entity, plain));
    Some(content.trim().to_owned()).filter(|text| !text.is_empty())
}

fn as_code(text: &str) -> Option<String> {
    let is_code = !text.is_empty()
        && text.len() <= MAX_CODE_CHARS
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    is_code.then(|| text.to_owned())
}

/// What to do where the bucket lies elsewhere than the request went.
fn region_hint(status: StatusCode, headers: &HeaderMap, text: &str) -> Option<String> {
    let misplaced = status.is_redirection()
        || matches!(
            element(text, "Code").as_deref(),
            Some("AuthorizationHeaderMalformed" | "PermanentRedirect")
        );
    if !misplaced {
        return None;
    }
    let region = header(headers, "x-amz-bucket-region").or_else(|| element(text, "Region"));
    Some(match region.and_then(|region| as_code(&region)) {
        Some(region) => format!("the bucket lies in region `{region}`: set the option `region` to it"),
        None => "redirections are not followed: correct the options `endpoint` and `region`".to_owned(),
    })
}

fn retry_after(value: &str, now_ms: i64) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<u32>() {
        return Some(Duration::from_secs(u64::from(seconds)));
    }
    let until = http_date::parse_ms(value)?.checked_sub(now_ms)?;
    Some(Duration::from_millis(u64::try_from(until).unwrap_or(0)))
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::context::Context;

    fn of(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        read(StatusCode::from_u16(status).unwrap(), &map, body, &*Context::system().clock)
    }

    #[test]
    fn codes_and_messages_are_found_in_every_dialect() {
        let check = |body: &str, code: Option<&str>, message: &str| {
            let answer = of(400, &[], body.as_bytes());
            assert_eq!((answer.code.as_deref(), &*answer.message), (code, message), "{body}");
        };
        check(
            "<?xml version=\"1.0\"?>\n<Error><Code>SlowDown</Code><Message>a &lt; b &amp;lt;</Message></Error>",
            Some("SlowDown"),
            "a < b &lt;",
        );
        check("\u{feff}<Error><Message>only words</Message></Error>", None, "only words");
        check(
            r#"{"error":{"code":429,"message":"m","errors":[{"reason":"rateLimitExceeded"}]}}"#,
            Some("rateLimitExceeded"),
            "m",
        );
        check(
            r#"{"error":{"code":401,"message":"m","status":"UNAUTHENTICATED"}}"#,
            Some("UNAUTHENTICATED"),
            "m",
        );
        check(r#"{"error":"invalid_grant","error_description":"d"}"#, Some("invalid_grant"), "d");
        check(r#"{"error": "no code, but words"}"#, None, "");
        check("{not json", None, "{not json");
        check("<html><body>busy</body></html>", None, "<html><body>busy</body></html>");
        check("", None, "");
        check("<Error><Code>two words</Code></Error>", None, "<Error><Code>two words</Code></Error>");
        assert_eq!(
            of(404, &[("x-ms-error-code", "BlobNotFound")], b"").code.as_deref(),
            Some("BlobNotFound")
        );
        assert!(of(500, &[], &[b'x'; 100_000]).message.len() < 200);
    }

    #[test]
    fn times_to_come_back_are_read_in_both_forms() {
        let check = |value: &str| of(503, &[("retry-after", value)], b"").retry_after;
        assert_eq!(check("120"), Some(Duration::from_secs(120)));
        assert_eq!(check("Thu, 01 Jan 1970 00:00:00 GMT"), Some(Duration::ZERO));
        assert!(check("Fri, 31 Dec 9999 23:59:59 GMT").is_some());
        for bad in ["", "soon", "-1", "99999999999999999999"] {
            assert_eq!(check(bad), None, "{bad}");
        }
    }

    #[test]
    fn b18_only_a_document_that_is_an_error_is_taken_for_one() {
        for body in [
            "<Error><Code>x</Code></Error>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\n<Error>",
            "  <Error xmlns=\"x\">",
            "\u{feff}<Error/>",
        ] {
            assert!(is_error_document(body.as_bytes()), "{body}");
        }
        for body in [
            "",
            "<",
            "<?xml",
            "<Errors>",
            "<DeleteResult><Error><Code>x</Code></Error></DeleteResult>",
            "Error",
        ] {
            assert!(!is_error_document(body.as_bytes()), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(status in 100_u16..1000, body in any::<Vec<u8>>(), text in any::<String>()) {
            let _ = (of(status, &[], &body), of(status, &[], text.as_bytes()), is_error_document(&body));
            let wrapped = format!("<Error><Code>{text}</Code><Message>{text}<Region>{text}");
            let _ = of(status, &[], wrapped.as_bytes());
        }
    }
}
