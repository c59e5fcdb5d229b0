//! Merges beside each other and beside single writes: none undoes what another has done.

use serde_json::json;

use super::{PROD, STAGING, copies, merge, model};
use crate::support::documents::described;
use crate::support::program::run;

const ROUNDS: usize = 12;

#[test]
fn every_merge_is_right_for_the_parents_that_it_has() {
    let server = copies();
    let client = server.client();
    std::thread::scope(|threads| {
        for number in 0..2 {
            let client = client.clone();
            threads.spawn(move || {
                for round in 0..ROUNDS {
                    let text = format!("{number}-{round}");
                    // What comes and goes must not stay because another merge was in between.
                    let flip = json!([described("flip", &(round % 2).to_string())]);
                    client.put(&format!("{STAGING}?mode=merge"), &flip).expect(200);
                    // Some of these are about the same entry on both sides.
                    for (set, id) in [(STAGING, "web"), (STAGING, "theirs"), (PROD, "web"), (PROD, "ours")] {
                        let documents = json!([described(id, &text)]);
                        client.put(&format!("{set}?mode=merge"), &documents).expect(200);
                    }
                }
            });
            let client = server.client();
            threads.spawn(move || {
                for _ in 0..ROUNDS {
                    merge(&client, "staging", "prod", "?prefer=theirs").expect(200);
                }
            });
        }
    });
    merge(&client, "staging", "prod", "?prefer=theirs").expect(200);
    let git = server.git();
    let merges: Vec<_> = git
        .log_with(&["--first-parent", "prod"])
        .into_iter()
        .filter(|commit| commit.parents.len() > 1)
        .collect();
    assert!(!merges.is_empty());
    for commit in &merges {
        let [ours, theirs] = &commit.parents[..] else { panic!("two parents: {commit:?}") };
        let bases = model::bases(&git, ours, theirs);
        assert!(!bases.contains(theirs), "what was merged already is not merged again: {commit:?}");
        let base = model::common(&client, &git, "prod", &bases);
        let [ours, theirs, merged] =
            [ours, theirs, &commit.id].map(|version| model::state(&client, "prod", version));
        let expected = model::merge(&base, &ours, &theirs, |_, theirs| theirs.cloned());
        assert_eq!(merged, expected, "{commit:?}");
    }
    let (prod, staging) = (
        model::state(&client, "prod", &git.rev_parse("prod")),
        model::state(&client, "staging", &git.rev_parse("staging")),
    );
    assert_eq!(prod["theirs"], staging["theirs"]);
    assert!(prod["ours"].ends_with(&format!("-{}", ROUNDS - 1)), "{prod:?}");
    git.assert_sound(&["prod", "staging"]);
    run(&["check", "--data", server.data().to_str().expect("UTF-8")]).expect_success();
}

#[test]
fn of_many_who_merge_the_same_one_makes_the_commit() {
    let server = copies();
    let client = server.client();
    for round in 0..8 {
        client
            .put(&format!("{STAGING}?mode=merge"), &json!([described("web", &round.to_string())]))
            .expect(200);
        if round % 2 == 1 {
            // Then there is no file that could tell that the others were first.
            client
                .put(&format!("{PROD}?mode=merge"), &json!([described("web", &round.to_string())]))
                .expect(200);
        }
        let before = server.git().log_with(&["--first-parent", "prod"]).len();
        let answers: Vec<_> = std::thread::scope(|threads| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let client = client.clone();
                    threads.spawn(move || merge(&client, "staging", "prod", "").expect(200))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
        });
        assert_eq!(server.git().log_with(&["--first-parent", "prod"]).len(), before + 1, "round {round}");
        let nothing =
            answers.iter().filter(|answer| answer.message() == "There was nothing to merge").count();
        assert_eq!(nothing, 3, "round {round}");
    }
}
