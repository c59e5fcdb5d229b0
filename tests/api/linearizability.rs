//! Many clients at the same entries and sets see what one client after the other could have seen, and a killed service
//! does not change that.

mod checker;
mod client;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::chance::Chance;
use crate::support::{Server, wait_for};
use checker::{Model, is_linearizable};
use client::Caller;

const CONFIGS: [&str; 2] = ["prod", "other"];
const IDS: [&str; 3] = ["a", "b", "c"];
const CLIENTS: usize = 6;

/// What the entries of a set hold: numbers that are each written once, or nothing.
type Entries = [Option<u32>; IDS.len()];

/// A set of entries, behind conditional requests.
struct Set;

/// The entry is named by its place.
#[derive(Clone, Debug)]
enum Call {
    Read(usize),
    ReadAll,
    Create(usize, u32),
    Update(usize, u32, Condition<u32>),
    Delete(usize, Condition<u32>),
    UpdateAll(Entries, Condition<Entries>),
}

/// What the client has seen, and requires to be so still.
#[derive(Clone, Debug)]
enum Condition<T> {
    Nothing,
    /// `If-Match` with the tag of this.
    Is(T),
    /// `If-None-Match` with the tag of this.
    IsNot(T),
    /// `If-Match: *`
    IsThere,
    /// `If-None-Match: *`
    IsNotThere,
}

