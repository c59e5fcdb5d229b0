//! What holds for every request, whatever it is about.

mod compression;
mod cors;
mod docs;
mod dry_run;
mod dry_run_documents;
mod json_patch;
mod limits;
mod log;
mod media_types;
mod messages;
mod methods;
mod monitoring;
mod prefixes;
mod problems;
mod revconf_version;

use serde_json::json;

use crate::support::Server;
use crate::support::documents::{described, service};

/// Every route about the configuration `prod`, with the methods it has beside `OPTIONS`, sorted.
fn routes(version: &str) -> Vec<(String, &'static [&'static str])> {
    let mut routes: Vec<(String, &[&str])> = vec![
        ("/conf/configs".to_owned(), &["GET", "HEAD"]),
        ("/conf/configs/prod/releases".to_owned(), &["GET", "HEAD"]),
    ];
    for resource in ["/conf/configs/prod", "/conf/prod/backend-services", "/conf/prod/backend-services/web"] {
        routes.push((resource.to_owned(), &["DELETE", "GET", "HEAD", "POST", "PUT"]));
        routes.push((format!("{resource}/versions"), &["GET", "HEAD"]));
        routes.push((format!("{resource}/versions/{version}"), &["GET", "HEAD"]));
        routes.push((format!("{resource}/versions/{version}/revert"), &["PUT"]));
    }
    routes
}

/// A server whose `prod` has the entry `web` in two versions and another entry; the first version's id beside it.
fn server_with_entries() -> (Server, String) {
    let server = Server::start();
    let client = server.client();
    let old = client
        .post("/conf/prod/backend-services", &json!([service("web"), service("app")]))
        .expect(201)
        .version();
    client.put("/conf/prod/backend-services/web", &described("web", "newer")).expect(200);
    (server, old)
}
