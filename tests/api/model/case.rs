//! One configuration beside its model: what each step must be answered, and what must be there in the end.

use serde_json::{Value, json};

use super::{IDS, Set, Step};
use crate::support::documents::{described, encoded, file};
use crate::support::{Answer, Client, Git};

/// What a commit left behind.
struct Version {
    commit: String,
    set: Set,
    description: u8,
}

/// One configuration with its model: all its versions, oldest first.
pub struct Case<'a> {
    client: &'a Client,
    config: String,
    set: String,
    versions: Vec<Version>,
}

impl<'a> Case<'a> {
    pub fn begin(client: &'a Client, name: &str) -> Self {
        let config = format!("/conf/configs/{name}");
        let commit = client.post(&config, &json!({"description": text(0)})).expect(201).version();
        let first = Version { commit, set: Set::new(), description: 0 };
        Self { client, config, set: format!("/conf/{name}/backend-services"), versions: vec![first] }
    }

    fn now(&self) -> &Version {
        self.versions.last().expect("there is always a first version")
    }

    fn entry(&self, id: &str) -> String {
        format!("{}/{}", self.set, encoded(id))
    }

    pub fn take(&mut self, step: &Step) {
        let mut set = self.now().set.clone();
        match step {
            Step::Create(id, content) => {
                let answer = self.client.post(&self.entry(id), &document(id, *content));
                let is_new = set.insert(id, *content).is_none();
                self.written(answer, if is_new { Ok(201) } else { Err(409) }, set);
            }
            Step::Update(id, content) => {
                let answer = self.client.put(&self.entry(id), &document(id, *content));
                let was_there = set.insert(id, *content).is_some();
                self.written(answer, if was_there { Ok(200) } else { Err(404) }, set);
            }
            Step::Delete(id) => {
                let answer = self.client.delete(&self.entry(id));
                let was_there = set.remove(id).is_some();
                self.written(answer, if was_there { Ok(200) } else { Err(404) }, set);
            }
            Step::PostSet(new) => {
                let answer = self.client.post(&self.set, &documents(new));
                self.written(answer, if set.is_empty() { Ok(201) } else { Err(409) }, new.clone());
            }
            Step::PutSet(new) => {
                let answer = self.client.put(&self.set, &documents(new));
                self.written(answer, Ok(200), new.clone());
            }
            Step::MergeSet(new) => {
                let answer = self.client.put(&format!("{}?mode=merge", self.set), &documents(new));
                set.extend(new);
                self.written(answer, Ok(200), set);
            }
            Step::DeleteSet => {
                let answer = self.client.delete(&self.set);
                self.written(answer, Ok(200), Set::new());
            }
            Step::Describe(content) => {
                let answer =
                    self.client.put(&self.config, &json!({"description": text(*content)})).expect(200);
                self.became(answer, set, *content);
            }
            Step::RevertSet(version) => {
                let then = version.get(&self.versions);
                let answer = self.client.revert(&self.set, &then.commit);
                self.written(answer, Ok(200), then.set.clone());
            }
            Step::RevertEntry(id, version) => {
                let then = version.get(&self.versions);
                let answer = self.client.revert(&self.entry(id), &then.commit);
                let content = then.set.get(id).copied();
                set.extend(content.map(|content| (*id, content)));
                self.written(answer, content.map_or(Err(404), |_| Ok(200)), set);
            }
            Step::ReadSetAt(version) => self.check_set_at(version.get(&self.versions)),
            Step::ReadEntryAt(id, version) => self.check_entry_at(id, version.get(&self.versions)),
            Step::ReadEntry(id) => self.check_entry(self.client.get(&self.entry(id)), id, self.now()),
            Step::ListEntry(id) => self.check_entry_list(id),
            Step::ListSet => self.check_set_list(),
        }
    }

    /// A write was answered: with a success, after which the set is `set`, or with an error, after which nothing is new.
    fn written(&mut self, answer: Answer, expected: Result<u16, u16>, set: Set) {
        match expected {
            Ok(status) => self.became(answer.expect(status), set, self.now().description),
            Err(status) => drop(answer.expect_error(status)),
        }
    }

