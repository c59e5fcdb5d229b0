//! A copy of a configuration that is made of nothing but events stays equal to it, whatever is restarted.
//!
//! `REVCONF_TEST_FOLLOWED_CHANGES` says how many changes there are, instead of 600.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::{EVENTS, SET};
use crate::support::chance::Chance;
use crate::support::documents::described;
use crate::support::{Client, Follower, Heard, Server, wait_for};

const CHANGES: usize = 600;
/// After so many changes the service is killed and started again.
const RESTART: usize = 150;

/// What the follower knows of the service: where it is, and at which version there is nothing more to come.
#[derive(Default)]
struct Known {
    address: Mutex<String>,
    end: Mutex<Option<String>>,
}

impl Known {
    fn is_end(&self, version: &str) -> bool {
        self.end.lock().expect("no panic").as_deref() == Some(version)
    }

    fn address(&self) -> String {
        self.address.lock().expect("no panic").clone()
    }
}

#[derive(Default)]
struct Copy {
    entries: BTreeMap<String, Value>,
    /// Each event that was heard, in order.
    versions: Vec<String>,
}

impl Copy {
    /// Follows from a version on, and comes again whenever the stream ends.
    fn follow(first: &str, known: &Known) -> Self {
        let (mut copy, mut chance) = (Copy::default(), Chance(11));
        let at = |copy: &Copy| copy.versions.last().map_or(first, String::as_str).to_owned();
        while !known.is_end(&at(&copy)) {
            let begin = at(&copy);
            let (address, mut follower) = wait_for("a service to follow", || {
                let address = known.address();
                let follower = Follower::try_at(&address, EVENTS, &[("Last-Event-ID", &begin)]);
                follower.ok().map(|follower| (address, follower))
            });
            let client = Client::new(&address);
            // Now and then it leaves by itself, in the middle of things.
            let mut stay = 1 + chance.below(300);
            while stay > 0 && !known.is_end(&at(&copy)) {
                stay -= 1;
                let went_on = match follower.hear() {
                    Heard::Event(id, data) => copy.take(&client, &id, &data["changes"]).is_ok(),
                    Heard::Heartbeat(_) => true,
                    Heard::End => false,
                    other @ Heard::Named(..) => panic!("{other:?}"),
                };
                if !went_on {
                    break;
                }
            }
        }
        copy
    }

    /// Takes over what an event tells, as it was then; all of it, or nothing if the service is gone meanwhile.
    fn take(&mut self, client: &Client, version: &str, changes: &Value) -> Result<(), String> {
        let mut entries = self.entries.clone();
        for change in changes.as_array().expect("a list") {
            let id = change["id"].as_str().expect("an id").to_owned();
            let before = entries.remove(&id);
            let change = change["change"].as_str().expect("a word");
            assert_eq!(before.is_some(), change != "created", "{id} in {version}");
            if change != "deleted" {
                let path = format!("{SET}/{id}/versions/{version}");
                entries.insert(id, client.request("GET", &path).try_send()?.expect(200).json());
            }
        }
        self.entries = entries;
        self.versions.push(version.to_owned());
        Ok(())
    }
}

#[test]
fn a_copy_made_of_events_equals_the_original() {
    let changes = std::env::var("REVCONF_TEST_FOLLOWED_CHANGES");
    let changes = changes.map_or(CHANGES, |text| text.parse().expect("a number of changes"));
    let mut server = Server::builder().env("REVCONF_HTTP_HEARTBEAT", "1").start();
    let first = server.git().rev_parse("prod");
    let known = Known::default();
    *known.address.lock().expect("no panic") = server.address().to_owned();
    let copy = std::thread::scope(|scope| {
        let copy = scope.spawn(|| Copy::follow(&first, &known));
        let mut chance = Chance(7);
        let mut client = server.client();
        for number in 0..changes {
            if number % RESTART == RESTART - 1 {
                server.kill();
                server.start_again();
                *known.address.lock().expect("no panic") = server.address().to_owned();
                client = server.client();
            }
            change(&client, &mut chance, number);
        }
        *known.end.lock().expect("no panic") = Some(server.git().rev_parse("prod"));
        copy.join().expect("the follower follows")
    });
    let log = server.git().text(&["rev-list", "--first-parent", "--reverse", &format!("{first}..prod")]);
    assert_eq!(copy.versions, log.lines().collect::<Vec<_>>(), "none is missing, and none came twice");
    let original = server.client().get(SET).expect(200).items();
    assert_eq!(copy.entries.into_values().collect::<Vec<_>>(), original);
}

fn change(client: &Client, chance: &mut Chance, number: usize) {
    let id = format!("e{:02}", chance.below(25));
    let (path, state) = (format!("{SET}/{id}"), described(&id, &format!("State {number}")));
    match chance.below(12) {
        0 => {
            let set: Value = (0..chance.below(25))
                .map(|nth| described(&format!("e{nth:02}"), &format!("State {}", number / 40 + nth % 2)))
                .collect();
            client.put(SET, &set).expect(200);
        }
        1 | 2 => {
            client.delete(&path);
        }
        3 => {
            client.put(&format!("{SET}?mode=merge"), &json!([state])).expect(200);
        }
        _ => {
            if client.put(&path, &state).status == 404 {
                client.post(&path, &state).expect(201);
            }
        }
    }
}
