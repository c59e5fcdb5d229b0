//! Versions of an older format are compared in today's form.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{CONFIG, SERVICES, diff, patched};
use crate::support::documents::{back_host, file, full_service, with, without};
use crate::support::planted::plant;
use crate::support::{Git, Server};

/// `config.json` of the format before port lists.
const OLD_CONFIG: &[u8] = b"{\n  \"format\": 1,\n  \"description\": \"\"\n}\n";

/// A service as format 1 has it, and as format 2 has it.
fn services(id: &str, port: u16) -> [Value; 2] {
    let bare = without(without(back_host("10.0.0.1"), "http_ports"), "https_ports");
    let old = with(with(bare, "http_port", port), "https_port", 443);
    let new = with(back_host("10.0.0.1"), "http_ports", json!([port]));
    [old, new].map(|host| with(full_service(id), "back_hosts", json!([host])))
}

/// Two versions in format 1, then the one that the service upgraded them to.
fn old_and_new() -> (TempDir, Server, [String; 3]) {
    let home = TempDir::new().expect("a temporary directory");
    let git = Git::init(home.path().join("repository.git"), "prod");
    let blog = file(&services("blog", 7070)[0]);
    let state = |port| {
        let shop = file(&services("shop", port)[0]);
        let files = [
            ("config.json", OLD_CONFIG),
            ("backend-services/shop.json", &shop[..]),
            ("backend-services/blog.json", &blog),
        ];
        plant(&git, "prod", &files, "By an older release")
    };
    let (first, second) = (state(8080), state(9090));
    let server = Server::builder().data(home.path()).start();
    let third = server.git().rev_parse("prod");
    (home, server, [first, second, third])
}

#[test]
fn documents_are_compared_in_todays_form() {
    let (_home, server, [first, second, third]) = old_and_new();
    let client = server.client();
    let [before, after] = [8080, 9090].map(|port| services("shop", port)[1].clone());
    for (from, to) in [(&first, &second), (&first, &third)] {
        for (path, kind) in [(SERVICES, None), (CONFIG, Some("backend-services"))] {
            let answer = diff(&client, path, to, Some(from));
            let items = answer["items"].as_array().expect("items");
            assert_eq!(items.len(), 1, "{answer}");
            assert_eq!((items[0]["id"].as_str(), items[0]["kind"].as_str()), (Some("shop"), kind));
            assert_eq!(patched(before.clone(), &items[0]["patch"]), after);
        }
    }
    assert_eq!(
        diff(&client, CONFIG, &third, Some(&second))["items"],
        json!([]),
        "an upgrade changes nothing"
    );
    let created = diff(&client, SERVICES, &first, None);
    assert_eq!(created["from"], Value::Null);
    let documents: Vec<_> =
        created["items"].as_array().expect("items").iter().map(|i| i["patch"][0]["value"].clone()).collect();
    assert_eq!(documents, [services("blog", 7070)[1].clone(), before]);
}

#[test]
fn so_is_the_text() {
    let (_home, server, [first, second, third]) = old_and_new();
    let client = server.client();
    let text = |path: &str, from: &str, to: &str| {
        let path = format!("{path}/versions/{to}/diff?against={from}");
        client.request("GET", &path).header("Accept", "text/x-diff").send().expect(200).text()
    };
    let told = text(SERVICES, &first, &second);
    let told: Vec<_> = told.lines().filter(|line| line.starts_with(['+', '-'])).collect();
    let path = "backend-services/shop.json";
    let lines = [format!("--- a/{path}"), format!("+++ b/{path}")];
    assert_eq!(told, [&lines[0], &lines[1], "-        8080", "+        9090"]);
    assert_eq!(text(CONFIG, &first, &third), text(CONFIG, &first, &second));
    assert_eq!(text(CONFIG, &second, &third), "", "an upgrade changes nothing");
}
