//! A naive three-way merge, by git's own idea of common ancestors.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Client, Git};

/// Descriptions by id.
pub type State = BTreeMap<String, String>;

/// What several ancestors do not agree about; no service is described so.
const UNCLEAR: &str = "?";

/// What a configuration's services were at a version.
#[track_caller]
pub fn state(client: &Client, config: &str, version: &str) -> State {
    let items =
        client.get(&format!("/conf/{config}/backend-services/versions/{version}")).expect(200).items();
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    items.iter().map(|item| (text(&item["id"]), text(&item["description"]))).collect()
}

pub fn bases(git: &Git, one: &str, other: &str) -> Vec<String> {
    // It fails where there is none, and all of these tests' configurations are copies.
    git.text(&["merge-base", "--all", one, other]).lines().map(str::to_owned).collect()
}

/// What two versions had in common, both of which lead to all of these.
#[track_caller]
pub fn common(client: &Client, git: &Git, config: &str, bases: &[String]) -> State {
    let mut found = state(client, config, &bases[0]);
    for other in &bases[1..] {
        let below = common(client, git, config, &self::bases(git, &bases[0], other));
        let theirs = state(client, config, other);
        found = merge(&below, &found, &theirs, |_, _| Some(UNCLEAR.to_owned()));
    }
    found
}

/// Each entry by itself; `decide` is asked about those that both sides have changed in different ways.
pub fn merge(
    base: &State,
    ours: &State,
    theirs: &State,
    mut decide: impl FnMut(Option<&String>, Option<&String>) -> Option<String>,
) -> State {
    let ids: BTreeSet<_> = base.keys().chain(ours.keys()).chain(theirs.keys()).collect();
    let mut merged = State::new();
    for id in ids {
        let (base, ours, theirs) = (base.get(id), ours.get(id), theirs.get(id));
        let end = if ours == theirs || theirs == base {
            ours.cloned()
        } else if ours == base {
            theirs.cloned()
        } else {
            decide(ours, theirs)
        };
        merged.extend(end.map(|text| (id.clone(), text)));
    }
    merged
}