impl<T: PartialEq> Condition<T> {
    fn holds(&self, there: &T) -> bool {
        match self {
            Condition::Nothing | Condition::IsThere => true,
            Condition::Is(seen) => seen == there,
            Condition::IsNot(seen) => seen != there,
            Condition::IsNotThere => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Answer {
    Done,
    Entry(u32),
    All(Entries),
    /// 409
    Exists,
    /// 404
    NotFound,
    /// 412
    ConditionFailed,
}

impl Model for Set {
    type State = Entries;
    type Call = Call;
    type Answer = Answer;

    fn apply(state: &Entries, call: &Call) -> (Answer, Entries) {
        let with = |nth: &usize, number| {
            let mut next = *state;
            next[*nth] = number;
            (Answer::Done, next)
        };
        let refused = |answer| (answer, *state);
        match call {
            Call::Read(nth) => refused(state[*nth].map_or(Answer::NotFound, Answer::Entry)),
            Call::ReadAll => refused(Answer::All(*state)),
            Call::Create(nth, _) if state[*nth].is_some() => refused(Answer::Exists),
            Call::Create(nth, number) => with(nth, Some(*number)),
            Call::Update(nth, _, condition) | Call::Delete(nth, condition) => match (state[*nth], call) {
                (None, _) => refused(Answer::NotFound),
                (Some(there), _) if !condition.holds(&there) => refused(Answer::ConditionFailed),
                (_, Call::Update(_, number, _)) => with(nth, Some(*number)),
                _ => with(nth, None),
            },
            Call::UpdateAll(_, condition) if !condition.holds(state) => refused(Answer::ConditionFailed),
            Call::UpdateAll(all, _) => (Answer::Done, *all),
        }
    }
}

type Operation = checker::Operation<Call, Answer>;

/// What all clients did, by configuration: whatever is in two configurations is independent.
struct Recorded {
    histories: [Vec<Operation>; CONFIGS.len()],
}

impl Recorded {
    fn check(&self) {
        for (config, history) in CONFIGS.iter().zip(&self.histories) {
            let unknown = history.iter().filter(|operation| operation.answered.is_none()).count();
            eprintln!("{config}: {} calls, {unknown} without an answer", history.len());
            assert!(is_linearizable::<Set>(Entries::default(), history), "{config}: {history:#?}");
        }
    }

    /// The clients' calls, until each has made so many of them or met the end of the service.
    fn go_on(
        &mut self,
        server: &Server,
        callers: &mut [Caller],
        calls: usize,
        beside: impl FnOnce(&AtomicUsize),
    ) {
        let made = AtomicUsize::new(0);
        let client = server.client();
        std::thread::scope(|threads| {
            for caller in callers.iter_mut() {
                let (client, made) = (&client, &made);
                threads.spawn(move || caller.call(client, calls, made));
            }
            beside(&made);
        });
        for caller in callers {
            for (all, own) in self.histories.iter_mut().zip(&mut caller.histories) {
                all.append(own);
            }
        }
    }
}

fn begin(seed: u32) -> (Server, Vec<Caller>, Recorded) {
    let server = Server::builder().env("REVCONF_JOURNAL_SIZE", "100000").start();
    server.client().post("/conf/configs/other", &json!({})).expect(201);
    let epoch = Instant::now();
    let callers = (0..CLIENTS).map(|nth| Caller::new(nth as u32, seed, epoch)).collect();
    (server, callers, Recorded { histories: Default::default() })
}

/// A history of a service that runs on, which later tests damage.
fn recorded(seed: u32, calls: usize) -> Recorded {
    let (server, mut callers, mut recorded) = begin(seed);
    recorded.go_on(&server, &mut callers, calls, |_| ());
    recorded
}

#[test]
fn concurrent_clients_see_one_order() {
    for seed in 1..=2 {
        recorded(seed, 100).check();
    }
}

#[test]
fn concurrent_clients_see_one_order_through_crashes() {
    let (mut server, mut callers, mut recorded) = begin(9);
    let mut chance = Chance(9);
    for round in 0..8 {
        let pid = server.pid().to_string();
        let (calls, more) = (20 + chance.below(100), chance.moment(Duration::from_millis(5)));
        recorded.go_on(&server, &mut callers, usize::MAX, |made| {
            wait_for("enough calls", || (made.load(Ordering::SeqCst) >= calls).then_some(()));
            let end = Instant::now() + more;
            while Instant::now() < end {
                std::thread::yield_now();
            }
            let killed = std::process::Command::new("sh").args(["-c", "kill -s KILL \"$0\"", &pid]).status();
            assert!(killed.is_ok_and(|status| status.success()), "round {round}");
        });
        server.wait();
        server.start_again();
    }
    recorded.go_on(&server, &mut callers, 20, |_| ());
    let lost: usize = recorded.histories.iter().flatten().filter(|one| one.answered.is_none()).count();
    assert!(lost > 0, "no call was cut off by a kill");
    recorded.check();
    server.git().fsck();
}

/// The operation a moment after everything else.
fn afterwards(history: &[Operation], call: Call, answer: Answer) -> Operation {
    let ends = history.iter().flat_map(|one| one.answered.iter().map(|(at, _)| *at));
    let called = ends.max().expect("a history") + Duration::from_micros(1);
    checker::Operation { call, called, answered: Some((called + Duration::from_micros(1), answer)) }
}

#[test]
fn a_stale_read_planted_in_a_recorded_history_is_refused() {
    let recorded = recorded(4, 60);
    recorded.check();
    let history = &recorded.histories[0];
    let is_read = |one: &&Operation| matches!(one.answered, Some((_, Answer::Entry(_))));
    let mut refused = 0;
    for (place, read) in history.iter().enumerate().filter(|(_, one)| is_read(one)) {
        let (Call::Read(nth), Some((end, _))) = (&read.call, &read.answered) else { continue };
        // An older number of the same entry: another read of it, over before this one began, saw something later.
        let seen = |one: &&Operation| matches!(one.call, Call::Read(of) if of == *nth) && is_read(one);
        let mut earlier: Vec<_> = history
            .iter()
            .filter(seen)
            .filter_map(|one| one.answered.clone())
            .filter(|(at, _)| *at < read.called)
            .collect();
        earlier.sort_by_key(|(at, _)| *at);
        let Some((_, last)) = earlier.last().cloned() else { continue };
        let Some((_, stale)) = earlier.into_iter().find(|(_, answer)| *answer != last) else { continue };
        let mut planted = history.clone();
        planted[place].answered = Some((*end, stale));
        assert!(!is_linearizable::<Set>(Entries::default(), &planted), "stale in {read:?}");
        refused += 1;
    }
    assert!(refused >= 5, "{refused} stale reads were planted");
}

#[test]
fn a_lost_update_planted_in_a_recorded_history_is_refused() {
    let recorded = recorded(5, 60);
    let mut planted = 0;
    for history in &recorded.histories {
        let taken = |one: &&Operation| matches!(one.answered, Some((_, Answer::Done)));
        for one in history.iter().filter(taken) {
            let Call::Update(nth, _, Condition::Is(seen)) = one.call else { continue };
            // A second update upon the same tag is told that it was made, too.
            let mut history = history.clone();
            history.push(afterwards(
                &history,
                Call::Update(nth, u32::MAX, Condition::Is(seen)),
                Answer::Done,
            ));
            assert!(!is_linearizable::<Set>(Entries::default(), &history), "both upon {seen} of {nth}");
            planted += 1;
        }
        // And an update that was acknowledged and is then as if it had never been.
        let before = history.iter().find(|one| taken(one) && matches!(one.call, Call::Update(..)));
        let Some(checker::Operation { call: Call::Update(nth, number, _), .. }) = before else { continue };
        let mut lost = history.clone();
        for (call, answer) in [
            (Call::UpdateAll([Some(u32::MAX); IDS.len()], Condition::Nothing), Answer::Done),
            (Call::Read(*nth), Answer::Entry(*number)),
        ] {
            lost.push(afterwards(&lost, call, answer));
        }
        assert!(!is_linearizable::<Set>(Entries::default(), &lost), "{number} came back");
    }
    assert!(planted > 0, "no update was made upon a tag");
}

/// A path of a configuration's set, or of an entry in it.
fn path(config: usize, nth: Option<usize>) -> String {
    let set = format!("/conf/{}/backend-services", CONFIGS[config]);
    nth.map_or(set.clone(), |nth| format!("{set}/{}", IDS[nth]))
}
