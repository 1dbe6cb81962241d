//! Taking files apart and putting them together changed, as other writers would have made them.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::super::codec::Codec;
use super::super::container::{Blocks, ContainerWriter, Header};
use super::super::schema::AvroSchema;
use super::super::value;
use super::super::varint::Cursor;
use crate::manifest::AvroValue;

/// A container in parts.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) metadata: BTreeMap<String, Vec<u8>>,
    pub(super) schema: Json,
    pub(super) entries: Vec<AvroValue>,
}

impl Parts {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let header = Header::parse(bytes).unwrap();
        let text = header.schema_json().unwrap();
        let schema = AvroSchema::parse(text).unwrap();
        let mut blocks = Blocks::new(&header, 1 << 28);
        let mut entries = Vec::new();
        while blocks.advance().unwrap() {
            let block = blocks.source.block();
            let mut cursor = Cursor::new(&block[blocks.position.at..]);
            entries.push(value::read(&schema, schema.root, &mut cursor).unwrap());
            let end = block.len() - cursor.left();
            blocks.position.consumed(end);
        }
        let keys =
            ["schema", "schema-id", "partition-spec", "partition-spec-id", "format-version", "content"];
        let metadata = keys.iter().filter_map(|key| Some(((*key).to_owned(), header.value(key)?.to_vec())));
        Self { metadata: metadata.collect(), schema: serde_json::from_str(text).unwrap(), entries }
    }

    pub(super) fn build(&self) -> Vec<u8> {
        self.build_with(Codec::Null)
    }

    pub(super) fn build_with(&self, codec: Codec) -> Vec<u8> {
        let text = self.schema.to_string();
        let schema = AvroSchema::parse(&text).unwrap();
        let mut metadata: Vec<_> = self.metadata.clone().into_iter().collect();
        metadata.push(("avro.schema".to_owned(), text.into_bytes()));
        let mut writer = ContainerWriter::new(metadata, codec, None, 1 << 16, None);
        for entry in &self.entries {
            value::write(&schema, schema.root, Some(entry), &mut writer.entries).unwrap();
            writer.end_entry().unwrap();
        }
        writer.finish().unwrap()
    }

    /// Where the record with this column is: the entry itself, its data file, or the summaries of a list's row.
    fn place(&self, column: &str) -> Place {
        let has = |record: &Json| fields(record).iter().any(|field| field["name"] == column);
        if has(&self.schema) {
            return Place::Entry;
        }
        let at = |name: &str| fields(&self.schema).iter().position(|field| field["name"] == name);
        match at("data_file") {
            Some(file) => {
                assert!(has(&fields(&self.schema)[file]["type"]), "{column}");
                Place::DataFile(file)
            }
            None => Place::Summaries(at("partitions").unwrap()),
        }
    }

    /// Changes the fields of the record with this column, and each value of the record.
    pub(super) fn edit(
        &mut self,
        column: &str,
        schema: impl FnOnce(&mut Vec<Json>, usize),
        mut values: impl FnMut(&mut Vec<AvroValue>, usize),
    ) {
        let place = self.place(column);
        let record = match place {
            Place::Entry => &mut self.schema,
            Place::DataFile(at) => &mut self.schema["fields"][at]["type"],
            Place::Summaries(at) => &mut self.schema["fields"][at]["type"][1]["items"],
        };
        let found = fields(record).iter().position(|field| field["name"] == column).unwrap();
        schema(record["fields"].as_array_mut().unwrap(), found);
        for entry in &mut self.entries {
            let entry = record_of(entry);
            match place {
                Place::Entry => values(entry, found),
                Place::DataFile(at) => values(record_of(&mut entry[at]), found),
                Place::Summaries(at) => {
                    if let AvroValue::Union(1, list) = &mut entry[at]
                        && let AvroValue::Array(items) = &mut **list
                    {
                        items.iter_mut().for_each(|item| values(record_of(item), found));
                    }
                }
            }
        }
    }

    pub(super) fn without(mut self, column: &str) -> Self {
        self.edit(
            column,
            |fields, at| {
                fields.remove(at);
            },
            |values, at| {
                values.remove(at);
            },
        );
        self
    }

    /// With a column that may be null, and is null in the last entry.
    pub(super) fn with_null(mut self, column: &str) -> Self {
        self.edit(
            column,
            |fields, at| {
                if !fields[at]["type"].is_array() {
                    fields[at]["type"] = json!(["null", fields[at]["type"]]);
                }
            },
            |values, at| {
                if !matches!(values[at], AvroValue::Union(..)) {
                    values[at] = AvroValue::Union(1, Box::new(values[at].clone()));
                }
            },
        );
        let mut last = Self { entries: vec![self.entries.pop().unwrap()], ..self.clone() };
        last.edit(
            column,
            |_, _| {},
            |values, at| values[at] = AvroValue::Union(0, Box::new(AvroValue::Null)),
        );
        self.entries.append(&mut last.entries);
        self
    }

    /// With another number in a required column of all entries.
    pub(super) fn with_number(mut self, column: &str, number: i64) -> Self {
        self.edit(
            column,
            |_, _| {},
            |values, at| {
                let optional = matches!(values[at], AvroValue::Union(..));
                let plain = AvroValue::Long(number);
                values[at] = if optional { AvroValue::Union(1, Box::new(plain)) } else { plain };
            },
        );
        self
    }

    /// With a column after the others of its record, of the same value everywhere.
    pub(super) fn with_column(mut self, beside: &str, field: Json, value: AvroValue) -> Self {
        self.edit(beside, |fields, _| fields.push(field), |values, _| values.push(value.clone()));
        self
    }

    /// With every object of the schema changed.
    pub(super) fn with_schema(mut self, mut change: impl FnMut(&mut serde_json::Map<String, Json>)) -> Self {
        walk(&mut self.schema, &mut change);
        self
    }

    /// With null as the second branch of every union.
    pub(super) fn with_unions_reversed(mut self) -> Self {
        fn schema(json: &mut Json) {
            match json {
                Json::Object(map) => {
                    map.remove("default");
                    map.values_mut().for_each(schema);
                }
                Json::Array(items) => {
                    if items.first() == Some(&json!("null")) {
                        items.reverse();
                    }
                    items.iter_mut().for_each(schema);
                }
                _ => {}
            }
        }
        fn reverse(value: &mut AvroValue) {
            match value {
                AvroValue::Union(at, inner) => {
                    *at = 1 - *at;
                    reverse(inner);
                }
                AvroValue::Array(values) | AvroValue::Record(values) => values.iter_mut().for_each(reverse),
                _ => {}
            }
        }
        schema(&mut self.schema);
        self.entries.iter_mut().for_each(reverse);
        self
    }
}

enum Place {
    Entry,
    DataFile(usize),
    Summaries(usize),
}

fn fields(record: &Json) -> &[Json] {
    match record {
        Json::Array(union) => fields(&union[1]),
        record if record["type"] == "array" => fields(&record["items"]),
        record => record["fields"].as_array().unwrap(),
    }
}

fn record_of(value: &mut AvroValue) -> &mut Vec<AvroValue> {
    match value {
        AvroValue::Record(values) => values,
        other => panic!("{other:?}"),
    }
}

fn walk(json: &mut Json, change: &mut impl FnMut(&mut serde_json::Map<String, Json>)) {
    match json {
        Json::Object(map) => {
            change(map);
            map.values_mut().for_each(|value| walk(value, change));
        }
        Json::Array(items) => items.iter_mut().for_each(|value| walk(value, change)),
        _ => {}
    }
}
