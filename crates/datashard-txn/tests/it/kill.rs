//! Processes that are killed while they commit to a folder: at named points, and before and after every call that they make of the file
//! system.

use datashard_io::sim::disk::Call;

use crate::disk_watched::Moment;
use crate::kill_points::Point;
use crate::kill_support::{Left, Work, as_child, killed_append, killed_create};

/// A test that kills an append at one point, and looks at what is left.
macro_rules! killed_append {
    ($(#[$doc:meta])* $name:ident, $work:expr, $point:expr, $look:expr) => {
        $(#[$doc])*
        #[test]
        fn $name() {
            if as_child($work).is_some() {
                return;
            }
            let left = killed_append(concat!("kill::", stringify!($name)), &$point);
            assert!(!left.finished, "the point was never reached");
            let look: fn(&Left) = $look;
            look(&left);
        }
    };
}

killed_append!(
    a1_killed_after_some_data_files_nothing_is_visible,
    Work::Append,
    Point::after(Call::RenameOver, "child-0"),
    |left| assert!(!left.committed && left.has("child-0") && !left.has("child-1"), "{left:?}")
);

killed_append!(
    a2_killed_after_all_data_files_and_before_the_manifest_nothing_is_visible,
    Work::Append,
    Point::after(Call::RenameOver, "child-1"),
    |left| {
        assert!(!left.committed && left.has("child-1"), "{left:?}");
        assert!(!left.has("metadata/e2-"), "{left:?}");
    }
);

killed_append!(
    a3_killed_after_the_manifest_nothing_is_visible,
    Work::Append,
    Point::after(Call::RenameOver, "metadata/e2-"),
    |left| assert!(!left.committed && left.has("metadata/e2-"), "{left:?}")
);

killed_append!(
    a3_killed_after_the_manifest_list_nothing_is_visible,
    Work::Append,
    Point::Then(Moment::Before, Call::RenameOver, Call::SyncFolder, "metadata/snap-".to_owned()),
    |left| {
        let lists = left.files.iter().filter(|file| file.contains("metadata/snap-")).count();
        assert!(!left.committed && lists == 2, "{left:?}");
    }
);

killed_append!(
    a4_what_was_not_committed_is_applied_once_when_it_is_sent_again_under_its_key,
    Work::Append,
    Point::before(Call::RenameNew, "metadata/v3."),
    |left| assert!(!left.committed && !left.told, "{left:?}")
);

killed_append!(
    a4_what_was_committed_unanswered_is_not_applied_again_under_its_key,
    Work::Append,
    Point::after(Call::RenameNew, "metadata/v3."),
    |left| assert!(left.committed && !left.told, "{left:?}")
);

killed_append!(
    a5_killed_after_the_metadata_is_written_and_before_it_has_its_name_the_slot_is_free,
    Work::Append,
    Point::before(Call::RenameNew, "metadata/v3."),
    |left| {
        assert!(!left.committed && left.has("metadata/.datashard-") && !left.has("metadata/v3."), "{left:?}");
    }
);

killed_append!(
    a6_killed_after_the_metadata_has_its_name_and_before_the_folder_is_flushed_it_is_committed,
    Work::Append,
    Point::Then(Moment::Before, Call::RenameNew, Call::SyncFolder, "metadata/v3.".to_owned()),
    |left| assert!(left.committed && !left.told, "{left:?}")
);

killed_append!(
    a7_killed_after_the_commit_and_before_the_boundary_is_checked_it_is_committed,
    Work::StrictAppend,
    Point::Then(Moment::Before, Call::RenameNew, Call::ReadFolder, "metadata/v3.".to_owned()),
    |left| assert!(left.committed && !left.told, "{left:?}")
);

killed_append!(
    a8_killed_after_the_commit_and_before_the_hint_readers_go_past_the_hint,
    Work::Append,
    Point::Then(Moment::Before, Call::RenameNew, Call::TryLock, "metadata/v3.".to_owned()),
    |left| {
        assert!(left.committed && left.told, "{left:?}");
        assert_eq!(left.hint.as_deref(), Some("2"));
    }
);

killed_append!(
    a9_killed_after_the_temporary_of_the_hint_it_is_ignored,
    Work::Append,
    Point::before(Call::RenameOver, "version-hint"),
    |left| {
        assert!(left.committed && left.told && left.has("metadata/.datashard-"), "{left:?}");
        assert_eq!(left.hint.as_deref(), Some("2"));
    }
);

/// Before and after each call, until one lives to the end. Returns how often the work was part of the table.
fn killed_everywhere(killed: impl Fn(&Point) -> Left) -> (u64, u64) {
    let (mut calls, mut committed) = (0, 0);
    loop {
        let mut finished = false;
        for moment in [Moment::Before, Moment::After] {
            let left = killed(&Point::Numbered(moment, calls));
            committed += u64::from(left.committed);
            finished = left.finished;
        }
        if finished {
            return (calls, committed);
        }
        calls += 1;
    }
}

#[test]
fn a1_to_a9_killed_before_or_after_any_call_of_an_append_it_is_whole_or_absent_and_others_go_on() {
    const TEST: &str =
        "kill::a1_to_a9_killed_before_or_after_any_call_of_an_append_it_is_whole_or_absent_and_others_go_on";
    if as_child(Work::Append).is_some() {
        return;
    }
    let (calls, committed) = killed_everywhere(|point| killed_append(TEST, point));
    assert!(calls > 30, "{calls} calls are too few for an append");
    assert!(committed > 3 && committed < calls, "{committed} of {} were committed", 2 * calls);
}

#[test]
fn a12_killed_before_or_after_any_call_of_a_create_the_table_is_whole_or_absent() {
    const TEST: &str = "kill::a12_killed_before_or_after_any_call_of_a_create_the_table_is_whole_or_absent";
    if as_child(Work::Create).is_some() {
        return;
    }
    let (calls, committed) = killed_everywhere(|point| killed_create(TEST, point));
    assert!(calls > 10, "{calls} calls are too few for a create");
    assert!(committed > 3 && committed < 2 * calls, "{committed} of {} were committed", 2 * calls);
}
