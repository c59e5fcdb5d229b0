//! Errors have Azure's shape on these routes, and on no other.

use super::{Azure, BACKENDS, HOST, STALE, XYZ, contoso, entity, server_with_xyz};
use crate::support::{Answer, Client, Server, Watch};

const VERSIONS: &str = "/conf/prod/backends/versions";

/// The methods that `Allow` names, sorted.
#[track_caller]
fn allowed(answer: &Answer) -> Vec<String> {
    let allow = answer.header("allow").unwrap_or_else(|| panic!("no Allow in\n{answer:?}"));
    let mut methods: Vec<String> = allow.split(',').map(|method| method.trim().to_owned()).collect();
    methods.sort();
    methods
}

/// The dialect's routes with the methods they have, sorted.
const ROUTES: [(&str, &[&str]); 4] = [
    (BACKENDS, &["GET", "HEAD", "OPTIONS"]),
    (XYZ, &["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT"]),
    ("/backends", &["GET", "HEAD", "OPTIONS"]),
    ("/backends/xyz", &["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT"]),
];

#[test]
fn what_is_not_there_is_404() {
    let server = Server::start();
    let client = server.client();
    let writes = |path: &str| {
        let request = |method| client.request(method, path).if_match("*");
        [request("PATCH").json(&contoso()).send(), request("DELETE").send()]
    };
    for path in [XYZ, "/api/v4.0/conf/prod/backends/xyz", "/backends/xyz"] {
        for answer in [client.get(path)].into_iter().chain(writes(path)) {
            let answer = answer.refused(404, "ResourceNotFound");
            assert_eq!(answer.version(), server.git().rev_parse("prod"), "errors name the commit too");
            assert!(answer.said().contains("xyz"), "{answer:?}");
        }
    }
    for config in ["nowhere", "NO%20NAME"] {
        let backend = format!("/conf/{config}/backends/xyz");
        for answer in
            [client.get(&backend), client.put(&backend, &contoso())].into_iter().chain(writes(&backend))
        {
            let answer = answer.refused(404, "ResourceNotFound");
            assert_eq!(answer.header("revconf-version"), None, "{answer:?}");
        }
    }
    client.get("/conf/nowhere/backends").refused(404, "ResourceNotFound");
}

#[test]
fn a_method_that_a_route_has_not_is_405_and_allow_names_those_it_has() {
    let server = server_with_xyz();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    for (route, methods) in ROUTES {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "BREW"] {
            if !methods.contains(&method) {
                let answer = client.request(method, route).send().refused(405, "MethodNotAllowed");
                assert_eq!(allowed(&answer), methods, "{method} {route}");
            }
        }
    }
    watch.untouched();
}

#[test]
fn options_tells_what_a_route_can() {
    let server = Server::start();
    for (route, methods) in ROUTES {
        let answer = server.client().request("OPTIONS", route).send();
        assert!(matches!(answer.status, 200 | 204), "{answer:?}");
        assert_eq!(allowed(&answer), methods, "{route}");
    }
}

#[test]
fn who_accepts_no_json_gets_406() {
    let server = server_with_xyz();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    for accept in ["text/html", "application/xml", "application/atom+xml", "image/png, text/*;q=0.5"] {
        let asked = |method: &str, path: &str| client.request(method, path).header("Accept", accept);
        asked("GET", BACKENDS).send().refused(406, "NotAcceptable");
        asked("GET", XYZ).send().refused(406, "NotAcceptable");
        asked("PUT", &super::path("new")).json(&contoso()).send().refused(406, "NotAcceptable");
        asked("PATCH", XYZ).if_match("*").json(&contoso()).send().refused(406, "NotAcceptable");
        asked("DELETE", XYZ).if_match("*").send().refused(406, "NotAcceptable");
    }
    watch.untouched();
    for accept in ["application/json", "application/*", "*/*", "text/html, */*;q=0.1"] {
        client.request("GET", XYZ).header("Accept", accept).send().expect(200);
    }
}

#[test]
fn a_body_of_another_type_is_415() {
    let server = server_with_xyz();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let types = [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/json-patch+json",
        "application/json; charset=latin1",
        "nonsense",
    ];
    let sent = |method: &str, path: &str, kind: &str| {
        let request = client.request(method, path).if_match("*").header("Content-Type", kind);
        request.body(contoso().to_string()).send().refused(415, "UnsupportedMediaType")
    };
    for kind in types {
        sent("PATCH", XYZ, kind);
        sent("PUT", &super::path("new"), kind);
    }
    // What is created is whole; only a change is a merge patch.
    sent("PUT", &super::path("new"), "application/merge-patch+json");
    watch.untouched();
}

