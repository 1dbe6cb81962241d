//! Predicates from text: the part of a SQL `where` clause that can be pruned with.
//!
//! ```text
//! predicate := conjunction { "or" conjunction }
//! conjunction := negation { "and" negation }
//! negation := "not" negation | "(" predicate ")" | "true" | "false" | term test
//! term := name | transform "(" [number ","] name ")"
//! test := ("=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">=") literal
//!       | "is" ["not"] ("null" | "nan") | ["not"] "in" "(" literal { "," literal } ")"
//!       | ["not"] "between" literal "and" literal | ["not"] "like" text | ["not"] "starts" "with" literal
//! name := part { "." part }            part := word | "quoted" | `quoted`
//! literal := ["-" | "+"] number | 'text' | x'00ff' | "true" | "false" | type 'text'
//! ```
//! Keywords are not case-sensitive. A word before a quoted text names the type of the literal: `date '2020-01-01'`.

use std::str::FromStr;

use super::error::ExprError;
use super::lexer::{Lexer, Spanned, Token};
use super::literal::{Converted, Literal, parse_as};
use super::predicate::{Comparison, Predicate, Term, Test, col};
use crate::schema::PrimitiveType;
use crate::transform::Transform;
use crate::value::{Decimal, Value};

/// The longest predicate text that is read, in bytes.
const MAX_LENGTH: usize = 4 << 20;

/// How many parentheses and `not`s may lie around a test.
const MAX_NESTING: usize = 200;

/// Words that a bare column name cannot be.
pub(super) const RESERVED: [&str; 12] =
    ["and", "or", "not", "in", "is", "null", "nan", "like", "between", "true", "false", "starts"];

impl FromStr for Predicate {
    type Err = ExprError;

