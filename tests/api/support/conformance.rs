//! Holds answers against the service's own OpenAPI description, so that the description cannot drift from the truth.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use super::answer::Answer;

/// Headers that mean something to a client of this API: if an answer has one, its description must name it.
const TELLING: [&str; 7] =
    ["etag", "revconf-version", "location", "link", "retry-after", "preference-applied", "content-location"];

/// What an answer answers.
pub struct Asked<'a> {
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
}

/// A parsed `/openapi.json`.
pub struct OpenApi {
    pub document: Value,
    /// The most concrete first, as OpenAPI ranks them.
    routes: Vec<Route>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

struct Route {
    template: String,
    /// `None` is a parameter.
    segments: Vec<Option<String>>,
}

impl OpenApi {
    /// All servers of a test run say the same, or nearly: what was parsed once is kept.
    #[track_caller]
    pub fn parse(text: &str) -> Arc<Self> {
        static PARSED: Mutex<Vec<(String, Arc<OpenApi>)>> = Mutex::new(Vec::new());
        let mut parsed = PARSED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((_, known)) = parsed.iter().find(|(known, _)| known == text) {
            return known.clone();
        }
        let document: Value = serde_json::from_str(text).expect("/openapi.json is JSON");
        assert!(
            document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")),
            "/openapi.json is OpenAPI 3.1"
        );
        let openapi = Arc::new(Self { routes: routes(&document), document, validators: Mutex::default() });
        parsed.push((text.to_owned(), openapi.clone()));
        openapi
    }

    /// Panics, with the whole answer, unless this answer to this request is one that the description promises.
    #[track_caller]
    pub fn check(&self, asked: &Asked<'_>, answer: &Answer) {
        if let Err(fault) = self.conforms(asked, answer) {
            panic!("not what /openapi.json says: {fault}\n{answer:?}");
        }
    }

    fn conforms(&self, asked: &Asked<'_>, answer: &Answer) -> Result<(), String> {
        let status = answer.status;
        let path = asked.target.split('?').next().unwrap_or_default();
        let Some(template) = self.template(path) else {
            // Who is not let in is not told that there is nothing.
            return if matches!(status, 401 | 403 | 404 | 414 | 429) {
                Ok(())
            } else {
                Err(format!("no such path, yet not 404 but {status}"))
            };
        };
        let item = &self.document["paths"][template];
        let Some(operation) = operation(item, asked.method) else {
            return undocumented_method(asked.method, answer);
        };
        let responses = &operation["responses"];
        let (key, response) = [status.to_string(), format!("{}XX", status / 100), "default".to_owned()]
            .into_iter()
            .find_map(|key| responses.get(&key).map(|response| (key, self.resolved(response))))
            .ok_or_else(|| format!("{} {template} does not document status {status}", asked.method))?;
        self.headers_conform(response, answer)?;
        if status < 300 {
            self.parameters_conform(item, operation, asked.target)?;
        }
        let at = format!("{} {template} {key}", asked.method);
        self.body_conforms(&at, asked.method, response, answer)
    }

    /// The path template that this path belongs to.
    pub fn template(&self, path: &str) -> Option<&str> {
        let segments: Vec<&str> = path.split('/').collect();
        self.routes.iter().find(|route| route.matches(&segments)).map(|route| route.template.as_str())
    }

    fn headers_conform(&self, response: &Value, answer: &Answer) -> Result<(), String> {
        let none = serde_json::Map::new();
        let documented = response["headers"].as_object().unwrap_or(&none);
        for (name, header) in documented {
            if self.resolved(header)["required"] == true && answer.header(name).is_none() {
                return Err(format!("the required header {name} is missing"));
            }
        }
        for name in TELLING {
            let known = documented.keys().any(|documented| documented.eq_ignore_ascii_case(name));
            if answer.header(name).is_some() && !known {
                return Err(format!("the header {name} is not documented for this answer"));
            }
        }
        Ok(())
    }

    /// What a request that succeeded had in its query must be documented.
    fn parameters_conform(&self, item: &Value, operation: &Value, target: &str) -> Result<(), String> {
        let lists = [&item["parameters"], &operation["parameters"]];
        let documented: Vec<&str> = lists
            .iter()
            .filter_map(|list| list.as_array())
            .flatten()
            .map(|parameter| self.resolved(parameter))
            .filter(|parameter| parameter["in"] == "query")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let query = target.split_once('?').map_or("", |(_, query)| query);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let name = pair.split('=').next().unwrap_or_default().replace("%24", "$");
            if !documented.contains(&name.as_str()) {
                return Err(format!("the parameter {name} is not documented"));
            }
        }
        Ok(())
    }

