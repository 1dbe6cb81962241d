//! Partition tuples as they are compared: a spec keeps its tuples while its columns are widened.

use datashard_spec::manifest::FieldSummary;
use datashard_spec::schema::{PrimitiveType, StructType, Type};
use datashard_spec::value::{Tuple, Value};

/// The tuple in a form in which values are equal if they are after promotion.
pub(crate) fn canonical(tuple: &[Option<Value>]) -> Tuple {
    let widest = |value: &Value| match value {
        Value::Int(value) | Value::Date(value) => Value::Long(i64::from(*value)),
        Value::Float(value) => Value::Double(f64::from(*value)),
        other => other.clone(),
    };
    tuple.iter().map(|value| value.as_ref().map(widest)).collect()
}

/// What some tuples of a spec hold, field by field.
#[derive(Debug)]
pub(super) struct Bounds(Vec<Field>);

#[derive(Debug)]
struct Field {
    /// `None` if bounds of this field tell nothing.
    of: Option<PrimitiveType>,
    has_null: bool,
    /// The least and the greatest value.
    range: Option<(Value, Value)>,
}

impl Bounds {
    /// Of tuples of this type; of a spec that is not known they tell nothing.
    pub(super) fn new(partition_type: Option<&StructType>) -> Self {
        let field = |field: &datashard_spec::schema::NestedField| {
            let of = match &field.field_type {
                // Types that are promoted to each other have one form; others are only read where they are what they say.
                Type::Primitive(primitive) => Some(primitive.clone()),
                _ => None,
            };
            Field { of, has_null: false, range: None }
        };
        Self(
            partition_type
                .map(|partition_type| partition_type.fields.iter().map(field).collect())
                .unwrap_or_default(),
        )
    }

    /// Takes a tuple in, in its [canonical] form.
    pub(super) fn add(&mut self, tuple: &[Option<Value>]) {
        for (field, value) in self.0.iter_mut().zip(tuple) {
            let Some(value) = value else {
                field.has_null = true;
                continue;
            };
            field.range = match field.range.take() {
                None => Some((value.clone(), value.clone())),
                Some((lower, upper)) => Some((lower.min(value.clone()), upper.max(value.clone()))),
            };
        }
    }

    /// Whether a manifest with these summaries may have a file of one of the tuples.
    pub(super) fn may_meet(&self, summaries: &[FieldSummary]) -> bool {
        self.0.iter().zip(summaries).all(|(field, summary)| field.may_meet(summary))
    }
}

impl Field {
    fn may_meet(&self, summary: &FieldSummary) -> bool {
        if self.has_null && summary.contains_null {
            return true;
        }
        let Some((least, greatest)) = &self.range else { return false };
        // NaN is no part of bounds, and greatest of all here.
        if greatest.is_nan() {
            return true;
        }
        let (Some(of), Some(lower), Some(upper)) = (&self.of, &summary.lower_bound, &summary.upper_bound)
        else {
            return true;
        };
        let bound = |bytes: &[u8]| {
            let value = Value::bound_from_binary(of, bytes).ok().filter(|value| !value.is_nan())?;
            canonical(&[Some(value)]).into_iter().next().flatten()
        };
        let (Some(lower), Some(upper)) = (bound(lower), bound(upper)) else { return true };
        let same = std::mem::discriminant(&lower) == std::mem::discriminant(least)
            && std::mem::discriminant(&upper) == std::mem::discriminant(greatest);
        !same || (*least <= upper && *greatest >= lower)
    }
}

#[cfg(test)]
mod tests {
    use datashard_spec::schema::NestedField;

    use super::*;

    fn bounds(primitive: PrimitiveType, values: &[Option<Value>]) -> Bounds {
        let partition_type = StructType::new(vec![NestedField::optional(1000, "p", primitive)]);
        let mut bounds = Bounds::new(Some(&partition_type));
        for value in values {
            bounds.add(&canonical(std::slice::from_ref(value)));
        }
        bounds
    }

    fn summary(contains_null: bool, range: Option<(i32, i32)>) -> FieldSummary {
        let summary = FieldSummary::new(contains_null, None);
        match range {
            Some((lower, upper)) => {
                summary.with_bounds(lower.to_le_bytes().to_vec(), upper.to_le_bytes().to_vec())
            }
            None => summary,
        }
    }

    #[test]
    fn values_are_equal_after_promotion_and_nulls_are_alike() {
        let equal = |a: Option<Value>, b: Option<Value>| canonical(&[a]) == canonical(&[b]);
        assert!(equal(Some(Value::Int(7)), Some(Value::Long(7))));
        assert!(equal(Some(Value::Int(7)), Some(Value::Date(7))));
        assert!(equal(Some(Value::Float(0.5)), Some(Value::Double(0.5))));
        assert!(equal(None, None));
        assert!(!equal(None, Some(Value::Int(0))));
        assert!(!equal(Some(Value::Int(7)), Some(Value::Long(7 + (1 << 32)))));
    }

    #[test]
    fn a_manifest_is_passed_over_only_if_no_tuple_lies_within_its_bounds() {
        let tuples = bounds(PrimitiveType::Int, &[Some(Value::Int(5)), Some(Value::Int(9))]);
        assert!(tuples.may_meet(&[summary(false, Some((1, 5)))]));
        assert!(tuples.may_meet(&[summary(false, Some((9, 20)))]));
        assert!(!tuples.may_meet(&[summary(false, Some((10, 20)))]));
        assert!(!tuples.may_meet(&[summary(true, Some((1, 4)))]), "there is no null among the tuples");
        assert!(tuples.may_meet(&[summary(false, None)]), "without bounds nothing is known");
        let null = bounds(PrimitiveType::Int, &[None]);
        assert!(null.may_meet(&[summary(true, Some((1, 4)))]));
        assert!(!null.may_meet(&[summary(false, Some((1, 4)))]));
    }

    #[test]
    fn bounds_of_a_widened_column_are_read_by_their_length() {
        let tuples = bounds(PrimitiveType::Long, &[Some(Value::Int(5))]);
        assert!(tuples.may_meet(&[summary(false, Some((1, 5)))]));
        assert!(!tuples.may_meet(&[summary(false, Some((6, 9)))]));
        let damaged = FieldSummary::new(false, None).with_bounds(vec![1], vec![2]);
        assert!(tuples.may_meet(&[damaged]), "a bound that is none tells nothing");
    }

    #[test]
    fn nothing_is_concluded_of_an_unknown_spec_and_of_nan() {
        assert!(Bounds::new(None).may_meet(&[summary(false, Some((1, 2)))]));
        let nan = bounds(PrimitiveType::Double, &[Some(Value::Double(f64::NAN))]);
        let one = 1_f64.to_le_bytes().to_vec();
        assert!(nan.may_meet(&[FieldSummary::new(false, None).with_bounds(one.clone(), one)]));
    }
}
