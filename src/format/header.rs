//! `config.json`: what a configuration says of itself.

use serde_json::{Map, Value};

use super::Misfit;
use crate::document::{FaultKind, Faults, json, name_of};

/// The file's path in a configuration's tree.
pub const PATH: &str = "config.json";

/// A description has at most so many characters.
pub const LONGEST_DESCRIPTION: usize = 4096;

/// The content of `config.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The number of the format in which the tree is written.
    pub format: u32,
    /// For people.
    pub description: String,
    /// What others have put beside these two; it stays.
    pub others: Map<String, Value>,
}

impl Header {
    /// A header that says nothing else.
    pub fn new(format: u32, description: &str) -> Self {
        Header { format, description: description.to_owned(), others: Map::new() }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// It is no JSON object with a whole `format`, its `description` is no text, or the format is newer than
    /// [`super::FORMAT`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Misfit> {
        let value = json::read(bytes)?;
        let mut faults = Faults::at(PATH);
        let header = Self::check(&value, &mut faults);
        let header = faults.or(header)?;
        if header.format > super::FORMAT {
            return Err(Misfit::Newer { found: header.format });
        }
        Ok(header)
    }

    fn check(value: &Value, faults: &mut Faults) -> Option<Self> {
        let Some(members) = value.as_object() else {
            faults.add(FaultKind::ObjectType, format!("must be an object, not {}", name_of(value)));
            return None;
        };
        let format =
            members.get("format").and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        let Some(format) = format.filter(|number| *number > 0) else {
            faults.within("format", |faults| {
                faults.add(FaultKind::IntType, "must be the number of a format");
            });
            return None;
        };
        let description = match members.get("description") {
            Some(_) => description(members, faults)?,
            None => String::new(),
        };
        let mut others = members.clone();
        others.retain(|name, _| name != "format" && name != "description");
        Some(Header { format, description, others })
    }

    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut members = Map::from_iter([
            ("format".to_owned(), self.format.into()),
            ("description".to_owned(), self.description.clone().into()),
        ]);
        members.extend(self.others.clone());
        json::pretty(&Value::Object(members))
    }
}

/// Reads what a client sends as a description: trimmed, and within its length. `None` if a fault was noted.
pub fn description(members: &Map<String, Value>, faults: &mut Faults) -> Option<String> {
    faults.within("description", |faults| match members.get("description") {
        None => {
            faults.add(FaultKind::Missing, "is required");
            None
        }
        Some(Value::String(text)) => {
            let text = text.trim();
            let length = text.chars().count();
            if length > LONGEST_DESCRIPTION {
                let msg = format!("must have at most {LONGEST_DESCRIPTION} characters, has {length}");
                faults.add(FaultKind::StringTooLong, msg);
                return None;
            }
            Some(text.to_owned())
        }
        Some(other) => {
            faults.add(FaultKind::StringType, format!("must be a string, not {}", name_of(other)));
            None
        }
    })
}
