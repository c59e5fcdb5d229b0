//! The language in which a kind says what its documents look like.
//!
//! One table of fields serves for checking, for defaults, for the order in files and for the published schema, so
//! that these cannot come to differ.

use serde_json::{Map, Value, json};

use super::fault::Faults;

/// What a value may be.
#[derive(Debug)]
pub enum Rule {
    /// The entry's id.
    Id,
    /// A string, trimmed, of so many characters, and of a shape.
    Text { min: usize, max: usize, shape: Option<Shape> },
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// A boolean.
    Flag,
    /// A whole number in a range, both ends included.
    Whole { min: u64, max: u64 },
    /// An array. `null` stands for an empty one where clients are known to send it.
    List { of: &'static Rule, max: usize, distinct: bool, null_is_none: bool },
    /// An object.
    Object(&'static Record),
}

/// A rule for a text that no length tells.
#[derive(Debug)]
pub struct Shape {
    /// What the text is, for the published schema.
    pub about: &'static str,
    /// Refuses with what is wrong.
    pub check: fn(&str) -> Result<(), String>,
}

/// The text of a field, by its name, where it has one.
pub type Texts<'a, 't> = dyn Fn(&'static str) -> Option<&'t str> + 'a;

/// An object's fields, in the order in which they are written.
pub struct Record {
    pub fields: &'static [Field],
    /// Rules between fields. It sees the texts of the fields that are right by themselves.
    pub agree: for<'t> fn(&Texts<'_, 't>, &mut Faults),
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.fields.iter().map(|field| field.name)).finish()
    }
}

/// A member of an object.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub rule: Rule,
    pub absent: Absent,
    /// A sentence for the published schema.
    pub about: &'static str,
}

/// What a field's absence means.
#[derive(Debug, Clone, Copy)]
pub enum Absent {
    /// A fault.
    Refused,
    /// The id is known from elsewhere, such as the path of a request.
    Known,
    /// As [`Absent::Known`], and where it is known, a document must not repeat it: it is read-only.
    Imposed,
    /// The same as the empty text; and the empty text is not written.
    Omitted,
    Text(&'static str),
    Flag(bool),
    Whole(u64),
    Wholes(&'static [u64]),
}

impl Absent {
    /// The value that stands for the absent one, where there is one.
    pub fn value(self) -> Option<Value> {
        match self {
            Absent::Refused | Absent::Known | Absent::Imposed => None,
            Absent::Omitted => Some(Value::from("")),
            Absent::Text(text) => Some(Value::from(text)),
            Absent::Flag(flag) => Some(Value::from(flag)),
            Absent::Whole(number) => Some(Value::from(number)),
            Absent::Wholes(numbers) => Some(Value::from(numbers)),
        }
    }
}

impl Record {
    /// The JSON Schema (2020-12) of such an object as clients send it.
    pub fn schema_of_input(&self) -> Value {
        self.schema(|field| matches!(field.absent, Absent::Refused))
    }

    /// The JSON Schema (2020-12) of such an object as it is answered: all fields are there.
    pub fn schema_of_answer(&self) -> Value {
        self.schema(|field| !matches!(field.absent, Absent::Omitted))
    }

    fn schema(&self, required: fn(&Field) -> bool) -> Value {
        let mut properties = Map::new();
        for field in self.fields {
            let mut schema = field.rule.schema(required);
            if matches!(field.absent, Absent::Imposed) {
                schema.insert("readOnly".to_owned(), true.into());
            }
            schema.insert("description".to_owned(), field.about.into());
            if let Some(default) = field.absent.value() {
                schema.insert("default".to_owned(), default);
            }
            properties.insert(field.name.to_owned(), Value::Object(schema));
        }
        let required: Vec<_> = self.fields.iter().filter(|field| required(field)).map(|f| f.name).collect();
        let mut schema =
            object(json!({"type": "object", "properties": properties, "additionalProperties": false}));
        if !required.is_empty() {
            schema.insert("required".to_owned(), required.into());
        }
        Value::Object(schema)
    }
}

impl Rule {
    fn schema(&self, required: fn(&Field) -> bool) -> Map<String, Value> {
        object(match self {
            Rule::Id => json!({"type": "string", "minLength": 1, "maxLength": super::EntryId::LONGEST}),
            Rule::Text { min, max, shape } => {
                let mut schema = object(json!({"type": "string"}));
                if *min > 0 {
                    schema.insert("minLength".to_owned(), (*min).into());
                }
                if *max < usize::MAX {
                    schema.insert("maxLength".to_owned(), (*max).into());
                }
                if let Some(shape) = shape {
                    schema.insert("title".to_owned(), shape.about.into());
                }
                Value::Object(schema)
            }
            Rule::Choice(words) => json!({"type": "string", "enum": words}),
            Rule::Flag => json!({"type": "boolean"}),
            Rule::Whole { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
            Rule::List { of, max, distinct, null_is_none } => json!({
                "type": if *null_is_none { json!(["array", "null"]) } else { json!("array") },
                "items": of.schema(required),
                "maxItems": max,
                "uniqueItems": distinct,
            }),
            Rule::Object(record) => record.schema(required),
        })
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
