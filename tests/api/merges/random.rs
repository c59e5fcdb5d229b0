//! Random edits on copies and merges of them in all directions, held against the model and against git.

use serde_json::json;

use super::{copies, model};
use crate::history_index::assert_index_agrees;
use crate::support::chance::Chance;
use crate::support::documents::described;
use crate::support::program::run;
use crate::support::{Client, Server};

const CONFIGS: [&str; 3] = ["prod", "staging", "trial"];
const IDS: [&str; 5] = ["web", "app", "old", "new", "a b"];
const STEPS: usize = 70;

fn edit(client: &Client, chance: &mut Chance, config: &str) {
    let id = IDS[chance.below(IDS.len())];
    if chance.below(4) == 0 {
        let path = format!("/conf/{config}/backend-services/{}", id.replace(' ', "%20"));
        let status = client.delete(&path).status;
        assert!([200, 404].contains(&status), "{status}");
        return;
    }
    let text = chance.below(3).to_string();
    client
        .put(&format!("/conf/{config}/backend-services?mode=merge"), &json!([described(id, &text)]))
        .expect(200);
}

/// Merges a version of one into another; the model says what must come of it.
#[track_caller]
fn merge(server: &Server, chance: &mut Chance, into: &str, from: &str) -> &'static str {
    let (client, git) = (server.client(), server.git());
    let before = git.head(into);
    let log = git.log_with(&["--first-parent", from]);
    // Now and then not the newest: that is how histories cross.
    let theirs = &log[chance.below(log.len().min(4))].id;
    let prefer = ["", "?prefer=ours", "?prefer=theirs"][chance.below(3)];
    let bases = model::bases(&git, &before.id, theirs);
    let (base, ours) = (model::common(&client, &git, into, &bases), model::state(&client, into, &before.id));
    let their_state = model::state(&client, from, theirs);
    let mut conflicts = 0;
    let expected = model::merge(&base, &ours, &their_state, |ours, theirs| {
        conflicts += 1;
        if prefer.ends_with("theirs") { theirs.cloned() } else { ours.cloned() }
    });
    let body = json!({"from": {"config": from, "version": theirs}});
    let answer = client.post(&format!("/conf/{into}/merge{prefer}"), &body);
    let after = git.head(into);
    if conflicts > 0 && prefer.is_empty() {
        let answer = answer.expect_error(409);
        assert_eq!(answer.json()["total"], conflicts, "{answer:?}");
        assert_eq!(after, before);
        return "refused";
    }
    let answer = answer.expect(200);
    assert_eq!(answer.version(), after.id);
    assert_eq!(model::state(&client, into, &after.id), expected, "{answer:?}\nbase {base:?}\nours {ours:?}");
    if bases == [theirs.clone()] {
        assert_eq!(after, before, "there was nothing to merge");
        return "nothing";
    }
    assert!(bases.contains(&answer.json()["base"].as_str().expect("a base").to_owned()));
    assert_eq!(after.parents, [before.id, theirs.clone()]);
    if bases.len() > 1 { "crossed" } else { "merged" }
}

#[test]
fn merges_are_what_a_naive_three_way_merge_says() {
    let mut seen = std::collections::BTreeMap::new();
    for seed in [1, 2] {
        let mut server = copies();
        server.client().post("/conf/configs/trial", &json!({"from": {"config": "staging"}})).expect(201);
        let mut chance = Chance(seed);
        for _ in 0..STEPS {
            let config = chance.below(CONFIGS.len());
            if chance.below(5) < 3 {
                edit(&server.client(), &mut chance, CONFIGS[config]);
            } else {
                let other = (config + 1 + chance.below(CONFIGS.len() - 1)) % CONFIGS.len();
                *seen.entry(merge(&server, &mut chance, CONFIGS[config], CONFIGS[other])).or_insert(0) += 1;
            }
        }
        assert_index_agrees(&server);
        server.git().assert_sound(&CONFIGS);
        server.stop();
        run(&["check", "--data", server.data().to_str().expect("UTF-8")]).expect_success();
        std::fs::remove_file(server.data().join("index.sqlite")).expect("the index can be removed");
        server.start_again();
        assert_index_agrees(&server);
    }
    for outcome in ["refused", "nothing", "crossed", "merged"] {
        assert!(seen.contains_key(outcome), "{outcome} is among {seen:?}");
    }
}
