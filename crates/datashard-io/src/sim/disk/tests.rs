//! Tests of the disk itself.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::*;
use crate::local::file_system::{FileSystem, OpenFile};

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now_ms(&self) -> i64 {
        1_700_000_000_000
    }
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

fn disk() -> SimDisk {
    SimDisk::new(Arc::new(Fixed))
}

fn write(disk: &SimDisk, path: &str, bytes: &[u8]) -> Box<dyn OpenFile> {
    let mut file = disk.create_file(path).unwrap();
    assert_eq!(file.write(bytes).unwrap(), bytes.len());
    file
}

fn write_flushed(disk: &SimDisk, path: &str, bytes: &[u8]) {
    write(disk, path, bytes).sync().unwrap();
}

/// What the files may be after a loss of power now, each as one line.
fn left(disk: &SimDisk) -> BTreeSet<String> {
    let loss = disk.power_loss(disk.steps().len());
    let some = loss.some(10_000, 1);
    assert!(some.iter().all(|left| matches!(left, Left::Numbered(_))), "{} outcomes", loss.outcomes());
    some.into_iter().map(|left| listing(&loss.leaves(left))).collect()
}

fn listing(disk: &SimDisk) -> String {
    let files = disk.files();
    let shown = files.iter().map(|(path, bytes)| format!("{path}={}", bytes.escape_ascii()));
    shown.collect::<Vec<_>>().join(" ")
}

fn lines(lines: &[&str]) -> BTreeSet<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn a_file_that_was_not_flushed_is_gone_empty_torn_or_whole() {
    let disk = disk();
    write(&disk, "a", b"1234");
    assert_eq!(left(&disk), lines(&["", "a=", "a=12", "a=12\\x00\\x00", "a=1234"]));
}

#[test]
fn a_flushed_file_in_a_folder_that_was_not_is_gone_or_whole() {
    let disk = disk();
    write_flushed(&disk, "a", b"1234");
    assert_eq!(left(&disk), lines(&["", "a=1234"]));
    disk.sync_folder("").unwrap();
    assert_eq!(left(&disk), lines(&["a=1234"]));
}

#[test]
fn a_flushed_folder_shows_torn_files_if_they_were_not_flushed() {
    let disk = disk();
    write(&disk, "a", b"1234");
    disk.sync_folder("").unwrap();
    assert_eq!(left(&disk), lines(&["a=", "a=12", "a=12\\x00\\x00", "a=1234"]));
}

#[test]
fn a_new_folder_needs_the_flush_of_its_parent() {
    let disk = disk();
    disk.create_folder("d").unwrap();
    write_flushed(&disk, "d/a", b"1");
    disk.sync_folder("d").unwrap();
    assert_eq!(left(&disk), lines(&["", "d/a=1"]));
    disk.sync_folder("").unwrap();
    assert_eq!(left(&disk), lines(&["d/a=1"]));
}

