//! Tests of folders: on the real file system, and over one that fails when told to.
#![cfg(unix)]

mod faults;
mod faulty;
mod files;
mod hostile;

use std::path::Path as SystemPath;
use std::sync::Arc;

use bytes::Bytes;

use self::faulty::{Fault, Faulty};
use crate::context::Context;
use crate::location::Location;
use crate::store::{Durability, StoreOptions};
use crate::{TablePath, TableStore};

fn path(text: &str) -> TablePath {
    TablePath::parse(text).unwrap()
}

async fn open(root: &SystemPath) -> TableStore {
    TableStore::open(root.to_str().unwrap(), StoreOptions::new()).await.unwrap()
}

fn on(fs: Arc<Faulty>, root: &SystemPath, durability: Durability) -> TableStore {
    let location = Location::parse(root.to_str().unwrap()).unwrap();
    let store = TableStore::on_file_system(fs, location, durability, Context::system()).unwrap();
    store.with_retry(crate::store::RetryPolicy::none())
}

/// Every name below a folder, hidden ones too.
fn tree(root: &SystemPath) -> Vec<String> {
    fn walk(folder: &SystemPath, names: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                walk(&path, names);
            } else {
                names.push(path.to_string_lossy().into_owned());
            }
        }
    }
    let mut names = Vec::new();
    walk(root, &mut names);
    let prefix = format!("{}/", root.display());
    let mut names: Vec<String> = names.iter().map(|name| name.replace(&prefix, "")).collect();
    names.sort();
    names
}

async fn read(store: &TableStore, name: &str) -> Bytes {
    store.read(&path(name), 1 << 20).await.unwrap()
}
