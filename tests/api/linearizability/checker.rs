//! Whether a history of concurrent calls could have been made by one client after the other, each call taking effect at
//! one moment between its beginning and its answer. The algorithm is that of Wing and Gong ("Testing and Verifying
//! Concurrent Objects", 1993) with Lowe's memory of what was tried ("Testing for Linearizability", 2017), in the form that
//! porcupine gave it (github.com/anishathalye/porcupine, `checker.go`).

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

use Access::{Read, Swap, Write};

/// What one client after the other would see.
pub trait Model {
    type State: Clone + Eq + Hash;
    type Call: Debug;
    type Answer: Debug + PartialEq;

    /// What a call is answered in this state, and the state that it leaves.
    fn apply(state: &Self::State, call: &Self::Call) -> (Self::Answer, Self::State);
}

/// One call of a history.
#[derive(Clone, Debug)]
pub struct Operation<C, A> {
    pub call: C,
    /// Since some moment before the history.
    pub called: Duration,
    /// When, and what. `None` where no answer came: the call may have had its effect at any time since, or never.
    pub answered: Option<(Duration, A)>,
}

pub type History<M> = [Operation<<M as Model>::Call, <M as Model>::Answer>];

/// Whether there is an order of the calls that explains all answers.
pub fn is_linearizable<M: Model>(start: M::State, history: &History<M>) -> bool {
    let mut events = Events::of::<M>(history);
    let mut done = vec![false; history.len()];
    let mut tried: HashSet<(Vec<bool>, M::State)> = HashSet::new();
    let mut chosen: Vec<(usize, M::State)> = Vec::new();
    let mut state = start;
    let mut at = events.first();
    while let Some(event) = at {
        match event {
            Event::Called(call) => {
                let operation = &history[call];
                let (answer, next) = M::apply(&state, &operation.call);
                let fits = operation.answered.as_ref().is_none_or(|(_, seen)| *seen == answer);
                done[call] = true;
                if fits && tried.insert((done.clone(), next.clone())) {
                    chosen.push((call, std::mem::replace(&mut state, next)));
                    events.take_out(call);
                    at = events.first();
                } else {
                    done[call] = false;
                    at = events.after(event);
                }
            }
            // A call is over and was not chosen: the last choice was wrong.
            Event::Answered(_) => {
                let Some((call, before)) = chosen.pop() else { return false };
                state = before;
                done[call] = false;
                events.put_back(call);
                at = events.after(Event::Called(call));
            }
        }
    }
    true
}

#[derive(Clone, Copy)]
enum Event {
    Called(usize),
    Answered(usize),
}

impl Event {
    /// Its place among the links.
    fn place(self) -> usize {
        match self {
            Event::Called(call) => 2 * call,
            Event::Answered(call) => 2 * call + 1,
        }
    }

    fn at(place: usize) -> Self {
        if place.is_multiple_of(2) { Event::Called(place / 2) } else { Event::Answered(place / 2) }
    }
}

/// The beginnings and answers of calls by time, as a ring from which calls are taken out and put back in reverse order.
struct Events {
    /// Of each event, the one before and the one after it; of the last entry, the ends of the ring.
    links: Vec<(usize, usize)>,
}

impl Events {
    fn of<M: Model>(history: &History<M>) -> Self {
        let mut events = Vec::with_capacity(2 * history.len());
        for (nth, operation) in history.iter().enumerate() {
            let answered = operation.answered.as_ref().map_or(Duration::MAX, |(answered, _)| *answered);
            // At the same time the beginning comes first: that the calls overlap is the weaker claim.
            events.push((operation.called, 0, Event::Called(nth)));
            events.push((answered, 1, Event::Answered(nth)));
        }
        events.sort_by_key(|(time, which, _)| (*time, *which));
        let end = events.len();
        let mut links = vec![(end, end); end + 1];
        let mut before = end;
        for (_, _, event) in &events {
            links[event.place()].0 = before;
            links[before].1 = event.place();
            before = event.place();
        }
        links[before].1 = end;
        links[end].0 = before;
        Events { links }
    }

    fn first(&self) -> Option<Event> {
        self.next_of(self.links.len() - 1)
    }

    fn after(&self, event: Event) -> Option<Event> {
        self.next_of(event.place())
    }

    fn next_of(&self, place: usize) -> Option<Event> {
        let next = self.links[place].1;
        (next + 1 < self.links.len()).then(|| Event::at(next))
    }

    fn take_out(&mut self, call: usize) {
        for place in [Event::Called(call).place(), Event::Answered(call).place()] {
            let (before, after) = self.links[place];
            self.links[before].1 = after;
            self.links[after].0 = before;
        }
    }

    fn put_back(&mut self, call: usize) {
        for place in [Event::Answered(call).place(), Event::Called(call).place()] {
            let (before, after) = self.links[place];
            self.links[before].1 = place;
            self.links[after].0 = place;
        }
    }
}

/// A number that can be written, read, and written if it is still another.
struct Register;

#[derive(Clone, Debug)]
enum Access {
    Read,
    Write(u32),
    Swap(u32, u32),
}

impl Model for Register {
    type State = u32;
    type Call = Access;
    /// What was read; of a swap, whether it was made.
    type Answer = u32;

    fn apply(state: &u32, call: &Access) -> (u32, u32) {
        match *call {
            Read => (*state, *state),
            Write(number) => (0, number),
            Swap(from, to) if *state == from => (1, to),
            Swap(..) => (0, *state),
        }
    }
}

