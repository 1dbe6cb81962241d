//! Locations in every spelling, what is none, and the names of files below them.

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Location {
    Location::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn buckets_are_read_in_every_spelling() {
    let check = |text: &str, scheme: Scheme, container: &str, root: &str, shown: &str| {
        let location = parse(text);
        assert_eq!(
            (location.scheme(), location.container(), location.root()),
            (scheme, container, root),
            "{text}"
        );
        assert_eq!(location.to_string(), shown, "{text}");
        assert_eq!(parse(shown), location, "{text}");
    };
    check("s3://lake/raw/events", Scheme::S3, "lake", "raw/events", "s3://lake/raw/events");
    check("s3a://lake/raw/events///", Scheme::S3, "lake", "raw/events", "s3://lake/raw/events");
    check("S3://lake/t", Scheme::S3, "lake", "t", "s3://lake/t");
    check("s3://lake", Scheme::S3, "lake", "", "s3://lake");
    check("s3://my.old_Bucket-1/t", Scheme::S3, "my.old_Bucket-1", "t", "s3://my.old_Bucket-1/t");
    check("s3://lake/a%20b/ü", Scheme::S3, "lake", "a%20b/ü", "s3://lake/a%20b/ü");
    check("gs://lake/t", Scheme::Gcs, "lake", "t", "gs://lake/t");
    check("memory://x/t", Scheme::Memory, "x", "t", "memory://x/t");
    check("az://c/t", Scheme::Azure, "c", "t", "az://c/t");
    check("abfss://c/t", Scheme::Azure, "c", "t", "az://c/t");
    let with_account = "abfss://c@acct.dfs.core.windows.net/t";
    check(with_account, Scheme::Azure, "c", "t", with_account);
    check("abfs://c@ACCT.dfs.core.windows.net/t/", Scheme::Azure, "c", "t", with_account);
    assert_eq!(parse(with_account).account(), Some("acct"));
    assert_eq!(parse("az://c/t").account(), None);
}

#[test]
fn e07_folders_are_the_same_in_every_spelling() {
    for text in [
        "/lake/events",
        "/lake/events/",
        "//lake//events//",
        "/lake/./events/.",
        "file:///lake/events",
        "file:/lake/events/",
        "FILE://localhost/lake/events",
        "file:///lake/%65vents",
    ] {
        assert_eq!(parse(text).to_string(), "/lake/events", "{text}");
    }
    assert_eq!(parse("file:///lake/a%20b%25").root(), "/lake/a b%");
    assert_eq!(parse("/lake/a%20b").root(), "/lake/a%20b");
    let root = parse("/");
    assert_eq!((root.root(), &*root.to_string()), ("", "/"));
    assert_eq!(root.file(&TablePath::parse("data/f").unwrap()), "/data/f");
    assert_eq!(root.relative("/data/f").unwrap().as_str(), "data/f");
}

#[test]
fn relative_folders_begin_where_the_process_is() {
    let here = std::env::current_dir().unwrap();
    let here = here.to_str().unwrap();
    assert_eq!(parse("./a:b/t").root(), format!("{here}/a:b/t"));
    assert_eq!(parse("t").root(), format!("{here}/t"));
    assert_eq!(parse(".").root(), here);
    assert_eq!(parse("what?/a#b").root(), format!("{here}/what?/a#b"));
}

#[cfg(unix)]
#[test]
fn e07_parent_folders_lead_where_the_system_would_go() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().canonicalize().unwrap();
    std::fs::create_dir_all(dir.join("far/away")).unwrap();
    std::os::unix::fs::symlink(dir.join("far/away"), dir.join("link")).unwrap();
    let dir = dir.to_str().unwrap();
    assert_eq!(parse(&format!("{dir}/far/../t")).root(), format!("{dir}/t"));
    // Not `{dir}/t`: the system follows the link before it goes up.
    assert_eq!(parse(&format!("{dir}/link/../t")).root(), format!("{dir}/far/t"));
    assert_eq!(parse(&format!("{dir}/link/..")).root(), format!("{dir}/far"));
    let error = Location::parse(&format!("{dir}/missing/../t")).unwrap_err();
    assert!(error.to_string().contains("leads nowhere"), "{error}");
}

