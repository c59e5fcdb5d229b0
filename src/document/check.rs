//! Holding a value against a rule: every fault is found, and what is right comes out in its canonical form, with
//! strings trimmed, defaults filled in and fields in order.

use serde_json::{Map, Value};

use super::fault::{FaultKind, Faults};
use super::id::EntryId;
use super::rule::{Absent, Record, Rule, Shape};

/// The canonical form of `value` under `rule`; `None` if a fault was noted.
pub fn value(rule: &Rule, value: Value, id: Option<&EntryId>, faults: &mut Faults) -> Option<Value> {
    match rule {
        Rule::Id => self::id(value, id, faults),
        Rule::Text { min, max, shape } => text(value, *min, *max, shape.as_ref(), faults),
        Rule::Choice(words) => choice(value, words, faults),
        Rule::Flag => {
            if !value.is_boolean() {
                faults.add(FaultKind::BoolType, format!("must be true or false, not {}", name_of(&value)));
                return None;
            }
            Some(value)
        }
        Rule::Whole { min, max } => whole(&value, *min, *max, faults),
        Rule::List { null_is_none: true, .. } if value.is_null() => Some(Value::Array(Vec::new())),
        Rule::List { of, max, distinct, .. } => list(value, of, *max, *distinct, faults),
        Rule::Object(record) => object(record, value, id, faults).map(Value::Object),
    }
}

/// The canonical form of an object; `id` is the entry's id where it is known from elsewhere.
pub fn object(
    record: &Record,
    value: Value,
    id: Option<&EntryId>,
    faults: &mut Faults,
) -> Option<Map<String, Value>> {
    let Value::Object(mut given) = value else {
        faults.add(FaultKind::ObjectType, format!("must be an object, not {}", name_of(&value)));
        return None;
    };
    let mut canonical = Map::new();
    let mut whole = true;
    for field in record.fields {
        let found = match given.swap_remove(field.name) {
            Some(_) if matches!(field.absent, Absent::Imposed) && id.is_some() => {
                faults.within(field.name, |faults| {
                    faults.add(FaultKind::ExtraForbidden, "is read-only; the path gives it");
                });
                None
            }
            Some(found) => faults.within(field.name, |faults| self::value(&field.rule, found, id, faults)),
            None => match (field.absent, id) {
                (Absent::Known | Absent::Imposed, Some(id)) => Some(Value::from(id.as_str())),
                (Absent::Known | Absent::Imposed | Absent::Refused, _) => {
                    faults.within(field.name, |faults| faults.add(FaultKind::Missing, "is required"));
                    None
                }
                _ => field.absent.value(),
            },
        };
        match found {
            Some(found) if matches!(field.absent, Absent::Omitted) && found == "" => {}
            Some(found) => {
                canonical.insert(field.name.to_owned(), found);
            }
            None => whole = false,
        }
    }
    for unknown in given.keys() {
        whole = false;
        let known = record.fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", ");
        faults.within(unknown.as_str(), |faults| {
            faults.add(FaultKind::ExtraForbidden, format!("is no field here; the fields are {known}"));
        });
    }
    (record.agree)(&|field: &'static str| canonical.get(field).and_then(Value::as_str), faults);
    whole.then_some(canonical)
}

fn id(value: Value, expected: Option<&EntryId>, faults: &mut Faults) -> Option<Value> {
    let text = trimmed(value, faults)?;
    match (EntryId::parse(&text), expected) {
        (Ok(id), Some(expected)) if id != *expected => {
            faults.add(
                FaultKind::Mismatch,
                format!("is {text:?}, but the request is about {:?}", expected.as_str()),
            );
            None
        }
        (Ok(_), _) => Some(Value::String(text)),
        (Err(fault), _) => {
            faults.add(fault.rule(), fault.to_string());
            None
        }
    }
}

fn trimmed(value: Value, faults: &mut Faults) -> Option<String> {
    let Value::String(text) = value else {
        faults.add(FaultKind::StringType, format!("must be a string, not {}", name_of(&value)));
        return None;
    };
    let trimmed = text.trim();
    Some(if trimmed.len() == text.len() { text } else { trimmed.to_owned() })
}

fn text(value: Value, min: usize, max: usize, shape: Option<&Shape>, faults: &mut Faults) -> Option<Value> {
    let text = trimmed(value, faults)?;
    let length = text.chars().count();
    if length < min {
        let msg = if min == 1 {
            "must not be empty".to_owned()
        } else {
            format!("must have at least {min} characters")
        };
        faults.add(FaultKind::StringTooShort, msg);
        return None;
    }
    if length > max {
        faults.add(FaultKind::StringTooLong, format!("must have at most {max} characters, has {length}"));
        return None;
    }
    if let Some(shape) = shape
        && let Err(wrong) = (shape.check)(&text)
    {
        faults.add(FaultKind::Format, wrong);
        return None;
    }
    Some(Value::String(text))
}

fn choice(value: Value, words: &[&str], faults: &mut Faults) -> Option<Value> {
    let text = trimmed(value, faults)?;
    if !words.contains(&text.as_str()) {
        faults.add(FaultKind::Enum, format!("must be one of {}, not {text:?}", words.join(", ")));
        return None;
    }
    Some(Value::String(text))
}

fn whole(value: &Value, min: u64, max: u64, faults: &mut Faults) -> Option<Value> {
    let Value::Number(number) = value else {
        faults.add(FaultKind::IntType, format!("must be a whole number, not {}", name_of(value)));
        return None;
    };
    // JSON Schema counts 1.0 as an integer (2020-12, validation section 6.1.1); so do we.
    let as_float = number.as_f64().unwrap_or(f64::NAN);
    if as_float.fract() != 0.0 {
        faults.add(FaultKind::IntType, format!("must be a whole number, not {number}"));
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "guarded by the range")]
    let exact = number
        .as_u64()
        .or_else(|| (0.0..=9_007_199_254_740_992.0).contains(&as_float).then_some(as_float as u64));
    match exact {
        Some(exact) if (min..=max).contains(&exact) => Some(Value::from(exact)),
        _ => {
            faults.add(FaultKind::OutOfRange, format!("must be from {min} to {max}, not {number}"));
            None
        }
    }
}

fn list(value: Value, of: &Rule, max: usize, distinct: bool, faults: &mut Faults) -> Option<Value> {
    let Value::Array(given) = value else {
        faults.add(FaultKind::ListType, format!("must be an array, not {}", name_of(&value)));
        return None;
    };
    if given.len() > max {
        faults.add(FaultKind::TooMany, format!("must have at most {max} elements, has {}", given.len()));
        return None;
    }
    let length = given.len();
    let mut canonical = Vec::with_capacity(length);
    let mut seen = std::collections::HashSet::new();
    for (index, element) in given.into_iter().enumerate() {
        faults.within(index, |faults| {
            let Some(element) = self::value(of, element, None, faults) else {
                return;
            };
            if distinct && !seen.insert(element.to_string()) {
                faults.add(FaultKind::Duplicate, format!("{element} is there already"));
                return;
            }
            canonical.push(element);
        });
    }
    (canonical.len() == length).then_some(Value::Array(canonical))
}

/// What a value is, for a message to somebody who sent another.
pub fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
