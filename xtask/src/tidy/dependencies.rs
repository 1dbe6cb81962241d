//! Which crate may know which: one direction, nothing heavy below the format, and no network where nobody asked for it.

use serde_json::Value;

use super::Problem;

/// The crate that must stay light.
const SPEC: &str = "datashard-spec";
const IO: &str = "datashard-io";

/// The layers from the ground up, each with the crates it may depend on, also in tests. A new edge belongs here first.
const LAYERS: [(&str, &[&str]); 5] = [
    (SPEC, &[]),
    (IO, &[SPEC]),
    ("datashard-txn", &[SPEC, IO]),
    ("datashard", &[SPEC, IO, "datashard-txn"]),
    ("datashard-cli", &["datashard"]),
];

/// Members that are not published: the benchmarks and the model may use every layer, the tool none.
const UNPUBLISHED: [(&str, bool); 3] =
    [("datashard-benches", true), ("datashard-model", true), ("xtask", false)];

/// What a crate must not pull in when it is built with some features. A name that ends with `*` stands for its family too.
pub(super) struct Ban {
    name: &'static str,
    /// What `cargo tree` is told of features.
    features: &'static [&'static str],
    forbidden: &'static [&'static str],
}

pub(super) const BANS: [Ban; 4] = [
    Ban {
        name: SPEC,
        features: &["--all-features"],
        forbidden: &[
            "arrow*",
            "tokio*",
            "reqwest*",
            "hyper*",
            "rustls*",
            "openssl*",
            "native-tls*",
            "parquet*",
            "object_store*",
        ],
    },
    // A table in a folder needs no HTTP and no TLS, and storage alone no Arrow.
    Ban {
        name: IO,
        features: &["--no-default-features", "--features", "local"],
        forbidden: &[
            "arrow*",
            "parquet*",
            "orc-rust",
            "reqwest*",
            "rustls*",
            "ring",
            "hyper*",
            "h2",
            "aws-lc*",
            "openssl*",
            "native-tls*",
            "mio",
        ],
    },
    // Who reads Parquet from memory or a folder compiles no other format and no HTTP.
    Ban {
        name: IO,
        features: &["--no-default-features", "--features", "local,parquet"],
        forbidden: &["arrow-avro", "orc-rust", "reqwest*", "rustls*", "hyper*", "ring"],
    },
    // One TLS, and none that is built from C with tools of its own.
    Ban {
        name: IO,
        features: &["--all-features"],
        forbidden: &["aws-lc*", "openssl", "openssl-sys", "native-tls*"],
    },
];

impl Ban {
    /// Arguments for cargo that make it list what the crate pulls in, as [`broken`](Self::broken) reads it.
    pub(super) fn tree_arguments(&self) -> Vec<&'static str> {
        let mut arguments = vec!["tree", "-p", self.name, "-e", "normal", "--prefix", "none"];
        arguments.extend(self.features);
        arguments
    }

    /// The forbidden crates in the output of cargo.
    pub(super) fn broken(&self, tree: &str) -> Vec<Problem> {
        let is_forbidden = |name: &&str| self.forbidden.iter().any(|pattern| matches(pattern, name));
        let mut found: Vec<&str> =
            tree.lines().filter_map(|line| line.split(' ').next()).filter(is_forbidden).collect();
        found.sort_unstable();
        found.dedup();
        let with = self.features.join(" ");
        found
            .into_iter()
            .map(|name| Problem::new(self.name, 0, format!("must not pull in {name} with {with}")))
            .collect()
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(family) => {
            name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
        }
        None => name == pattern,
    }
}

/// The layers that exist, from the ground up.
pub(super) fn layers_present(metadata: &Value) -> Vec<String> {
    let members: Vec<&str> = packages(metadata).filter_map(name).collect();
    LAYERS.iter().filter(|(layer, _)| members.contains(layer)).map(|(layer, _)| (*layer).to_owned()).collect()
}

/// Edges between members that [`LAYERS`] does not know, and members it does not know.
pub(super) fn edges(metadata: &Value) -> Vec<Problem> {
    let members: Vec<&str> = packages(metadata).filter_map(name).collect();
    let mut problems = Vec::new();
    for package in packages(metadata) {
        let Some(from) = name(package) else { continue };
        let allowed: Vec<&str> = if let Some((_, below)) = LAYERS.iter().find(|(layer, _)| *layer == from) {
            below.to_vec()
        } else if let Some((_, all)) = UNPUBLISHED.iter().find(|(member, _)| *member == from) {
            if *all { LAYERS.iter().map(|(layer, _)| *layer).collect() } else { Vec::new() }
        } else {
            problems.push(Problem::new(
                from,
                0,
                "a member that no layer knows; place it in xtask's list of layers",
            ));
            continue;
        };
        for to in dependencies(package).filter_map(name) {
            if members.contains(&to) && !allowed.contains(&to) {
                problems.push(Problem::new(from, 0, format!("must not depend on {to}, not even for tests")));
            }
        }
    }
    problems
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    list(metadata, "packages")
}

