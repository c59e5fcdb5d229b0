//! A client that makes random calls and records them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::Value;

use super::{Answer, CONFIGS, Call, Condition, Entries, IDS, Operation};
use crate::support;
use crate::support::Client;
use crate::support::chance::Chance;
use crate::support::client::Request;
use crate::support::documents::described;

/// What a client has seen last: a number or a whole set, and its tag.
type Seen<K, T> = HashMap<K, (T, String)>;

pub struct Caller {
    chance: Chance,
    epoch: Instant,
    /// The next number that it writes; no other client writes the same.
    next: u32,
    entries: Seen<(usize, usize), u32>,
    sets: Seen<usize, Entries>,
    /// The entry that it has just read, and what it may change next.
    read: Option<(usize, usize)>,
    /// By configuration.
    pub histories: [Vec<Operation>; CONFIGS.len()],
}

impl Caller {
    pub fn new(nth: u32, seed: u32, epoch: Instant) -> Self {
        Caller {
            chance: Chance(seed * 1000 + nth),
            epoch,
            next: (nth + 1) * 1_000_000,
            entries: HashMap::new(),
            sets: HashMap::new(),
            read: None,
            histories: Default::default(),
        }
    }

    /// Makes so many calls, or all that it can before the service is gone. Counts those that were answered.
    pub fn call(&mut self, client: &Client, calls: usize, made: &AtomicUsize) {
        for _ in 0..calls {
            let (config, call) = self.choose();
            // To hold each answer against the API's description takes longer than the call; other tests do that.
            let request = self.request(client, config, &call).unchecked();
            let called = self.epoch.elapsed();
            let answer = request.try_send();
            let answered = self.epoch.elapsed();
            let gone = answer.is_err();
            let answered = answer.ok().map(|answer| (answered, self.understand(config, &call, &answer)));
            self.histories[config].push(Operation { call, called, answered });
            if gone {
                return;
            }
            made.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn choose(&mut self) -> (usize, Call) {
        if let Some((config, nth)) = self.read.take()
            && let Some((seen, _)) = self.entries.get(&(config, nth)).cloned()
            && self.chance.below(2) > 0
        {
            return (config, Call::Update(nth, self.number(), Condition::Is(seen)));
        }
        let (config, nth) = (self.chance.below(CONFIGS.len()), self.chance.below(IDS.len()));
        (config, self.choose_at(config, nth))
    }

    fn choose_at(&mut self, config: usize, nth: usize) -> Call {
        match self.chance.below(20) {
            0..=4 => Call::Read(nth),
            5..=7 => Call::ReadAll,
            8..=10 => Call::Create(nth, self.number()),
            11..=15 => Call::Update(nth, self.number(), self.condition(config, nth)),
            16..=17 => Call::Delete(nth, self.condition(config, nth)),
            _ => {
                let mut all = [(); IDS.len()].map(|()| (self.chance.below(3) > 0).then(|| self.number()));
                all[nth] = Some(self.number());
                let seen = self.sets.get(&config).map(|(all, _)| *all);
                let condition =
                    seen.filter(|_| self.chance.below(2) > 0).map_or(Condition::Nothing, Condition::Is);
                Call::UpdateAll(all, condition)
            }
        }
    }

    fn condition(&mut self, config: usize, nth: usize) -> Condition<u32> {
        let seen = self.entries.get(&(config, nth)).map(|(number, _)| *number);
        match (self.chance.below(8), seen) {
            (0, _) => Condition::IsThere,
            (1, _) => Condition::IsNotThere,
            (2, Some(seen)) => Condition::IsNot(seen),
            (3..=6, Some(seen)) => Condition::Is(seen),
            _ => Condition::Nothing,
        }
    }

    fn request<'a>(&self, client: &'a Client, config: usize, call: &Call) -> Request<'a> {
        let entry = |method, nth: &usize| client.request(method, &super::path(config, Some(*nth)));
        let set = |method| client.request(method, &super::path(config, None));
        let tag = |nth: &usize| self.entries.get(&(config, *nth)).map_or("", |(_, tag)| tag);
        match call {
            Call::Read(nth) => entry("GET", nth),
            Call::ReadAll => set("GET"),
            Call::Create(nth, number) => entry("POST", nth).json(&document(*nth, *number)),
            Call::Update(nth, number, condition) => {
                conditional(entry("PUT", nth).json(&document(*nth, *number)), condition, tag(nth))
            }
            Call::Delete(nth, condition) => conditional(entry("DELETE", nth), condition, tag(nth)),
            Call::UpdateAll(all, condition) => {
                let tag = self.sets.get(&config).map_or("", |(_, tag)| tag);
                conditional(set("PUT").json(&documents(all)), condition, tag)
            }
        }
    }

    /// What an answer says, and what the client remembers of it.
    fn understand(&mut self, config: usize, call: &Call, answer: &support::Answer) -> Answer {
        match (answer.status, call) {
            (404, _) => Answer::NotFound,
            (409, _) => Answer::Exists,
            (412, _) => Answer::ConditionFailed,
            (200, Call::Read(nth)) => {
                let number = number(&answer.json());
                self.entries.insert((config, *nth), (number, answer.etag()));
                self.read = Some((config, *nth));
                Answer::Entry(number)
            }
            (200, Call::ReadAll) => {
                let all = entries(&answer.items());
                self.sets.insert(config, (all, answer.etag()));
                Answer::All(all)
            }
            (200 | 201, Call::Create(nth, number) | Call::Update(nth, number, _)) => {
                self.entries.insert((config, *nth), (*number, answer.etag()));
                Answer::Done
            }
            (200, Call::UpdateAll(all, _)) => {
                self.sets.insert(config, (*all, answer.etag()));
                Answer::Done
            }
            (200, Call::Delete(..)) => Answer::Done,
            _ => panic!("{call:?}: {answer:?}"),
        }
    }
}

fn conditional<'a, T>(request: Request<'a>, condition: &Condition<T>, tag: &str) -> Request<'a> {
    match condition {
        Condition::Nothing => request,
        Condition::Is(_) => request.if_match(tag),
        Condition::IsNot(_) => request.if_none_match(tag),
        Condition::IsThere => request.if_match("*"),
        Condition::IsNotThere => request.if_none_match("*"),
    }
}

fn document(nth: usize, number: u32) -> Value {
    described(IDS[nth], &number.to_string())
}

fn documents(all: &Entries) -> Value {
    all.iter().enumerate().filter_map(|(nth, number)| Some(document(nth, (*number)?))).collect()
}

fn number(document: &Value) -> u32 {
    let text = document["description"].as_str().unwrap_or_default();
    text.parse().unwrap_or_else(|_| panic!("{document} says no number"))
}

fn entries(items: &[Value]) -> Entries {
    IDS.map(|id| items.iter().find(|item| item["id"] == id).map(number))
}