    /// Reads predicate text.
    ///
    /// # Errors
    /// `InvalidInput` naming the column and what could stand there, or if the text is too long or nests too deep;
    /// `Unsupported` for `like` with anything but one `%` at its end, and for comparisons with null or NaN.
    fn from_str(text: &str) -> Result<Self, ExprError> {
        if text.len() > MAX_LENGTH {
            return Err(ExprError::TooLong { length: text.len(), limit: MAX_LENGTH });
        }
        let mut lexer = Lexer::new(text);
        let next = lexer.next()?;
        let mut parser = Parser { lexer, next, depth: 0 };
        let predicate = parser.predicate()?;
        match parser.next.token {
            Token::End => Ok(predicate),
            _ => Err(parser.expected("and, or, or the end")),
        }
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    next: Spanned<'a>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn advance(&mut self) -> Result<Spanned<'a>, ExprError> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    fn expected(&self, what: &str) -> ExprError {
        self.lexer.error_in(self.next.start, self.next.end, what)
    }

    fn unsupported(&self, start: usize, what: impl Into<String>) -> ExprError {
        ExprError::Unsupported { column: self.lexer.column(start), what: what.into() }
    }

    fn at_keyword(&self, keyword: &str) -> bool {
        matches!(self.next.token, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// Takes a keyword if it is next.
    fn keyword(&mut self, keyword: &str) -> Result<bool, ExprError> {
        let found = self.at_keyword(keyword);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    /// Takes a symbol if it is next.
    fn symbol(&mut self, symbol: &str) -> Result<bool, ExprError> {
        let found = matches!(self.next.token, Token::Symbol(s) if s == symbol);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn require(&mut self, symbol: &str) -> Result<(), ExprError> {
        if self.symbol(symbol)? { Ok(()) } else { Err(self.expected(symbol)) }
    }

    fn predicate(&mut self) -> Result<Predicate, ExprError> {
        let mut predicate = self.conjunction()?;
        while self.keyword("or")? {
            predicate = predicate.or(self.conjunction()?);
        }
        Ok(predicate)
    }

    fn conjunction(&mut self) -> Result<Predicate, ExprError> {
        let mut predicate = self.negation()?;
        while self.keyword("and")? {
            predicate = predicate.and(self.negation()?);
        }
        Ok(predicate)
    }

    fn negation(&mut self) -> Result<Predicate, ExprError> {
        if self.depth > MAX_NESTING {
            return Err(ExprError::TooDeep { limit: MAX_NESTING });
        }
        self.depth = self.depth.saturating_add(1);
        let predicate = if self.keyword("not")? {
            self.negation()?.not()
        } else if self.symbol("(")? {
            let inner = self.predicate()?;
            self.require(")")?;
            inner
        } else if self.keyword("true")? {
            Predicate::always_true()
        } else if self.keyword("false")? {
            Predicate::always_false()
        } else {
            let term = self.term()?;
            self.test(term)?
        };
        self.depth = self.depth.saturating_sub(1);
        Ok(predicate)
    }

    fn term(&mut self) -> Result<Term, ExprError> {
        let start = self.next.start;
        if let Token::Word(word) = self.next.token {
            if RESERVED.iter().any(|reserved| word.eq_ignore_ascii_case(reserved)) {
                return Err(self.expected("a column"));
            }
            self.advance()?;
            if self.symbol("(")? {
                return self.transform(&word.to_ascii_lowercase(), start);
            }
            return self.name(word.to_owned()).map(col);
        }
        self.quoted_name().map(col)
    }

    /// A transform, after its name and parenthesis.
    fn transform(&mut self, name: &str, start: usize) -> Result<Term, ExprError> {
        let transform = match name {
            "bucket" => Transform::Bucket(self.width()?),
            "truncate" => Transform::Truncate(self.width()?),
            "identity" => Transform::Identity,
            "year" => Transform::Year,
            "month" => Transform::Month,
            "day" => Transform::Day,
            "hour" => Transform::Hour,
            "void" => Transform::Void,
            _ => return Err(self.unsupported(start, format!("the function {}", crate::error::excerpt(name)))),
        };
        let name = match self.next.token {
            Token::Word(word) => {
                self.advance()?;
                self.name(word.to_owned())?
            }
            _ => self.quoted_name()?,
        };
        self.require(")")?;
        Ok(col(name).with_transform(transform))
    }

    fn width(&mut self) -> Result<u32, ExprError> {
        let width = match self.next.token {
            Token::Number(digits) => {
                digits.parse().ok().filter(|width| (1..=i32::MAX.unsigned_abs()).contains(width))
            }
            _ => None,
        };
        let width = width.ok_or_else(|| self.expected("a whole number from 1 to 2147483647"))?;
        self.advance()?;
        self.require(",")?;
        Ok(width)
    }

    fn quoted_name(&mut self) -> Result<String, ExprError> {
        let Token::Quoted(part) = self.next.token.clone() else { return Err(self.expected("a column")) };
        self.advance()?;
        self.name(part)
    }

    /// The rest of a name, after its first part.
    fn name(&mut self, first: String) -> Result<String, ExprError> {
        let mut name = first;
        while self.symbol(".")? {
            name.push('.');
            match &self.next.token {
                Token::Word(part) => name.push_str(part),
                Token::Quoted(part) => name.push_str(part),
                _ => return Err(self.expected("the name of a field")),
            }
            self.advance()?;
        }
        Ok(name)
    }

    fn test(&mut self, term: Term) -> Result<Predicate, ExprError> {
        if self.keyword("is")? {
            let negated = self.keyword("not")?;
            return Ok(if self.keyword("null")? {
                if negated { term.is_not_null() } else { term.is_null() }
            } else if self.keyword("nan")? {
                if negated { term.is_not_nan() } else { term.is_nan() }
            } else {
                return Err(self.expected("null or nan"));
            });
        }
        let negated = self.keyword("not")?;
        let predicate = if self.keyword("in")? {
            self.set(term)?
        } else if self.keyword("between")? {
            let low = self.literal()?;
            if !self.keyword("and")? {
                return Err(self.expected("and"));
            }
            term.between(low, self.literal()?)
        } else if self.keyword("like")? {
            self.like(term)?
        } else if self.keyword("starts")? {
            if !self.keyword("with")? {
                return Err(self.expected("with"));
            }
            term.starts_with(self.literal()?)
        } else if negated {
            return Err(self.expected("in, between, like or starts with"));
        } else {
            return self.comparison(term);
        };
        Ok(if negated { opposite(predicate) } else { predicate })
    }

    fn comparison(&mut self, term: Term) -> Result<Predicate, ExprError> {
        let comparison = match self.next.token {
            Token::Symbol("=" | "==") => Comparison::Equal,
            Token::Symbol("!=" | "<>") => Comparison::NotEqual,
            Token::Symbol("<") => Comparison::Less,
            Token::Symbol("<=") => Comparison::LessOrEqual,
            Token::Symbol(">") => Comparison::Greater,
            Token::Symbol(">=") => Comparison::GreaterOrEqual,
            _ => return Err(self.expected("a comparison, is, in, between, like or starts with")),
        };
        self.advance()?;
        let literal = self.literal()?;
        Ok(Predicate::test(term, Test::Compare(comparison, literal.0)))
    }

    fn set(&mut self, term: Term) -> Result<Predicate, ExprError> {
        self.require("(")?;
        let mut literals = Vec::new();
        if !self.symbol(")")? {
            literals.push(self.literal()?);
            while self.symbol(",")? {
                literals.push(self.literal()?);
            }
            self.require(")")?;
        }
        Ok(term.is_in(literals))
    }

    fn like(&mut self, term: Term) -> Result<Predicate, ExprError> {
        let start = self.next.start;
        let Token::Text(pattern) = self.next.token.clone() else {
            return Err(self.expected("a text in quotes"));
        };
        self.advance()?;
        let prefix = pattern.strip_suffix('%');
        if prefix.unwrap_or(&pattern).contains(['%', '_', '\\']) {
            return Err(
                self.unsupported(start, "like with a wildcard other than % at the end, or an escape,")
            );
        }
        Ok(match prefix {
            Some(prefix) => term.starts_with(prefix),
            None => term.equal_to(pattern),
        })
    }

    fn literal(&mut self) -> Result<Literal, ExprError> {
        let Spanned { token, start, end } = self.advance()?;
        let value = match token {
            Token::Symbol(sign @ ("-" | "+")) => match self.next.token {
                Token::Number(digits) => {
                    self.advance()?;
                    number(&format!("{sign}{digits}"))
                }
                _ => return Err(self.expected("a number")),
            },
            Token::Number(digits) => number(digits),
            Token::Text(text) => Value::String(text),
            Token::Hex(digits) => match parse_as(digits, &PrimitiveType::Binary) {
                Ok(Converted::Value(value)) => value,
                _ => return Err(self.lexer.error_in(start, end, "hexadecimal digits")),
            },
            Token::Word(word) => {
                let word = word.to_ascii_lowercase();
                match word.as_str() {
                    "true" => Value::Boolean(true),
                    "false" => Value::Boolean(false),
                    "null" => {
                        return Err(self.unsupported(start, "a comparison with null; test with is null,"));
                    }
                    "nan" => return Err(self.unsupported(start, "a comparison with NaN; test with is nan,")),
                    _ => return self.typed(&word, start, end),
                }
            }
            Token::Quoted(_) => {
                return Err(self.lexer.error_in(start, end, "a literal (text stands in 'single quotes')"));
            }
            _ => return Err(self.lexer.error_in(start, end, "a literal")),
        };
        Ok(Literal(value))
    }

    /// A literal with its type, after the word for it.
    fn typed(&mut self, word: &str, start: usize, end: usize) -> Result<Literal, ExprError> {
        let field_type = match word {
            "double" => None,
            "date" => Some(PrimitiveType::Date),
            "time" => Some(PrimitiveType::Time),
            "timestamp" => Some(PrimitiveType::Timestamp),
            "timestamptz" => Some(PrimitiveType::Timestamptz),
            "timestamp_ns" => Some(PrimitiveType::TimestampNs),
            "timestamptz_ns" => Some(PrimitiveType::TimestamptzNs),
            "uuid" => Some(PrimitiveType::Uuid),
            _ => return Err(self.lexer.error_in(start, end, "a literal")),
        };
        let Spanned { token: Token::Text(text), start, end } = self.next.clone() else {
            return Err(self.expected("a text in quotes"));
        };
        let value = match &field_type {
            None => text.parse().ok().map(Value::Double),
            // An instant may be written with the plain word, as SQL does.
            Some(field_type) => match parse_as(&text, field_type) {
                Ok(Converted::Value(value)) => Some(value),
                _ if word == "timestamp" => match parse_as(&text, &PrimitiveType::Timestamptz) {
                    Ok(Converted::Value(value)) => Some(value),
                    _ => None,
                },
                _ => None,
            },
        };
        let value = value.ok_or_else(|| self.lexer.error_in(start, end, &format!("a {word}")))?;
        self.advance()?;
        Ok(Literal(value))
    }
}

/// `not in`, `not between` and the like, in the form that displays as it was written where there is one.
fn opposite(predicate: Predicate) -> Predicate {
    match predicate.nodes() {
        [super::Node::Leaf(leaf)] => Predicate::test(leaf.term.clone(), leaf.test.negated()),
        _ => predicate.not(),
    }
}

/// A number: whole as a long, with a point as a decimal, else as a double.
fn number(text: &str) -> Value {
    if let Ok(whole) = text.parse() {
        return Value::Long(whole);
    }
    match Decimal::parse(text) {
        Ok(decimal) if !text.contains(['e', 'E']) => Value::Decimal(decimal),
        // The lexer lets only numbers through; beyond the range they are infinite.
        _ => Value::Double(text.parse().unwrap_or(f64::NAN)),
    }
}

#[cfg(test)]
mod tests;
