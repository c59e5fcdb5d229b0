//! `Accept: text/x-diff`: the very text that `git diff` prints.

use serde_json::json;

use super::{BACKENDS, CONFIG, SERVICES, WEB, a_history};
use crate::support::documents::{described, service};
use crate::support::git::EMPTY_TREE;
use crate::support::{Answer, Client, Server, planted};

#[track_caller]
fn text(client: &Client, path: &str, version: &str, against: Option<&str>) -> Answer {
    let query = against.map(|against| format!("?against={against}")).unwrap_or_default();
    let path = format!("{path}/versions/{version}/diff{query}");
    let answer = client.request("GET", &path).header("Accept", "text/x-diff").send().expect(200);
    assert_eq!(answer.header("content-type"), Some("text/x-diff; charset=utf-8"));
    answer
}

/// What git prints, with the line feed at its end.
#[track_caller]
fn printed(server: &Server, from: &str, to: &str, path: Option<&str>) -> String {
    let mut arguments = vec!["diff", "--no-renames", from, to, "--"];
    arguments.extend(path);
    let text = server.git().text(&arguments);
    if text.is_empty() { text } else { text + "\n" }
}

#[test]
fn it_is_what_git_prints() {
    let server = Server::start();
    let client = server.client();
    let mut versions = Vec::from(a_history(&client));
    versions.push(client.put(&format!("{BACKENDS}/b"), &json!({"host": "b.example"})).expect(201).version());
    versions.push(client.put(CONFIG, &json!({"description": "Ours"})).expect(200).version());
    versions.push(client.post(&format!("{SERVICES}/%C3%A4%20b"), &service("ä b")).expect(201).version());
    let subjects = [(CONFIG, None), (SERVICES, Some("backend-services")), (BACKENDS, Some("backends"))];
    for from in &versions {
        for to in &versions {
            for (path, folder) in subjects {
                let answer = text(&client, path, to, Some(from));
                assert_eq!(answer.text(), printed(&server, from, to, folder), "{path} {from} {to}");
                assert_eq!(answer.version(), *to);
            }
        }
    }
    let file = Some("backend-services/web.json");
    for [from, to] in [[1, 2], [2, 3], [3, 1], [0, 1]] {
        let (from, to) = (&versions[from], &versions[to]);
        assert_eq!(text(&client, WEB, to, Some(from)).text(), printed(&server, from, to, file));
    }
}

#[test]
fn the_first_version_is_all_new() {
    let server = Server::start();
    let client = server.client();
    let first = client.get(CONFIG).expect(200).version();
    let expected = printed(&server, EMPTY_TREE, &first, None);
    assert!(expected.contains("new file mode 100644") && expected.contains("--- /dev/null"));
    assert_eq!(text(&client, CONFIG, &first, None).text(), expected);
}

#[test]
fn hunks_stand_where_git_puts_them() {
    let server = Server::start();
    let client = server.client();
    let hosts = |numbers: &[u32]| {
        let hosts: Vec<_> =
            numbers.iter().map(|n| json!({"host": format!("10.0.0.{n}"), "weight": n % 3})).collect();
        json!({"name": "Web", "back_hosts": hosts})
    };
    let states: [&[u32]; 6] =
        [&[1, 2, 3, 4, 5, 6], &[1, 2, 9, 4, 5, 6], &[2, 3, 4, 5, 6], &[6, 5, 4, 3, 2, 1], &[1, 1, 1, 2], &[]];
    let mut versions = vec![client.post(WEB, &hosts(&[1])).expect(201).version()];
    versions.extend(states.map(|state| client.put(WEB, &hosts(state)).expect(200).version()));
    for from in &versions {
        for to in &versions {
            assert_eq!(
                text(&client, WEB, to, Some(from)).text(),
                printed(&server, from, to, None),
                "{from} {to}"
            );
        }
    }
}

#[test]
fn files_of_others_are_in_the_text_of_a_configuration() {
    let mut server = Server::start();
    server.client().post(WEB, &service("web")).expect(201);
    server.stop();
    let from = server.git().rev_parse("prod");
    planted::add(&server.git(), "prod", "README.md", b"Ours\nwithout an end");
    let to = planted::add(&server.git(), "prod", "docs/a.md", b"Notes\n");
    server.start_again();
    let client = server.client();
    assert_eq!(text(&client, CONFIG, &to, Some(&from)).text(), printed(&server, &from, &to, None));
    let json = super::diff(&client, CONFIG, &to, Some(&from));
    assert_eq!(json["items"], json!([]), "to the service they are no documents");
}

#[test]
fn applied_by_git_it_gives_the_other_version() {
    let server = Server::start();
    let client = server.client();
    let [_, created, changed, deleted] = a_history(&client);
    let (home, clone) = server.git().clone();
    for (from, to) in [(&created, &deleted), (&deleted, &changed), (&changed, &created)] {
        clone.text(&["checkout", "--quiet", from]);
        let patch = text(&client, CONFIG, to, Some(from)).body;
        clone.fed(&["apply", "--index"], &patch);
        assert_eq!(clone.text(&["write-tree"]), server.git().rev_parse(&format!("{to}^{{tree}}")));
        clone.text(&["reset", "--quiet", "--hard"]);
    }
    drop(home);
}

#[test]
fn a_clients_wishes_decide_on_the_form() {
    let server = Server::start();
    let client = server.client();
    let version = client.post(WEB, &described("web", "x")).expect(201).version();
    let path = format!("{WEB}/versions/{version}/diff");
    let form = |accept: &str| client.request("GET", &path).header("Accept", accept).send();
    for accept in [
        "*/*",
        "application/json",
        "application/*",
        "text/x-diff, application/json",
        "text/x-diff;q=0.1, */*",
    ] {
        assert_eq!(form(accept).expect(200).header("content-type"), Some("application/json"), "{accept}");
    }
    for accept in ["text/x-diff", "text/*", "text/x-diff, */*;q=0.1", "application/json;q=0.1, text/x-diff"] {
        let kind = form(accept).expect(200);
        assert_eq!(kind.header("content-type"), Some("text/x-diff; charset=utf-8"), "{accept}");
    }
    let refused = form("text/html").expect_error(406);
    assert!(refused.message().contains("text/x-diff"), "{refused:?}");
    // Elsewhere there is no such form.
    client.request("GET", WEB).header("Accept", "text/x-diff").send().expect_error(406);
    let problem = client.request("GET", &format!("{WEB}/versions/none/diff"));
    let problem = problem.header("Accept", "text/x-diff, application/problem+json").send().expect(404);
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
}
