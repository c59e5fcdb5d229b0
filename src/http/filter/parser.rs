//! Reading a filter. By hand and by descent: the language is small, its depth is bounded before the stack is, and an
//! error says at which character what was expected.

use super::{Comparison, Field, Filter, Function};

/// In bytes.
pub const LONGEST: usize = 8 * 1024;
/// Parentheses and `not` may be nested so deep.
const DEEPEST: usize = 100;
/// What a client may write before an id in a literal, since answers do.
const ID_PREFIX: &str = "/backends/";

const COMPARISONS: [(&str, Comparison); 6] = [
    ("eq", Comparison::Equal),
    ("ne", Comparison::NotEqual),
    ("gt", Comparison::Greater),
    ("ge", Comparison::GreaterOrEqual),
    ("lt", Comparison::Less),
    ("le", Comparison::LessOrEqual),
];
const FUNCTIONS: [(&str, Function); 4] = [
    (SUBSTRING_OF, Function::Contains),
    ("contains", Function::Contains),
    ("startswith", Function::StartsWith),
    ("endswith", Function::EndsWith),
];
/// OData 3's name for `contains`; it takes its arguments the other way round.
const SUBSTRING_OF: &str = "substringof";

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterFault {
    #[error("has {found} bytes; at most {LONGEST} are read")]
    TooLong { found: usize },
    #[error("at character {at}: nested deeper than {DEEPEST}")]
    TooDeep { at: usize },
    #[error("at character {at}: expected {expected}, found {found}")]
    Unexpected { at: usize, expected: &'static str, found: String },
}

/// Reads a filter.
///
/// # Errors
/// It is too long, too deep, or no filter; characters are counted from 1.
pub fn parse(text: &str) -> Result<Filter, FilterFault> {
    if text.len() > LONGEST {
        return Err(FilterFault::TooLong { found: text.len() });
    }
    let mut parser = Parser { text, at: 0, depth: 0 };
    parser.skip_space();
    let filter = parser.either()?;
    parser.skip_space();
    if parser.rest().is_empty() { Ok(filter) } else { Err(parser.unexpected("and, or, or the end")) }
}

struct Parser<'a> {
    text: &'a str,
    /// In bytes.
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// `or` binds loosest.
    fn either(&mut self) -> Result<Filter, FilterFault> {
        let mut any = vec![self.both()?];
        while self.joined_by("or")? {
            any.push(self.both()?);
        }
        Ok(one_or(any, Filter::Or))
    }

    fn both(&mut self) -> Result<Filter, FilterFault> {
        let mut all = vec![self.single()?];
        while self.joined_by("and")? {
            all.push(self.single()?);
        }
        Ok(one_or(all, Filter::And))
    }

    /// A comparison, a function, `not` of one of those or of parentheses, or parentheses.
    fn single(&mut self) -> Result<Filter, FilterFault> {
        const EXPECTED: &str = "id, host, a function, not, or (";
        if self.rest().starts_with('(') {
            return self.nested(|parser| {
                parser.at += 1;
                parser.skip_space();
                let inner = parser.either()?;
                parser.skip_space();
                parser.take(')', "and, or, or )")?;
                Ok(inner)
            });
        }
        let start = self.at;
        let word = self.word();
        if word == "not" {
            if self.skip_space() == 0 && !self.rest().starts_with('(') {
                return Err(self.unexpected("a space or ("));
            }
            return self.nested(|parser| parser.negated().map(|inner| Filter::Not(Box::new(inner))));
        }
        if let Some((name, function)) = FUNCTIONS.iter().find(|(name, _)| *name == word) {
            return self.call(name, *function);
        }
        match field(word) {
            Some(field) => self.comparison(field),
            None => {
                self.at = start;
                Err(self.unexpected(EXPECTED))
            }
        }
    }

    /// What `not` applies to. It binds tighter than a comparison (section 5.1.1.9), and a field is no boolean.
    fn negated(&mut self) -> Result<Filter, FilterFault> {
        let start = self.at;
        let word = self.word();
        self.at = start;
        if field(word).is_some() {
            return Err(self.unexpected("a function, not, or ( since not binds tighter than a comparison"));
        }
        self.single()
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Filter, FilterFault>,
    ) -> Result<Filter, FilterFault> {
        if self.depth == DEEPEST {
            return Err(FilterFault::TooDeep { at: self.character() });
        }
        self.depth += 1;
        let filter = read(self)?;
        self.depth -= 1;
        Ok(filter)
    }

    fn comparison(&mut self, field: Field) -> Result<Filter, FilterFault> {
        const EXPECTED: &str = "eq, ne, gt, ge, lt or le";
        self.space("a space")?;
        let start = self.at;
        let word = self.word();
        let Some((_, comparison)) = COMPARISONS.iter().find(|(name, _)| *name == word) else {
            self.at = start;
            return Err(self.unexpected(EXPECTED));
        };
        self.space("a space")?;
        let literal = self.literal()?;
        Ok(Filter::Compare(field, *comparison, bare(field, literal)))
    }

    fn call(&mut self, name: &str, function: Function) -> Result<Filter, FilterFault> {
        self.skip_space();
        self.take('(', "(")?;
        self.skip_space();
        let (field, literal) = if name == SUBSTRING_OF {
            let literal = self.literal()?;
            self.comma()?;
            (self.field()?, literal)
        } else {
            let field = self.field()?;
            self.comma()?;
            (field, self.literal()?)
        };
        self.skip_space();
        self.take(')', ")")?;
        let call = Filter::Call(function, field, bare(field, literal));
        if !self.joined_by("eq")? {
            return Ok(call);
        }
        let start = self.at;
        match self.word() {
            "true" => Ok(call),
            "false" => Ok(Filter::Not(Box::new(call))),
            _ => {
                self.at = start;
                Err(self.unexpected("true or false"))
            }
        }
    }

    /// Takes white space, the word, and white space again. Where another word comes, nothing is taken.
    fn joined_by(&mut self, word: &str) -> Result<bool, FilterFault> {
        let start = self.at;
        if self.skip_space() == 0 || self.word() != word {
            self.at = start;
            return Ok(false);
        }
        self.space("a space")?;
        Ok(true)
    }

    fn field(&mut self) -> Result<Field, FilterFault> {
        let start = self.at;
        let word = self.word();
        field(word).ok_or_else(|| {
            self.at = start;
            self.unexpected("id or host")
        })
    }

    fn comma(&mut self) -> Result<(), FilterFault> {
        self.skip_space();
        self.take(',', ",")?;
        self.skip_space();
        Ok(())
    }

    /// A string in single quotes; a quote within is doubled.
    fn literal(&mut self) -> Result<String, FilterFault> {
        self.take('\'', "a string in single quotes")?;
        let mut literal = String::new();
        loop {
            let Some(end) = self.rest().find('\'') else {
                self.at = self.text.len();
                return Err(self.unexpected("the quote that ends the string"));
            };
            literal.push_str(&self.rest()[..end]);
            self.at += end + 1;
            if !self.rest().starts_with('\'') {
                return Ok(literal);
            }
            literal.push('\'');
            self.at += 1;
        }
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn take(&mut self, wanted: char, expected: &'static str) -> Result<(), FilterFault> {
        if !self.rest().starts_with(wanted) {
            return Err(self.unexpected(expected));
        }
        self.at += wanted.len_utf8();
        Ok(())
    }

    fn space(&mut self, expected: &'static str) -> Result<(), FilterFault> {
        if self.skip_space() == 0 { Err(self.unexpected(expected)) } else { Ok(()) }
    }

    fn skip_space(&mut self) -> usize {
        let rest = self.rest();
        let length = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        self.at += length;
        length
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Where the parser is, in characters from 1.
    fn character(&self) -> usize {
        self.text[..self.at].chars().count() + 1
    }

    fn unexpected(&self, expected: &'static str) -> FilterFault {
        let found = match self.rest().chars().next() {
            None => "the end".to_owned(),
            Some(_) => {
                let word: String = self.rest().chars().take_while(|c| c.is_alphanumeric()).take(20).collect();
                let shown = if word.is_empty() { self.rest().chars().take(1).collect() } else { word };
                format!("{shown:?}")
            }
        };
        FilterFault::Unexpected { at: self.character(), expected, found }
    }
}

fn field(word: &str) -> Option<Field> {
    match word {
        "id" => Some(Field::Id),
        "host" => Some(Field::Host),
        _ => None,
    }
}

fn bare(field: Field, literal: String) -> String {
    match (field, literal.strip_prefix(ID_PREFIX)) {
        (Field::Id, Some(bare)) => bare.to_owned(),
        _ => literal,
    }
}

fn one_or(mut filters: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match filters.pop() {
        Some(only) if filters.is_empty() => only,
        Some(last) => {
            filters.push(last);
            many(filters)
        }
        None => many(filters),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(filter: &str, id: &str, host: &str) -> bool {
        parse(filter).unwrap_or_else(|fault| panic!("{filter}: {fault}")).takes(id, host)
    }

    #[test]
    fn comparisons() {
        for (operator, less, same, more) in [
            ("eq", false, true, false),
            ("ne", true, false, true),
            ("gt", false, false, true),
            ("ge", false, true, true),
            ("lt", true, false, false),
            ("le", true, true, false),
        ] {
            let filter = format!("host {operator} 'm'");
            assert_eq!(
                [takes(&filter, "", "l"), takes(&filter, "", "m"), takes(&filter, "", "n")],
                [less, same, more]
            );
        }
        assert!(takes("id gt 'Z'", "a", ""), "ordinal: capitals come first");
        assert!(takes("id lt '\u{10000}'", "\u{ffff}", ""), "by code points");
    }

    #[test]
    fn functions() {
        assert!(takes("substringof('b',host)", "", "abc"));
        assert!(takes("contains(host, 'b')", "", "abc"));
        assert!(takes("startswith ( host , 'a' )", "", "abc"));
        assert!(takes("endswith(host,'c') eq true", "", "abc"));
        assert!(!takes("endswith(host,'c') eq false", "", "abc"));
        assert!(takes("contains(id,'')", "", ""));
    }

    #[test]
    fn precedence() {
        assert!(takes("id eq 'a' or id eq 'b' and host eq 'x'", "a", "y"), "and binds tighter than or");
        assert!(!takes("(id eq 'a' or id eq 'b') and host eq 'x'", "a", "y"));
        assert!(takes("not contains(id,'a') or id eq 'a'", "a", ""), "not binds tighter than or");
        assert!(!takes("not (contains(id,'a') or id eq 'a')", "a", ""));
        assert!(takes("not not(id eq 'a')", "a", ""));
        assert!(!takes("not startswith(id,'a') eq true", "a", ""));
    }

    #[test]
    fn literals() {
        assert!(takes("id eq 'it''s'", "it's", ""));
        assert!(takes("id eq ''''", "'", ""));
        assert!(takes("id eq '/backends/x'", "x", ""));
        assert!(takes("host eq '/backends/x'", "", "/backends/x"));
        assert!(takes("startswith(id,'/backends/')", "x", ""));
        assert!(takes(" \tid eq 'and or not (é)' ", "and or not (é)", ""));
    }

    #[test]
    fn faults_say_where_and_what() {
        for (filter, at, expected) in [
            ("", 1, "id, host"),
            ("name eq 'a'", 1, "id, host"),
            ("ID eq 'a'", 1, "id, host"),
            ("id", 3, "a space"),
            ("id eq", 6, "a space"),
            ("id eq'a'", 6, "a space"),
            ("id eq a", 7, "single quotes"),
            ("id eq \"a\"", 7, "single quotes"),
            ("id EQ 'a'", 4, "eq, ne"),
            ("id like 'a'", 4, "eq, ne"),
            ("id eq 'a", 9, "ends the string"),
            ("'a' eq id", 1, "id, host"),
            ("id eq 'é' x", 11, "and, or"),
            ("id eq 'a' and", 14, "a space"),
            ("id eq 'a' and ", 15, "id, host"),
            ("(id eq 'a'", 11, ")"),
            ("id eq 'a')", 10, "the end"),
            ("not id eq 'a'", 5, "binds tighter"),
            ("notcontains(id,'a')", 1, "id, host"),
            ("contains(id 'a')", 13, ","),
            ("contains('a',id)", 10, "id or host"),
            ("substringof(id,'a')", 13, "single quotes"),
            ("contains(id,'a') eq 'true'", 21, "true or false"),
            ("contains(id,'a') ne true", 18, "and, or"),
            ("(id eq 'a') eq true", 13, "and, or"),
            ("true", 1, "id, host"),
            ("length(id) eq 1", 1, "id, host"),
        ] {
            let fault = parse(filter).expect_err(filter);
            let text = fault.to_string();
            assert!(text.starts_with(&format!("at character {at}: ")), "{filter}: {text}");
            assert!(text.contains(expected), "{filter}: {text}");
        }
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let nested = |n: usize| "(".repeat(n) + "id eq 'a'" + &")".repeat(n);
        assert!(parse(&nested(100)).is_ok());
        assert_eq!(parse(&nested(101)), Err(FilterFault::TooDeep { at: 101 }));
        assert_eq!(parse(&("not ".repeat(101) + "(id eq 'a')")), Err(FilterFault::TooDeep { at: 405 }));
        assert_eq!(parse(&"(".repeat(8192)), Err(FilterFault::TooDeep { at: 101 }));
        let literal = |n: usize| format!("id eq '{}'", "a".repeat(n - 8));
        assert!(parse(&literal(8192)).is_ok());
        assert_eq!(parse(&literal(8193)), Err(FilterFault::TooLong { found: 8193 }));
        let flat = "id eq 'a' or ".repeat(600) + "id eq 'a'";
        assert!(parse(&flat).is_ok(), "length is no depth");
    }
}