    fn became(&mut self, answer: Answer, set: Set, description: u8) {
        let commit = answer.version();
        if set == self.now().set && description == self.now().description {
            assert_eq!(commit, self.now().commit, "what changes nothing makes no commit: {answer:?}");
        } else {
            assert!(
                self.versions.iter().all(|version| version.commit != commit),
                "a change makes a commit: {answer:?}"
            );
            self.versions.push(Version { commit, set, description });
        }
    }

    pub fn check_now(&self) {
        let answer = self.client.get(&self.set).expect(200);
        assert_eq!(answer.json(), set_answer(&self.now().set));
        assert_eq!(answer.version(), self.now().commit);
    }

    fn check_set_at(&self, version: &Version) {
        let answer = self.client.get(&format!("{}/versions/{}", self.set, version.commit)).expect(200);
        assert_eq!(answer.json(), set_answer(&version.set));
    }

    fn check_entry_at(&self, id: &str, version: &Version) {
        let answer = self.client.get(&format!("{}/versions/{}", self.entry(id), version.commit));
        self.check_entry(answer, id, version);
    }

    fn check_entry(&self, answer: Answer, id: &str, version: &Version) {
        match version.set.get(id) {
            Some(content) => assert_eq!(answer.expect(200).body, file(&document(id, *content))),
            None => drop(answer.expect_error(404)),
        }
    }

    fn check_set_list(&self) {
        let expected = self.commits_that_changed(|version| &version.set);
        assert_eq!(self.client.get(&format!("{}/versions", self.set)).expect(200).versions(), expected);
    }

    fn check_entry_list(&self, id: &str) {
        let expected = self.commits_that_changed(|version| version.set.get(id));
        let answer = self.client.get(&format!("{}/versions", self.entry(id)));
        if expected.is_empty() {
            answer.expect_error(404);
        } else {
            assert_eq!(answer.expect(200).versions(), expected);
        }
    }

    /// The commits, newest first, that left something else of what `part` shows than their parents had.
    fn commits_that_changed<'v, T: PartialEq + 'v>(&'v self, part: impl Fn(&'v Version) -> T) -> Vec<String> {
        let pairs = self.versions.windows(2).rev();
        pairs.filter(|pair| part(&pair[0]) != part(&pair[1])).map(|pair| pair[1].commit.clone()).collect()
    }

    pub fn check_history(&self) {
        self.check_set_list();
        for id in IDS {
            self.check_entry_list(id);
        }
        for (number, version) in self.versions.iter().enumerate() {
            self.check_set_at(version);
            self.check_entry_at(IDS[number % IDS.len()], version);
        }
        let all: Vec<_> = self.versions.iter().rev().map(|version| version.commit.clone()).collect();
        assert_eq!(self.client.get(&format!("{}/versions", self.config)).expect(200).versions(), all);
        assert_eq!(self.client.get(&self.config).json()["description"], text(self.now().description));
    }

    /// Every version, read past the service.
    pub fn check_repository(&self, git: &Git) {
        let name = self.config.rsplit('/').next().expect("a name");
        let all: Vec<_> = self.versions.iter().rev().map(|version| version.commit.clone()).collect();
        assert_eq!(git.log(name).into_iter().map(|commit| commit.id).collect::<Vec<_>>(), all);

        let pairs: Vec<(&Version, &str)> =
            self.versions.iter().flat_map(|version| IDS.map(|id| (version, id))).collect();
        let revisions: Vec<_> = pairs
            .iter()
            .map(|(version, id)| format!("{}:backend-services/{}.json", version.commit, encoded(id)))
            .collect();
        for ((version, id), bytes) in pairs.into_iter().zip(git.blobs(&revisions)) {
            let expected = version.set.get(id).map(|content| file(&document(id, *content)));
            assert_eq!(bytes, expected, "{id} at {}", version.commit);
        }
        assert_eq!(
            git.ls(name).len(),
            self.now().set.len() + 1,
            "a file for each entry and the configuration's own"
        );
    }
}

fn text(content: u8) -> String {
    format!("Content {content}")
}

fn document(id: &str, content: u8) -> Value {
    described(id, &text(content))
}

fn documents(set: &Set) -> Value {
    set.iter().map(|(id, content)| document(id, *content)).collect()
}

fn set_answer(set: &Set) -> Value {
    json!({"total": set.len(), "items": documents(set)})
}
