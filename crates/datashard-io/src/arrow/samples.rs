//! Random types and values for tests, from a seed: small domains, so that equal values meet, with the odd ends of each type among them.

#![expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]

use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType as P, StructType, Type};
use datashard_spec::value::Value;
use uuid::Uuid;

/// Whatever a seed brings forth.
pub(crate) struct Samples {
    state: u64,
    next_id: i32,
}

impl Samples {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed, next_id: 0 }
    }

    /// Below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// An id that was not there before.
    pub(crate) fn id(&mut self) -> i32 {
        self.next_id += 1;
        self.next_id
    }

    pub(crate) fn primitive(&mut self) -> P {
        self.pick(&[
            P::Boolean,
            P::Int,
            P::Long,
            P::Float,
            P::Double,
            P::Decimal { precision: 9, scale: 2 },
            P::Decimal { precision: 38, scale: 0 },
            P::Date,
            P::Time,
            P::Timestamp,
            P::Timestamptz,
            P::TimestampNs,
            P::TimestamptzNs,
            P::String,
            P::Uuid,
            P::Fixed(3),
            P::Binary,
        ])
        .clone()
    }

    /// A type that nests so deep at most.
    pub(crate) fn field_type(&mut self, depth: usize) -> Type {
        match self.below(if depth == 0 { 1 } else { 5 }) {
            2 => {
                let id = self.id();
                let mut list = ListType::optional(id, self.field_type(depth - 1));
                list.element_required = self.once_in(4);
                list.into()
            }
            3 => {
                let (key, value) = (self.id(), self.id());
                let key_type: Type =
                    if self.once_in(4) { self.structure(depth - 1).into() } else { self.primitive().into() };
                MapType::optional(key, key_type, value, self.field_type(depth - 1)).into()
            }
            4 => self.structure(depth - 1).into(),
            _ => self.primitive().into(),
        }
    }

    pub(crate) fn structure(&mut self, depth: usize) -> StructType {
        let members = 1 + self.below(4);
        StructType::new((0..members).map(|_| self.field(depth)).collect())
    }

    pub(crate) fn field(&mut self, depth: usize) -> NestedField {
        let id = self.id();
        let mut field = NestedField::optional(id, format!("f{id}"), self.field_type(depth));
        field.required = self.once_in(4);
        field
    }

    /// A value, or null where it may be.
    pub(crate) fn value(&mut self, of: &Type, required: bool) -> Option<Value> {
        (required || !self.once_in(4)).then(|| self.present(of))
    }

    pub(crate) fn present(&mut self, of: &Type) -> Value {
        match of {
            Type::Primitive(primitive) => self.plain(primitive),
            Type::Struct(fields) => Value::Struct(
                fields.fields.iter().map(|field| self.value(&field.field_type, field.required)).collect(),
            ),
            Type::List(list) => Value::List(
                (0..self.below(4)).map(|_| self.value(&list.element, list.element_required)).collect(),
            ),
            Type::Map(map) => Value::Map(
                (0..self.below(4))
                    .map(|_| (self.present(&map.key), self.value(&map.value, map.value_required)))
                    .collect(),
            ),
            other => panic!("no samples of {other}"),
        }
    }

    fn plain(&mut self, of: &P) -> Value {
        let small = i32::try_from(self.below(7)).unwrap() - 3;
        let long = i64::from(small);
        let text = self.pick(&["", "a", "ab", "abc", "b", "\u{e9}t\u{e9}", "\u{1f600}"]).to_string();
        match of {
            P::Boolean => Value::Boolean(small > 0),
            P::Int => Value::Int(*self.pick(&[small, i32::MIN, i32::MAX, small])),
            P::Long => Value::Long(*self.pick(&[long, i64::MIN, i64::MAX, long])),
            P::Float => Value::Float(*self.pick(&[f32::NAN, -0.0, 0.0, 1.5, -2.5, f32::INFINITY, -f32::NAN])),
            P::Double => Value::Double(*self.pick(&[f64::NAN, -0.0, 0.0, 1.5, -2.5, f64::NEG_INFINITY])),
            P::Decimal { scale, .. } => Value::decimal(long.into(), *scale),
            P::Date => Value::Date(small * 400),
            P::Time => Value::Time((long + 3) * 3_600_000_000),
            P::Timestamp => Value::Timestamp(long * 40_000_000_000),
            P::Timestamptz => Value::Timestamptz(long * 40_000_000_000),
            P::TimestampNs => Value::TimestampNs(long * 40_000_000_000_001),
            P::TimestamptzNs => Value::TimestamptzNs(long * 40_000_000_000_001),
            P::String => Value::String(text),
            P::Uuid => Value::Uuid(Uuid::from_u128(*self.pick(&[0, 1, u128::MAX, 1 << 127]))),
            P::Fixed(length) => {
                let byte = *self.pick(&[0_u8, 1, 128, 255]);
                Value::Fixed(vec![byte; usize::try_from(*length).unwrap()])
            }
            P::Binary => Value::Binary(self.pick(&[&b""[..], b"\0", b"\x80a", b"ab", b"\xff"]).to_vec()),
            other => panic!("no samples of {other}"),
        }
    }
}
