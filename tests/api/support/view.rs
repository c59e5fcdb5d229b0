//! All that a client can see of a service, to be compared before and after.

use serde_json::json;

use super::client::Client;
use super::documents::{described, service};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

/// Some of everything: two configurations and an archived one, entries that changed, went, and came back.
/// Returns the paths of all that can be read of it.
#[track_caller]
pub fn fill(client: &Client) -> Vec<String> {
    let mut versions = vec![
        client.post(SERVICES, &json!([service("web"), service("app"), service("ä b")])).expect(201).version(),
        client.put(WEB, &described("web", "x")).expect(200).version(),
        client.delete(&format!("{SERVICES}/app")).expect(200).version(),
        client.put("/conf/configs/prod", &json!({"description": "The real thing"})).expect(200).version(),
    ];
    versions.push(client.revert(SERVICES, &versions[0]).expect(200).version());
    client
        .post("/conf/configs/staging", &json!({"from": {"config": "prod", "version": versions[1]}}))
        .expect(201);
    client.delete("/conf/staging/backend-services").expect(200);
    for (name, version) in [("v1", &versions[0]), ("v2", &versions[2]), ("wrong", &versions[1])] {
        let release = json!({"version": version, "message": name});
        client.put(&format!("/conf/configs/prod/releases/{name}"), &release).expect(201);
    }
    client.delete("/conf/configs/prod/releases/wrong").expect(200);
    client.post("/conf/configs/old", &json!({})).expect(201);
    client.put("/conf/configs/old/releases/v1", &json!({})).expect(201);
    client.delete("/conf/configs/old").expect(200);

    let mut paths = vec!["/conf/configs".to_owned()];
    paths.extend(["releases", "releases/v1", "versions/v2"].map(|path| format!("/conf/configs/prod/{path}")));
    for config in ["prod", "staging"] {
        paths.extend([format!("/conf/configs/{config}"), format!("/conf/configs/{config}/versions")]);
        let set = format!("/conf/{config}/backend-services");
        for of in [set.clone(), format!("{set}/web"), format!("{set}/app"), format!("{set}/%C3%A4%20b")] {
            paths.extend([of.clone(), format!("{of}/versions"), format!("{of}/versions?limit=1")]);
            paths.extend(versions.iter().map(|version| format!("{of}/versions/{version}")));
        }
    }
    paths
}

/// What a client can tell of one path.
#[derive(Debug, PartialEq)]
pub struct View {
    pub path: String,
    pub status: u16,
    pub etag: Option<String>,
    pub version: Option<String>,
    pub link: Option<String>,
    pub body: Vec<u8>,
}

/// The answers to each of these paths.
pub fn view(client: &Client, paths: &[String]) -> Vec<View> {
    let see = |path: &String| {
        let answer = client.get(path);
        let header = |name| answer.header(name).map(str::to_owned);
        let (etag, version, link) = (header("etag"), header("revconf-version"), header("link"));
        // An error is known by its status; its words may be about this one request.
        let body = if answer.status < 400 { answer.body } else { Vec::new() };
        View { path: path.clone(), status: answer.status, etag, version, link, body }
    };
    paths.iter().map(see).collect()
}
