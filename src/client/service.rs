//! Requests to the service, and its answers.

use std::fmt::Write as _;
use std::io::{BufReader, ErrorKind, Read};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::{Method, Request, Response};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Timeout};

use super::failure::{Failure, Refusal};
use super::options::Options;
use super::output;

/// To find the service and shake hands.
const CONNECTING: Duration = Duration::from_secs(10);
/// Without a byte from the service. A stream of events has a heartbeat, of 15 seconds unless it is set otherwise.
const SILENCE: Duration = Duration::from_secs(120);
/// In bytes: after so many of an answer, it is told how far it has come.
const STRIDE: usize = 4 << 20;
/// What may stand in a path or query as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A path with its query.
#[derive(Debug, Clone)]
pub struct Route {
    path: String,
    separator: char,
}

impl Route {
    pub fn to(segments: &[&str]) -> Self {
        Self { path: String::new(), separator: '?' }.below(segments)
    }

    /// The route at these segments below; not for one that has a query.
    pub fn below(mut self, segments: &[&str]) -> Self {
        for segment in segments {
            // Writing to a text cannot fail.
            write!(self.path, "/{}", utf8_percent_encode(segment, PLAIN)).ok();
        }
        self
    }

    /// With this parameter in the query, if there is a value.
    pub fn with(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            write!(self.path, "{}{name}={}", self.separator, utf8_percent_encode(value, PLAIN)).ok();
            self.separator = '&';
        }
        self
    }
}

/// Whether a URL leads to this machine itself.
fn is_here(server: &str) -> bool {
    let host = server.split_once("://").map_or(server, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let host = host
        .strip_prefix('[')
        .and_then(|rest| rest.split(']').next())
        .unwrap_or_else(|| host.split(':').next().unwrap_or_default());
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The service that the options name.
pub struct Service {
    agent: Agent,
    server: String,
    authorization: Option<String>,
}

impl Service {
    /// # Errors
    /// The URL is none, or a file cannot be read.
    pub fn new(options: &Options) -> Result<Self, Failure> {
        let server = options.server.trim_end_matches('/').to_owned();
        let secure = server.starts_with("https://");
        if !secure && !server.starts_with("http://") {
            let text = format!("{server:?} is no URL of a service; one looks like https://conf.example.org");
            return Err(Failure::Usage(text));
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECTING))
            .timeout_per_read(Some(SILENCE))
            .user_agent(concat!("revconf/", env!("CARGO_PKG_VERSION")));
        if is_here(&server) {
            // No proxy leads to what is on this machine.
            config = config.proxy(None);
        }
        if secure {
            config = config.tls_config(tls(options.ca.as_deref())?);
        }
        let authorization = key(options.key_file.as_deref())?.map(|key| format!("Bearer {key}"));
        Ok(Self { agent: config.build().new_agent(), server, authorization })
    }

    /// # Errors
    /// No answer came.
    pub fn get(&self, route: &Route) -> Result<Answer, Failure> {
        self.ask(&Method::GET, route, &[], Vec::new())
    }

    /// Asks, and waits for the whole answer.
    ///
    /// # Errors
    /// No answer came.
    pub fn ask(
        &self,
        method: &Method,
        route: &Route,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, Failure> {
        let (parts, body) = self.send(method, route, headers, body)?.into_parts();
        let body = read(body).map_err(|error| self.unreachable(method, &error))?;
        let header = |name: &str| parts.headers.get(name)?.to_str().ok().map(str::to_owned);
        Ok(Answer {
            status: parts.status.as_u16(),
            version: header("revconf-version"),
            tag: header("etag"),
            body,
        })
    }

    /// Begins to read a stream of events.
    ///
    /// # Errors
    /// No answer came, or another one.
    pub fn events(&self, route: &Route, last: Option<&str>) -> Result<Stream, Failure> {
        let header = last.map(|last| ("Last-Event-ID", last));
        let (parts, body) = self.send(&Method::GET, route, header.as_slice(), Vec::new())?.into_parts();
        let version = parts.headers.get("revconf-version").and_then(|version| version.to_str().ok());
        let version = version.map(str::to_owned);
        let status = parts.status.as_u16();
        if status != 200 {
            let body = read(body).map_err(|error| self.unreachable(&Method::GET, &error))?;
            return Err(Answer { status, version, tag: None, body }.refusal(&[]));
        }
        Ok(Stream { version, reader: Box::new(BufReader::new(body.into_reader())) })
    }

    fn send(
        &self,
        method: &Method,
        route: &Route,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Response<Body>, Failure> {
        let mut request = Request::builder().method(method).uri(format!("{}{}", self.server, route.path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let sent = match *method {
            Method::GET => request.body(()).map(|request| self.agent.run(request)),
            _ => request
                .header("Content-Type", "application/json")
                .body(body)
                .map(|request| self.agent.run(request)),
        };
        let sent = sent.map_err(|error| Failure::Usage(format!("this cannot be asked for: {error}")))?;
        sent.map_err(|error| self.unreachable(method, &error))
    }

    /// That no answer came. A write that has been on its way may have been done.
    fn unreachable(&self, method: &Method, error: &ureq::Error) -> Failure {
        let mut reason = match error {
            ureq::Error::Io(error) => error.to_string(),
            ureq::Error::Rustls(error) => error.to_string(),
            error => error.to_string(),
        };
        if *method != Method::GET && !before_asking(error) {
            reason += "; what was asked for may have been done nevertheless: log tells";
        }
        Failure::Unreachable { server: self.server.clone(), reason }
    }
}

/// Whether it went wrong before the service could have heard of anything.
fn before_asking(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect)
        | ureq::Error::Rustls(_)
        | ureq::Error::Tls(_) => true,
        _ => false,
    }
}

/// A stream of events.
pub struct Stream {
    /// The version that it begins after.
    pub version: Option<String>,
    pub reader: Box<BufReader<ureq::BodyReader<'static>>>,
}

/// What the service said.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The commit that it is from, or that a write has made.
    pub version: Option<String>,
    pub tag: Option<String>,
    pub body: Vec<u8>,
}

#[derive(Deserialize)]
struct Told {
    message: String,
    #[serde(default)]
    detail: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    loc: Vec<Value>,
    msg: String,
}

impl Answer {
    /// The answer, if it says that all is well.
    ///
    /// # Errors
    /// The service refused.
    pub fn done(self) -> Result<Self, Failure> {
        self.done_with(&[])
    }

    /// The same for a request with a list, where `names` says what each of its elements is to whoever asked.
    ///
    /// # Errors
    /// The service refused.
    pub fn done_with(self, names: &[String]) -> Result<Self, Failure> {
        match self.status {
            200..=299 => Ok(self),
            _ => Err(self.refusal(names)),
        }
    }

    /// Why the service does not do it.
    fn refusal(&self, names: &[String]) -> Failure {
        let status = self.status;
        let Ok(Told { message, detail }) = serde_json::from_slice(&self.body) else {
            let message = format!("the answer is {status}, and not one of revconf's");
            return Failure::Foreign { status, message };
        };
        let faults = detail.iter().map(|fault| {
            let (place, msg) = (place(&fault.loc, names), output::harmless(&fault.msg));
            if place.is_empty() { msg } else { format!("{place}: {msg}") }
        });
        let faults = faults.collect();
        Failure::Refused(Refusal { status, message: output::harmless(&message), faults })
    }

    /// The body, read.
    ///
    /// # Errors
    /// It is not what this service answers.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let message = format!("the answer is not one of revconf's ({error})");
            Failure::Foreign { status: self.status, message }
        })
    }
}

