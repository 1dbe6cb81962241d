//! One table by many names: however its folder is written, it is the same table, and neighbours whose names begin alike are others.

use datashard_io::{Durability, StoreOptions, TableStore};
use datashard_txn::maintain::SweepOptions;
use datashard_txn::{CommitOptions, Committer};

use crate::support::audit::audit;
use crate::support::rows::{row, table};

async fn store(url: &str) -> TableStore {
    TableStore::open(url, StoreOptions::new().with_durability(Durability::None)).await.unwrap()
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn e7_a_folder_is_one_table_by_whatever_name_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap().to_owned();
    std::fs::create_dir(dir.path().join("other")).unwrap();
    let names = [
        format!("{root}/tbl"),
        format!("{root}/tbl/"),
        format!("{root}//tbl"),
        format!("{root}/./tbl/."),
        format!("{root}/other/../tbl"),
        format!("file://{root}/tbl"),
    ];
    block_on(async {
        let options = CommitOptions::default();
        let (first, _) = Committer::create(store(&names[0]).await, table(), options.clone()).await.unwrap();
        for (number, name) in names.iter().enumerate() {
            let again = Committer::open(store(name).await, options.clone()).await;
            let again = again.unwrap_or_else(|e| panic!("{name}: {e}"));
            again.append(row(&again, &format!("row-{number}"), "0")).await.unwrap();
            again.sweep(&SweepOptions::default()).await.unwrap();
        }
        let rows = audit(first.store()).await.unwrap();
        assert_eq!(rows.each_once().len(), names.len(), "all of them are the one table");
    });
}

#[test]
fn e7_neighbours_whose_names_begin_alike_are_other_tables() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap();
    block_on(async {
        let mut tables = Vec::new();
        for name in ["tbl", "tbl2", "tbl2/metadata2", "d", "data", "metadata"] {
            let store = store(&format!("{root}/{name}")).await;
            let (made, _) = Committer::create(store, table(), CommitOptions::default()).await.unwrap();
            made.append(row(&made, name.rsplit('/').next().unwrap(), "0")).await.unwrap();
            tables.push((name, made));
        }
        for (_, table) in &tables {
            table.sweep(&SweepOptions::default().with_grace(std::time::Duration::ZERO)).await.unwrap();
        }
        for (name, table) in &tables {
            let audited = audit(table.store()).await.unwrap_or_else(|e| panic!("{name}: {e}"));
            let expect = name.rsplit('/').next().unwrap();
            assert_eq!(audited.each_once().into_iter().collect::<Vec<_>>(), [expect]);
        }
    });
}

/// Locations in a table begin with the name that it was made by. By way of a symbolic link they begin otherwise, so its files seem to lie
/// elsewhere: nothing is committed on top of them, and nothing is deleted.
#[cfg(unix)]
#[test]
fn e7_a_table_by_way_of_a_symbolic_link_is_refused_and_stays_whole() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap().to_owned();
    std::os::unix::fs::symlink(dir.path(), dir.path().join("link")).unwrap();
    block_on(async {
        let options = CommitOptions::default();
        let direct = store(&format!("{root}/tbl")).await;
        let (direct, _) = Committer::create(direct, table(), options.clone()).await.unwrap();
        direct.append(row(&direct, "one", "0")).await.unwrap();
        let by_link = Committer::open(store(&format!("{root}/link/tbl")).await, options).await.unwrap();
        let refused = by_link.append(row(&by_link, "two", "0")).await.unwrap_err();
        assert!(refused.to_string().contains("lies outside of the table"), "{refused}");
        by_link.sweep(&SweepOptions::default().with_grace(std::time::Duration::ZERO)).await.unwrap_err();
        direct.append(row(&direct, "three", "0")).await.unwrap();
        assert_eq!(audit(direct.store()).await.unwrap().each_once().len(), 2);
    });
}
