//! Predicate text as tokens, each with its place.

use super::error::ExprError;
use crate::error::excerpt;

/// A piece of predicate text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    /// A bare word: a keyword, or a part of a name.
    Word(&'a str),
    /// `"name"` or `` `name` ``, without its quotes.
    Quoted(String),
    /// `'text'`, without its quotes.
    Text(String),
    /// `x'00ff'`, the digits.
    Hex(&'a str),
    /// Digits with an optional fraction and exponent, without a sign.
    Number(&'a str),
    /// An operator or punctuation.
    Symbol(&'static str),
    /// The end of the text.
    End,
}

/// A token with the place it begins at, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spanned<'a> {
    pub(super) token: Token<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Longer ones before those they begin with.
const SYMBOLS: [&str; 14] = ["==", "!=", "<>", "<=", ">=", "<", ">", "=", "(", ")", ",", ".", "-", "+"];

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// Takes the characters that satisfy `belongs`.
    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.advance(length)
    }

    fn advance(&mut self, length: usize) -> &'a str {
        let taken = self.rest().get(..length).unwrap_or("");
        self.at = self.at.saturating_add(taken.len());
        taken
    }

    pub(super) fn next(&mut self) -> Result<Spanned<'a>, ExprError> {
        self.take(char::is_whitespace);
        let start = self.at;
        let token = self.token(start)?;
        Ok(Spanned { token, start, end: self.at })
    }

    fn token(&mut self, start: usize) -> Result<Token<'a>, ExprError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        if rest.starts_with("x'") || rest.starts_with("X'") {
            self.advance(2);
            let digits = self.take(|c| c.is_ascii_hexdigit());
            if self.advance(1) != "'" || !digits.len().is_multiple_of(2) {
                return Err(self.error(start, "an even number of hexadecimal digits between x' and '"));
            }
            return Ok(Token::Hex(digits));
        }
        let after_point = rest.strip_prefix('.').unwrap_or(rest);
        if after_point.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(Token::Number(self.number()));
        }
        if first.is_alphabetic() || first == '_' {
            return Ok(Token::Word(self.take(|c| c.is_alphanumeric() || c == '_')));
        }
        match first {
            '\'' => return self.quoted('\'', start).map(Token::Text),
            '"' | '`' => return self.quoted(first, start).map(Token::Quoted),
            _ => {}
        }
        for symbol in SYMBOLS {
            if rest.starts_with(symbol) {
                self.advance(symbol.len());
                return Ok(Token::Symbol(symbol));
            }
        }
        Err(self.error(start, "a name, a literal or an operator"))
    }

    fn number(&mut self) -> &'a str {
        let start = self.at;
        self.take(|c| c.is_ascii_digit());
        let mut rest = self.rest().chars();
        if rest.next() == Some('.') && rest.next().is_some_and(|c| c.is_ascii_digit()) {
            self.advance(1);
            self.take(|c| c.is_ascii_digit());
        }
        let exponent = self.rest();
        if let Some(power) = exponent.strip_prefix(['e', 'E']) {
            let digits = power.strip_prefix(['-', '+']).unwrap_or(power);
            if digits.starts_with(|c: char| c.is_ascii_digit()) {
                self.advance(exponent.len().saturating_sub(digits.len()));
                self.take(|c| c.is_ascii_digit());
            }
        }
        self.text.get(start..self.at).unwrap_or("")
    }

    /// Takes text up to the closing quote; a doubled quote stands for itself.
    fn quoted(&mut self, quote: char, start: usize) -> Result<String, ExprError> {
        let mut taken = String::new();
        self.advance(1);
        loop {
            taken.push_str(self.take(|c| c != quote));
            if self.advance(1).is_empty() {
                return Err(self.error(start, &format!("a closing {quote} at the end")));
            }
            if !self.rest().starts_with(quote) {
                return Ok(taken);
            }
            taken.push(quote);
            self.advance(1);
        }
    }

    /// Characters before a place, plus one.
    pub(super) fn column(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or("").chars().count().saturating_add(1)
    }

    /// A complaint about the text from `start` on.
    fn error(&self, start: usize, expected: &str) -> ExprError {
        self.error_in(start, self.text.len().min(start.saturating_add(80)), expected)
    }

    /// A complaint about the text of a token.
    pub(super) fn error_in(&self, start: usize, end: usize, expected: &str) -> ExprError {
        let mut end = end;
        while !self.text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        let found = match self.text.get(start..end).unwrap_or("") {
            "" => "the end of the text".to_owned(),
            text => format!("`{}`", excerpt(text)),
        };
        ExprError::Syntax { column: self.column(start), expected: expected.to_owned(), found }
    }
}
