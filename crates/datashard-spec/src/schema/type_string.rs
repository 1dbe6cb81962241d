//! Parsing of type strings: `decimal(9, 2)`, `fixed[16]`, `geography(srid:4269, karney)`.

use super::{EdgeAlgorithm, PrimitiveType, Type};

/// Parses the type string of a primitive type or variant. White space inside parameters is tolerated.
pub(super) fn parse(text: &str) -> Option<Type> {
    let text = text.trim();
    // The reference reads these words in any case.
    let primitive = match text.to_ascii_lowercase().as_str() {
        "boolean" => PrimitiveType::Boolean,
        "int" => PrimitiveType::Int,
        "long" => PrimitiveType::Long,
        "float" => PrimitiveType::Float,
        "double" => PrimitiveType::Double,
        "date" => PrimitiveType::Date,
        "time" => PrimitiveType::Time,
        "timestamp" => PrimitiveType::Timestamp,
        "timestamptz" => PrimitiveType::Timestamptz,
        "timestamp_ns" => PrimitiveType::TimestampNs,
        "timestamptz_ns" => PrimitiveType::TimestamptzNs,
        "string" => PrimitiveType::String,
        "uuid" => PrimitiveType::Uuid,
        "binary" => PrimitiveType::Binary,
        "unknown" => PrimitiveType::Unknown,
        "geometry" => PrimitiveType::Geometry(None),
        "geography" => PrimitiveType::Geography(None, None),
        "variant" => return Some(Type::Variant),
        _ => parametrized(text)?,
    };
    Some(Type::Primitive(primitive))
}

fn parametrized(text: &str) -> Option<PrimitiveType> {
    if let Some(length) = inside(text, "fixed", '[', ']') {
        return Some(PrimitiveType::Fixed(number(length)?));
    }
    if let Some(parameters) = inside(text, "decimal", '(', ')') {
        let (precision, scale) = parameters.split_once(',')?;
        return Some(PrimitiveType::Decimal { precision: number(precision)?, scale: number(scale)? });
    }
    if let Some(crs) = inside(text, "geometry", '(', ')') {
        return Some(PrimitiveType::Geometry(Some(non_empty(crs)?)));
    }
    let parameters = inside(text, "geography", '(', ')')?;
    let Some((crs, algorithm)) = parameters.rsplit_once(',') else {
        return Some(PrimitiveType::Geography(Some(non_empty(parameters)?), None));
    };
    let algorithm = algorithm.trim();
    let algorithm = EdgeAlgorithm::ALL.into_iter().find(|a| a.as_str().eq_ignore_ascii_case(algorithm))?;
    Some(PrimitiveType::Geography(Some(non_empty(crs)?), Some(algorithm)))
}

fn inside<'t>(text: &'t str, name: &str, open: char, close: char) -> Option<&'t str> {
    let (word, rest) = text.split_at_checked(name.len())?;
    let rest = rest.trim_start().strip_prefix(open)?.strip_suffix(close)?;
    word.eq_ignore_ascii_case(name).then_some(rest)
}

/// Digits only: `parse` alone would take a sign too.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn non_empty(text: &str) -> Option<Box<str>> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_string_reads_back_to_itself() {
        for text in [
            "boolean",
            "int",
            "long",
            "float",
            "double",
            "decimal(9, 2)",
            "date",
            "time",
            "timestamp",
            "timestamptz",
            "timestamp_ns",
            "timestamptz_ns",
            "string",
            "uuid",
            "fixed[16]",
            "binary",
            "unknown",
            "variant",
            "geometry",
            "geometry(srid:3857)",
            "geography",
            "geography(srid:4269)",
            "geography(OGC:CRS84, karney)",
        ] {
            assert_eq!(parse(text).map(|t| t.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn white_space_is_tolerated_and_nonsense_is_not() {
        let decimal = Type::Primitive(PrimitiveType::Decimal { precision: 38, scale: 10 });
        assert_eq!(parse("decimal(38,10)"), Some(decimal.clone()));
        assert_eq!(parse("decimal( 38 , 10 )"), Some(decimal.clone()));
        assert_eq!(parse("DECIMAL(38,10)"), Some(decimal), "words in any case, as without parameters");
        assert_eq!(parse(" BigInt "), None);
        assert_eq!(parse(" Long "), Some(Type::Primitive(PrimitiveType::Long)));
        for text in [
            "",
            "fixed",
            "fixed[-1]",
            "fixed[+1]",
            "fixed[]",
            "fixed[4294967296]",
            "decimal(+9, 2)",
            "decimal(9)",
            "decimal(999,1)",
            "geometry()",
            "geography(a, b)",
            "text",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