fn dependencies(package: &Value) -> impl Iterator<Item = &Value> {
    list(package, "dependencies")
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn name(value: &Value) -> Option<&str> {
    value.get("name").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Metadata of crates with their dependencies.
    fn metadata(packages: &[(&str, &[&str])]) -> Value {
        let packages: Vec<Value> = packages
            .iter()
            .map(|(name, dependencies)| {
                let dependencies: Vec<Value> =
                    dependencies.iter().map(|name| json!({"name": name})).collect();
                json!({"name": name, "dependencies": dependencies})
            })
            .collect();
        json!({"packages": packages})
    }

    fn check(packages: &[(&str, &[&str])], expect: &[&str]) {
        let found: Vec<String> = edges(&metadata(packages)).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expect.len(), "{found:?}");
        for (found, expect) in found.iter().zip(expect) {
            assert!(found.contains(expect), "{found} should contain {expect}");
        }
    }

    #[test]
    fn the_one_direction_is_allowed() {
        check(&[(SPEC, &["serde"]), (IO, &[SPEC]), ("datashard-benches", &[SPEC, "datashard-io"])], &[]);
    }

    #[test]
    fn an_edge_upwards_is_refused() {
        check(
            &[(SPEC, &["datashard-io"]), ("datashard-io", &[SPEC])],
            &["datashard-spec: must not depend on datashard-io"],
        );
    }

    #[test]
    fn an_edge_that_skips_layers_is_refused_until_listed() {
        check(
            &[(SPEC, &[]), ("datashard-cli", &[SPEC])],
            &["datashard-cli: must not depend on datashard-spec"],
        );
    }

    #[test]
    fn the_tool_depends_on_no_layer() {
        check(
            &[(SPEC, &[]), ("xtask", &[SPEC, "serde_json"])],
            &["xtask: must not depend on datashard-spec"],
        );
    }

    #[test]
    fn a_new_member_needs_a_layer() {
        check(&[("datashard-extra", &[])], &["datashard-extra: a member that no layer knows"]);
    }

    #[test]
    fn layers_come_from_the_ground_up() {
        let metadata = metadata(&[("xtask", &[]), ("datashard", &[]), (SPEC, &[])]);
        assert_eq!(layers_present(&metadata), [SPEC, "datashard"]);
    }

    #[test]
    fn heavy_crates_and_their_families_are_found_once() {
        let tree =
            "datashard-spec v0.1.0\narrow-array v59.3.2\nserde v1.0\ntokio v1.54.1\ntokio v1.54.1 (*)\n";
        let found: Vec<String> = BANS[0].broken(tree).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "datashard-spec: must not pull in arrow-array with --all-features",
                "datashard-spec: must not pull in tokio with --all-features"
            ]
        );
    }

    #[test]
    fn a_name_that_only_begins_alike_is_no_finding() {
        assert!(BANS[0].broken("arrowhead v1.0.0\nhyperloglog v1.0.0\n").is_empty());
    }

    #[test]
    fn a_folder_needs_no_http_and_a_bucket_no_second_tls() {
        let found = |ban: &Ban, tree: &str| ban.broken(tree).len();
        let [_, folder, _, cloud] = &BANS;
        let http = "hyper v1\nhyper-util v0.1\nring v0.17\nreqwest v0.13\nrustls v0.23\n";
        assert_eq!((found(folder, http), found(cloud, http)), (5, 0));
        let tls = "aws-lc-rs v1\nopenssl-sys v0.9\nnative-tls v0.2\n";
        assert_eq!((found(folder, tls), found(cloud, tls)), (3, 3));
        // It only looks for certificates.
        assert_eq!(found(cloud, "openssl-probe v0.2\n"), 0);
    }

    #[test]
    fn the_tree_is_asked_for_with_the_features_of_the_ban() {
        let arguments = BANS[1].tree_arguments().join(" ");
        assert_eq!(
            arguments,
            "tree -p datashard-io -e normal --prefix none --no-default-features --features local"
        );
    }
}
