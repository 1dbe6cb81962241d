//! Extension types: how Arrow marks a uuid, a variant and a shape, whose plain types say nothing of them.
//!
//! A shape's coordinate reference system goes into the JSON text beside the extension's name. Edges between points are named for a
//! geography and never for a geometry, so the two stay apart on the way back.

use std::collections::HashMap;

use datashard_spec::schema::{EdgeAlgorithm, PrimitiveType, Type};
use serde_json::Value as Json;

/// The key of a field's metadata that names its extension type.
pub(crate) const EXTENSION_NAME_KEY: &str = "ARROW:extension:name";
/// The key of a field's metadata with the parameters of its extension type.
pub(crate) const EXTENSION_METADATA_KEY: &str = "ARROW:extension:metadata";
/// 16 bytes that are a uuid.
pub(crate) const UUID: &str = "arrow.uuid";
/// Bytes that are a shape in WKB.
pub(crate) const WKB: &str = "geoarrow.wkb";
/// As [`WKB`], by its older name.
const OGC_WKB: &str = "ogc.wkb";
/// A struct of `metadata` and `value` that is a variant.
pub(crate) const VARIANT: &str = "arrow.parquet.variant";

/// The coordinate reference system of a shape whose type names none.
const DEFAULT_CRS: &str = "OGC:CRS84";
/// A coordinate reference system that nobody stated.
const UNSTATED_CRS: &str = "srid:0";

/// Adds what marks a field as one of this type.
pub(crate) fn mark(value_type: &Type, metadata: &mut HashMap<String, String>) {
    let (name, parameters) = match value_type {
        Type::Primitive(PrimitiveType::Uuid) => (UUID, None),
        Type::Variant => (VARIANT, None),
        Type::Primitive(PrimitiveType::Geometry(crs)) => (WKB, Some(shape_metadata(crs.as_deref(), None))),
        Type::Primitive(PrimitiveType::Geography(crs, edges)) => {
            let edges = edges.unwrap_or(EdgeAlgorithm::Spherical);
            (WKB, Some(shape_metadata(crs.as_deref(), Some(edges))))
        }
        _ => return,
    };
    metadata.insert(EXTENSION_NAME_KEY.to_owned(), name.to_owned());
    if let Some(parameters) = parameters {
        metadata.insert(EXTENSION_METADATA_KEY.to_owned(), parameters);
    }
}

fn shape_metadata(crs: Option<&str>, edges: Option<EdgeAlgorithm>) -> String {
    let mut parameters = serde_json::Map::new();
    match crs.unwrap_or(DEFAULT_CRS) {
        UNSTATED_CRS => {}
        crs => {
            parameters.insert("crs".to_owned(), crs.into());
        }
    }
    if let Some(edges) = edges {
        parameters.insert("edges".to_owned(), edges.as_str().into());
    }
    Json::Object(parameters).to_string()
}

/// What a field's extension name says of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mark {
    /// None, or one without meaning here.
    Plain,
    Uuid,
    Variant,
    /// A geometry or geography.
    Shape(PrimitiveType),
}

impl Mark {
    /// Reads the mark of a field.
    ///
    /// # Errors
    /// What is wrong with the parameters of a shape.
    pub(crate) fn of(metadata: &HashMap<String, String>) -> Result<Self, String> {
        Ok(match metadata.get(EXTENSION_NAME_KEY).map(String::as_str) {
            Some(UUID) => Self::Uuid,
            Some(VARIANT) => Self::Variant,
            Some(WKB | OGC_WKB) => {
                let parameters = metadata.get(EXTENSION_METADATA_KEY).map_or("", String::as_str);
                Self::Shape(shape(parameters)?)
            }
            _ => Self::Plain,
        })
    }
}

