//! What stores answer, through real HTTP on this machine, and what becomes of it.

use super::*;
use crate::path::TablePath;
use crate::store::{StoreOptions, TableStore};

#[tokio::test]
async fn smoke() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        loop {
            let (mut s, _) = listener.accept().await.unwrap();
            let mut b = [0; 4096];
            let n = s.read(&mut b).await.unwrap();
            println!("{}", String::from_utf8_lossy(&b[..n]));
            s.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 44\r\nConnection: close\r\n\r\n<Error><Code>InvalidAccessKeyId</Code></Error>").await.unwrap();
        }
    });
    let store = TableStore::open(
        &format!("s3://b/t?endpoint=http://127.0.0.1:{port}&access_key_id=a&secret_access_key=b"),
        StoreOptions::new(),
    )
    .await
    .unwrap();
    let e = store.put(&TablePath::parse("x").unwrap(), "hello".into()).await.unwrap_err();
    println!("{e} {:?}", store.counts());
}
