//! Reading the objects that requests bring, other than documents.

use serde_json::{Map, Value};

use crate::document::{EntryId, FaultKind, Faults, name_of};

/// The members of what must be an object with no others than these.
pub fn members(value: Value, known: &[&str], faults: &mut Faults) -> Option<Map<String, Value>> {
    let Value::Object(members) = value else {
        faults.add(FaultKind::ObjectType, format!("must be an object, not {}", name_of(&value)));
        return None;
    };
    unknown(&members, known, faults);
    Some(members)
}

/// Notes every member that is none of these.
pub fn unknown(members: &Map<String, Value>, known: &[&str], faults: &mut Faults) {
    for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
        let msg = format!("is no field here; the fields are {}", known.join(", "));
        faults.within(name.as_str(), |faults| faults.add(FaultKind::ExtraForbidden, msg));
    }
}

/// A member's text, which must be there.
pub fn text<'m>(value: Option<&'m Value>, faults: &mut Faults) -> Option<&'m str> {
    match value {
        Some(Value::String(text)) => return Some(text),
        Some(other) => {
            faults.add(FaultKind::StringType, format!("must be a string, not {}", name_of(other)));
        }
        None => faults.add(FaultKind::Missing, "is required"),
    }
    None
}

/// One of these words.
pub fn word<'m>(value: Option<&'m Value>, words: &[&str], faults: &mut Faults) -> Option<&'m str> {
    let text = text(value, faults)?;
    if words.contains(&text) {
        return Some(text);
    }
    faults.add(FaultKind::Enum, format!("must be one of {}, not {text:?}", words.join(", ")));
    None
}

/// An entry's id; trimmed, as all strings of documents are.
pub fn id(value: Option<&Value>, faults: &mut Faults) -> Option<EntryId> {
    let id = EntryId::parse(text(value, faults)?.trim());
    id.map_err(|fault| faults.add(fault.rule(), fault.to_string())).ok()
}

/// An array of different things, of which there are from one to `most`.
pub fn list<T: PartialEq>(
    value: &Value,
    most: usize,
    faults: &mut Faults,
    read: impl Fn(&Value, &mut Faults) -> Option<T>,
) -> Option<Vec<T>> {
    let Value::Array(values) = value else {
        faults.add(FaultKind::ListType, format!("must be an array, not {}", name_of(value)));
        return None;
    };
    if values.is_empty() || values.len() > most {
        let kind = if values.is_empty() { FaultKind::TooFew } else { FaultKind::TooMany };
        faults.add(kind, format!("must have from 1 to {most} elements, has {}", values.len()));
        return None;
    }
    let mut found = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        faults.within(index, |faults| match read(value, faults) {
            Some(read) if found.contains(&read) => {
                faults.add(FaultKind::Duplicate, format!("{value} is there already"));
            }
            read => found.extend(read),
        });
    }
    Some(found)
}
