//! Random sequences of requests, against the service and against a plain map: both must tell the same story.

mod case;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use crate::support::Server;
use case::Case;

const IDS: [&str; 4] = ["a", "b c", "web", "ä"];

/// A set: for each id a number that stands for the document's content.
type Set = BTreeMap<&'static str, u8>;

#[derive(Clone, Debug)]
enum Step {
    Create(&'static str, u8),
    Update(&'static str, u8),
    Delete(&'static str),
    PostSet(Set),
    PutSet(Set),
    MergeSet(Set),
    DeleteSet,
    /// Changes the configuration but none of its sets.
    Describe(u8),
    /// A version is chosen by its place among those that there are when the step comes.
    RevertSet(Index),
    RevertEntry(&'static str, Index),
    ReadSetAt(Index),
    ReadEntryAt(&'static str, Index),
    ReadEntry(&'static str),
    ListEntry(&'static str),
    ListSet,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = || proptest::sample::select(&IDS[..]);
    // Few contents, so that writes that change nothing come up.
    let content = || 0..3_u8;
    let set = || btree_map(id(), content(), 0..=IDS.len());
    let version = || any::<Index>();
    let step = prop_oneof![
        3 => (id(), content()).prop_map(|(id, content)| Step::Create(id, content)),
        3 => (id(), content()).prop_map(|(id, content)| Step::Update(id, content)),
        2 => id().prop_map(Step::Delete),
        1 => set().prop_map(Step::PostSet),
        2 => set().prop_map(Step::PutSet),
        2 => set().prop_map(Step::MergeSet),
        1 => Just(Step::DeleteSet),
        1 => content().prop_map(Step::Describe),
        2 => version().prop_map(Step::RevertSet),
        2 => (id(), version()).prop_map(|(id, version)| Step::RevertEntry(id, version)),
        1 => version().prop_map(Step::ReadSetAt),
        1 => (id(), version()).prop_map(|(id, version)| Step::ReadEntryAt(id, version)),
        1 => id().prop_map(Step::ReadEntry),
        1 => id().prop_map(Step::ListEntry),
        1 => Just(Step::ListSet),
    ];
    vec(step, 1..=30)
}

#[test]
fn the_service_and_a_plain_map_agree() {
    let server = Server::start();
    let (client, git) = (server.client(), server.git());
    let cases = AtomicUsize::new(0);
    let config = Config { cases: 24, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&steps(), |steps| {
        let name = format!("model-{}", cases.fetch_add(1, Ordering::Relaxed));
        let mut case = Case::begin(&client, &name);
        for step in &steps {
            case.take(step);
            case.check_now();
        }
        case.check_history();
        case.check_repository(&git);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    git.fsck();
}
