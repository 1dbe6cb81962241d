//! Column metrics: what prunes a file, what proves that every row matches, and what says nothing.

use super::*;
use crate::expr::Predicate;
use crate::schema::{NestedField, PrimitiveType, Schema, StructType};

/// Metrics of column 1 of a file of ten rows.
#[derive(Clone, Default)]
struct File {
    values: Option<i64>,
    nulls: Option<i64>,
    nans: Option<i64>,
    lower: Option<Vec<u8>>,
    upper: Option<Vec<u8>>,
}

impl ColumnMetrics for File {
    fn record_count(&self) -> Option<i64> {
        Some(10)
    }
    fn value_count(&self, _: FieldId) -> Option<i64> {
        self.values
    }
    fn null_count(&self, _: FieldId) -> Option<i64> {
        self.nulls
    }
    fn nan_count(&self, _: FieldId) -> Option<i64> {
        self.nans
    }
    fn lower_bound(&self, _: FieldId) -> Option<&[u8]> {
        self.lower.as_deref()
    }
    fn upper_bound(&self, _: FieldId) -> Option<&[u8]> {
        self.upper.as_deref()
    }
}

fn counts(nulls: i64, nans: i64) -> File {
    File { values: Some(10), nulls: Some(nulls), nans: Some(nans), ..File::default() }
}

fn bounds(lower: impl AsRef<[u8]>, upper: impl AsRef<[u8]>) -> File {
    File { lower: Some(lower.as_ref().to_vec()), upper: Some(upper.as_ref().to_vec()), ..counts(0, 0) }
}

fn longs(lower: i64, upper: i64) -> File {
    bounds(lower.to_le_bytes(), upper.to_le_bytes())
}

/// Whether rows may match, and whether all must.
fn check(of: PrimitiveType, predicate: &str, file: &File, may: bool, must: bool) {
    let schema = Schema::new(vec![NestedField::optional(1, "x", of)]).unwrap();
    let bound = predicate.parse::<Predicate>().unwrap().bind(&schema).unwrap();
    let found = (InclusiveMetrics::new(&bound).may_match(file), StrictMetrics::new(&bound).must_match(file));
    assert_eq!(found, (may, must), "{predicate}");
}

#[test]
fn bounds_decide_ranges() {
    let long = |predicate: &str, may, must| check(PrimitiveType::Long, predicate, &longs(5, 9), may, must);
    long("x < 5", false, false);
    long("x < 6", true, false);
    long("x < 10", true, true);
    long("x <= 4", false, false);
    long("x > 9", false, false);
    long("x >= 5", true, true);
    long("x = 10", false, false);
    long("x = 7", true, false);
    long("x != 10", true, true);
    long("x in (1, 2, 10)", false, false);
    long("x in (1, 7)", true, false);
    long("x not in (1, 10)", true, true);
    long("x not in (1, 7)", true, false);
    check(PrimitiveType::Long, "x = 5", &longs(5, 5), true, true);
    check(PrimitiveType::Long, "x in (4, 5)", &longs(5, 5), true, true);
    check(PrimitiveType::Long, "x != 5", &longs(5, 5), false, false);
    check(PrimitiveType::Long, "x not in (4, 5)", &longs(5, 5), false, false);
}

#[test]
fn long_lists_are_kept() {
    let list: Vec<String> = (100..400).map(|v| v.to_string()).collect();
    check(PrimitiveType::Long, &format!("x in ({})", list[..200].join(", ")), &longs(5, 9), false, false);
    check(PrimitiveType::Long, &format!("x in ({})", list.join(", ")), &longs(5, 9), true, false);
}

#[test]
fn nulls_match_no_comparison() {
    let all_null = counts(10, 0);
    for predicate in ["x < 5", "x != 5", "x not in (1, 2)", "x is not null", "truncate(2, x) = 4"] {
        check(PrimitiveType::Long, predicate, &all_null, false, false);
    }
    check(PrimitiveType::Long, "x is null", &all_null, true, true);
    check(PrimitiveType::Long, "x is null", &counts(0, 0), false, false);
    check(PrimitiveType::Long, "x is not null", &counts(0, 0), true, true);
    let some_null = File { nulls: Some(1), ..longs(5, 9) };
    check(PrimitiveType::Long, "x < 10", &some_null, true, false);
    check(PrimitiveType::Long, "x != 10", &some_null, true, false);
}

