//! Whether the simulated disk answers as a real file system does: the same calls on both, answer by answer.

use std::io;

use datashard_io::context::Context;
use datashard_io::local::file_system::{FileKind, FileStat, FileSystem, OpenFile};
use datashard_io::sim::disk::SimDisk;

use crate::disk_support::real_file_system;

/// Both, and the files that are open on both.
struct Pair {
    real: std::sync::Arc<dyn FileSystem>,
    model: SimDisk,
    open: Vec<(Box<dyn OpenFile>, Box<dyn OpenFile>)>,
    locks: Vec<(Box<dyn Send>, Box<dyn Send>)>,
    done: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Done(String),
    Failed(io::ErrorKind),
}

fn answer<T>(result: &io::Result<T>, shown: impl FnOnce(&T) -> String) -> Answer {
    match result {
        Ok(value) => Answer::Done(shown(value)),
        Err(error) => Answer::Failed(error.kind()),
    }
}

/// The size of a folder means nothing.
fn kind_and_size(stat: &FileStat) -> String {
    match stat.kind {
        FileKind::File => format!("file of {} bytes", stat.size_bytes),
        kind => format!("{kind:?}"),
    }
}

impl Pair {
    fn new(folder: &std::path::Path) -> Self {
        Self {
            real: real_file_system(folder),
            model: SimDisk::without_folder(Context::system().clock),
            open: Vec::new(),
            locks: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Asks both for the same, and fails if the answers differ.
    fn both<T>(
        &mut self,
        what: &str,
        ask: impl Fn(&dyn FileSystem) -> io::Result<T>,
        shown: impl Fn(&T) -> String,
    ) -> Option<(T, T)> {
        let (real, model) = (ask(&*self.real), ask(&self.model));
        self.compare(what, answer(&real, &shown), answer(&model, &shown));
        real.ok().zip(model.ok())
    }

    fn compare(&mut self, what: &str, real: Answer, model: Answer) {
        self.done.push(format!("{what}: {real:?}"));
        let recent = self.done.iter().rev().take(30).rev().cloned().collect::<Vec<_>>().join("\n");
        assert_eq!(real, model, "{what}: real, model; the last of what was done:\n{recent}");
    }

    fn unit(&mut self, what: &str, ask: impl Fn(&dyn FileSystem) -> io::Result<()>) {
        self.both(what, ask, |()| "done".to_owned());
    }

    fn create(&mut self, path: &str) {
        let files = self.both(&format!("create {path}"), |fs| fs.create_file(path), |_| "file".to_owned());
        self.open.extend(files);
    }

    fn open(&mut self, path: &str) {
        let files = self.both(&format!("open {path}"), |fs| fs.open_file(path), |_| "file".to_owned());
        self.open.extend(files);
    }

    fn write(&mut self, file: usize, bytes: &[u8]) {
        let Some((real, model)) = self.open.get_mut(file) else { return };
        let (real, model) = (real.write(bytes), model.write(bytes));
        self.compare("write", answer(&real, usize::to_string), answer(&model, usize::to_string));
    }

    fn read(&mut self, file: usize, offset: u64, length: usize) {
        let Some((real, model)) = self.open.get(file) else { return };
        let read = |file: &dyn OpenFile| {
            let mut buffer = vec![0; length];
            file.read_at(offset, &mut buffer).map(|count| buffer[..count].to_vec())
        };
        let (real, model) = (read(&**real), read(&**model));
        let shown = |bytes: &Vec<u8>| bytes.escape_ascii().to_string();
        self.compare("read", answer(&real, shown), answer(&model, shown));
    }

    fn sync(&mut self, file: usize) {
        let Some((real, model)) = self.open.get(file) else { return };
        let (real, model) = (real.sync(), model.sync());
        let shown = |(): &()| String::new();
        self.compare("sync", answer(&real, shown), answer(&model, shown));
    }

    fn size_of_open(&mut self, file: usize) {
        let Some((real, model)) = self.open.get(file) else { return };
        let (real, model) = (real.metadata(), model.metadata());
        self.compare("metadata of an open file", answer(&real, kind_and_size), answer(&model, kind_and_size));
    }

    fn close(&mut self, file: usize) {
        if file < self.open.len() {
            drop(self.open.swap_remove(file));
        }
    }

    fn metadata(&mut self, path: &str) {
        self.both(&format!("metadata {path}"), |fs| fs.metadata(path), kind_and_size);
    }

    fn same_file(&mut self, one: &str, other: &str) {
        self.both(
            &format!("{one} is {other}"),
            |fs| Ok(fs.metadata(one)?.identity == fs.metadata(other)?.identity),
            bool::to_string,
        );
    }

    fn names(&mut self, path: &str) {
        self.both(
            &format!("names in {path}"),
            |fs| fs.read_folder(path),
            |names| {
                let mut names = names.clone();
                names.sort_by(|a, b| a.0.cmp(&b.0));
                format!("{names:?}")
            },
        );
    }

    fn try_lock(&mut self, path: &str) {
        let locks = self.both(
            &format!("lock {path}"),
            |fs| fs.try_lock(path),
            |lock| if lock.is_some() { "taken" } else { "busy" }.to_owned(),
        );
        if let Some((Some(real), Some(model))) = locks {
            self.locks.push((real, model));
        }
    }
}

#[test]
fn the_simulated_disk_answers_each_call_as_a_real_one() {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("table");
    let mut pair = Pair::new(&folder);
    let long = "x".repeat(255);

    pair.names("");
    pair.metadata("");
    pair.create("a");
    pair.both("in place", |fs| fs.is_in_place(), bool::to_string);
    pair.unit("create the folder itself", |fs| fs.create_folder(""));
    pair.unit("create the folder itself again", |fs| fs.create_folder(""));
    pair.unit("flush what is above", |fs| fs.sync_above());
    pair.names("");
    pair.create("a");
    pair.create("a");
    pair.create("d/a");
    pair.open("missing");
    pair.unit("create folder d", |fs| fs.create_folder("d"));
    pair.unit("create folder d again", |fs| fs.create_folder("d"));
    pair.unit("create folder a", |fs| fs.create_folder("a"));
    pair.unit("create folder e/f", |fs| fs.create_folder("e/f"));
    pair.create("d");
    pair.open("d");
    pair.create("a/b");
    pair.open("a/b");
    pair.metadata("a/b");
    pair.metadata("missing");
    pair.metadata("missing/x");
    pair.names("a");
    pair.names("missing");

    pair.write(0, b"12345");
    pair.write(0, b"678");
    pair.write(0, b"");
    pair.sync(0);
    pair.size_of_open(0);
    pair.metadata("a");
    pair.open("a");
    for (offset, length) in [(0, 8), (0, 3), (5, 10), (8, 1), (9, 1), (u64::from(u32::MAX), 1), (0, 0)] {
        pair.read(1, offset, length);
    }
    pair.write(1, b"not for writing");
    pair.sync(1);

    pair.unit("link a", |fs| fs.link("a", "d/l"));
    pair.unit("link a again", |fs| fs.link("a", "d/l"));
    pair.unit("link a to itself", |fs| fs.link("a", "a"));
    pair.unit("link of nothing", |fs| fs.link("missing", "x"));
    pair.unit("link of nothing to something", |fs| fs.link("missing", "a"));
    pair.unit("link into nothing", |fs| fs.link("a", "missing/x"));
    pair.unit("link of a folder", |fs| fs.link("d", "x"));
    pair.same_file("a", "d/l");
    pair.unit("rename over a name of the same file", |fs| fs.rename_over("a", "d/l"));
    pair.names("");
    pair.unit("rename to a name that is taken", |fs| fs.rename_new("a", "d/l"));
    pair.unit("rename to itself", |fs| fs.rename_new("a", "a"));
    pair.unit("rename over itself", |fs| fs.rename_over("a", "a"));
    pair.unit("rename of nothing", |fs| fs.rename_new("missing", "x"));
    pair.unit("rename of nothing to something", |fs| fs.rename_new("missing", "a"));
    pair.unit("rename into nothing", |fs| fs.rename_new("a", "missing/x"));
    pair.unit("rename", |fs| fs.rename_new("a", "d/new"));
    pair.unit("rename over a folder", |fs| fs.rename_over("d/new", "d"));
    pair.unit("rename over nothing", |fs| fs.rename_over("missing", "x"));
    pair.same_file("d/new", "d/l");
    pair.create("b");
    pair.write(2, b"b");
    pair.unit("rename over", |fs| fs.rename_over("b", "d/new"));
    pair.names("d");
    pair.metadata("d/new");
    pair.metadata("d/l");

    pair.unit("remove a folder that has files", |fs| fs.remove_folder("d"));
    pair.unit("remove a folder as a file", |fs| fs.remove_file("d"));
    pair.unit("remove a file as a folder", |fs| fs.remove_folder("d/l"));
    pair.unit("remove", |fs| fs.remove_file("d/l"));
    pair.unit("remove again", |fs| fs.remove_file("d/l"));
    pair.unit("remove again as a folder", |fs| fs.remove_folder("d/l"));
    pair.read(1, 0, 8);
    pair.unit("remove", |fs| fs.remove_file("d/new"));
    pair.unit("remove a folder", |fs| fs.remove_folder("d"));
    pair.unit("remove a folder again", |fs| fs.remove_folder("d"));
    pair.unit("flush a folder", |fs| fs.sync_folder(""));
    pair.unit("flush a missing folder", |fs| fs.sync_folder("d"));
    pair.create("f");
    pair.unit("flush a file as a folder", |fs| fs.sync_folder("f"));

    pair.create(&long);
    pair.create(&format!("{long}x"));
    pair.metadata(&format!("{long}x"));
    pair.try_lock("lock");
    pair.try_lock("lock");
    pair.metadata("lock");
    pair.locks.clear();
    pair.try_lock("lock");
    pair.try_lock("missing/lock");
    pair.both("in place", |fs| fs.is_in_place(), bool::to_string);

    std::os::unix::fs::symlink("f", folder.join("s")).unwrap();
    pair.model.place_symbolic_link("s").unwrap();
    pair.metadata("s");
    pair.open("s");
    pair.create("s");
    pair.create("s/x");
    pair.metadata("s/x");
    pair.names("s");
    pair.try_lock("s");
    pair.unit("remove a link", |fs| fs.remove_file("s"));
    pair.names("");
}

#[test]
fn the_simulated_disk_answers_random_calls_as_a_real_one() {
    const NAMES: [&str; 9] = ["a", "b", "c", "d", "d/a", "d/b", "e", "e/a", "d/a/x"];
    for seed in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        let mut pair = Pair::new(&folder.path().join("table"));
        pair.unit("create the folder", |fs| fs.create_folder(""));
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..400 {
            let (one, other) = (NAMES[rng.usize(..NAMES.len())], NAMES[rng.usize(..NAMES.len())]);
            let file = rng.usize(..pair.open.len().max(1));
            match rng.u32(..16) {
                0 | 1 => pair.create(one),
                2 => pair.open(one),
                3 => pair.unit(&format!("folder {one}"), |fs| fs.create_folder(one)),
                // Renames are for files only.
                4 | 5 if pair.real.metadata(one).is_ok_and(|stat| stat.kind == FileKind::Folder) => {}
                4 => pair.unit(&format!("{one} to {other}"), |fs| fs.rename_new(one, other)),
                5 => pair.unit(&format!("{one} over {other}"), |fs| fs.rename_over(one, other)),
                6 => pair.unit(&format!("link {one} {other}"), |fs| fs.link(one, other)),
                7 => pair.unit(&format!("remove {one}"), |fs| fs.remove_file(one)),
                8 => pair.unit(&format!("remove folder {one}"), |fs| fs.remove_folder(one)),
                9 => pair.metadata(one),
                10 => pair.names(one),
                11 => pair.write(file, &b"0123456789"[..rng.usize(..11)]),
                12 => pair.read(file, rng.u64(..20), rng.usize(..12)),
                13 => pair.size_of_open(file),
                14 => pair.same_file(one, other),
                _ => pair.close(file),
            }
        }
    }
}
