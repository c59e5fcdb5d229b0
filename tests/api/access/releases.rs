//! Readers see releases, editors make them, and only an admin takes one away.

use serde_json::json;

use super::{Principals, new_key};

const CONFIG: &str = "/conf/configs/prod";
const RELEASES: &str = "/conf/configs/prod/releases";

#[test]
fn each_role_may_what_it_should() {
    let [reader, editor, admin] = ["reader", "editor", "admin"]
        .map(|role| new_key(&format!("a {role}"), &[&format!("{role}=prod")], &[]));
    let server = Principals::of(&[&reader, &editor, &admin]).builder().start();
    let [reader, editor, admin] = [&reader, &editor, &admin].map(|key| server.client().with_key(&key.key));
    let path = format!("{RELEASES}/v1");
    server.client().request("GET", &path).unchecked().send().expect(401);
    reader.put(&path, &json!({})).expect_error(403);
    editor.put(&path, &json!({"message": "Ours"})).expect(201);
    let record = reader.get(&path).expect(200).json();
    assert_eq!((&record["by"], &record["message"]), (&json!("a editor"), &json!("Ours")));
    assert_eq!(reader.get(RELEASES).expect(200).total(), 1);
    reader.get(&format!("{CONFIG}/versions/v1")).expect(200);
    reader.delete(&path).expect_error(403);
    editor.delete(&path).expect_error(403);
    admin.delete(&path).expect(200);
    let tagger = server.git().text(&["for-each-ref", "--format=%(taggername)", "refs/tags"]);
    assert_eq!(tagger, "");
}