#[test]
fn the_shape_does_not_change_for_who_prefers_another() {
    let server = server_with_xyz();
    let client = server.client();
    let asked =
        |method: &str, path: &str| client.request(method, path).header("Accept", "application/problem+json");
    asked("GET", &super::path("absent")).send().refused(404, "ResourceNotFound");
    asked("PUT", XYZ).json(&contoso()).send().refused(409, "ResourceExists");
    asked("PATCH", XYZ).if_match(STALE).json(&contoso()).send().refused(412, "PreconditionFailed");
    asked("GET", &format!("{BACKENDS}?$top=0")).send().refused_for(&[("$top", "OutOfRange")]);
    assert_eq!(asked("GET", XYZ).send().expect(200).json(), entity("xyz", HOST, false));
}

#[test]
fn an_error_without_faults_has_empty_details() {
    let server = server_with_xyz();
    let client = server.client();
    let answers = [
        client.get(&super::path("absent")).refused(404, "ResourceNotFound"),
        client.request("POST", XYZ).send().refused(405, "MethodNotAllowed"),
        client.put(XYZ, &contoso()).refused(409, "ResourceExists"),
        super::delete(&client, XYZ, STALE).refused(412, "PreconditionFailed"),
    ];
    for answer in answers {
        assert_eq!(answer.json()["error"]["details"], serde_json::json!([]), "{answer:?}");
    }
}

/// What is asked of the version routes is asked in the words of the other API, and so it is answered.
#[test]
fn the_version_routes_keep_the_other_shape() {
    let server = server_with_xyz();
    let client = server.client();
    let zeros = "0".repeat(40);
    let errors = |client: &Client, of: &str| {
        [
            (404, client.get(&format!("{of}/versions/{zeros}"))),
            (404, client.revert(of, &zeros)),
            (405, client.put(&format!("{of}/versions"), &contoso())),
            (405, client.delete(&format!("{of}/versions/{zeros}"))),
            (406, client.request("GET", &format!("{of}/versions")).header("Accept", "text/html").send()),
            (400, client.request("GET", &format!("{of}/versions")).if_match("unquoted").send()),
            (414, client.get(&format!("{of}/versions?q={}", "x".repeat(40_000)))),
        ]
    };
    for of in [BACKENDS, XYZ, "/backends", "/backends/xyz"] {
        for (status, answer) in errors(&client, of) {
            answer.expect_error(status);
        }
        let limit = client.get(&format!("{of}/versions?limit=0"));
        limit.expect_faults(&[(r#"["query","limit"]"#, "out_of_range")]);
        let option = client.get(&format!("{of}/versions?$top=5"));
        option.expect_faults(&[(r#"["query","$top"]"#, "extra_forbidden")]);
    }
    client.get("/conf/nowhere/backends/versions").expect_error(404);
    client.get("/conf/prod/backends/absent/versions").expect_error(404);
    let problem =
        client.request("GET", &format!("{VERSIONS}/{zeros}")).header("Accept", "application/problem+json");
    assert_eq!(problem.send().expect(404).header("content-type"), Some("application/problem+json"));
}

#[test]
fn other_routes_keep_their_own_shape() {
    let server = Server::start();
    let client = server.client();
    client.get("/conf/prod/backend-services/xyz").expect_error(404);
    client.get("/conf/nowhere/backend-services").expect_error(404);
    client.get("/conf/configs/backends").expect_error(404);
    client.get("/nothing").expect_error(404);
    client.request("PATCH", "/conf/prod/backend-services/xyz").body("{}").send().expect_error(405);
    client.put("/conf/prod/backend-services/xyz", &contoso()).expect_error(404);
}

#[test]
fn a_slash_at_the_end_is_404_and_the_message_says_so() {
    let server = server_with_xyz();
    for path in [BACKENDS, XYZ, "/backends", "/backends/xyz"] {
        let answer = server.client().get(&format!("{path}/")).expect(404);
        assert!(answer.text().contains("slash"), "{answer:?}");
    }
}
