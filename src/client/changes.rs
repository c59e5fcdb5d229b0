//! What a write would change, as dry runs tell it.

use serde::Deserialize;
use serde_json::Value;

use super::failure::Failure;
use super::output::{self, Output};
use super::service::Answer;

/// An entry that differs.
#[derive(Debug, Deserialize)]
pub struct Changed {
    /// Not told where only one set is asked about.
    pub kind: Option<String>,
    id: String,
    change: String,
    patch: Vec<Step>,
}

impl Changed {
    /// The entry, as whoever asks names it, where its kind is told.
    pub fn name(&self) -> String {
        format!("{}/{}", self.kind.as_deref().unwrap_or_default(), self.id)
    }
}

/// A step of a patch (RFC 6902).
#[derive(Debug, Deserialize)]
struct Step {
    op: String,
    path: String,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    value: Value,
}

#[derive(Deserialize)]
struct DryRun {
    diff: Difference,
}

#[derive(Deserialize)]
struct Difference {
    items: Vec<Changed>,
}

/// What the answer to a dry run lists.
///
/// # Errors
/// It is no such answer.
pub fn of(answer: &Answer) -> Result<Vec<Changed>, Failure> {
    Ok(answer.read::<DryRun>()?.diff.items)
}

/// A line for each entry, and one for each step of what changes in it. `kind` is the one of all where none is told.
///
/// # Errors
/// Standard output cannot be written.
pub fn show(output: &Output, items: &[Changed], kind: &str) -> Result<(), Failure> {
    let mut text = String::new();
    for item in items {
        let style = match item.change.as_str() {
            "created" => output::ADDED,
            "deleted" => output::REMOVED,
            _ => output::CHANGED,
        };
        let name = output::harmless(&format!("{}/{}", item.kind.as_deref().unwrap_or(kind), item.id));
        text += &output.paint(style, &format!("{} {name}", item.change));
        text.push('\n');
        // Of a document that comes or goes whole, its name says enough.
        for step in item.patch.iter().filter(|step| !step.path.is_empty()) {
            text += &output.paint(step.style(), &format!("  {}", step.line()));
            text.push('\n');
        }
    }
    output.bytes(text.as_bytes())
}

impl Step {
    fn style(&self) -> anstyle::Style {
        match self.op.as_str() {
            "add" => output::ADDED,
            "remove" => output::REMOVED,
            _ => output::CHANGED,
        }
    }

    fn line(&self) -> String {
        let from = self.from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
        let value = if self.value.is_null() { String::new() } else { format!(" {}", self.value) };
        output::harmless(&format!("{} {}{from}{value}", self.op, self.path))
    }
}

/// What the answer to a dry run lists, and that nothing was written.
///
/// # Errors
/// It is no such answer, or standard output cannot be written.
pub fn show_all(output: &Output, answer: &Answer, kind: &str) -> Result<(), Failure> {
    let items = of(answer)?;
    show(output, &items, kind)?;
    output::progress(if items.is_empty() { "nothing would change" } else { "nothing was written" });
    Ok(())
}
