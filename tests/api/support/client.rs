//! A blocking HTTP client that reads well in tests and holds every answer against `/openapi.json`.

use std::sync::Arc;

use serde_json::Value;
use ureq::http::{self, HeaderName, HeaderValue, Method};

use super::PATIENCE;
use super::answer::Answer;
use super::conformance::{Asked, OpenApi};
use super::raw;

/// Cheap to clone; clones share their connections. It speaks to one running server: after a restart, ask for another.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    address: String,
    /// What every request has.
    headers: Vec<(String, String)>,
    openapi: Arc<std::sync::OnceLock<Arc<OpenApi>>>,
}

impl Client {
    /// `address` is what the server says it listens on, such as `127.0.0.1:41234`.
    pub fn new(address: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .max_idle_connections(64)
            .max_idle_connections_per_host(64)
            .build()
            .new_agent();
        Self { agent, address: address.to_owned(), headers: Vec::new(), openapi: Arc::default() }
    }

    /// A client whose every request has this header, too.
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// A client that shows this key.
    pub fn with_key(&self, key: &str) -> Self {
        self.with_header("Authorization", &format!("Bearer {key}"))
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.request("PUT", path).json(body).send()
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path).json(body).send()
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path).send()
    }

    /// `PUT …/versions/{version}/revert` of the set, entry or configuration at `path`.
    #[track_caller]
    pub fn revert(&self, path: &str, version: &str) -> Answer {
        self.request("PUT", &format!("{path}/versions/{version}/revert")).send()
    }

    /// Any method on any path (with its query), sent as it stands.
    pub fn request(&self, method: &str, path: &str) -> Request<'_> {
        Request {
            client: self,
            method: method.to_owned(),
            path: path.to_owned(),
            headers: self.headers.clone(),
            body: None,
            allow_5xx: false,
            unchecked: false,
        }
    }

    /// Sends these bytes over a connection of their own and reads one answer: for HTTP that no client would send.
    /// Such an answer is not held against `/openapi.json`.
    #[track_caller]
    pub fn raw(&self, bytes: &[u8]) -> Answer {
        raw::exchange(&self.address, bytes)
    }

    /// The service's own description.
    #[track_caller]
    pub fn openapi(&self) -> &OpenApi {
        self.openapi.get_or_init(|| {
            let answer = self.request("GET", "/openapi.json").unchecked().send().expect(200);
            OpenApi::parse(&answer.text())
        })
    }
}

/// One request in the making.
pub struct Request<'a> {
    client: &'a Client,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    allow_5xx: bool,
    unchecked: bool,
}

impl Request<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn if_match(self, tag: &str) -> Self {
        self.header("If-Match", tag)
    }

    pub fn if_none_match(self, tag: &str) -> Self {
        self.header("If-None-Match", tag)
    }

    /// These bytes, with no `Content-Type` unless a header says one.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Some(bytes.into());
        self
    }

    pub fn json(self, value: &Value) -> Self {
        self.header("Content-Type", "application/json").body(value.to_string())
    }

    /// For tests that make the service unable to serve.
    pub fn allow_5xx(mut self) -> Self {
        self.allow_5xx = true;
        self
    }

    /// Does not hold the answer against `/openapi.json`: for what is outside the API, such as `/docs`.
    pub fn unchecked(mut self) -> Self {
        self.unchecked = true;
        self
    }

    #[track_caller]
    pub fn send(self) -> Answer {
        match self.try_send() {
            Ok(answer) => answer,
            Err(error) => panic!("no answer: {error}"),
        }
    }

    /// `Err` where no whole answer came, for tests that kill the server under its clients.
    #[track_caller]
    pub fn try_send(self) -> Result<Answer, String> {
        let answer = self.exchange().map_err(|error| format!("{} {}: {error}", self.method, self.path))?;
        assert!(
            self.allow_5xx || answer.status < 500,
            "a client must not be able to cause this:\n{answer:?}"
        );
        if !self.unchecked {
            self.client.openapi().check(&Asked { method: &self.method, target: &self.path }, &answer);
        }
        Ok(answer)
    }

    fn exchange(&self) -> Result<Answer, ureq::Error> {
        let uri = format!("http://{}{}", self.client.address, self.path);
        let mut request = http::Request::builder()
            .method(Method::from_bytes(self.method.as_bytes()).expect("a method"))
            .uri(&uri);
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
            request =
                request.header(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header's value"));
        }
        let takes_body = matches!(self.method.as_str(), "POST" | "PUT" | "PATCH");
        let response = match &self.body {
            Some(bytes) => self.client.agent.run(request.body(bytes.as_slice())?),
            None if takes_body => self.client.agent.run(request.body(&b""[..])?),
            None => self.client.agent.run(request.body(())?),
        };
        let (parts, mut body) = response?.into_parts();
        // A stream of events does not end by itself; `Follower` reads those.
        let endless = parts.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let body = match endless {
            true => Vec::new(),
            false => body.with_config().limit(u64::MAX).read_to_vec()?,
        };
        Ok(Answer { asked: self.asked(), status: parts.status.as_u16(), headers: parts.headers, body })
    }

    fn asked(&self) -> String {
        let mut asked = format!("{} {}", self.method, self.path);
        for (name, value) in &self.headers {
            asked.push_str(&format!("\n{name}: {value}"));
        }
        if let Some(body) = &self.body {
            let text = String::from_utf8_lossy(body);
            asked.push_str("\n\n");
            asked.extend(text.chars().take(2000));
        }
        asked
    }
}
