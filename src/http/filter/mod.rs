//! `$filter`: the part of OData 4.0's expressions (URL conventions, section 5.1.1) that asks about an entity's `id`
//! and `host`.

mod parser;

pub use parser::{FilterFault, LONGEST, parse};

/// What a filter can ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Id,
    Host,
}

/// How a field compares with a literal: ordinal, by code points, and case-sensitive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// What a function finds in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    Contains,
    StartsWith,
    EndsWith,
}

/// A filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    Compare(Field, Comparison, String),
    Call(Function, Field, String),
    Not(Box<Filter>),
    And(Vec<Filter>),
    Or(Vec<Filter>),
}

impl Filter {
    /// Whether an entity of this bare id and this host passes.
    pub fn takes(&self, id: &str, host: &str) -> bool {
        let value = |field: Field| match field {
            Field::Id => id,
            Field::Host => host,
        };
        match self {
            Filter::Compare(field, comparison, literal) => {
                let order = value(*field).cmp(literal.as_str());
                match comparison {
                    Comparison::Equal => order.is_eq(),
                    Comparison::NotEqual => order.is_ne(),
                    Comparison::Greater => order.is_gt(),
                    Comparison::GreaterOrEqual => order.is_ge(),
                    Comparison::Less => order.is_lt(),
                    Comparison::LessOrEqual => order.is_le(),
                }
            }
            Filter::Call(function, field, literal) => match function {
                Function::Contains => value(*field).contains(literal.as_str()),
                Function::StartsWith => value(*field).starts_with(literal.as_str()),
                Function::EndsWith => value(*field).ends_with(literal.as_str()),
            },
            Filter::Not(inner) => !inner.takes(id, host),
            Filter::And(all) => all.iter().all(|filter| filter.takes(id, host)),
            Filter::Or(any) => any.iter().any(|filter| filter.takes(id, host)),
        }
    }
}
