//! Recognizing a document in its canonical form. Nearly all stored text is: this program wrote it. To see that takes
//! a fraction of the time that reading, checking and writing it again takes, by the same table of rules.

use std::collections::HashSet;

use super::fault::Faults;
use super::id::EntryId;
use super::rule::{Absent, Record, Rule};

/// The id of the document whose canonical form the text is. `None` says nothing against the text: it may be right in
/// another form, or in one that is seldom, such as with escapes in strings.
pub fn id_of(record: &Record, text: &[u8]) -> Option<EntryId> {
    let mut cursor = Cursor { rest: str::from_utf8(text).ok()?, id: None };
    cursor.object(record, 0)?;
    cursor.exactly("\n")?;
    if cursor.rest.is_empty() { cursor.id } else { None }
}

/// How many elements are compared with each other, before a set is faster.
const FEW: usize = 16;

/// What is left to look at, and what was found.
struct Cursor<'t> {
    rest: &'t str,
    id: Option<EntryId>,
}

impl<'t> Cursor<'t> {
    fn exactly(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    /// A line feed, and two spaces a level.
    fn line(&mut self, level: usize) -> Option<()> {
        self.exactly("\n")?;
        (0..level).try_for_each(|_| self.exactly("  "))
    }

    fn object(&mut self, record: &Record, level: usize) -> Option<()> {
        self.exactly("{")?;
        let mut texts: Vec<(&str, &'t str)> = Vec::with_capacity(record.fields.len());
        let mut comma = "";
        for field in record.fields {
            let before = self.rest;
            let omitted = matches!(field.absent, Absent::Omitted);
            let key =
                self.exactly(comma).and_then(|()| self.line(level + 1)).and_then(|()| self.key(field.name));
            if omitted && key.is_none() {
                self.rest = before;
                continue;
            }
            key?;
            let text = self.value(&field.rule, level + 1)?;
            if omitted && text.is_empty() {
                return None;
            }
            texts.push((field.name, text));
            comma = ",";
        }
        self.line(level)?;
        self.exactly("}")?;
        let text = |name: &'static str| texts.iter().find(|(field, _)| *field == name).map(|(_, text)| *text);
        let mut faults = Faults::at("");
        (record.agree)(&text, &mut faults);
        faults.or(Some(())).ok()
    }

    fn key(&mut self, name: &str) -> Option<()> {
        self.exactly("\"")?;
        self.exactly(name)?;
        self.exactly("\": ")
    }

    /// A value, and its text: that of a string without its quotes.
    fn value(&mut self, rule: &Rule, level: usize) -> Option<&'t str> {
        match rule {
            Rule::Id => {
                let text = self.string()?;
                self.id = Some(EntryId::parse(text).ok()?);
                Some(text)
            }
            Rule::Text { min, max, shape } => {
                let text = self.string()?;
                // There are no more characters than bytes, so most texts need no counting.
                let in_range = |length: usize| (*min..=*max).contains(&length);
                let right_length =
                    text.len() <= *max && text.len() / 4 >= *min || in_range(text.chars().count());
                let right_shape = shape.as_ref().is_none_or(|shape| (shape.check)(text).is_ok());
                (right_length && right_shape && text.trim().len() == text.len()).then_some(text)
            }
            Rule::Choice(words) => self.string().filter(|text| words.contains(text)),
            Rule::Flag => ["true", "false"].into_iter().find(|word| self.exactly(word).is_some()),
            Rule::Whole { min, max } => {
                let end = self.rest.bytes().take_while(u8::is_ascii_digit).count();
                let (digits, rest) = self.rest.split_at(end);
                self.rest = rest;
                let number: u64 = digits.parse().ok()?;
                let shortest = digits.len() == 1 || !digits.starts_with('0');
                (shortest && (*min..=*max).contains(&number)).then_some(digits)
            }
            Rule::List { of, max, distinct, .. } => self.list(of, *max, *distinct, level),
            Rule::Object(record) => {
                let before = self.rest;
                self.object(record, level)?;
                before.strip_suffix(self.rest)
            }
        }
    }

    fn list(&mut self, of: &Rule, max: usize, distinct: bool, level: usize) -> Option<&'t str> {
        let before = self.rest;
        self.exactly("[")?;
        let mut elements: Vec<&str> = Vec::new();
        let mut count = 0;
        while self.rest.starts_with(if count == 0 { "\n" } else { "," }) {
            if count > 0 {
                self.exactly(",")?;
            }
            self.line(level + 1)?;
            let element = self.value(of, level + 1)?;
            count += 1;
            if distinct {
                elements.push(element);
            }
        }
        if count > 0 {
            self.line(level)?;
        }
        self.exactly("]")?;
        (count <= max && all_different(&elements)).then_some(())?;
        before.strip_suffix(self.rest)
    }

