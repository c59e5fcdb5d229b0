//! The options of a query: what they may be, and that nothing else is passed over.

use super::{Azure, BACKENDS, XYZ, contoso, path, server_with_xyz};
use crate::support::documents::encoded;
use crate::support::{Answer, Client, Watch};

/// Each request of the dialect, good but for what is put into its query.
#[track_caller]
fn everywhere(client: &Client, query: &str) -> Vec<Answer> {
    let target = |path: &str| format!("{path}?{query}");
    vec![
        client.get(&target(BACKENDS)),
        client.get(&target("/backends")),
        client.get(&target(XYZ)),
        client.put(&target(&path("new")), &contoso()),
        super::patch(client, &target(XYZ), "*", &contoso()),
        super::delete(client, &target(XYZ), "*"),
    ]
}

#[test]
fn top_is_a_whole_number_from_1_to_1000() {
    let server = server_with_xyz();
    let client = server.client();
    for good in ["1", "2", "100", "1000"] {
        client.get(&format!("{BACKENDS}?$top={good}")).expect(200);
    }
    let bad = [
        ("0", "OutOfRange"),
        ("1001", "OutOfRange"),
        ("99999999999999999999", "OutOfRange"),
        ("-1", "OutOfRange|IntType"),
        ("x", "IntType"),
        ("", "IntType"),
        ("1.5", "IntType"),
        ("1e2", "IntType"),
        ("0x10", "IntType"),
        ("%2B5", "IntType"),
        ("5%20", "IntType"),
        ("'5'", "IntType"),
    ];
    for (value, codes) in bad {
        assert_blames(client.get(&format!("{BACKENDS}?$top={value}")), "$top", codes);
    }
}

#[test]
fn skip_is_a_whole_number_from_0_on() {
    let server = server_with_xyz();
    let client = server.client();
    for good in ["0", "1", "1000", "4294967296"] {
        client.get(&format!("{BACKENDS}?$skip={good}")).expect(200);
    }
    let bad = [("-1", "OutOfRange|IntType"), ("x", "IntType"), ("", "IntType"), ("1.5", "IntType")];
    for (value, codes) in bad {
        assert_blames(client.get(&format!("{BACKENDS}?$skip={value}")), "$skip", codes);
    }
}

/// One detail, about this parameter, with one of these codes.
#[track_caller]
fn assert_blames(answer: Answer, target: &str, codes: &str) {
    let details = answer.refused(400, "ValidationError").details();
    assert_eq!(details.len(), 1, "{details:?}");
    assert_eq!(details[0].0, target, "{details:?}");
    assert!(codes.split('|').any(|code| details[0].1 == code), "{details:?}, expected {codes}");
}

#[test]
fn a_version_of_the_api_may_be_named_everywhere() {
    let server = server_with_xyz();
    let client = server.client();
    for good in ["2014-02-14", "2016-10-10", "2014-02-14-preview"] {
        for answer in everywhere(&client, &format!("api-version={good}")) {
            assert!(matches!(answer.status, 200 | 201 | 204), "{answer:?}");
        }
        super::delete(&client, &path("new"), "*").expect(204);
        client.put(XYZ, &contoso()).expect(201);
    }
}

#[test]
fn what_is_no_version_of_the_api_is_refused_everywhere() {
    let server = server_with_xyz();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let bad = [
        "",
        "x",
        "2016",
        "2016-10",
        "2016-10-1",
        "16-10-10",
        "20161010",
        "2016/10/10",
        "2016-10-10-",
        "2016-10-10-beta",
        "2016-10-10preview",
        "2016-10-10-preview-2",
        "v2016-10-10",
        "2016-10-10 ",
        "2016-1O-10",
        "٢٠١٦-10-10",
    ];
    for value in bad {
        for answer in everywhere(&client, &format!("api-version={}", encoded(value))) {
            assert_blames(answer, "api-version", "Format");
        }
    }
    watch.untouched();
}

#[test]
fn unknown_options_are_refused_everywhere() {
    let server = server_with_xyz();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let unknown = [
        "$orderby",
        "$select",
        "$expand",
        "$count",
        "$search",
        "$format",
        "$skiptoken",
        "$inlinecount",
        "$Top",
        "$",
        "top",
        "skip",
        "filter",
        "Api-Version",
        "apiversion",
        "nonsense",
        "limit",
        "mode",
    ];
    for name in unknown {
        for answer in everywhere(&client, &format!("{name}=1")) {
            assert_blames(answer, name, "ExtraForbidden");
        }
    }
    watch.untouched();
}

#[test]
fn the_options_of_a_list_are_unknown_elsewhere() {
    let server = server_with_xyz();
    let client = server.client();
    for (name, value) in [("$top", "5"), ("$skip", "0"), ("$filter", "id%20eq%20'xyz'")] {
        for answer in everywhere(&client, &format!("{name}={value}")).into_iter().skip(2) {
            assert_blames(answer, name, "ExtraForbidden");
        }
    }
}

#[test]
fn a_repeated_option_is_refused() {
    let server = server_with_xyz();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let lists = [
        ("$top=1&$top=1", "$top"),
        ("$top=1&%24top=2", "$top"),
        ("$skip=0&$top=1&$skip=0", "$skip"),
        ("$filter=id%20eq%20'a'&$filter=id%20eq%20'a'", "$filter"),
    ];
    for (query, name) in lists {
        assert_blames(client.get(&format!("{BACKENDS}?{query}")), name, "Duplicate");
    }
    for answer in everywhere(&client, "api-version=2016-10-10&api-version=2016-10-10") {
        assert_blames(answer, "api-version", "Duplicate");
    }
    let twice = format!("{XYZ}?message=a&message=b");
    assert_blames(super::delete(&client, &twice, "*"), "message", "Duplicate");
    watch.untouched();
}

#[test]
fn all_faults_of_a_query_are_told() {
    let server = server_with_xyz();
    let answer =
        server.client().get(&format!("{BACKENDS}?$top=0&$skip=x&$orderby=id&api-version=1&$filter=x"));
    let mut targets: Vec<String> =
        answer.refused(400, "ValidationError").details().into_iter().map(|(target, _)| target).collect();
    targets.sort();
    assert_eq!(targets, ["$filter", "$orderby", "$skip", "$top", "api-version"]);
}

#[test]
fn a_query_that_is_hardly_one_breaks_nothing() {
    let server = server_with_xyz();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    for query in ["%FF=1", "$top=%FF", "%00=%00", "$filter=%zz", "a=b=c", "%"] {
        for answer in everywhere(&client, query) {
            answer.refused(400, "ValidationError");
        }
    }
    watch.untouched();
    for query in ["", "&", "&&"] {
        client.get(&format!("{BACKENDS}?{query}")).expect(200);
    }
}
