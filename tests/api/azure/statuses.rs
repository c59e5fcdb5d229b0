//! Every status that Azure's documentation of the entity lists, operation by operation.

use super::{Azure, STALE, create};
use crate::support::{Answer, Client, Server};

/// What is sent to a service that has the backend `there`, and what must come back. An error's code is beside its
/// status; where the documentation promises a body of that shape, there is one.
struct Row {
    method: &'static str,
    target: &'static str,
    if_match: Option<&'static str>,
    body: Option<&'static str>,
    status: u16,
    code: &'static str,
}

impl Row {
    fn new(method: &'static str, target: &'static str, status: u16, code: &'static str) -> Self {
        Self { method, target, if_match: None, body: None, status, code }
    }

    fn if_match(self, tag: &'static str) -> Self {
        Self { if_match: Some(tag), ..self }
    }

    fn body(self, body: &'static str) -> Self {
        Self { body: Some(body), ..self }
    }

    #[track_caller]
    fn send(&self, client: &Client, root: &str) -> Answer {
        let mut request = client.request(self.method, &format!("{root}{}", self.target));
        if let Some(tag) = self.if_match {
            request = request.if_match(tag);
        }
        if let Some(body) = self.body {
            request = request.header("Content-Type", "application/json").body(body);
        }
        request.send()
    }
}

const HOST: &str = r#"{"host":"backend.contoso.com"}"#;
const SKIP: &str = r#"{"skipCertificateChainValidation":true}"#;

fn rows() -> Vec<Row> {
    vec![
        // List backend services.
        Row::new("GET", "/backends", 200, ""),
        Row::new("GET", "/backends?$filter=nonsense", 400, "ValidationError"),
        // Get a specific backend.
        Row::new("GET", "/backends/there", 200, ""),
        Row::new("GET", "/backends/there?api-version=x", 400, "ValidationError"),
        Row::new("GET", "/backends/absent", 404, "ResourceNotFound"),
        // Get the metadata for a specific backend.
        Row::new("HEAD", "/backends/there", 200, ""),
        Row::new("HEAD", "/backends/there?api-version=x", 400, ""),
        Row::new("HEAD", "/backends/absent", 404, ""),
        // Create a backend.
        Row::new("PUT", "/backends/new", 201, "").body(HOST),
        Row::new("PUT", "/backends/bad", 400, "ValidationError").body("{}"),
        Row::new("PUT", "/backends/there", 409, "ResourceExists").body(HOST),
        // Update a backend; the documentation forgets the 404, the contract has it.
        Row::new("PATCH", "/backends/there", 412, "PreconditionFailed").if_match(STALE).body(SKIP),
        Row::new("PATCH", "/backends/there", 400, "IfMatchRequired").body(SKIP),
        Row::new("PATCH", "/backends/there", 400, "ValidationError").if_match("\"*\"").body("[]"),
        Row::new("PATCH", "/backends/absent", 404, "ResourceNotFound").if_match("\"*\"").body(SKIP),
        Row::new("PATCH", "/backends/there", 204, "").if_match("\"*\"").body(SKIP),
        // Delete a backend; the same.
        Row::new("DELETE", "/backends/there", 412, "PreconditionFailed").if_match(STALE),
        Row::new("DELETE", "/backends/there", 400, "IfMatchRequired"),
        Row::new("DELETE", "/backends/absent", 404, "ResourceNotFound").if_match("\"*\""),
        Row::new("DELETE", "/backends/there", 204, "").if_match("\"*\""),
    ]
}

#[test]
fn every_documented_status_is_answered() {
    for root in ["", "/conf/prod", "/api/v4.0/conf/prod", "/api/v4.3/conf/prod"] {
        let server = Server::start();
        let (client, git) = (server.client(), server.git());
        create(&client, "there", "there.contoso.com");
        for row in rows() {
            let before = git.rev_parse("prod");
            let answer = row.send(&client, root).expect(row.status);

            let wrote = !matches!(row.method, "GET" | "HEAD") && row.status < 300;
            assert_eq!(git.rev_parse("prod") != before, wrote, "{answer:?}");
            if row.status == 204 || row.method == "HEAD" {
                assert!(answer.body.is_empty(), "{answer:?}");
            } else if row.status >= 400 {
                answer.refused(row.status, row.code);
            }
        }
        git.fsck();
    }
}

/// "Current entity state version. Should be treated as opaque and used to make conditional HTTP requests."
#[test]
fn every_answer_that_shows_or_makes_an_entity_carries_its_tag() {
    let server = Server::start();
    let (client, git) = (server.client(), server.git());
    create(&client, "there", "there.contoso.com");
    let shows_or_makes = |row: &Row| row.status < 300 && row.method != "DELETE" && row.target != "/backends";
    for row in rows().into_iter().filter(shows_or_makes) {
        let answer = row.send(&client, "").expect(row.status);
        let file = format!("prod:{}.json", row.target.trim_start_matches('/'));
        assert_eq!(answer.object(), git.rev_parse(&file), "{answer:?}");
    }
}
