//! What a second attempt reads and writes again: what others touched, and nothing else.

use std::sync::Mutex;

use datashard_spec::expr::col;
use datashard_spec::id::DataSequenceNumber;

use super::*;
use crate::Loaded;
use crate::action::{DeleteFiles, DeleteWhere, RewriteFiles, SetProperties};
use crate::next::Next;
use crate::produced::NewManifest;

/// Notes what is read for an operation.
#[derive(Debug)]
struct Watched<O> {
    operation: O,
    read: Mutex<Vec<String>>,
}

impl<O: Operation> Operation for Watched<O> {
    fn name(&self) -> &'static str {
        self.operation.name()
    }

    fn fingerprint(&self) -> Vec<u8> {
        self.operation.fingerprint()
    }

    fn reads_manifest_list(&self) -> bool {
        true
    }

    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        self.operation.reads(base, inputs)
    }

    fn remember(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        read: &Read,
        bytes: Bytes,
    ) -> Result<Remembered, Refusal> {
        self.read.lock().unwrap().push(read.location().to_owned());
        self.operation.remember(base, inputs, read, bytes)
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        self.operation.validate(base)
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        self.operation.produce(base, inputs)
    }
}

/// The number of the operation that is attempted; those of the others count from 1.
const OWN: u64 = 1_000;

/// An operation in several attempts, each on the table as it is by then.
struct Attempts<O> {
    operation: Watched<O>,
    loaded: Loaded,
    earlier: Vec<NewManifest>,
    made: u32,
}

impl<O: Operation> Attempts<O> {
    fn new(operation: O) -> Self {
        let operation = Watched { operation, read: Mutex::default() };
        Self { operation, loaded: Loaded::default(), earlier: Vec::new(), made: 0 }
    }

    /// One more attempt, and how many manifests were read for it.
    fn attempt(&mut self, table: &TestTable) -> Result<(Next, usize), Refusal> {
        self.made += 1;
        self.operation.read.lock().unwrap().clear();
        let table = table.for_operation(OWN);
        let next = table.attempt_after(&self.operation, self.made, &self.earlier, &mut self.loaded)?;
        for manifest in &next.manifests {
            if !self.earlier.iter().any(|earlier| earlier.path == manifest.path) {
                self.earlier.push(NewManifest { bytes: Bytes::new(), ..manifest.clone() });
            }
        }
        let read = self.operation.read.lock().unwrap().len();
        Ok((next, read))
    }
}

fn names(next: &Next) -> Vec<String> {
    next.manifests.iter().map(|new| new.path.to_string()).collect()
}

/// The table after an attempt, whose manifests may be of several.
fn after(table: &TestTable, next: &Next, written: &[Next]) -> TestTable {
    let mut table = table.for_operation(OWN);
    for attempt in written {
        let new = attempt.manifests.iter().filter(|new| !new.bytes.is_empty());
        table
            .files
            .extend(new.map(|new| (table.location.file(&new.path), new.bytes.clone())).collect::<Vec<_>>());
    }
    let mut next = next.clone();
    for manifest in &mut next.manifests {
        if table.files.contains_key(&table.location.file(&manifest.path)) {
            manifest.bytes = Bytes::new();
        }
    }
    table.adopt(&next);
    table
}

/// Manifests of both kinds, in a table that is partitioned by `id`.
fn table() -> TestTable {
    let mut table = partitioned(FormatVersion::V2);
    table.commit(&append([of("a", 1), of("b", 2)])).unwrap();
    table.commit(&append([of("c", 1), of("d", 3)])).unwrap();
    let deleted =
        |name: &str, data: &str, id| position_deletes(name, data).with_partition(vec![Some(Value::Int(id))]);
    table.commit(&deletes([deleted("of-a", "a", 1), deleted("of-b", "b", 2)])).unwrap();
    table
}

#[test]
fn what_nobody_touched_is_read_and_written_once() {
    let mut table = table();
    let since = table.metadata().current_snapshot_id();
    let rewrite = RewriteFiles::new(since)
        .removing([path("a"), path("c")])
        .with_file(SCHEMA, SPEC, of("ac", 1))
        .with_data_sequence_number(DataSequenceNumber(3));
    let mut attempts = Attempts::new(rewrite);
    let (first, read) = attempts.attempt(&table).unwrap();
    assert_eq!(read, 3, "two of data and one of deletes");
    table.commit(&append([of("meanwhile", 9)])).unwrap();
    let (second, read) = attempts.attempt(&table).unwrap();
    assert_eq!(read, 1, "the manifest that came meanwhile may list a named file");
    assert_eq!(names(&second), names(&first));
    table.commit(&SetProperties::new().set("x", "y")).unwrap();
    let (third, read) = attempts.attempt(&table).unwrap();
    assert_eq!((read, names(&third)), (0, names(&first)));
    assert_eq!(live(&after(&table, &third, &[first, second])), ["ac", "b", "d", "meanwhile", "of-b"]);
}

