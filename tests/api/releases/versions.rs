//! A release's name stands for its version wherever one is named.

use serde_json::json;

use super::{CONFIG, SERVICES, WEB, release, two_versions};
use crate::support::Server;
use crate::support::documents::{completed_service, described};

const BACKEND: &str = "/conf/prod/backends/b";

#[test]
fn reads_take_it() {
    let server = Server::start();
    let client = server.client();
    client.put(BACKEND, &json!({"host": "old.example"})).expect(201);
    let [first, _] = two_versions(&client);
    let change = client.request("PATCH", BACKEND).if_match("*").json(&json!({"host": "new.example"}));
    change.send().expect(204);
    release(&client, "v1", &json!({"version": first})).expect(201);
    for path in [SERVICES, WEB, CONFIG] {
        let by_name = client.get(&format!("{path}?version=v1")).expect(200);
        let by_id = client.get(&format!("{path}?version={first}")).expect(200);
        assert_eq!(
            (by_name.text(), by_name.etag(), by_name.version()),
            (by_id.text(), by_id.etag(), first.clone())
        );
        let by_name = client.get(&format!("{path}/versions/v1")).expect(200);
        let by_id = client.get(&format!("{path}/versions/{first}")).expect(200);
        assert_eq!((by_name.text(), by_name.version()), (by_id.text(), first.clone()));
    }
    assert_eq!(client.get(&format!("{WEB}?version=v1")).expect(200).json(), completed_service("web"));
    for path in [BACKEND, "/backends/b"] {
        let entity = client.get(&format!("{path}?version=v1")).expect(200).json();
        assert_eq!(entity["host"], "old.example");
    }
    // What comes after it in a list is what is older.
    let after = client.get(&format!("{WEB}/versions?after=v1")).expect(200);
    assert_eq!((after.total(), after.items().len()), (2, 0));
}

#[test]
fn differences_take_it() {
    let server = Server::start();
    let client = server.client();
    let [first, newest] = two_versions(&client);
    release(&client, "v1", &json!({"version": first})).expect(201);
    release(&client, "v2", &json!({"version": newest})).expect(201);
    for path in [SERVICES, WEB, CONFIG] {
        let by_name = client.get(&format!("{path}/versions/v2/diff?against=v1")).expect(200);
        let by_id = client.get(&format!("{path}/versions/{newest}/diff?against={first}")).expect(200);
        assert_eq!(by_name.text(), by_id.text());
        assert_eq!((&by_name.json()["from"], &by_name.json()["to"]), (&json!(first), &json!(newest)));
    }
}

#[test]
fn reverts_and_copies_take_it() {
    let server = Server::start();
    let client = server.client();
    let [first, newest] = two_versions(&client);
    release(&client, "v1", &json!({"version": first})).expect(201);
    release(&client, "v2", &json!({"version": newest})).expect(201);
    for path in [SERVICES, WEB, CONFIG] {
        client.revert(path, "v1").expect(200);
        assert_eq!(client.get(WEB).expect(200).json(), completed_service("web"), "{path}");
        client.revert(path, "v2").expect(200);
        assert_eq!(client.get(WEB).expect(200).json(), described("web", "newer"), "{path}");
    }
    let subject = server.git().head("prod").subject;
    assert_eq!(subject, format!("Revert configuration prod to {}", &newest[..7]), "ids outlive names");
    client.post("/conf/configs/copy", &json!({"from": {"config": "prod", "version": "v1"}})).expect(201);
    assert_eq!(client.get("/conf/copy/backend-services/web").expect(200).json(), completed_service("web"));
    release(&client, "alias", &json!({"version": "v1"})).expect(201);
    assert_eq!(client.get(&format!("{WEB}?version=alias")).expect(200).version(), first);
}