#[test]
fn nans_match_what_excludes_values() {
    let double = |predicate: &str, file: &File, may, must| {
        check(PrimitiveType::Double, predicate, file, may, must);
    };
    double("x < 5", &counts(0, 10), false, false);
    double("x < 5", &counts(4, 6), false, false);
    double("x != 5", &counts(0, 10), true, true);
    double("x != 5", &counts(4, 6), true, false);
    double("x is nan", &counts(0, 10), true, true);
    double("x is nan", &counts(0, 0), false, false);
    double("x is nan", &counts(10, 0), false, false);
    double("x is not nan", &counts(0, 10), false, false);
    double("x is not nan", &counts(4, 0), true, true);
    let with_nan = File { nans: Some(1), ..bounds(1_f64.to_le_bytes(), 1_f64.to_le_bytes()) };
    double("x = 1", &with_nan, true, false);
    double("x != 1", &with_nan, true, false);
    double("x != 2", &with_nan, true, true);
    let unknown = File { nans: None, ..with_nan };
    double("x < 2", &unknown, true, false);
    double("x != 1", &unknown, true, false);
}

#[test]
fn trap_11_nan_bounds_prune_nothing() {
    let file = bounds(f64::NAN.to_le_bytes(), f64::NAN.to_le_bytes());
    for predicate in ["x < 5", "x > 5", "x = 5", "x in (1, 2)"] {
        check(PrimitiveType::Double, predicate, &file, true, false);
    }
}

#[test]
fn trap_14_bounds_of_text_are_limits_and_not_values() {
    let cut = "a".repeat(16);
    let raised = format!("{}b", "a".repeat(15));
    check(PrimitiveType::String, &format!("x = '{cut}'"), &bounds(&cut, &raised), true, false);
    // A careless writer cut both bounds to the same text.
    check(PrimitiveType::String, &format!("x = '{cut}'"), &bounds(&cut, &cut), true, false);
    check(PrimitiveType::String, &format!("x != '{cut}'"), &bounds(&cut, &cut), true, false);
    check(PrimitiveType::String, &format!("x in ('b', '{cut}')"), &bounds(&cut, &cut), true, false);
    check(PrimitiveType::String, "x = 'a'", &bounds("a", "a"), true, true);
    check(PrimitiveType::String, "x > 'b'", &bounds("a", "b"), false, false);
}

#[test]
fn prefixes_are_compared_with_bounds() {
    let text = |predicate: &str, lower: &str, upper: &str, may, must| {
        check(PrimitiveType::String, predicate, &bounds(lower, upper), may, must);
    };
    text("x like 'ab%'", "aa", "az", true, false);
    text("x like 'ab%'", "aba", "abz", true, true);
    text("x like 'ab%'", "ac", "b", false, false);
    text("x like 'ab%'", "", "a", false, false);
    text("x not like 'ab%'", "aba", "abz", false, false);
    text("x not like 'ab%'", "ac", "b", true, true);
    text("x not like 'ab%'", "a", "abz", true, false);
}

#[test]
fn garbage_decides_nothing() {
    let garbage = [
        bounds([1, 2, 3], [4, 5]),
        File { values: Some(-1), nulls: Some(-1), nans: Some(-1), ..File::default() },
        File { values: Some(0), nulls: Some(0), nans: Some(0), ..File::default() },
        File { values: None, nulls: None, ..longs(5, 9) },
    ];
    for (i, file) in garbage.iter().enumerate() {
        for predicate in ["x < 6", "x != 5", "x is not null"] {
            let must = i == 0 && predicate.ends_with("null");
            check(PrimitiveType::Long, predicate, file, true, must);
        }
    }
    let extreme = File { values: Some(1), nulls: Some(i64::MAX), nans: Some(i64::MAX), ..File::default() };
    check(PrimitiveType::Double, "x = 5", &extreme, true, false);
}

#[test]
fn counts_that_contradict_each_other_decide_nothing() {
    let double = |predicate: &str, values, nulls, nans| {
        let counts =
            File { values: Some(values), nulls: Some(nulls), nans: Some(nans), ..bounds([0; 8], [0; 8]) };
        let counts = File { lower: None, upper: None, ..counts };
        check(PrimitiveType::Double, predicate, &counts, true, false);
    };
    // Five values in ten rows.
    double("x is null", 5, 5, 0);
    double("x is not null", 5, 5, 0);
    double("x < 1", 5, 5, 0);
    double("x is not null", 5, 0, 0);
    double("x is null", 5, 0, 0);
    double("x is nan", 5, 0, 5);
    double("x is nan", 5, 0, 0);
    double("x is not nan", 5, 0, 0);
    // More nulls, or more NaNs, than there is room for.
    double("x is not null", 10, 20, 0);
    double("x is nan", 10, 5, 10);
    double("x is not nan", 10, 5, 10);
    double("x < 1", 10, 5, 10);
    double("x is null", 10, -1, 0);
}

#[test]
fn a_column_without_metrics_is_not_taken_for_null() {
    // Added after the file was written, it may have an initial default.
    for predicate in ["x = 5", "x is not null", "x is null", "x not in (1, 2)", "x is not nan"] {
        check(PrimitiveType::Double, predicate, &File::default(), true, false);
    }
}

