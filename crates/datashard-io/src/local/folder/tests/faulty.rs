//! A file system over a real folder that fails, lies or notes down what it was asked.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::local::SystemFolder;
use crate::local::file_system::{FileKind, FileStat, FileSystem, OpenFile};

/// What a call does instead of its work: an error by the system's number, or a lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Fails before anything happens.
    Fails(i32),
    /// Works, and then fails.
    WorksAndFails(i32),
    /// A rename that should not replace does.
    Replaces,
    /// Writes one byte at a time, every second call is interrupted.
    Short,
}

#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) faults: Mutex<Vec<(&'static str, Fault)>>,
    pub(super) log: Mutex<Vec<String>>,
}

impl Script {
    fn call<T>(&self, call: &'static str, path: &str, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.log.lock().unwrap().push(format!("{call} {path}"));
        match self.fault(call) {
            Some(Fault::Fails(code)) => Err(io::Error::from_raw_os_error(code)),
            Some(Fault::WorksAndFails(code)) => {
                work()?;
                Err(io::Error::from_raw_os_error(code))
            }
            _ => work(),
        }
    }

    fn fault(&self, call: &str) -> Option<Fault> {
        self.faults.lock().unwrap().iter().find(|(name, _)| *name == call).map(|(_, fault)| *fault)
    }
}

#[derive(Debug)]
pub(super) struct Faulty {
    below: SystemFolder,
    pub(super) script: Arc<Script>,
}

impl Faulty {
    pub(super) fn new(root: &Path, faults: &[(&'static str, Fault)]) -> Arc<Self> {
        let script = Script { faults: Mutex::new(faults.to_vec()), log: Mutex::default() };
        Arc::new(Self { below: SystemFolder::open(root).unwrap(), script: Arc::new(script) })
    }

    pub(super) fn set(&self, faults: &[(&'static str, Fault)]) {
        *self.script.faults.lock().unwrap() = faults.to_vec();
    }

    pub(super) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.script.log.lock().unwrap())
    }
}

impl FileSystem for Faulty {
    fn create_file(&self, path: &str) -> io::Result<Box<dyn OpenFile>> {
        let below = self.script.call("create_file", path, || self.below.create_file(path))?;
        Ok(Box::new(FaultyFile { below, script: Arc::clone(&self.script), turn: 0 }))
    }
    fn open_file(&self, path: &str) -> io::Result<Box<dyn OpenFile>> {
        self.script.call("open_file", path, || self.below.open_file(path))
    }
    fn create_folder(&self, path: &str) -> io::Result<()> {
        self.script.call("create_folder", path, || self.below.create_folder(path))
    }
    fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        if self.script.fault("rename_new") == Some(Fault::Replaces) {
            return self.below.rename_over(from, to);
        }
        self.script.call("rename_new", to, || self.below.rename_new(from, to))
    }
    fn rename_over(&self, from: &str, to: &str) -> io::Result<()> {
        self.script.call("rename_over", to, || self.below.rename_over(from, to))
    }
    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        self.script.call("link", to, || self.below.link(from, to))
    }
    fn remove_file(&self, path: &str) -> io::Result<()> {
        self.script.call("remove_file", path, || self.below.remove_file(path))
    }
    fn remove_folder(&self, path: &str) -> io::Result<()> {
        self.script.call("remove_folder", path, || self.below.remove_folder(path))
    }
    fn sync_folder(&self, path: &str) -> io::Result<()> {
        self.script.call("sync_folder", path, || self.below.sync_folder(path))
    }
    fn sync_above(&self) -> io::Result<()> {
        self.script.call("sync_above", "", || self.below.sync_above())
    }
    fn metadata(&self, path: &str) -> io::Result<FileStat> {
        self.script.call("metadata", path, || self.below.metadata(path))
    }
    fn read_folder(&self, path: &str) -> io::Result<Vec<(String, FileKind)>> {
        self.script.call("read_folder", path, || self.below.read_folder(path))
    }
    fn try_lock(&self, path: &str) -> io::Result<Option<Box<dyn Send>>> {
        self.script.call("try_lock", path, || self.below.try_lock(path))
    }
    fn is_in_place(&self) -> io::Result<bool> {
        self.below.is_in_place()
    }
}

#[derive(Debug)]
struct FaultyFile {
    below: Box<dyn OpenFile>,
    script: Arc<Script>,
    turn: u32,
}

impl OpenFile for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.script.fault("write") == Some(Fault::Short) {
            self.turn = self.turn.wrapping_add(1);
            if self.turn.is_multiple_of(2) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            return self.below.write(&bytes[..1]);
        }
        self.script.call("write", "", || self.below.write(bytes))
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.below.read_at(offset, buffer)
    }
    fn sync(&self) -> io::Result<()> {
        self.script.call("sync", "", || self.below.sync())
    }
    fn metadata(&self) -> io::Result<FileStat> {
        self.below.metadata()
    }
}