    /// A string without escapes.
    fn string(&mut self) -> Option<&'t str> {
        self.exactly("\"")?;
        let end = self.rest.bytes().position(|b| b == b'"' || b == b'\\' || b < b' ')?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.exactly("\"")?;
        Some(text)
    }
}

fn all_different(elements: &[&str]) -> bool {
    if elements.len() > FEW {
        return elements.iter().collect::<HashSet<_>>().len() == elements.len();
    }
    elements.iter().enumerate().all(|(nth, element)| !elements[..nth].contains(element))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::{Document, KINDS, json};
    use super::*;

    fn services() -> impl Strategy<Value = Value> {
        let text = "[ a-zé\"\\\\\n]{0,6}";
        let ports = || proptest::collection::vec(0_u32..5, 0..4);
        let host = (ports(), ports(), "[a-z.]{1,4}", any::<bool>(), 0_u32..70_000).prop_map(|(a, b, host, down, weight)| {
            json!({"host": host, "http_ports": a, "https_ports": b, "down": down, "weight": weight})
        });
        let hosts = proptest::collection::vec(host, 0..3);
        let sticky = prop::sample::select(vec!["none", "customcookie", "iphash", "other"]);
        (text, text, "[a-c]{0,2}", hosts, sticky, "[a-z ]{0,3}").prop_map(|(name, description, id, hosts, sticky, cookie)| {
            json!({"id": id, "name": name, "description": description, "back_hosts": hosts, "sticky": sticky,
                   "sticky_cookie_name": cookie, "mtls_certificate": cookie})
        })
    }

    fn slowly(text: &[u8]) -> Option<EntryId> {
        let document = Document::parse(KINDS[0], json::read(text).ok()?, None, "").ok()?;
        (document.text() == text).then(|| document.id().clone())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn what_is_recognized_is_what_would_be_written(value in services()) {
            let Ok(document) = Document::parse(KINDS[0], value.clone(), None, "") else {
                // What breaks a rule breaks it in any form.
                prop_assert_eq!(id_of(KINDS[0].record, &json::pretty(&value)), None);
                return Ok(());
            };
            let text = document.text();
            let plain = !text.contains(&b'\\');
            prop_assert_eq!(id_of(KINDS[0].record, text), plain.then(|| document.id().clone()));
        }

        #[test]
        fn nothing_else_is_recognized(at in any::<prop::sample::Index>(), with in "[ -~\n]{0,2}", taken in 0_usize..3) {
            let value = json!({"id": "a", "name": "A", "sticky": "customcookie", "sticky_cookie_name": "c",
                "mtls_certificate": "x", "back_hosts": [{"host": "h"}, {"host": "i", "http_ports": [1, 2]}]});
            let document = Document::parse(KINDS[0], value, None, "").expect("valid");
            let mut text = document.text().to_vec();
            let start = at.index(text.len());
            let end = (start + taken).min(text.len());
            text.splice(start..end, with.bytes());
            if let Some(id) = id_of(KINDS[0].record, &text) {
                prop_assert_eq!(slowly(&text), Some(id));
            } else if let Some(id) = slowly(&text) {
                prop_assert!(text.contains(&b'\\'), "{} is not recognized", id.as_str());
            }
        }
    }
}