    fn body_conforms(&self, at: &str, method: &str, response: &Value, answer: &Answer) -> Result<(), String> {
        if method == "HEAD" || matches!(answer.status, 204 | 304) {
            return if answer.body.is_empty() {
                Ok(())
            } else {
                Err("this answer must not have a body".to_owned())
            };
        }
        let Some(content) = response["content"].as_object() else {
            return if answer.body.is_empty() {
                Ok(())
            } else {
                Err("a body that is not documented".to_owned())
            };
        };
        let sent = answer.header("content-type").ok_or("an answer with a body has no Content-Type")?;
        let kind = sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let media = content.get(&kind).or_else(|| content.get("*/*"));
        let media = media.ok_or_else(|| format!("the content type {kind} is not documented for {at}"))?;
        let is_json = kind == "application/json" || kind.ends_with("+json");
        // A compressed body is looked at by the tests that ask for one.
        if !is_json || answer.header("content-encoding").is_some() {
            return Ok(());
        }
        let body: Value =
            serde_json::from_slice(&answer.body).map_err(|error| format!("the body is not JSON: {error}"))?;
        let validator = self.validator(&format!("{at} {kind}"), &media["schema"])?;
        let faults: Vec<String> = validator
            .iter_errors(&body)
            .map(|fault| format!("at {:?}: {fault}", fault.instance_path().as_str()))
            .collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(format!("the body breaks the schema of {at}: {}", faults.join("; ")))
        }
    }

    fn validator(&self, name: &str, schema: &Value) -> Result<Arc<Validator>, String> {
        if schema.is_null() {
            return Err(format!("{name} has no schema"));
        }
        let mut validators = self.validators.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(known) = validators.get(name) {
            return Ok(known.clone());
        }
        // References such as `#/components/schemas/Error` resolve against the root, so the components lie there.
        let root = json!({"allOf": [schema], "components": self.document["components"]});
        let validator =
            jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true).build(&root);
        let validator =
            Arc::new(validator.map_err(|error| format!("the schema of {name} is broken: {error}"))?);
        validators.insert(name.to_owned(), validator.clone());
        Ok(validator)
    }

    /// What a `$ref` inside the document points at; anything else is itself.
    pub fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => {
                let pointer = reference.strip_prefix('#').expect("references stay inside the document");
                let target =
                    self.document.pointer(pointer).unwrap_or_else(|| panic!("{reference} points at nothing"));
                self.resolved(target)
            }
            None => value,
        }
    }
}

/// `HEAD` is described by `GET` unless it has a description of its own.
fn operation<'a>(item: &'a Value, method: &str) -> Option<&'a Value> {
    let own = item.get(method.to_ascii_lowercase());
    if method == "HEAD" { own.or_else(|| item.get("get")) } else { own }
}

fn undocumented_method(method: &str, answer: &Answer) -> Result<(), String> {
    match answer.status {
        405 if answer.header("allow").is_none() => Err("405 without Allow".to_owned()),
        401 | 403 | 404 | 405 | 429 => Ok(()),
        200 | 204 if method == "OPTIONS" => Ok(()),
        status => Err(format!("the method {method} is not documented, yet not 405 but {status}")),
    }
}

/// Every path, once for each base path that `servers` gives it.
fn routes(document: &Value) -> Vec<Route> {
    let paths = document["paths"].as_object().expect("/openapi.json has paths");
    let mut routes: Vec<Route> = paths
        .iter()
        .flat_map(|(template, item)| {
            let servers = item.get("servers").or_else(|| document.get("servers"));
            base_paths(servers).into_iter().map(move |base| Route::new(&base, template))
        })
        .collect();
    routes.sort_by_key(|route| route.segments.iter().map(Option::is_none).collect::<Vec<_>>());
    routes
}

fn base_paths(servers: Option<&Value>) -> Vec<String> {
    let urls = servers
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(|server| server["url"].as_str()).collect::<Vec<_>>());
    let bases = urls.unwrap_or_default().into_iter().map(|url| {
        let path = match url.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
            None => url,
        };
        path.trim_end_matches('/').to_owned()
    });
    let bases: Vec<String> = bases.collect();
    if bases.is_empty() { vec![String::new()] } else { bases }
}

impl Route {
    fn new(base: &str, template: &str) -> Self {
        let whole = format!("{base}{template}");
        let segments =
            whole.split('/').map(|segment| (!segment.starts_with('{')).then(|| segment.to_owned())).collect();
        Self { template: template.to_owned(), segments }
    }

    fn matches(&self, path: &[&str]) -> bool {
        self.segments.len() == path.len()
            && self.segments.iter().zip(path).all(|(segment, given)| match segment {
                Some(fixed) => fixed == given,
                None => !given.is_empty(),
            })
    }
}
