//! Changing parts of an entry: a merge patch (RFC 7396).

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::entries::{self, Place};
use super::error::{Error, Rejection};
use super::step::Step;
use super::write::{self, Demand, Outcome, Ready, Write};
use super::{Registry, Result};
use crate::document::{Document, EntryId, Fault, FaultKind, Faults, Kind, json, name_of};
use crate::ledger::State;

/// So often a patch is made anew when others change the entry meanwhile. Each time another's change was made, so all
/// together get on.
const ATTEMPTS: usize = 1000;

impl Registry {
    /// Changes the parts of an entry that the body names; the others stay.
    ///
    /// # Errors
    /// It is not there, the write's conditions do not hold, the result breaks a rule, or the ledger refuses.
    pub async fn patch_entry(
        self: &Arc<Self>,
        place: Place<'_>,
        body: Bytes,
        write: Write,
    ) -> Result<Outcome> {
        let mut patch = None;
        for _ in 0..ATTEMPTS {
            match self.try_patch(place, &body, &mut patch, write.clone()).await {
                Err(Rejection { error: Error::Raced, .. }) => {}
                outcome => return outcome,
            }
        }
        Err(Error::Raced.into())
    }

    /// `patch` is read once, when it is known that there is something to patch.
    async fn try_patch(
        self: &Arc<Self>,
        place: Place<'_>,
        body: &Bytes,
        patch: &mut Option<Arc<Value>>,
        write: Write,
    ) -> Result<Outcome> {
        let configuration = self.configuration(place.configuration)?;
        let at = Rejection::at(configuration.version());
        let id = place.to_find().map_err(&at)?;
        let mut demands = entries::existing(place, &id, &write);
        write::check(&demands, Some(&configuration.head)).map_err(&at)?;
        let contents = self.contents(&configuration)?;
        let entry = contents.set(place.kind).and_then(|set| set.entries.get(&id));
        let entry = entry.ok_or_else(|| at(place.missing()))?;
        let read = match patch.take() {
            Some(read) => read,
            None => {
                self.reading(body.clone(), |bytes| Ok(Arc::new(json::read(bytes)?))).await.map_err(&at)?
            }
        };
        let patch = patch.insert(read);
        let (kind, known, before, changes) = (place.kind, id.clone(), entry.bytes.clone(), Arc::clone(patch));
        let merge = move |_: &[u8]| merge(kind, &known, &before, &changes);
        let document = self.reading(body.clone(), merge).await.map_err(&at)?;
        // What was merged must still be what is replaced.
        let target = entries::subject(place.kind, &id);
        demands.push(Demand::new(target.clone(), State::OneOf(vec![entry.blob.into()]), Error::Raced));
        let message = format!("Update {} {id}", place.kind.singular);
        self.write(
            &configuration,
            Ready { demands, steps: vec![Step::Put(document)], target, message },
            write,
        )
        .await
    }
}

fn merge(
    kind: &'static Kind,
    id: &EntryId,
    before: &[u8],
    patch: &Value,
) -> std::result::Result<Document, Error> {
    if !patch.is_object() {
        return Err(Error::Invalid(not_an_object(patch)));
    }
    let mut merged = json::read(before)?;
    // The path says the id again; what the patch says of it is checked against that.
    if let Some(members) = merged.as_object_mut() {
        members.shift_remove("id");
    }
    json_patch::merge(&mut merged, patch);
    // A null takes a field back to its default. One that names no field is a mistake, which merging would hide.
    for name in patch.as_object().into_iter().flat_map(|patch| patch.keys()) {
        if let Some(members) = merged.as_object_mut()
            && (name == "id" || !kind.has_field(name))
        {
            members.entry(name.as_str()).or_insert(Value::Null);
        }
    }
    Ok(Document::parse(kind, merged, Some(id), "body")?)
}

fn not_an_object(patch: &Value) -> Vec<Fault> {
    let mut faults = Faults::at("body");
    faults.add(FaultKind::ObjectType, format!("must be an object, not {}", name_of(patch)));
    faults.or::<()>(None).err().unwrap_or_default()
}
