//! The SHA-256 of a file as its bytes leave: of a large file beside the thread that encodes it, where there is one to spare.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::data_error::DataError;

/// Bytes that are worth the way to another thread and back.
const WORTH_BYTES: usize = 1 << 20;

/// A digest in the making.
///
/// At most two lots of bytes are held: one being digested, and one that is gathered meanwhile.
pub(super) struct RunningDigest {
    /// `None` while a thread has it.
    state: Option<Sha256>,
    job: Option<JoinHandle<Sha256>>,
    gathered: Vec<Bytes>,
    gathered_bytes: usize,
    /// Bytes that the job holds.
    job_bytes: usize,
    beside: bool,
}

impl RunningDigest {
    /// `beside`: whether other threads may work on it.
    pub(super) fn new(beside: bool) -> Self {
        Self {
            state: Some(Sha256::new()),
            job: None,
            gathered: Vec::new(),
            gathered_bytes: 0,
            job_bytes: 0,
            beside,
        }
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        self.gathered_bytes.saturating_add(self.job_bytes)
    }

    /// Adds bytes at the end. Waits for the lot before the one that these complete.
    ///
    /// # Cancel safety
    /// Of a dropped call the digest may lack bytes: [`finish`](Self::finish) then fails.
    pub(super) async fn update(&mut self, bytes: &Bytes) -> Result<(), DataError> {
        if !self.beside {
            if let Some(state) = &mut self.state {
                state.update(bytes);
            }
            return Ok(());
        }
        self.gathered_bytes = self.gathered_bytes.saturating_add(bytes.len());
        self.gathered.push(bytes.clone());
        if self.gathered_bytes < WORTH_BYTES {
            return Ok(());
        }
        let mut state = self.settled().await?;
        let lot = std::mem::take(&mut self.gathered);
        self.job_bytes = std::mem::take(&mut self.gathered_bytes);
        let digest = move || {
            for bytes in lot {
                state.update(&bytes);
            }
            state
        };
        match Handle::try_current() {
            Ok(runtime) => self.job = Some(runtime.spawn_blocking(digest)),
            Err(_) => {
                self.state = Some(digest());
                self.job_bytes = 0;
            }
        }
        Ok(())
    }

    /// The digest of all bytes.
    pub(super) async fn finish(mut self) -> Result<[u8; 32], DataError> {
        let mut state = self.settled().await?;
        for bytes in self.gathered {
            state.update(&bytes);
        }
        Ok(state.finalize().into())
    }

    /// The digest of everything but what is gathered.
    async fn settled(&mut self) -> Result<Sha256, DataError> {
        if let Some(job) = self.job.take() {
            let ended = job.await;
            self.job_bytes = 0;
            self.state = ended.ok();
        }
        self.state.take().ok_or_else(|| DataError::InvalidInput {
            what: "file being written",
            reason: "its digest was given up: an earlier write was dropped, or the runtime is shutting down"
                .to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn digest_of(pieces: &[Bytes], beside: bool) -> [u8; 32] {
        let mut digest = RunningDigest::new(beside);
        let largest = pieces.iter().map(Bytes::len).max().unwrap_or(0);
        for piece in pieces {
            digest.update(piece).await.unwrap();
            let most = WORTH_BYTES.saturating_add(largest).saturating_mul(2);
            assert!(digest.held_bytes() <= most, "{}", digest.held_bytes());
        }
        digest.finish().await.unwrap()
    }

    fn pieces() -> Vec<Bytes> {
        let sizes = [0, 1, 100, WORTH_BYTES - 101, 5, 3 * WORTH_BYTES, 64 << 10, WORTH_BYTES, 7];
        sizes.iter().zip(1_u8..).map(|(size, fill)| Bytes::from(vec![fill; *size])).collect()
    }

    #[tokio::test]
    async fn the_digest_is_the_same_on_this_thread_and_beside_it() {
        let whole: [u8; 32] = Sha256::digest(pieces().concat()).into();
        assert_eq!(digest_of(&pieces(), false).await, whole);
        assert_eq!(digest_of(&pieces(), true).await, whole);
    }

    #[test]
    fn without_a_runtime_it_works_on_this_thread() {
        let whole: [u8; 32] = Sha256::digest(pieces().concat()).into();
        assert_eq!(futures_util::FutureExt::now_or_never(digest_of(&pieces(), true)), Some(whole));
    }

    #[tokio::test]
    async fn bytes_lost_with_a_dropped_call_are_not_passed_over() {
        let mut digest = RunningDigest::new(true);
        let large = Bytes::from(vec![7; WORTH_BYTES]);
        digest.update(&large).await.unwrap();
        drop(digest.update(&large));
        digest.job.take().unwrap().abort();
        assert!(digest.finish().await.is_err());
    }
}
