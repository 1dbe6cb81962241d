//! Partition tuples as folder names, for people to look at.
//!
//! Folder names are decoration. Two partitions can share one (null and the text `null`), so a tuple is taken from its
//! manifest entry only: on purpose there is no function that parses values out of a path.

use super::PartitionSpec;
use crate::transform::url_encode;
use crate::value::Value;

impl PartitionSpec {
    /// The folder of a partition, relative to the table's data: `ts_day=2017-12-01/id_bucket=3`.
    ///
    /// Names and values are escaped as in URL queries, null is `null`. Empty for an unpartitioned table. Values that
    /// the tuple lacks count as null.
    ///
    /// # Spec
    /// None: a convention that other implementations share.
    pub fn partition_path(&self, tuple: &[Option<Value>]) -> String {
        let mut path = String::new();
        for (position, field) in self.fields.iter().enumerate() {
            if position > 0 {
                path.push('/');
            }
            let value = tuple.get(position).and_then(Option::as_ref);
            path.push_str(&url_encode(&field.name));
            path.push('=');
            path.push_str(&url_encode(&field.transform.to_human_string(value)));
        }
        path
    }
}