/// Where a fault is, as whoever asked knows it: in which of the named elements, and where inside.
fn place(loc: &[Value], names: &[String]) -> String {
    let index = loc.iter().take(3).position(Value::is_u64);
    let named = index.and_then(|at| Some((at, names.get(usize::try_from(loc[at].as_u64()?).ok()?)?)));
    let (mut place, rest) = match named {
        Some((at, name)) => (format!("{name}: "), &loc[at + 1..]),
        None => (String::new(), loc),
    };
    let envelope = |step: &&Value| ["body", "value"].iter().any(|name| *step == name);
    for step in rest.iter().skip(rest.first().as_ref().is_some_and(envelope).into()) {
        match step {
            Value::String(key) if place.is_empty() || place.ends_with(' ') => place += &output::harmless(key),
            Value::String(key) => place += &format!(".{}", output::harmless(key)),
            index => place += &format!("[{index}]"),
        }
    }
    place.trim_end_matches(": ").to_owned()
}

/// All of a body; who waits for a long one is told.
fn read(body: Body) -> Result<Vec<u8>, ureq::Error> {
    let mut reader = body.into_with_config().limit(u64::MAX).reader();
    let mut bytes = Vec::new();
    loop {
        let before = bytes.len();
        reader.by_ref().take(STRIDE as u64).read_to_end(&mut bytes)?;
        if bytes.len() < before + STRIDE {
            return Ok(bytes);
        }
        output::progress(&format!("{} MiB so far", bytes.len() >> 20));
    }
}

/// The key to show, if there is one. It is never an argument, which everybody on the machine could read.
///
/// # Errors
/// The file cannot be read, or there is no key in it.
pub fn key(file: Option<&Path>) -> Result<Option<String>, Failure> {
    let key = match file {
        Some(file) => Some(
            std::fs::read_to_string(file)
                .map_err(|error| Failure::Usage(format!("{} cannot be read: {error}", file.display())))?,
        ),
        None => std::env::var("REVCONF_KEY").ok(),
    };
    let key = key.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
    match key {
        Some(key) if !key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err(Failure::Usage("the key is not as `revconf key new` prints it".to_owned()))
        }
        key => Ok(key),
    }
}

fn tls(ca: Option<&Path>) -> Result<TlsConfig, Failure> {
    let certificates = match ca {
        Some(file) => from_file(file)?,
        None => {
            let found = rustls_native_certs::load_native_certs();
            found.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect()
        }
    };
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(certificates)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}

fn from_file(file: &Path) -> Result<Vec<Certificate<'static>>, Failure> {
    let fault = |reason: String| Failure::Usage(format!("{}: {reason}", file.display()));
    let pem = std::fs::read(file).map_err(|error| fault(format!("cannot be read: {error}")))?;
    let items = parse_pem(&pem).collect::<Result<Vec<_>, _>>();
    let items = items.map_err(|error| fault(format!("is not PEM: {error}")))?;
    let certificates: Vec<_> = items
        .into_iter()
        .filter_map(
            |item| if let PemItem::Certificate(certificate) = item { Some(certificate) } else { None },
        )
        .collect();
    if certificates.is_empty() { Err(fault("has no certificate".to_owned())) } else { Ok(certificates) }
}