#[test]
fn delete_manifests_are_looked_through_anew_when_other_data_files_go() {
    let mut table = table();
    let mut attempts = Attempts::new(DeleteWhere::new(col("id").equal_to(1)));
    let (first, read) = attempts.attempt(&table).unwrap();
    assert_eq!((read, first.manifests.len()), (3, 3));
    table.commit(&append([of("elsewhere", 7)])).unwrap();
    let (second, read) = attempts.attempt(&table).unwrap();
    assert_eq!((read, names(&second)), (0, names(&first)));

    table.commit(&append([of("e", 1)])).unwrap();
    table
        .commit(&deletes([position_deletes("of-e", "e").with_partition(vec![Some(Value::Int(1))])]))
        .unwrap();
    let (third, read) = attempts.attempt(&table).unwrap();
    assert_eq!(read, 3, "the new data manifest, and both of deletes");
    let gone = live(&after(&table, &third, &[first, second]));
    assert_eq!(gone, ["b", "d", "elsewhere", "of-b"]);

    // And back: what was found for the first two attempts holds again.
    let mut back = table.clone();
    back.commit(&DeleteFiles::new([path("e")])).unwrap();
    let (_, read) = attempts.attempt(&back).unwrap();
    assert_eq!(read, 0, "the manifests of `e` list nothing any more");
}

#[test]
fn a_manifest_that_others_wrote_anew_is_read_under_its_new_name() {
    let mut table = table();
    let mut attempts = Attempts::new(DeleteFiles::new([path("a")]));
    let (first, _) = attempts.attempt(&table).unwrap();
    table.commit(&DeleteFiles::new([path("b")])).unwrap();
    let (second, read) = attempts.attempt(&table).unwrap();
    assert_eq!(read, 2, "a data manifest and a delete manifest");
    assert!(names(&second).iter().all(|name| !names(&first).contains(name)));
    assert_eq!(live(&after(&table, &second, &[first])), ["c", "d"]);
}

#[test]
fn what_was_found_before_an_upgrade_is_found_anew_and_written_under_another_name() {
    for (from, to) in [(FormatVersion::V1, "2"), (FormatVersion::V2, "3"), (FormatVersion::V1, "3")] {
        let mut table = TestTable::plain(from);
        table.commit(&append([file("a"), file("b")])).unwrap();
        let mut attempts = Attempts::new(DeleteFiles::new([path("a")]));
        let (first, _) = attempts.attempt(&table).unwrap();
        table.commit(&SetProperties::new().set("format-version", to)).unwrap();
        let (second, read) = attempts.attempt(&table).unwrap();
        assert_eq!(read, 1);
        assert_ne!(names(&first), names(&second));
        assert_eq!(live(&after(&table, &second, &[first])), ["b"]);
    }
}

#[test]
fn the_files_that_are_added_are_written_once_whatever_is_made_for_one_attempt() {
    #[derive(Debug)]
    struct Both(Deletes, Deletes);
    impl Both {
        fn change(&self, attempt: u32) -> Change<'_> {
            let mut change = self.0.change();
            let mut own = self.1.files[0].clone();
            let mut file = own.file.as_ref().clone();
            file.file_path = format!("{}-{attempt}", file.file_path);
            own.file = file.into();
            change.extra.deletes.push(own);
            change
        }
    }
    impl Operation for Both {
        fn name(&self) -> &'static str {
            "both"
        }
        fn fingerprint(&self) -> Vec<u8> {
            Vec::new()
        }
        fn reads_manifest_list(&self) -> bool {
            true
        }
        fn validate(&self, _: Option<&Base>) -> Result<(), Refusal> {
            Ok(())
        }
        fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
            self.change(inputs.attempt).produce(base.unwrap(), inputs)
        }
    }
    let mut table = plain(FormatVersion::V2, &["a"]);
    let both = Both(deletes([equality_deletes("e")]), deletes([position_deletes("p", "a")]));
    let mut attempts = Attempts::new(both);
    attempts.attempt(&table).unwrap();
    table.commit(&SetProperties::new().set("x", "y")).unwrap();
    let (second, _) = attempts.attempt(&table).unwrap();
    assert_eq!(second.manifests.len(), 2, "its own, and that of this attempt");
    let bytes: Vec<bool> = second.manifests.iter().map(|new| new.bytes.is_empty()).collect();
    assert_eq!(bytes, [true, false]);
}
