//! Gives a whole file its name, but only if nothing has it: which call can do that differs between file systems, and some accept a
//! call and then do something else. So a method is tried out before it is trusted.

use std::io;
use std::sync::Arc;

use super::failure::{Failure, Reason};
use super::file_system::FileSystem;
use super::temporary::{Temporary, join, name};
use crate::context::IdSource;

/// How a file is created whole and only if absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// A rename that does not replace.
    Rename,
    /// A second name for the temporary file, whose first is then removed. Works on NFS.
    Link,
    /// A look, then a rename: not safe against a second writer, and only used where the caller said that there is none.
    LookAndRename,
}

/// Finds out which method works in a folder.
pub(super) fn probe(
    fs: &Arc<dyn FileSystem>,
    folder: &str,
    ids: &dyn IdSource,
    unsafe_single_writer: bool,
) -> Result<Method, Failure> {
    let mut found = String::new();
    let tries: [(Method, &str, Call); 2] = [
        (Method::Rename, "rename", |fs, from, to| fs.rename_new(from, to)),
        (Method::Link, "link", |fs, from, to| fs.link(from, to)),
    ];
    for (method, word, call) in tries {
        match works(fs, folder, ids, call)? {
            None => return Ok(method),
            Some(detail) => {
                if !found.is_empty() {
                    found.push_str("; ");
                }
                found.push_str(&format!("{word}: {detail}"));
            }
        }
    }
    if unsafe_single_writer {
        return Ok(Method::LookAndRename);
    }
    Err(Failure::no(Reason::NoAtomicCreate(found)))
}

type Call = fn(&dyn FileSystem, &str, &str) -> io::Result<()>;

/// `None` if a call refuses a name that is taken and takes one that is free; else what it did instead.
fn works(
    fs: &Arc<dyn FileSystem>,
    folder: &str,
    ids: &dyn IdSource,
    call: Call,
) -> Result<Option<String>, Failure> {
    let ours = Temporary::create(fs, folder, ids.uuid()).map_err(Failure::before)?;
    let taken = Temporary::create(fs, folder, ids.uuid()).map_err(Failure::before)?;
    match call(&**fs, ours.path(), taken.path()) {
        Ok(()) => return Ok(Some("it replaced a file".to_owned())),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) if is_missing(&error) => return Ok(Some(error.to_string())),
        Err(error) => return Err(Failure::before(error)),
    }
    let free = join(folder, &name(ids.uuid()));
    match call(&**fs, ours.path(), &free) {
        Ok(()) => {}
        Err(error) if is_missing(&error) || error.kind() == io::ErrorKind::AlreadyExists => {
            return Ok(Some(error.to_string()));
        }
        Err(error) => return Err(Failure::before(error)),
    }
    match fs.remove_file(&free) {
        Ok(()) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Some("it did not take effect".to_owned()))
        }
        Err(error) => Err(Failure::before(error)),
    }
}

/// Whether an error says that the file system does not have the call.
fn is_missing(error: &io::Error) -> bool {
    // FAT and some FUSE file systems answer EPERM to a link, others EMLINK; renames with flags get EINVAL or ENOSYS.
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::TooManyLinks
    )
}

/// Gives `temporary` the name `to`. `AlreadyExists` only if something else has it.
pub(super) fn place(
    fs: &dyn FileSystem,
    method: Method,
    temporary: &Temporary,
    to: &str,
) -> Result<(), Failure> {
    let outcome = match method {
        Method::Rename => fs.rename_new(temporary.path(), to),
        Method::Link => fs.link(temporary.path(), to),
        Method::LookAndRename => match fs.metadata(to) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs.rename_over(temporary.path(), to),
            Err(error) => return Err(Failure::before(error)),
        },
    };
    if let Err(error) = outcome {
        settle(fs, temporary, to, error)?;
    }
    if method == Method::Link
        && let Err(error) = fs.remove_file(temporary.path())
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = temporary.path(), %error, "a temporary name stays behind until the next sweep");
    }
    Ok(())
}

/// Finds out whether a call that failed has given the name all the same.
///
/// NFS repeats a call whose answer was lost: then a link or a rename that does not replace finds our own file in the way, and any
/// rename misses the temporary file.
pub(super) fn settle(
    fs: &dyn FileSystem,
    temporary: &Temporary,
    to: &str,
    error: io::Error,
) -> Result<(), Failure> {
    match target(fs, temporary, to) {
        Ok(Target::Ours) => Ok(()),
        Ok(Target::Link) => Err(Failure::no(Reason::Link)),
        Ok(Target::Other) if is_certain(&error) => Err(Failure::before(error)),
        Err(_) if is_certain(&error) && !is_of_repeated_call(&error) => Err(Failure::before(error)),
        Ok(Target::Other) => Err(Failure::after(error)),
        // Not the call's error: "not found" would be taken for a definite answer.
        Err(unknown) => Err(Failure::after(unknown)),
    }
}

/// Whether an error may be the answer to the second delivery of a call that worked.
fn is_of_repeated_call(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound)
}

/// What has a name.
enum Target {
    Ours,
    Link,
    Other,
}

fn target(fs: &dyn FileSystem, temporary: &Temporary, to: &str) -> io::Result<Target> {
    let theirs = match fs.metadata(to) {
        Ok(stat) => stat,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Target::Other),
        Err(error) => return Err(error),
    };
    if theirs.kind == super::file_system::FileKind::Link {
        return Ok(Target::Link);
    }
    let Some(file) = temporary.file() else { return Ok(Target::Other) };
    // The file is open, so nothing else can have got its number.
    let ours = file.metadata()?;
    Ok(if ours.identity == theirs.identity { Target::Ours } else { Target::Other })
}

/// Whether a call that names a file was refused before anything was changed. Anything else (EIO, a timeout of a network mount) may
/// have happened.
pub(super) fn is_certain(error: &io::Error) -> bool {
    super::failure::is_link_error(error)
        || matches!(
            error.kind(),
            io::ErrorKind::NotFound
                | io::ErrorKind::AlreadyExists
                | io::ErrorKind::PermissionDenied
                | io::ErrorKind::ReadOnlyFilesystem
                | io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::NotADirectory
                | io::ErrorKind::IsADirectory
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::InvalidFilename
                | io::ErrorKind::CrossesDevices
                | io::ErrorKind::TooManyLinks
                | io::ErrorKind::Unsupported
        )
        || error.raw_os_error().is_some_and(is_handle_limit)
}

/// EMFILE, ENFILE: the process or the machine has too many open files.
#[cfg(unix)]
fn is_handle_limit(code: i32) -> bool {
    use rustix::io::Errno;
    code == Errno::MFILE.raw_os_error() || code == Errno::NFILE.raw_os_error()
}

#[cfg(not(unix))]
fn is_handle_limit(_: i32) -> bool {
    false
}