fn shape(parameters: &str) -> Result<PrimitiveType, String> {
    let parameters: Json = match parameters.trim() {
        "" => Json::Null,
        text => serde_json::from_str(text).map_err(|error| format!("its parameters are no JSON: {error}"))?,
    };
    let crs = match parameters.get("crs") {
        None | Some(Json::Null) => Some(UNSTATED_CRS.into()),
        Some(Json::String(crs)) if crs == DEFAULT_CRS => None,
        Some(Json::String(crs)) => Some(crs.as_str().into()),
        Some(definition) => match authority_and_code(definition) {
            Some(crs) if crs == DEFAULT_CRS => None,
            Some(crs) => Some(crs.into()),
            None => {
                return Err(
                    "its coordinate reference system is written out and has no id; name it by authority and code"
                        .to_owned(),
                );
            }
        },
    };
    Ok(match parameters.get("edges").and_then(Json::as_str) {
        None | Some("planar") => PrimitiveType::Geometry(crs),
        Some("spherical") => PrimitiveType::Geography(crs, None),
        Some("vincenty") => PrimitiveType::Geography(crs, Some(EdgeAlgorithm::Vincenty)),
        Some("thomas") => PrimitiveType::Geography(crs, Some(EdgeAlgorithm::Thomas)),
        Some("andoyer") => PrimitiveType::Geography(crs, Some(EdgeAlgorithm::Andoyer)),
        Some("karney") => PrimitiveType::Geography(crs, Some(EdgeAlgorithm::Karney)),
        Some(edges) => return Err(format!("its edges are {edges:?}, which is none of the known kinds")),
    })
}

/// The name of a PROJJSON definition, as in `EPSG:4326`.
fn authority_and_code(definition: &Json) -> Option<String> {
    let id = definition.get("id")?;
    let authority = id.get("authority")?.as_str()?;
    match id.get("code")? {
        Json::String(code) => Some(format!("{authority}:{code}")),
        Json::Number(code) => Some(format!("{authority}:{code}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_keep_their_system_and_edges() {
        for shape in [
            PrimitiveType::Geometry(None),
            PrimitiveType::Geometry(Some("EPSG:4326".into())),
            PrimitiveType::Geometry(Some("srid:0".into())),
            PrimitiveType::Geography(None, None),
            PrimitiveType::Geography(None, Some(EdgeAlgorithm::Karney)),
            PrimitiveType::Geography(Some("srid:4326".into()), Some(EdgeAlgorithm::Vincenty)),
            PrimitiveType::Geography(Some("a:b".into()), Some(EdgeAlgorithm::Thomas)),
            PrimitiveType::Geography(Some("projjson:p".into()), Some(EdgeAlgorithm::Andoyer)),
        ] {
            let mut metadata = HashMap::new();
            mark(&shape.clone().into(), &mut metadata);
            assert_eq!(Mark::of(&metadata), Ok(Mark::Shape(shape)), "{metadata:?}");
        }
    }

    #[test]
    fn shapes_of_others_are_understood_or_refused_with_a_reason() {
        let of = |parameters: &str| {
            let metadata = HashMap::from([
                (EXTENSION_NAME_KEY.to_owned(), "ogc.wkb".to_owned()),
                (EXTENSION_METADATA_KEY.to_owned(), parameters.to_owned()),
            ]);
            Mark::of(&metadata)
        };
        let geometry = |crs: Option<&str>| Ok(Mark::Shape(PrimitiveType::Geometry(crs.map(Into::into))));
        assert_eq!(of(""), geometry(Some("srid:0")));
        assert_eq!(of("{}"), geometry(Some("srid:0")));
        assert_eq!(of(r#"{"crs":"OGC:CRS84","edges":"planar"}"#), geometry(None));
        let written_out = r#"{"crs":{"type":"GeographicCRS","id":{"authority":"EPSG","code":4326}}}"#;
        assert_eq!(of(written_out), geometry(Some("EPSG:4326")));
        let crs84 = r#"{"crs":{"id":{"authority":"OGC","code":"CRS84"}}}"#;
        assert_eq!(of(crs84), geometry(None));
        assert!(of(r#"{"crs":{"type":"GeographicCRS"}}"#).unwrap_err().contains("has no id"));
        assert!(of(r#"{"edges":"wavy"}"#).unwrap_err().contains("\"wavy\""));
        assert!(of("{").unwrap_err().contains("no JSON"));
    }
}
