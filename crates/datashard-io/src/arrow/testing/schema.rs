//! Schemas: a shape is drawn first and then given names and ids, so that both are unique.

#![expect(clippy::arithmetic_side_effects, reason = "tests state what they expect")]

use datashard_spec::schema::{
    EdgeAlgorithm, ListType, MapType, NestedField, PrimitiveType, Schema, StructType, Type,
};
use proptest::prelude::*;

/// A type without names and ids; with each part goes whether it is required.
#[derive(Debug, Clone)]
enum Shape {
    Primitive(PrimitiveType),
    Struct(Vec<(bool, Shape)>),
    List(bool, Box<Shape>),
    Map(PrimitiveType, bool, Box<Shape>),
}

/// Any primitive type but unknown.
pub(crate) fn primitive() -> impl Strategy<Value = PrimitiveType> {
    prop_oneof![
        Just(PrimitiveType::Boolean),
        Just(PrimitiveType::Int),
        Just(PrimitiveType::Long),
        Just(PrimitiveType::Float),
        Just(PrimitiveType::Double),
        (1_u8..=38).prop_flat_map(|precision| {
            (0..=precision).prop_map(move |scale| PrimitiveType::Decimal { precision, scale })
        }),
        Just(PrimitiveType::Decimal { precision: 38, scale: 10 }),
        Just(PrimitiveType::Date),
        Just(PrimitiveType::Time),
        Just(PrimitiveType::Timestamp),
        Just(PrimitiveType::Timestamptz),
        Just(PrimitiveType::TimestampNs),
        Just(PrimitiveType::TimestamptzNs),
        Just(PrimitiveType::String),
        Just(PrimitiveType::String),
        Just(PrimitiveType::Uuid),
        (1_u32..20).prop_map(PrimitiveType::Fixed),
        Just(PrimitiveType::Binary),
        Just(PrimitiveType::Geometry(None)),
        Just(PrimitiveType::Geography(None, Some(EdgeAlgorithm::Karney))),
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    primitive().prop_map(Shape::Primitive).prop_recursive(3, 12, 3, |inner| {
        let part = || (any::<bool>(), inner.clone());
        prop_oneof![
            (prop::collection::vec(part(), 1..4), prop::bool::weighted(0.1)).prop_map(
                |(mut members, unknown)| {
                    if unknown {
                        members.push((false, Shape::Primitive(PrimitiveType::Unknown)));
                    }
                    Shape::Struct(members)
                }
            ),
            part().prop_map(|(required, element)| Shape::List(required, Box::new(element))),
            (primitive(), part()).prop_map(|(key, (required, value))| Shape::Map(
                key,
                required,
                Box::new(value)
            )),
        ]
    })
}

/// A schema of one to seven columns.
pub(crate) fn schema() -> impl Strategy<Value = Schema> {
    let columns = prop::collection::vec((any::<bool>(), shape(), 0_usize..8), 1..6);
    let odd = (prop::bool::weighted(0.1), prop::bool::weighted(0.1), any::<bool>());
    (columns, odd, 1..5).prop_map(|(columns, (unknown, variant, required), step)| {
        let mut ids = Ids { last: 0, step };
        let mut fields: Vec<NestedField> = Vec::new();
        for (required, shape, naming) in columns {
            let field = ids.field(required, &shape, naming);
            fields.push(if naming == 7 { field.with_doc("a \"doc\", with ü") } else { field });
        }
        if unknown {
            fields.push(NestedField::optional(ids.next(), "nothing", PrimitiveType::Unknown));
        }
        if variant {
            let id = ids.next();
            fields.push(if required {
                NestedField::required(id, "anything", Type::Variant)
            } else {
                NestedField::optional(id, "anything", Type::Variant)
            });
        }
        Schema::new(fields).unwrap()
    })
}

/// Any type but unknown and variant.
pub(crate) fn field_type() -> impl Strategy<Value = Type> {
    shape().prop_map(|shape| Ids { last: 0, step: 1 }.typed(&shape))
}

struct Ids {
    last: i32,
    step: i32,
}

impl Ids {
    fn next(&mut self) -> i32 {
        self.last += self.step;
        self.last
    }

    fn field(&mut self, required: bool, shape: &Shape, naming: usize) -> NestedField {
        let id = self.next();
        let name = match naming {
            0 => format!("{id}x"),
            1 => format!("ñ{id} ≠ \u{10ffff}"),
            2 => format!("a.b{id}"),
            3 => format!("A-{id}"),
            _ => format!("f{id}"),
        };
        let field_type = self.typed(shape);
        if required {
            NestedField::required(id, name, field_type)
        } else {
            NestedField::optional(id, name, field_type)
        }
    }

    fn typed(&mut self, shape: &Shape) -> Type {
        match shape {
            Shape::Primitive(primitive) => primitive.clone().into(),
            Shape::Struct(members) => {
                let fields = members.iter().enumerate();
                StructType::new(
                    fields.map(|(at, (required, shape))| self.field(*required, shape, at + 3)).collect(),
                )
                .into()
            }
            Shape::List(required, element) => {
                let id = self.next();
                let element = self.typed(element);
                if *required { ListType::required(id, element) } else { ListType::optional(id, element) }
                    .into()
            }
            Shape::Map(key, required, value) => {
                let (key_id, value_id) = (self.next(), self.next());
                let value = self.typed(value);
                if *required {
                    MapType::required(key_id, key.clone(), value_id, value)
                } else {
                    MapType::optional(key_id, key.clone(), value_id, value)
                }
                .into()
            }
        }
    }
}