#[test]
fn what_is_no_location_is_refused_with_the_reason() {
    let check = |text: &str, reason: &str| {
        let error = Location::parse(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(reason), "{text:?}: {error}");
    };
    check("", "is empty");
    check("/a\0b", "control character");
    check("s3://b/a\nb", "control character");
    check(&format!("/{}", "x".repeat(5_000)), "longer than 4096");
    for text in [r"C:\tables\t", "C:/tables/t", "c:t", "file:///C:/t", "file:/C:/t"] {
        check(text, "Windows");
    }
    check(r"\\server\share", "backslash");
    check("~/t", "shell");
    check("s3:/bucket/t", "lacks the `//`");
    check("s3a:bucket", "lacks the `//`");
    check("ftp://host/t", "has a scheme other");
    check("hdfs://host/t", "has a scheme other");
    check("name:with/colon", "has a scheme other");
    check("s3://", "names no bucket");
    check("s3:///t", "names no bucket");
    check("s3://bucket:9000/t", "has a port");
    check("s3://arn:aws:s3:eu-west-1:1:accesspoint/x", "ARN");
    check("s3://key:secret@bucket/t", "has a user");
    check("s3://b@d/t", "has a user");
    check("s3://buck et/t", "its bucket may only");
    check("s3://-b/t", "its bucket may only");
    check("s3://bücket/t", "its bucket may only");
    check("s3://b/t?region=x", "has a query");
    check("s3://b/t#1", "fragment");
    check("s3://b//t", "empty segment");
    check("s3://b/../t", "`..`");
    check("s3://b/a/./t", "`.` or `..`");
    check("abfss://c@/t", "no host");
    check("file://host/t", "names another machine");
    check("file://dir", "names no path");
    check("file:dir/t", "relative path");
    check("file:///t?x=1", "query");
    check("file:///t%2Fx", "escaped slash");
    check("file:///t%5cx", "escaped slash");
    check("file:///t%00x", "escaped control");
    check("file:///100%", "%25");
    check("file:///100%zz", "%25");
    check("file:///%ff", "not UTF-8");
}

