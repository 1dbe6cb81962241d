//! [`Answer`]: what a store says when it does not do what was asked, in the words of the real ones.

use std::time::Duration;

use crate::evidence;

/// An answer that is not the one wanted, as HTTP has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer(pub(super) evidence::Answer);

impl Answer {
    /// An answer with this status and no body.
    pub fn status(status: u16) -> Self {
        Self(evidence::Answer {
            status,
            code: None,
            message: "simulated".to_owned(),
            retry_after: None,
            skew_ms: None,
        })
    }

    /// The same with the code of the error in the body.
    #[must_use]
    pub fn with_code(mut self, code: &str) -> Self {
        self.0.code = Some(code.to_owned());
        self
    }

    /// The same with the header `Retry-After`.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// 503, "please reduce your request rate".
    pub fn slow_down() -> Self {
        Self::status(503).with_code("SlowDown")
    }

    /// 500.
    pub fn internal_error() -> Self {
        Self::status(500).with_code("InternalError")
    }

    /// 429, as GCS answers writes to one name that follow too fast.
    pub fn too_many_requests() -> Self {
        Self::status(429).with_code("TooManyRequests")
    }

    /// 409: another conditional request to the name is under way.
    pub fn conflict() -> Self {
        Self::status(409).with_code("ConditionalRequestConflict")
    }

    /// 412: the condition does not hold.
    pub fn precondition_failed() -> Self {
        Self::status(412).with_code("PreconditionFailed")
    }

    /// 403.
    pub fn access_denied() -> Self {
        Self::status(403).with_code("AccessDenied")
    }

    /// 403: the credentials have run out.
    pub fn expired_token() -> Self {
        Self::status(403).with_code("ExpiredToken")
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::status(401)
    }

    /// 404: there is no such bucket.
    pub fn no_such_bucket() -> Self {
        Self::status(404).with_code("NoSuchBucket")
    }

    /// 403: the clocks differ too much. The store tells by how much.
    pub fn clock_skewed() -> Self {
        Self::status(403).with_code("RequestTimeTooSkewed")
    }

    /// 301: the bucket is in another region.
    pub fn moved() -> Self {
        Self::status(301).with_code("PermanentRedirect")
    }

    /// 200 with an error in the body, as S3 answers when it had begun to answer before it failed.
    pub fn ok_with_error() -> Self {
        Self::status(200).with_code("InternalError")
    }
}