#[test]
fn uuid_bounds_of_either_order_lose_no_row() {
    let uuid = |text: &str| text.parse::<uuid::Uuid>().unwrap();
    let check = |predicate: &str, lower: &str, upper: &str, may, must| {
        let file = bounds(uuid(lower).as_bytes(), uuid(upper).as_bytes());
        check(PrimitiveType::Uuid, predicate, &file, may, must);
    };
    let [one, seven, nine, f] = [
        "10000000-0000-4000-8000-000000000001",
        "70000000-0000-4000-8000-000000000001",
        "90000000-0000-4000-8000-000000000001",
        "f0000000-0000-4000-8000-000000000001",
    ];
    check(&format!("x = '{one}'"), seven, nine, false, false);
    check(&format!("x >= '{one}'"), seven, nine, true, true);
    check(&format!("x > '{nine}'"), seven, nine, false, false);
    check(&format!("x = '{seven}'"), seven, seven, true, true);
    check(&format!("x != '{seven}'"), seven, seven, false, false);
    // As signed longs 9 and f are negative: values from 9 by f and 1 up to 7.
    for predicate in ["x = '{}'", "x < '{}'", "x > '{}'", "x in ('{}', '{}')", "x != '{}'", "x <= '{}'"] {
        for literal in [one, seven, nine, f] {
            check(&predicate.replace("{}", literal), nine, seven, true, false);
        }
    }
    // The lower halves have signs too.
    let (low, high) = ("70000000-0000-4000-1000-000000000000", "70000000-0000-4000-f000-000000000000");
    let above = "71000000-0000-4000-8000-000000000000";
    for predicate in ["x = '{}'", "x <= '{}'", "x > '{}'", "x != '{}'"] {
        check(&predicate.replace("{}", low), high, above, true, false);
    }
    check(&format!("x > '{one}'"), high, above, true, true);
    check(&format!("x = '{low}'"), high, nine, false, false);
    // One bound alone says nothing of the order.
    let half = File { upper: None, ..bounds(uuid(seven).as_bytes(), []) };
    super::tests::check(PrimitiveType::Uuid, &format!("x = '{one}'"), &half, true, false);
}

#[test]
fn columns_in_structs_never_must_match() {
    let inner = vec![
        NestedField::optional(1, "y", PrimitiveType::Long),
        NestedField::optional(3, "z", PrimitiveType::Double),
    ];
    let schema = Schema::new(vec![NestedField::optional(2, "s", StructType::new(inner))]).unwrap();
    let evaluators = |text: &str| {
        let bound = text.parse::<Predicate>().unwrap().bind(&schema).unwrap();
        (InclusiveMetrics::new(&bound), StrictMetrics::new(&bound))
    };
    let (may, must) = evaluators("s.y < 10");
    assert!(may.may_match(&longs(5, 9)) && !must.must_match(&longs(5, 9)));
    assert!(!may.may_match(&longs(10, 11)));
    // Fewer values than rows: the struct is null in some.
    let (may, _) = evaluators("s.y is null");
    assert!(!may.may_match(&counts(0, 0)));
    assert!(may.may_match(&File { values: Some(8), ..counts(0, 0) }));
    assert!(may.may_match(&File { values: None, ..counts(0, 0) }));
    let (may, _) = evaluators("s.y is not null");
    assert!(!may.may_match(&File { values: Some(8), ..counts(8, 0) }));
    assert!(may.may_match(&File { values: Some(8), ..counts(7, 0) }));
    // Null is not NaN: the rows whose struct is null match, though all that was counted is NaN.
    let (may, _) = evaluators("s.z is not nan");
    assert!(may.may_match(&File { values: Some(8), ..counts(0, 8) }));
    assert!(!may.may_match(&counts(0, 10)));
}

#[test]
fn an_empty_file_has_no_rows_to_match() {
    struct Empty;
    impl ColumnMetrics for Empty {
        fn record_count(&self) -> Option<i64> {
            Some(0)
        }
        fn value_count(&self, _: FieldId) -> Option<i64> {
            None
        }
        fn null_count(&self, _: FieldId) -> Option<i64> {
            None
        }
        fn nan_count(&self, _: FieldId) -> Option<i64> {
            None
        }
        fn lower_bound(&self, _: FieldId) -> Option<&[u8]> {
            None
        }
        fn upper_bound(&self, _: FieldId) -> Option<&[u8]> {
            None
        }
    }
    let schema = Schema::new(vec![NestedField::optional(1, "x", PrimitiveType::Long)]).unwrap();
    let bound = Predicate::always_true().bind(&schema).unwrap();
    assert!(!InclusiveMetrics::new(&bound).may_match(&Empty));
    assert!(StrictMetrics::new(&bound).must_match(&Empty));
}
