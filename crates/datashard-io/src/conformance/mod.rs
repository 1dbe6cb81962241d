//! The suite that every store has to pass before a table is put on it, as functions over a [`TableStore`](crate::TableStore).
//!
//! A case states one promise of the storage contract and tries it on a fresh table. What a store is not able to do is said in its
//! [`Abilities`], and then the case asserts the typed error that says so: no case is skipped. Cases neither spawn nor ask the machine for the time, so they
//! run in a simulation as well as on a server.
//!
//! Passing shows that the store keeps its promises as far as a few hundred requests from one process can show it. See `check_capabilities` for
//! what they cannot.

mod condition;
mod counts;
mod create;
mod delete;
mod head;
mod list;
mod name;
mod race;
mod read;
mod sample;
mod subject;
mod table;
mod write;

use std::fmt;

use futures_util::future::BoxFuture;

pub use self::subject::{Abilities, Sizes, Subject};
use crate::error::StoreError;
use crate::path::PathError;

/// One promise of the storage contract, and how to try it.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use datashard_io::conformance::{Subject, cases};
/// use datashard_io::{Location, TableStore, context::Context};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
/// let bucket = Arc::new(object_store::memory::InMemory::new());
/// let subject = Subject::new("memory", "run-1", move |table| {
///     let bucket = Arc::clone(&bucket) as Arc<dyn object_store::ObjectStore>;
///     Box::pin(async move {
///         let location = Location::parse(&format!("memory://lake/{table}"))?;
///         TableStore::from_object_store(bucket, &table, location, Context::system())
///     })
/// });
/// let case = cases().into_iter().find(|case| case.name() == "create_is_exclusive").unwrap();
/// runtime.block_on(case.run(&subject)).unwrap();
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Case {
    name: &'static str,
    /// Whether it writes with the condition; a store that ignores conditions then has to refuse.
    creates: bool,
    run: for<'a> fn(&'a Subject) -> Outcome<'a>,
}

type Outcome<'a> = BoxFuture<'a, Result<(), Failure>>;

impl Case {
    /// The promise, as an identifier.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it writes with the condition. A store that ignores conditions has to refuse in such cases.
    pub fn creates(&self) -> bool {
        self.creates
    }

    /// Tries it on a table of its own.
    ///
    /// # Errors
    /// What was promised and what came instead.
    ///
    /// # Cancel safety
    /// A dropped call leaves files in the table that it made for itself.
    pub async fn run(&self, subject: &Subject) -> Result<(), Failure> {
        if self.creates && !subject.abilities().conditional_create {
            return condition::create_is_refused(subject).await;
        }
        (self.run)(subject).await
    }
}

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
#[non_exhaustive]
pub struct Failure {
    /// What was promised and what came instead.
    pub detail: String,
}

impl Failure {
    fn new(detail: impl fmt::Display) -> Self {
        Self { detail: detail.to_string() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let mut detail = format!("unexpected error: {error}");
        let mut next = std::error::Error::source(&error);
        while let Some(cause) = next {
            detail.push_str(&format!(": {cause}"));
            next = cause.source();
        }
        Self { detail }
    }
}

impl From<PathError> for Failure {
    fn from(error: PathError) -> Self {
        Self::new(error)
    }
}

/// Ends a case unless something holds; the rest says what came instead.
macro_rules! ensure {
    ($holds:expr, $($detail:tt)+) => {
        if !$holds {
            return Err($crate::conformance::Failure::new(format_args!($($detail)+)));
        }
    };
}
use ensure;

macro_rules! cases {
    ($($module:ident: $creates:literal { $($name:ident),+ $(,)? })+) => {
        vec![$($(Case {
            name: stringify!($name),
            creates: $creates,
            run: |subject| Box::pin($module::$name(subject)),
        },)+)+]
    };
}

/// All cases, the cheap and basic ones first.
pub fn cases() -> Vec<Case> {
    cases! {
        create: true {
            create_is_exclusive,
            create_keeps_an_empty_file,
            create_keeps_a_single_byte,
            create_keeps_a_large_metadata_file_whole,
            create_after_delete_succeeds,
            create_beside_other_names_succeeds,
            create_below_a_new_folder_succeeds,
            create_is_refused_where_a_plain_write_was_first,
            same_bytes_do_not_make_a_second_create_succeed,
            refused_create_changes_neither_bytes_nor_size,
            created_file_is_read_and_listed_at_once,
        }
        race: true {
            race_of_clients_on_one_name_has_exactly_one_yes,
            race_with_equal_bytes_has_exactly_one_yes,
            race_on_different_names_lets_everybody_win,
            race_after_delete_has_exactly_one_yes,
            readers_beside_a_race_see_nothing_or_the_winner,
            races_for_consecutive_versions_leave_no_gap,
        }
        condition: true {
            conditional_create_is_found_out_once,
        }
        condition: false {
            reading_never_tries_the_store,
        }
        name: true {
            odd_names_are_kept_apart_and_come_back,
            long_names_are_kept,
            names_that_only_differ_late_are_different_files,
        }
        write: false {
            put_replaces_what_was_there,
            put_of_a_shorter_file_leaves_nothing_of_the_longer,
            small_upload_is_one_file,
            upload_of_whole_parts_is_kept_whole,
            large_upload_in_odd_pieces_is_kept_whole,
            empty_upload_is_an_empty_file,
            aborted_upload_leaves_nothing,
            dropped_upload_shows_nothing,
            unfinished_upload_is_not_visible,
        }
        read: false {
            missing_file_is_not_found_by_name,
            read_gives_the_whole_file,
            read_of_a_file_over_the_limit_is_refused,
            ranges_are_slices_of_the_file,
            many_ranges_equal_their_slices,
            range_beyond_the_end_is_refused,
            tail_is_the_end_of_the_file,
            read_sees_the_last_write,
            info_tells_size_and_time,
            concurrent_reads_are_all_whole,
        }
        list: false {
            empty_folder_lists_nothing,
            listing_is_sorted_and_whole,
            listing_starts_after_a_name,
            listing_holds_nested_folders,
            listing_leaves_out_sibling_folders,
            listing_shows_the_last_write_and_delete,
            listing_tells_sizes_and_times,
            long_listing_has_every_name_once,
        }
        delete: false {
            delete_removes_one_file,
            delete_of_a_missing_file_succeeds,
            delete_all_removes_exactly_what_it_is_given,
            delete_all_takes_missing_names,
        }
        counts: false {
            each_operation_counts_its_requests,
            clones_share_their_counts,
        }
        counts: true {
            each_create_is_one_request,
        }
        head: true {
            newest_version_is_found_as_versions_come,
            retire_boundary_rises_only_with_eight_raisers,
        }
        head: false {
            no_table_has_no_head,
            hint_moves_forward_only,
            store_time_fits_the_times_of_files,
        }
        table: false {
            tables_in_one_bucket_do_not_see_each_other,
            tables_whose_names_begin_alike_do_not_see_each_other,
            two_handles_see_each_others_writes,
        }
    }
}

#[cfg(test)]
mod tests;
