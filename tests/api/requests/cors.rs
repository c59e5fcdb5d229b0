//! CORS is off unless origins are set.

use crate::support::{Answer, Client, Server};

const SERVICES: &str = "/conf/prod/backend-services";
const PANEL: &str = "https://panel.example.com";

fn cors_headers(answer: &Answer) -> Vec<String> {
    let names = answer.headers.keys().map(|name| name.to_string());
    names.filter(|name| name.starts_with("access-control-")).collect()
}

#[track_caller]
fn preflight(client: &Client, origin: &str, method: &str) -> Answer {
    client
        .request("OPTIONS", SERVICES)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", method)
        .header("Access-Control-Request-Headers", "content-type,if-match")
        .unchecked()
        .send()
}

#[test]
fn without_the_setting_no_origin_is_allowed() {
    let server = Server::start();
    let client = server.client();
    let answer = client.request("GET", SERVICES).header("Origin", PANEL).send().expect(200);
    assert_eq!(cors_headers(&answer), [""; 0]);
    assert_eq!(cors_headers(&preflight(&client, PANEL, "PUT")), [""; 0]);
}

#[test]
fn an_origin_of_the_setting_may_read_and_write() {
    let server = Server::builder().config(&format!("[http]\ncors_origins = [\"{PANEL}\"]\n")).start();
    let client = server.client();
    let answer = client.request("GET", SERVICES).header("Origin", PANEL).send().expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(PANEL));
    // A page's script sees only the headers that are exposed to it.
    let exposed = answer.header("access-control-expose-headers").unwrap_or_default().to_ascii_lowercase();
    for header in ["etag", "revconf-version"] {
        assert!(exposed.contains(header), "{header} is not among {exposed:?}");
    }
    for method in ["GET", "POST", "PUT", "DELETE"] {
        let answer = preflight(&client, PANEL, method);
        assert!(matches!(answer.status, 200 | 204), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(PANEL));
        let methods = answer.header("access-control-allow-methods").unwrap_or_default();
        assert!(methods.contains(method), "{method} is not among {methods:?}");
        let headers = answer.header("access-control-allow-headers").unwrap_or_default().to_ascii_lowercase();
        assert!(headers.contains("if-match") && headers.contains("content-type"), "{answer:?}");
    }
}

#[test]
fn any_other_origin_is_not_allowed() {
    let server = Server::builder().config(&format!("[http]\ncors_origins = [\"{PANEL}\"]\n")).start();
    let client = server.client();
    for origin in
        ["https://evil.example.com", "http://panel.example.com", "https://panel.example.com.evil.org", "null"]
    {
        let answer = client.request("GET", SERVICES).header("Origin", origin).unchecked().send();
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
        assert_eq!(preflight(&client, origin, "PUT").header("access-control-allow-origin"), None, "{origin}");
    }
}
