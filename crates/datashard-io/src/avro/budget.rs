//! Memory that the rows of a batch may take: charged where values grow, because a null of one byte may stand for a record of any size.

use datashard_spec::avro::AvroFault;

/// Part of the memory limit after which a batch is handed on.
const BATCH_SHARE: usize = 4;
/// No batch and no row is larger, whatever the limit: offsets of text have 32 bits.
const MOST_BYTES: usize = 1 << 30;

/// Why a row could not be read.
#[derive(Debug)]
pub(super) enum RowFault {
    /// Its bytes are no row.
    Avro(AvroFault),
    /// It needs more memory than is left.
    TooLarge {
        /// Bytes that it needs, as far as it was read.
        bytes: usize,
        /// Bytes that a row may take.
        limit_bytes: usize,
    },
}

impl From<AvroFault> for RowFault {
    fn from(fault: AvroFault) -> Self {
        Self::Avro(fault)
    }
}

/// Bytes of values in a batch, and how many there may be.
#[derive(Debug)]
pub(super) struct Budget {
    spent_bytes: usize,
    /// Where the row at hand began.
    row_start_bytes: usize,
    /// Where the row at hand has to end.
    row_end_bytes: usize,
    batch_bytes: usize,
    row_bytes: usize,
}

impl Budget {
    /// For a batch under a memory limit. A full batch and the largest row stay below it together.
    pub(super) fn new(limit_bytes: usize) -> Self {
        let batch_bytes = limit_bytes.checked_div(BATCH_SHARE).unwrap_or(0).min(MOST_BYTES);
        let row_bytes = limit_bytes.saturating_sub(batch_bytes).min(MOST_BYTES);
        Self { spent_bytes: 0, row_start_bytes: 0, row_end_bytes: row_bytes, batch_bytes, row_bytes }
    }

    /// Begins a row.
    #[inline]
    pub(super) fn begin_row(&mut self) {
        self.row_start_bytes = self.spent_bytes;
        self.row_end_bytes = self.spent_bytes.saturating_add(self.row_bytes);
    }

    /// Whether the batch holds as much as it should.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.spent_bytes >= self.batch_bytes
    }

    /// Takes memory for a value, before it grows.
    #[inline]
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), RowFault> {
        self.spent_bytes = self.spent_bytes.saturating_add(bytes);
        if self.spent_bytes > self.row_end_bytes { Err(self.too_large()) } else { Ok(()) }
    }

    #[cold]
    fn too_large(&self) -> RowFault {
        let bytes = self.spent_bytes.saturating_sub(self.row_start_bytes);
        RowFault::TooLarge { bytes, limit_bytes: self.row_bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_may_take_as_much_wherever_in_a_batch_it_stands() {
        let mut budget = Budget::new(100);
        for _ in 0..3 {
            budget.begin_row();
            budget.charge(75).unwrap();
        }
        assert!(budget.is_full());
        budget.begin_row();
        budget.charge(70).unwrap();
        let fault = budget.charge(6).unwrap_err();
        assert!(matches!(fault, RowFault::TooLarge { bytes: 76, limit_bytes: 75 }), "{fault:?}");
        assert!(budget.charge(usize::MAX).is_err());
    }
}
