//! What is no version of this configuration, wherever a version stands in a path.

use serde_json::json;

use super::Unmoved;
use crate::support::Server;
use crate::support::documents::{described, service};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";
const RESOURCES: [&str; 3] = [SERVICES, WEB, "/conf/configs/prod"];

#[test]
fn what_names_no_commit_of_the_branch_is_404_everywhere() {
    let server = Server::start();
    let client = server.client();
    let version = client.post(WEB, &service("web")).expect(201).version();
    client.put(WEB, &described("web", "newer")).expect(200);
    client.post("/conf/configs/other", &json!({})).expect(201);
    let foreign = client.post("/conf/other/backend-services/web", &service("web")).expect(201).version();
    let git = server.git();
    let objects = [
        git.rev_parse("prod:backend-services/web.json"),
        git.rev_parse("prod:backend-services"),
        git.rev_parse("prod^{tree}"),
        git.rev_parse("prod:config.json"),
    ];
    let mut names: Vec<String> = objects.to_vec();
    names.extend([foreign.clone(), foreign[..7].to_owned(), "0".repeat(40), "f".repeat(40)]);
    // Too short, too long, and nearly a commit.
    names.extend([
        version[..6].to_owned(),
        version[..1].to_owned(),
        format!("{version}0"),
        format!("{version}{version}"),
    ]);
    names.extend([
        format!("{version}~1"),
        format!("{version}%5E"),
        format!("{version}%5E%7Btree%7D"),
        format!("{}g", &version[..39]),
    ]);
    names.extend([format!("%20{version}"), format!("{}%00", &version[..39]), format!("-{}", &version[..10])]);
    let words = [
        "HEAD",
        "prod",
        "refs%2Fheads%2Fprod",
        "%40",
        "zzzzzzz",
        "latest",
        "1234567",
        "%F0%9F%A6%80",
        "%FF%FF%FF%FF%FF%FF%FF",
    ];
    names.extend(words.map(str::to_owned));

    let unmoved = Unmoved::watch(&server);
    for name in &names {
        for resource in RESOURCES {
            for answer in [client.get(&format!("{resource}/versions/{name}")), client.revert(resource, name)]
            {
                // Bytes that are no text may also be called a bad request.
                let fine = answer.status == 404 || (name.contains("%FF") && answer.status == 400);
                assert!(fine, "{answer:?}");
            }
        }
    }
    unmoved.verify(&server);
}

/// Hex digits are hex digits: git itself takes capitals. A service that does not must say 404.
#[test]
fn capital_digits_name_the_same_commit_or_none() {
    let server = Server::start();
    let client = server.client();
    let version = client.post(WEB, &service("web")).expect(201).version();
    for name in [version.to_uppercase(), version[..12].to_uppercase()] {
        let answer = client.get(&format!("{WEB}/versions/{name}"));
        match answer.status {
            200 => assert_eq!(answer.body, client.get(WEB).body),
            _ => drop(answer.expect_error(404)),
        }
    }
}

#[test]
fn a_version_in_which_the_entry_is_absent_is_404_for_it_alone() {
    let server = Server::start();
    let client = server.client();
    let before = client.post(WEB, &service("web")).expect(201).version();
    client.post(&format!("{SERVICES}/late"), &service("late")).expect(201);
    let unmoved = Unmoved::watch(&server);
    client.get(&format!("{SERVICES}/late/versions/{before}")).expect_error(404);
    client.revert(&format!("{SERVICES}/late"), &before).expect_error(404);
    client.get(&format!("{SERVICES}/nobody/versions/{before}")).expect_error(404);
    client.revert(&format!("{SERVICES}/nobody"), &before).expect_error(404);
    unmoved.verify(&server);
    client.get(&format!("{SERVICES}/versions/{before}")).expect(200);
}
