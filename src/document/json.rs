//! Reading JSON strictly: what two parsers could understand differently is refused.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

/// Arrays and objects may be nested so deep; the root counts as one.
pub const DEEPEST: usize = 64;

/// Bytes that are not one JSON value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not valid JSON: {reason} at line {line} column {column}")]
pub struct NotJson {
    /// What is wrong.
    pub reason: String,
    /// Counted from 1.
    pub line: usize,
    /// In bytes, counted from 1.
    pub column: usize,
}

/// Reads one JSON value (RFC 8259).
///
/// # Errors
/// Syntax, duplicate keys, invalid UTF-8, lone surrogates, a byte order mark, nesting deeper than [`DEEPEST`],
/// and numbers that no 64-bit float can hold.
pub fn read(bytes: &[u8]) -> Result<Value, NotJson> {
    read_by(bytes, |deserializer| Strict { depth: 0 }.deserialize(deserializer))
}

/// Reads one JSON value and, where it is an array, hands over its elements one after the other: values take many times
/// the memory of their text, and so only one of them is there at a time. What is no array is handed back.
///
/// # Errors
/// As [`read`]; elements before the fault have been handed over.
pub fn read_each(bytes: &[u8], take: impl FnMut(Value)) -> Result<Option<Value>, NotJson> {
    if !bytes.trim_ascii_start().starts_with(b"[") {
        return read(bytes).map(Some);
    }
    read_by(bytes, |deserializer| deserializer.deserialize_seq(Elements(take))).map(|()| None)
}

type Text<'t> = serde_json::Deserializer<serde_json::de::SliceRead<'t>>;

fn read_by<'t, T>(
    bytes: &'t [u8],
    read: impl FnOnce(&mut Text<'t>) -> Result<T, serde_json::Error>,
) -> Result<T, NotJson> {
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(NotJson {
            reason: "the text begins with a byte order mark, which JSON does not allow".to_owned(),
            line: 1,
            column: 1,
        });
    }
    if bytes.trim_ascii().is_empty() {
        return Err(NotJson { reason: "the text is empty".to_owned(), line: 1, column: 1 });
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    read(&mut deserializer).and_then(|value| deserializer.end().map(|()| value)).map_err(|error| NotJson {
        reason: reason(&error),
        line: error.line().max(1),
        column: error.column().max(1),
    })
}

/// JSON as people read it in a diff: two spaces a level, a line feed at the end.
pub fn pretty(value: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    // It is kept, and a large set is made of many small texts.
    bytes.shrink_to_fit();
    bytes
}

/// The message of the library without the position that it appends.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).unwrap_or(&text).to_owned()
}

/// The elements of the outermost array.
struct Elements<F>(F);

impl<'de, F: FnMut(Value)> Visitor<'de> for Elements<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Elements(mut take) = self;
        while let Some(element) = elements.next_element_seed(Strict { depth: 1 })? {
            take(element);
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn inner<E: de::Error>(self) -> Result<Strict, E> {
        if self.depth == DEEPEST {
            return Err(E::custom(format!("nested deeper than {DEEPEST}")));
        }
        Ok(Strict { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(inner)? {
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            match object.entry(key) {
                Entry::Vacant(place) => {
                    place.insert(members.next_value_seed(inner)?);
                }
                Entry::Occupied(place) => {
                    return Err(de::Error::custom(format!("duplicate key {:?}", place.key())));
                }
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_twice_is_the_same() {
        let text = r#"{"b":[1,-2,3.5,true,null,"é\u00e9\ud83d\ude00"],"a":{}}"#;
        let value = read(text.as_bytes()).expect("valid");
        assert_eq!(read(value.to_string().as_bytes()), Ok(value));
    }

    #[test]
    fn what_is_read_by_elements_is_what_is_read_whole() {
        let deep = "[".repeat(65) + &"]".repeat(65);
        for text in [
            "[]",
            " [1,{\"a\":[2]}]\n",
            "[1",
            "[1,]",
            "[1] x",
            "[{\"a\":1,\"a\":1}]",
            "{\"a\":[]}",
            "",
            &deep,
        ] {
            let mut elements = Vec::new();
            let read_each = read_each(text.as_bytes(), |element| elements.push(element));
            assert_eq!(
                read_each.map(|other| other.unwrap_or(Value::Array(elements))),
                read(text.as_bytes()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_parsers_disagree_on_is_refused_with_its_place() {
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(read(deep(64).as_bytes()).is_ok());
        let cases: &[(&[u8], &str, usize)] = &[
            (b"", "empty", 1),
            (b" \n", "empty", 1),
            (b"{\n\"a\":1,\n\"a\":2}", "duplicate key \"a\"", 3),
            (b"[{\"a\":{\"x\":1,\"x\":1}}]", "duplicate key \"x\"", 1),
            (b"\xEF\xBB\xBF{}", "byte order mark", 1),
            (b"\"\xff\"", "invalid unicode", 1),
            (br#""\ud800""#, "hex escape", 1),
            (b"1e400", "out of range", 1),
            (b"{} x", "trailing", 1),
            (b"NaN", "expected", 1),
            (b"[1,]", "trailing comma", 1),
        ];
        for (bytes, expected, line) in cases {
            let error = read(bytes).expect_err(&String::from_utf8_lossy(bytes));
            assert!(error.reason.contains(expected), "{error} should say {expected}");
            assert_eq!(error.line, *line, "{error}");
        }
        for depth in [65, 1000, 100_000] {
            let error = read(deep(depth).as_bytes()).expect_err("too deep");
            assert!(error.reason.contains("deeper than 64"), "{error}");
        }
    }
}