#[test]
fn the_folder_itself_needs_the_flush_of_what_is_above_it() {
    let disk = SimDisk::without_folder(Arc::new(Fixed));
    assert_eq!(disk.create_file("a").map(drop).unwrap_err().kind(), io::ErrorKind::NotFound);
    disk.create_folder("").unwrap();
    assert_eq!(disk.create_folder("").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    write_flushed(&disk, "a", b"1");
    disk.sync_folder("").unwrap();
    assert_eq!(left(&disk), lines(&["", "a=1"]));
    disk.sync_above().unwrap();
    assert_eq!(left(&disk), lines(&["a=1"]));
}

#[test]
fn names_of_one_folder_are_kept_in_any_order() {
    let disk = disk();
    write_flushed(&disk, "1", b"");
    write_flushed(&disk, "2", b"");
    assert_eq!(left(&disk), lines(&["", "1=", "2=", "1= 2="]));
}

#[test]
fn a_rename_over_leaves_the_old_or_the_new_and_may_leave_the_other_name_too() {
    let disk = disk();
    write_flushed(&disk, "a", b"old");
    write_flushed(&disk, "t", b"new");
    disk.sync_folder("").unwrap();
    disk.rename_over("t", "a").unwrap();
    assert_eq!(left(&disk), lines(&["a=old t=new", "a=old", "a=new t=new", "a=new"]));
    disk.sync_folder("").unwrap();
    assert_eq!(left(&disk), lines(&["a=new"]));
}

#[test]
fn a_removal_that_was_not_flushed_may_be_undone() {
    let disk = disk();
    write_flushed(&disk, "a", b"1");
    disk.sync_folder("").unwrap();
    disk.remove_file("a").unwrap();
    assert!(disk.files().is_empty());
    assert_eq!(left(&disk), lines(&["", "a=1"]));
}

#[test]
fn of_two_writes_the_second_may_be_kept_without_the_first() {
    let disk = disk();
    let mut file = write(&disk, "a", b"12");
    file.write(b"34").unwrap();
    disk.sync_folder("").unwrap();
    let left = left(&disk);
    assert!(left.contains("a=\\x00\\x0034") && left.contains("a=12"), "{left:?}");
}

#[test]
fn a_second_flush_after_one_that_failed_flushes_nothing() {
    let disk = disk();
    disk.add_fault(Fault::fail(Call::SyncFile, SystemError::Io));
    let mut file = write(&disk, "a", b"12");
    assert_eq!(file.sync().unwrap_err().to_string(), SystemError::Io.to_io().to_string());
    file.sync().unwrap();
    disk.sync_folder("").unwrap();
    assert_eq!(left(&disk), lines(&["a=", "a=1", "a=1\\x00", "a=12"]));
    // What is written afterwards is flushed as usual; what was lost before it reads as zeros.
    file.write(b"3").unwrap();
    file.sync().unwrap();
    assert_eq!(left(&disk), lines(&["a=\\x00\\x003", "a=1\\x003", "a=123"]));
}

#[test]
fn each_moment_of_the_record_can_be_gone_back_to() {
    let disk = disk();
    write_flushed(&disk, "a", b"1");
    disk.sync_folder("").unwrap();
    disk.metadata("a").unwrap();
    let steps: Vec<String> = disk.steps().iter().map(Step::to_string).collect();
    assert_eq!(steps, ["create a", "write a, 1 bytes", "sync a", "sync folder .", "metadata a"]);
    assert_eq!(disk.moments(), [0, 1, 2, 3, 4], "looking changes nothing");
    let at = |steps| listing(&disk.after_power_loss(steps, Left::Everything));
    assert_eq!([at(0), at(1), at(2), at(5)], ["", "a=", "a=1", "a=1"]);
    let at = |steps| listing(&disk.after_power_loss(steps, Left::OnlyFlushed));
    assert_eq!([at(2), at(3), at(4)], ["", "", "a=1"]);
}

#[test]
fn a_disk_found_after_a_loss_of_power_can_be_worked_on_and_lost_again() {
    let disk = disk();
    write(&disk, "a", b"12");
    let disk = disk.after_power_loss(2, Left::Everything);
    assert!(disk.steps().is_empty());
    write(&disk, "b", b"3");
    assert_eq!(listing(&disk), "a=12 b=3");
    assert_eq!(listing(&disk.after_power_loss(2, Left::OnlyFlushed)), "a=12");
}

#[test]
fn what_chance_leaves_depends_on_the_seed_alone_and_shows_torn_files() {
    let disk = disk();
    for name in 0..20 {
        write(&disk, &name.to_string(), &[b'x'; 40]);
    }
    let loss = disk.power_loss(disk.steps().len());
    assert!(loss.outcomes() > 1_000_000);
    let shown = |seed| listing(&loss.leaves(Left::Seeded(seed)));
    assert_eq!(shown(3), shown(3));
    let distinct: BTreeSet<String> = (0..50).map(shown).collect();
    assert!(distinct.len() > 40, "{}", distinct.len());
    assert!(distinct.iter().any(|files| files.contains("x\\x00")));
}

#[test]
fn a_full_disk_takes_what_fits_and_has_room_again_after_a_removal() {
    let disk = disk();
    disk.set_abilities(|a| a.capacity_bytes = Some(5));
    let mut file = disk.create_file("a").unwrap();
    assert_eq!(file.write(b"1234567").unwrap(), 5);
    assert_eq!(file.write(b"67").unwrap_err().kind(), io::ErrorKind::StorageFull);
    disk.remove_file("a").unwrap();
    assert_eq!(disk.used_bytes(), 5, "it is still open");
    drop(file);
    assert_eq!(disk.used_bytes(), 0);
    assert_eq!(disk.create_file("b").unwrap().write(b"12").unwrap(), 2);
}

#[test]
fn faults_fail_before_or_after_acting_and_cut_writes_short() {
    let disk = disk();
    write(&disk, "a", b"1");
    disk.add_fault(Fault::act_and_fail(Call::Link, SystemError::Exists));
    assert_eq!(disk.link("a", "b").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(listing(&disk), "a=1 b=1");
    disk.add_fault(Fault::fail(Call::Link, SystemError::NoSpace).on_path("c"));
    assert_eq!(disk.link("a", "c").unwrap_err().kind(), io::ErrorKind::StorageFull);
    disk.add_fault(Fault::act_and_fail(Call::CreateFile, SystemError::Io));
    disk.create_file("d").unwrap_err();
    disk.add_fault(Fault::short(Call::Write, 2));
    assert_eq!(disk.create_file("e").unwrap().write(b"123").unwrap(), 2);
    assert_eq!(listing(&disk), "a=1 b=1 d= e=12");
    assert_eq!(disk.faults_met(), 4);
    disk.clear_faults();
    disk.link("a", "c").unwrap();
}

#[test]
fn what_a_file_system_cannot_do_it_refuses() {
    let disk = disk();
    write(&disk, "a", b"1");
    write(&disk, "b", b"2");
    disk.set_abilities(|a| {
        a.hard_links = false;
        a.folder_sync = false;
        a.rename_new = RenameNew::Missing;
    });
    assert_eq!(disk.link("a", "c").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    assert_eq!(disk.sync_folder("").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert_eq!(disk.rename_new("a", "c").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    disk.set_abilities(|a| a.rename_new = RenameNew::Replaces);
    disk.rename_new("a", "b").unwrap();
    assert_eq!(listing(&disk), "b=1");
    disk.set_abilities(|a| a.read_only = true);
    for error in [
        disk.create_file("x").map(drop).unwrap_err(),
        disk.remove_file("b").unwrap_err(),
        disk.try_lock("b").map(drop).unwrap_err(),
    ] {
        assert_eq!(error.kind(), io::ErrorKind::ReadOnlyFilesystem);
    }
    disk.open_file("b").unwrap();
}

#[test]
fn a_process_shares_the_disk_and_its_locks_and_signs_its_steps() {
    let first = disk();
    let second = first.process(1);
    let lock = first.try_lock("l").unwrap();
    assert!(lock.is_some() && second.try_lock("l").unwrap().is_none());
    drop(lock);
    assert!(second.try_lock("l").unwrap().is_some());
    let processes: Vec<u32> = first.steps().iter().map(|step| step.process).collect();
    assert_eq!(processes, [0, 1, 1]);
    first.replace_root();
    assert!(!second.is_in_place().unwrap());
}

#[test]
fn symbolic_links_are_not_followed() {
    let disk = disk();
    disk.place_symbolic_link("l").unwrap();
    assert_eq!(disk.metadata("l").unwrap().kind, FileKind::Link);
    for error in [disk.open_file("l").map(drop).unwrap_err(), disk.create_file("l/a").map(drop).unwrap_err()]
    {
        assert_eq!(error.raw_os_error(), SystemError::Loop.to_io().raw_os_error());
    }
    assert_eq!(left(&disk), lines(&[""]));
}
