//! `/docs`: a page to try the API, made of nothing but what the service serves itself.

use std::collections::BTreeSet;

use crate::support::{Answer, Client, Server};

const PAGE: &str = "/docs";

#[track_caller]
fn fetch(client: &Client, path: &str) -> Answer {
    client.request("GET", path).unchecked().send().expect(200)
}

/// The values of an attribute, wherever it stands in the page.
fn attributes(html: &str, name: &str) -> Vec<String> {
    let starts = [format!(" {name}=\""), format!(" {name}='")];
    let values = starts.iter().flat_map(|start| {
        let quote = start.chars().last().expect("a start ends in a quote");
        html.split(start.as_str()).skip(1).filter_map(move |rest| rest.split_once(quote))
    });
    values.map(|(value, _)| value.to_owned()).collect()
}

/// The targets of `url(…)` in a style sheet.
fn urls(css: &str) -> Vec<String> {
    let inside = css.split("url(").skip(1).filter_map(|rest| rest.split_once(')'));
    inside.map(|(target, _)| target.trim_matches(['"', '\'', ' ']).to_owned()).collect()
}

/// The path that a reference means on a page at `base`; panics if it leads to another host.
#[track_caller]
fn resolved(base: &str, reference: &str) -> String {
    assert!(
        !reference.starts_with("//") && !reference.contains("://"),
        "{base} asks another host: {reference}"
    );
    let path = reference.split(['#', '?']).next().unwrap_or_default();
    if path.starts_with('/') {
        return path.to_owned();
    }
    let (folder, _) = base.rsplit_once('/').expect("a path begins with a slash");
    format!("{folder}/{}", path.trim_start_matches("./"))
}

fn is_embedded(reference: &str) -> bool {
    reference.is_empty() || reference.starts_with('#') || reference.starts_with("data:")
}

/// The page and all that it loads, each by its path.
#[track_caller]
fn page_and_parts(client: &Client) -> Vec<(String, Answer)> {
    let page = fetch(client, PAGE);
    let html = page.text();
    let base = if html.contains("<base ") { attributes(&html, "href").remove(0) } else { PAGE.to_owned() };
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    for reference in [attributes(&html, "src"), attributes(&html, "href")].concat() {
        if !is_embedded(&reference) && reference != base {
            wanted.insert(resolved(&base, &reference));
        }
    }
    let mut parts = vec![(PAGE.to_owned(), page)];
    while let Some(path) = wanted.pop_first() {
        let part = fetch(client, &path);
        if content_type(&part) == "text/css" {
            let inner = urls(&part.text()).into_iter().filter(|reference| !is_embedded(reference));
            wanted.extend(inner.map(|reference| resolved(&path, &reference)));
        }
        parts.push((path, part));
    }
    parts
}

fn content_type(answer: &Answer) -> String {
    answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned()
}

#[test]
fn the_page_is_html() {
    let server = Server::start();
    let page = fetch(&server.client(), PAGE);
    assert_eq!(content_type(&page), "text/html");
    assert!(page.text().to_ascii_lowercase().contains("<html"), "{page:?}");
}

#[test]
fn everything_the_page_loads_comes_from_the_service() {
    let server = Server::start();
    let parts = page_and_parts(&server.client());
    let count = |wanted: &[&str]| {
        parts.iter().filter(|(_, part)| wanted.contains(&content_type(part).as_str())).count()
    };
    let html = parts[0].1.text();
    let script = ["text/javascript", "application/javascript"];
    assert!(count(&script) > 0 || html.contains("<script>"), "a page to try an API has a script: {html}");
    assert!(count(&["text/css"]) > 0 || html.contains("<style"), "and a style: {html}");
    for (path, part) in &parts {
        assert!(!part.body.is_empty(), "{path} is empty");
    }
}

#[test]
fn the_page_describes_this_service() {
    let server = Server::start();
    let parts = page_and_parts(&server.client());
    assert!(
        parts.iter().any(|(_, part)| part.text().contains("openapi.json")),
        "nothing on the page names /openapi.json"
    );
}

/// Swagger UI, if that is what the page is made of, sends the description to a validator on the web unless told not to.
#[test]
fn the_page_sends_nothing_elsewhere() {
    let server = Server::start();
    let parts = page_and_parts(&server.client());
    let (libraries, own): (Vec<_>, Vec<_>) =
        parts.iter().partition(|(_, part)| part.text().contains("validator.swagger.io"));
    let turned_off = own.iter().any(|(_, part)| part.text().contains("validatorUrl"));
    assert!(libraries.is_empty() || turned_off, "the page does not turn off the validator badge");
}