/// When it began, when it ended (0: it is not known), and its answer.
type Row = (u64, u64, Access, u32);

fn verdict(rows: &[Row]) -> bool {
    let operation = |(called, answered, call, answer): &Row| Operation {
        call: call.clone(),
        called: Duration::from_secs(*called),
        answered: (*answered > 0).then(|| (Duration::from_secs(*answered), *answer)),
    };
    is_linearizable::<Register>(0, &rows.iter().map(operation).collect::<Vec<_>>())
}

#[test]
fn histories_that_one_client_could_have_made_are_accepted() {
    let known_good: &[&[Row]] = &[
        &[],
        &[(1, 2, Write(1), 0), (3, 4, Read, 1)],
        // While a write is under way, a read may see it or not.
        &[(1, 9, Write(1), 0), (2, 3, Read, 0), (4, 5, Read, 1)],
        // Whichever of two writes at a time comes last.
        &[(1, 4, Write(1), 0), (2, 3, Write(2), 0), (5, 6, Read, 1)],
        &[(1, 4, Write(1), 0), (2, 3, Write(2), 0), (5, 6, Read, 2)],
        // Two swaps upon the same number, of which one is made.
        &[(1, 5, Swap(0, 1), 1), (2, 4, Swap(0, 2), 0), (6, 7, Read, 1)],
        // Nobody knows whether it was written: never, at once, or long after.
        &[(1, 0, Write(1), 0), (2, 3, Read, 0)],
        &[(1, 0, Write(1), 0), (2, 3, Read, 1), (4, 5, Read, 1)],
        &[(1, 0, Write(1), 0), (2, 3, Read, 0), (4, 5, Read, 1)],
        // Choices that have to be taken back.
        &[
            (1, 10, Write(1), 0),
            (1, 10, Write(2), 0),
            (1, 10, Write(3), 0),
            (2, 3, Read, 3),
            (4, 5, Read, 1),
            (6, 7, Read, 2),
            (11, 12, Read, 2),
        ],
    ];
    for rows in known_good {
        assert!(verdict(rows), "{rows:?}");
    }
}

#[test]
fn histories_that_no_order_explains_are_refused() {
    let known_bad: &[&[Row]] = &[
        // A stale read.
        &[(1, 2, Write(1), 0), (3, 4, Write(2), 0), (5, 6, Read, 1)],
        // A read of what nobody wrote.
        &[(1, 2, Write(1), 0), (3, 4, Read, 7)],
        // A write that was acknowledged and lost.
        &[(1, 2, Write(1), 0), (3, 4, Read, 0)],
        // A lost update: both swaps upon the same number are made.
        &[(1, 5, Swap(0, 1), 1), (2, 4, Swap(0, 2), 1)],
        // Seen, and then unseen again.
        &[(1, 9, Write(1), 0), (2, 3, Read, 1), (4, 5, Read, 0)],
        &[(1, 0, Write(1), 0), (2, 3, Read, 1), (4, 5, Read, 0)],
        // Two readers who see two writes in different orders.
        &[(1, 10, Write(1), 0), (1, 10, Write(2), 0), (2, 3, Read, 1), (4, 5, Read, 2), (6, 7, Read, 1)],
    ];
    for rows in known_bad {
        assert!(!verdict(rows), "{rows:?}");
    }
}

#[test]
fn random_histories_are_judged_as_by_trying_all_orders() {
    use crate::support::chance::Chance;
    let mut chance = Chance(11);
    let mut accepted = 0;
    for _ in 0..3000 {
        let rows: Vec<Row> = (0..6)
            .map(|_| {
                let called = 1 + chance.below(8) as u64;
                let answered = if chance.below(6) == 0 { 0 } else { called + 1 + chance.below(5) as u64 };
                let call = match chance.below(3) {
                    0 => Read,
                    1 => Write(1 + chance.below(2) as u32),
                    _ => Swap(chance.below(3) as u32, chance.below(3) as u32),
                };
                let most = if matches!(call, Read) { 3 } else { 2 };
                let answer = if matches!(call, Write(_)) { 0 } else { chance.below(most) as u32 };
                (called, answered, call, answer)
            })
            .collect();
        let expected = any_order(0, &rows, &mut vec![false; rows.len()]);
        assert_eq!(verdict(&rows), expected, "{rows:?}");
        accepted += usize::from(expected);
    }
    assert!((300..2700).contains(&accepted), "{accepted} of 3000 say nothing of both answers");
}

/// The same by brute force: the next call is any that began before all that are left were answered.
fn any_order(state: u32, rows: &[Row], done: &mut Vec<bool>) -> bool {
    let end = |row: &Row| if row.1 == 0 { u64::MAX } else { row.1 };
    let left: Vec<usize> = (0..rows.len()).filter(|nth| !done[*nth]).collect();
    let Some(first_end) = left.iter().map(|nth| end(&rows[*nth])).min() else { return true };
    left.iter().any(|nth| {
        let (called, answered, call, seen) = &rows[*nth];
        let (answer, next) = Register::apply(&state, call);
        if *called > first_end || *answered != 0 && answer != *seen {
            return false;
        }
        done[*nth] = true;
        let explained = any_order(next, rows, done);
        done[*nth] = false;
        explained
    })
}
