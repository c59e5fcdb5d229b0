//! Objects that the disk has spoiled: what they were is told by their ids, and what is whole is served on.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::support::Server;
use crate::support::documents::{completed_service, described, file, service};
use crate::support::program::run;

const WEB: &str = "/conf/prod/backend-services/web";
const SHOP: &str = "/conf/prod/backend-services/shop";

/// A stopped server whose entry `web` had a first state, which nothing shows any more but its history.
struct Spoiled {
    server: Server,
    first: String,
    blob: String,
}

impl Spoiled {
    fn new() -> Self {
        let server = Server::start();
        let client = server.client();
        let first =
            client.post(WEB, &service("web")).expect(201).header("revconf-version").expect("one").to_owned();
        client.put(WEB, &described("web", "second")).expect(200);
        client.post(SHOP, &service("shop")).expect(201);
        let mut server = server;
        assert_eq!(server.stop().code(), Some(0));
        let blob = server.git().hash_object(&file(&completed_service("web")));
        Spoiled { server, first, blob }
    }

    fn objects(&self) -> PathBuf {
        self.server.data().join("repository.git/objects")
    }

    /// The first state answers an error that names the object; everything else is served, and writes go on.
    fn tells(mut self, what: &str) {
        let data = self.server.data().to_str().expect("UTF-8").to_owned();
        let finished = run(&["check", "--data", &data]);
        assert_eq!(finished.code(), Some(1), "{what}: {finished:?}");
        assert!(finished.stdout.contains(&self.first), "{what}: {finished:?}");
        assert!(finished.stdout.contains("backend-services/web.json"), "{what}: {finished:?}");
        self.server.start_again();
        let client = self.server.client();
        for path in
            [format!("{WEB}/versions/{}", self.first), format!("/conf/configs/prod/versions/{}", self.first)]
        {
            let answer = client.request("GET", &path).allow_5xx().send();
            assert_eq!(answer.status, 500, "{what}: {answer:?}");
            assert!(answer.message().contains("damaged"), "{what}: {answer:?}");
            assert!(answer.message().contains(&self.blob), "{what}: {answer:?}");
        }
        assert_eq!(client.get(WEB).json(), described("web", "second"), "{what}");
        assert_eq!(client.get(&format!("{WEB}/versions")).total(), 2, "{what}");
        client.get(&format!("{SHOP}/versions")).expect(200);
        client.put(WEB, &described("web", "third")).expect(200);
        assert_eq!(client.get(WEB).json(), described("web", "third"), "{what}");
    }
}

#[test]
fn a_spoiled_loose_object_is_told_by_its_id() {
    for what in ["gone", "empty", "flipped", "cut"] {
        let spoiled = Spoiled::new();
        let path = spoiled.objects().join(&spoiled.blob[..2]).join(&spoiled.blob[2..]);
        let mut bytes = fs::read(&path).expect("a loose object");
        fs::remove_file(&path).expect("removed");
        let middle = bytes.len() / 2;
        match what {
            "gone" => {}
            "empty" => fs::write(&path, b"").expect("written"),
            "flipped" => {
                bytes[middle] ^= 1;
                fs::write(&path, bytes).expect("written");
            }
            _ => fs::write(&path, &bytes[..middle]).expect("written"),
        }
        spoiled.tells(what);
    }
}

#[test]
fn a_spoiled_entry_of_a_pack_is_told_by_its_id() {
    let spoiled = Spoiled::new();
    let git = spoiled.server.git();
    git.text(&[
        "-c",
        "pack.compression=0",
        "repack",
        "-q",
        "-a",
        "-d",
        "-f",
        "--no-write-bitmap-index",
        "--window=0",
    ]);
    let packs = spoiled.objects().join("pack");
    let mut pack = fs::read_dir(packs).expect("packs").flatten().map(|entry| entry.path());
    let pack = pack.find(|path| path.extension().is_some_and(|ending| ending == "pack")).expect("a pack");
    let mut bytes = fs::read(&pack).expect("a pack");
    // Stored without deflating, the text stands in the pack as it is.
    let text = file(&completed_service("web"));
    let at = bytes.windows(text.len()).position(|window| window == text).expect("the text");
    bytes[at + text.len() / 2] ^= 1;
    fs::remove_file(&pack).expect("removed");
    fs::write(&pack, bytes).expect("written");
    spoiled.tells("a pack");
}

#[test]
fn a_branch_whose_ref_is_spoiled_is_not_said_to_be_absent_nor_made_anew() {
    let mut server = Server::start();
    let client = server.client();
    client.post("/conf/configs/other", &json!({"from": {"config": "prod"}})).expect(201);
    client.post(WEB, &service("web")).expect(201);
    assert_eq!(server.stop().code(), Some(0));
    let reference = server.data().join("repository.git/refs/heads/prod");
    let whole = fs::read(&reference).expect("a ref");
    let nowhere = format!("{}\n", "1".repeat(40)).into_bytes();
    for spoiled in [&b""[..], &b"not a ref\n"[..], &nowhere[..]] {
        fs::write(&reference, spoiled).expect("written");
        server.start_again();
        let client = server.client();
        let new = json!({});
        let asked = [
            client.request("GET", WEB),
            client.request("GET", "/conf/prod/backend-services"),
            client.request("GET", "/conf/configs/prod"),
            client.request("GET", &format!("{WEB}/versions")),
            client.request("PUT", WEB).json(&service("web")),
            client.request("DELETE", "/conf/configs/prod"),
            client.request("POST", "/conf/configs/prod").json(&new),
            client.request("POST", "/conf/configs/copy").json(&json!({"from": {"config": "prod"}})),
        ];
        for request in asked {
            let refused = request.allow_5xx().send().expect_error(500);
            assert!(refused.message().contains("configuration prod cannot be served"), "{refused:?}");
        }
        client.get("/conf/configs/other").expect(200);
        client.post("/conf/other/backend-services/web", &service("web")).expect(201);
        client.delete("/conf/other/backend-services/web").expect(200);
        assert_eq!(server.stop().code(), Some(0));
        assert_eq!(fs::read(&reference).expect("a ref"), spoiled, "nobody writes over it");
    }
    fs::write(&reference, whole).expect("written");
    server.start_again();
    assert_eq!(server.client().get(WEB).json(), completed_service("web"));
}
