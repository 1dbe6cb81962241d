//! Which crate may know which: one direction, and nothing heavy below the format.

use serde_json::Value;

use super::Problem;

/// The crate that must stay light.
pub(super) const SPEC: &str = "datashard-spec";

/// The layers from the ground up, each with the crates it may depend on, also in tests. A new edge belongs here first.
const LAYERS: [(&str, &[&str]); 5] = [
    (SPEC, &[]),
    ("datashard-io", &[SPEC]),
    ("datashard-txn", &[SPEC, "datashard-io"]),
    ("datashard", &[SPEC, "datashard-io", "datashard-txn"]),
    ("datashard-cli", &["datashard"]),
];

/// Members that are not published: the benchmarks may use every layer, the tool none.
const UNPUBLISHED: [(&str, bool); 2] = [("datashard-benches", true), ("xtask", false)];

/// Crates (and the families `name-*`) that the format crate must never pull in.
const FORBIDDEN_BELOW_SPEC: [&str; 9] =
    ["arrow", "tokio", "reqwest", "hyper", "rustls", "openssl", "native-tls", "parquet", "object_store"];

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

/// Looks for heavy crates in the output of `cargo tree --prefix none`.
pub(super) fn forbidden_below_spec(tree: &str) -> Vec<Problem> {
    let is_forbidden = |name: &&str| {
        FORBIDDEN_BELOW_SPEC.iter().any(|forbidden| {
            name.strip_prefix(forbidden).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
        })
    };
    let mut found: Vec<&str> =
        tree.lines().filter_map(|line| line.split(' ').next()).filter(is_forbidden).collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(|name| Problem::new(SPEC, 0, format!("must not pull in {name}"))).collect()
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
        check(
            &[(SPEC, &["serde"]), ("datashard-io", &[SPEC]), ("datashard-benches", &[SPEC, "datashard-io"])],
            &[],
        );
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
        let found: Vec<String> = forbidden_below_spec(tree).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            ["datashard-spec: must not pull in arrow-array", "datashard-spec: must not pull in tokio"]
        );
    }

    #[test]
    fn a_name_that_only_begins_alike_is_no_finding() {
        assert!(forbidden_below_spec("arrowhead v1.0.0\nhyperloglog v1.0.0\n").is_empty());
    }
}
