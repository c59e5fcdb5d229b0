//! Random histories, as no service would make them: branches from anywhere, merges, times that go back, commits that
//! change nothing.

use std::fs;

use super::{WEB, assert_index_agrees, index, settle};
use crate::support::Server;
use crate::support::chance::Chance;
use crate::support::documents::{described, file};
use crate::support::program::run;

const CONFIG: &str = "{\n  \"format\": 2,\n  \"description\": \"\"\n}\n";
const PEOPLE: [&str; 4] =
    ["Ann <ann@example.com>", "Bøb B. <BOB@example.org>", "Çem <>", "R\u{fc}diger <r@x>"];

/// What `git fast-import` reads to make such a history.
fn stream(seed: u32) -> String {
    let mut chance = Chance(seed);
    let mut stream = String::new();
    // The newest commit of each branch.
    let mut tips: Vec<usize> = Vec::new();
    for mark in 1..=60 {
        let branch = chance.below(4);
        let is_new = branch >= tips.len();
        let branch = if is_new { tips.len() } else { branch };
        let from = match is_new {
            false => Some(tips[branch]),
            // A root of its own now and then, or any commit so far.
            true if tips.is_empty() || chance.below(3) == 0 => None,
            true => Some(1 + chance.below(mark - 1)),
        };
        let name = ["one", "two", "three", "four"][branch];
        let time = 1_700_000_000 + mark * 1000 - chance.below(3000);
        let message = ["Update", "UPDATE größer", "Ändere\n\nMit Grund", "x"][chance.below(4)];
        stream += &format!("commit refs/heads/{name}\nmark :{mark}\n");
        stream += &format!("author {} {time} +0100\n", PEOPLE[chance.below(4)]);
        stream += &format!("committer {} {time} +0000\ndata {}\n{message}\n", PEOPLE[0], message.len());
        stream.extend(from.map(|from| format!("from :{from}\n")));
        for _ in 0..[0, 0, 0, 1, 2][chance.below(5)] {
            if from.is_some() {
                stream += &format!("merge :{}\n", 1 + chance.below(mark - 1));
            }
        }
        if from.is_none() {
            stream += &format!("M 100644 inline config.json\ndata {}\n{CONFIG}\n", CONFIG.len());
        }
        for _ in 0..chance.below(3) {
            let id = ["web", "app", "aä"][chance.below(3)];
            let path = format!("backend-services/{}.json", id.replace('ä', "%C3%A4"));
            let document =
                String::from_utf8(file(&described(id, &chance.below(3).to_string()))).expect("UTF-8");
            stream += &match chance.below(6) {
                0 => format!("D {path}\n"),
                1 => "D backend-services\n".to_owned(),
                _ => format!("M 100644 inline {path}\ndata {}\n{document}\n", document.len()),
            };
        }
        if is_new {
            tips.push(mark);
        } else {
            tips[branch] = mark;
        }
    }
    stream
}

#[test]
fn lists_of_random_histories_are_gits() {
    for seed in [1, 2, 3] {
        let mut server = Server::start();
        server.client().post(WEB, &described("web", "before")).expect(201);
        server.stop();
        server.git().fed(&["fast-import", "--quiet", "--force"], stream(seed).as_bytes());
        // Once read after what was there, once from nothing, and once as it was kept.
        for round in 0..3 {
            server.start_again();
            assert_index_agrees(&server);
            let client = server.client();
            for config in ["one", "prod"] {
                let path = format!("/conf/{config}/backend-services?mode=merge");
                let set = serde_json::json!([described("web", &format!("{round}")), described("app", "x")]);
                client.put(&path, &set).expect(200);
            }
            assert_index_agrees(&server);
            let data = server.data().to_str().expect("UTF-8").to_owned();
            run(&["check", "--data", &data]).expect_success();
            server.stop();
            run(&["check", "--data", &data]).expect_success();
            if round == 0 {
                fs::remove_file(index(&server)).expect("the index can be removed");
            }
        }
        server.start_again();
        settle(&server);
    }
}