#[test]
fn secrets_in_locations_are_not_repeated() {
    for text in [
        "s3://b/../t?secret_access_key=hunter2",
        "s3://AKIA:hunter2@bucket/t",
        "s3://AKIA:hunter2@bucket?x=hunter2",
        "ftp://user:hunter2@host/t",
        "file:///t?key=hunter2",
    ] {
        let error = Location::parse(text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    let error = parse("s3://lake/t").relative("s3://other/f?X-Amz-Signature=hunter2").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}

#[test]
fn files_in_buckets_are_found_in_every_spelling_that_writers_use() {
    let check = |location: &str, file: &str, path: &str| {
        let location = parse(location);
        assert_eq!(location.relative(file).unwrap().as_str(), path, "{file}");
    };
    for scheme in ["s3", "s3a", "s3n", "S3"] {
        check("s3://lake/raw/t", &format!("{scheme}://lake/raw/t/data/f.parquet"), "data/f.parquet");
    }
    check("s3://lake", "s3://lake/data/f", "data/f");
    check("s3://lake/t", "s3://lake/t/data/day=a%20b/f#1?x", "data/day=a%20b/f#1?x");
    check("s3://lake/t", "s3://lake/t/%2e%2e/f", "%2e%2e/f");
    check("gs://lake/t", "gs://lake/t/data/f", "data/f");
    check("memory://x/t", "memory://x/t/data/f", "data/f");
    for file in [
        "abfss://c@acct.dfs.core.windows.net/t/data/f",
        "abfs://c@acct.dfs.core.windows.net/t/data/f",
        "wasbs://c@acct.blob.core.windows.net/t/data/f",
        "az://c/t/data/f",
    ] {
        check("abfss://c@acct.dfs.core.windows.net/t", file, "data/f");
        check("az://c/t", file, "data/f");
    }
}

#[test]
fn e07_files_in_folders_are_found_in_every_spelling_that_writers_use() {
    let location = parse("/lake/t");
    for file in [
        "/lake/t/data/f",
        "file:/lake/t/data/f",
        "file:///lake/t/data/f",
        "file://localhost/lake/t/data/f",
        "/lake//t/./data//f",
        "file:////lake/t/data/f",
        "file:///l%61ke/t/data/f",
    ] {
        assert_eq!(location.relative(file).unwrap().as_str(), "data/f", "{file}");
    }
    // Partition folders carry the escapes in their names.
    let partition = "file:///lake/t/data/day=a%20b%2Fc/f";
    assert_eq!(location.relative(partition).unwrap().as_str(), "data/day=a%20b%2Fc/f");
    // A root that is spelled with escapes is escaped throughout.
    let location = parse("file:///my%20lake/t");
    assert_eq!(location.relative("file:///my%20lake/t/a%20b").unwrap().as_str(), "a b");
    assert_eq!(location.relative("file:///my lake/t/a%20b").unwrap().as_str(), "a%20b");
}

#[test]
fn f07_e07_files_that_lead_out_of_the_table_are_refused() {
    let outside = |location: &str, file: &str| {
        let error = parse(location).relative(file).unwrap_err();
        assert!(matches!(error, LocationError::Outside { .. }), "{file}: {error:?}");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    };
    for file in [
        "s3://lake/t2/data/f",
        "s3://lake/t",
        "s3://lake/f",
        "s3://lake",
        "s3://lake2/t/f",
        "s3://other/t/f",
        "gs://lake/t/f",
        "file:///etc/passwd",
        "/lake/t/f",
        "t/f",
        "data/f",
        "",
        "s3://lake/t%2Ff",
        "s3://lake//t/f",
        "s3://user@lake/t/f",
    ] {
        outside("s3://lake/t", file);
    }
    for file in [
        "/lake/t2/f",
        "/lake/t",
        "/lake",
        "/etc/passwd",
        "file:///etc/passwd",
        "lake/t/f",
        "file:lake/t/f",
        "/lake/x/../t/f",
        "s3://lake/t/f",
        "file://host/lake/t/f",
        "file://localhostlake/t/f",
        "",
    ] {
        outside("/lake/t", file);
    }
    outside("abfss://c@acct.dfs.core.windows.net/t", "abfss://c@other.dfs.core.windows.net/t/f");

    let bad_path = |location: &str, file: &str| {
        let error = parse(location).relative(file).unwrap_err();
        assert!(matches!(error, LocationError::Path { .. }), "{file}: {error:?}");
    };
    for file in [
        "s3://lake/t/../secret",
        "s3://lake/t/data/../../x",
        "s3://lake/t//f",
        "s3://lake/t/a\0",
        "s3://lake/t/",
    ] {
        bad_path("s3://lake/t", file);
    }
    for file in [
        "/lake/t/../secret",
        "file:///lake/t/data/../../x",
        "/lake/t/a\0",
        "/lake/t/",
        "file:///l%61ke/t/%2e%2e/x",
    ] {
        bad_path("/lake/t", file);
    }
}

#[test]
fn queries_are_split_from_urls_only() {
    assert_eq!(split_query("s3://b/t?a=1?b"), ("s3://b/t", Some("a=1?b")));
    assert_eq!(split_query("file:///t?a=1"), ("file:///t", Some("a=1")));
    assert_eq!(split_query("./what?/a:b"), ("./what?/a:b", None));
    assert_eq!(split_query("what?a=s3://x"), ("what?a=s3://x", None));
}

/// Text made of the pieces that locations are made of, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("s3://".to_owned()),
        Just("file:".to_owned()),
        Just("//".to_owned()),
        Just("/".to_owned()),
        Just("..".to_owned()),
        Just(".".to_owned()),
        Just("%2e".to_owned()),
        Just("%".to_owned()),
        Just("@".to_owned()),
        Just(":".to_owned()),
        Just("?".to_owned()),
        Just("lake".to_owned()),
        Just("/t".to_owned()),
        Just("abfss://".to_owned()),
        Just("ü".to_owned()),
        ".{0,4}",
    ];
    proptest::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_panics_and_what_is_read_is_stable(text in prop_oneof![pieces(), any::<String>()]) {
        if let Ok(location) = Location::parse(&text) {
            let again = Location::parse(&location.to_string());
            prop_assert_eq!(again.as_ref(), Ok(&location), "{}", location);
        }
    }

    #[test]
    fn f07_no_name_of_a_file_leads_out_of_the_table(file in prop_oneof![pieces(), any::<String>()]) {
        for location in ["s3://lake/t", "/lake/t", "abfss://lake@a.b/t"] {
            if let Ok(path) = Location::parse(location).unwrap().relative(&file) {
                prop_assert!(path.as_str().split('/').all(|segment| !matches!(segment, "" | "." | "..")));
            }
        }
    }

    #[test]
    fn names_that_are_written_are_found_again(path in "[a-z%#?=. ü]{1,8}(/[a-z%#?=. ü]{1,8}){0,3}") {
        for location in ["s3://lake/t", "gs://lake", "/lake/t", "/", "memory://m/a/b", "abfss://lake@a.b/t"] {
            let location = Location::parse(location).unwrap();
            if let Ok(path) = TablePath::parse(&path) {
                prop_assert_eq!(location.relative(&location.file(&path)), Ok(path));
            }
        }
    }
}
