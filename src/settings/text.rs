//! Texts, which the environment does not quote.

use serde::{Deserialize, Deserializer};

/// A text, even where the environment's one looks like a number.
pub fn text<'de, D: Deserializer<'de>, T: From<String>>(deserializer: D) -> Result<T, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a text")]
    enum Scalar {
        Text(String),
        Natural(u64),
        Whole(i64),
        Number(f64),
        Flag(bool),
    }
    let text = match Scalar::deserialize(deserializer)? {
        Scalar::Text(text) => text,
        Scalar::Natural(number) => number.to_string(),
        Scalar::Whole(number) => number.to_string(),
        Scalar::Number(number) => number.to_string(),
        Scalar::Flag(flag) => flag.to_string(),
    };
    Ok(text.into())
}
