//! [`Any`]: an operation whatever it is.

use std::sync::Arc;

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_spec::id::MetadataVersion;
use datashard_txn::{Base, Inputs, Operation, Produced, Read, Refusal, Remembered};

/// An operation whatever it is.
#[derive(Debug, Clone)]
pub(crate) struct Any(pub(super) Arc<dyn Operation>);

impl Operation for Any {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn fingerprint(&self) -> Vec<u8> {
        self.0.fingerprint()
    }

    fn branch(&self) -> &str {
        self.0.branch()
    }

    fn reads_manifest_list(&self) -> bool {
        self.0.reads_manifest_list()
    }

    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        self.0.reads(base, inputs)
    }

    fn remember(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        read: &Read,
        bytes: Bytes,
    ) -> Result<Remembered, Refusal> {
        self.0.remember(base, inputs, read, bytes)
    }

    fn file_floor(&self) -> MetadataVersion {
        self.0.file_floor()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        self.0.validate(base)
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        self.0.produce(base, inputs)
    }

    fn payload(&self) -> Vec<(TablePath, Bytes)> {
        self.0.payload()
    }

    fn oldest_epoch(&self) -> Option<MetadataVersion> {
        self.0.oldest_epoch()
    }
}
