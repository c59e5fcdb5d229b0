//! A request as handlers see it: its parts read and checked.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{HttpMessage, HttpRequest, web};
use bytes::Bytes;
use percent_encoding::percent_decode_str;

use super::accept;
use super::authentication::{Trust, Visitor};
use super::body::{Bodies, Body, Incoming};
use super::crowd::Crowd;
use super::failure::Failure;
use super::limits::Limits;
use super::needs::Needs;
use super::preconditions;
use super::query::{Parameter, Query};
use super::shape::Dialect;
use super::webhook;
use crate::access::audit::Trail;
use crate::access::webhook::Secrets;
use crate::access::{Caller, Gate};
use crate::document::Kind;
use crate::registry::door::Door;
use crate::registry::{Conditions, Identity, Place, Registry, Share, Write};

/// What all requests share.
pub struct Shared {
    pub registry: Arc<Registry>,
    pub door: Arc<Door>,
    /// The author of changes by people who are not known.
    pub anonymous: Identity,
    pub gate: Arc<Gate>,
    /// Proxies whose word is taken for who asks.
    pub trust: Trust,
    pub limits: Limits,
    /// Pages that need no key.
    pub public: Vec<String>,
    /// Where pages may come from that use the API.
    pub origins: Vec<String>,
    /// Where who did what is written.
    pub trail: Option<Trail>,
    pub bodies: Bodies,
    pub crowd: Arc<Crowd>,
    /// In bytes.
    pub max_uri: usize,
    /// Followers hear something so often at least.
    pub heartbeat: Duration,
    /// Where the routes are served.
    pub prefixes: Vec<String>,
    /// The configuration that Azure's routes at the root are about.
    pub azure_configuration: String,
    /// The description of the API.
    pub openapi: Bytes,
    /// What mirrors' servers show, by the names of the mirrors.
    pub secrets: Secrets,
    /// The page of numbers for Prometheus.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
}

/// Noted with a request: the path that it matched, with the names of its parameters.
#[derive(Debug, Clone)]
pub struct Pattern(pub Arc<str>);

/// What becomes of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brings {
    /// It is passed over.
    Nothing,
    /// It is read before the handler is called.
    Json,
    /// The handler takes it as it comes.
    Stream,
}

/// What a route expects of a request.
pub struct Expected {
    /// The path that the request matched, but for a prefix.
    pub template: &'static str,
    pub brings: Brings,
    /// It is answered as JSON.
    pub json: bool,
    /// It is answered as a text diff as well.
    pub diff: bool,
    pub dialect: Dialect,
    pub needs: Needs,
    pub query: &'static [Parameter],
}

/// A request that has passed what can be checked without its matter.
#[derive(Clone)]
pub struct Call {
    pub shared: web::Data<Shared>,
    /// `None` on routes that are about no kind.
    kind: Option<&'static Kind>,
    request: HttpRequest,
    caller: Caller,
    pub needs: Needs,
    parameters: Vec<(&'static str, String)>,
    pub query: Query,
    pub conditions: Conditions,
    pub body: Bytes,
    /// What the body takes of the memory for bodies.
    share: Share,
    /// A body that the handler takes as it comes.
    incoming: Rc<RefCell<Option<Incoming>>>,
}

impl Call {
    /// Reads a request that was routed to where `expected` is expected.
    ///
    /// # Errors
    /// 400, 406, 408, 413, 415 or 422, by what is wrong; 503 if there is no memory for the body now.
    pub async fn read(
        request: &HttpRequest,
        incoming: &mut Incoming,
        shared: web::Data<Shared>,
        kind: Option<&'static Kind>,
        expected: &Expected,
    ) -> Result<Self, Failure> {
        if expected.json && !accept::read(request).json && !(expected.diff && accept::prefers_diff(request)) {
            let forms = if expected.diff { "application/json or text/x-diff" } else { "application/json" };
            return Err(Failure::NotAcceptable { forms });
        }
        let Body { bytes: body, share } = match expected.brings {
            Brings::Json => shared.bodies.read(request, incoming).await?,
            Brings::Nothing if expected.needs == Needs::Secret => {
                let mirror = parameter(request.uri().path(), expected.template, "id").unwrap_or_default();
                webhook::read(request, incoming, &shared.bodies, shared.secrets.get(&*mirror)).await?;
                Body::default()
            }
            Brings::Nothing => {
                shared.bodies.pass_over(request, incoming).await?;
                Body::default()
            }
            Brings::Stream => Body::default(),
        };
        let query = Query::read(request.query_string(), expected.query)?;
        let conditions = preconditions::read(request.headers(), expected.dialect == Dialect::Azure)?;
        let taken = (expected.brings == Brings::Stream)
            .then(|| std::mem::replace(incoming, Incoming::new(Payload::None)));
        Ok(Call {
            kind,
            request: request.clone(),
            caller: request
                .extensions()
                .get::<Visitor>()
                .map_or(Caller::Nobody, |visitor| visitor.caller.clone()),
            needs: expected.needs,
            parameters: parameters(request.uri().path(), expected.template)
                .map(|(name, raw)| (name, decoded(raw).into_owned()))
                .collect(),
            query,
            conditions,
            body,
            share,
            incoming: Rc::new(RefCell::new(taken)),
            shared,
        })
    }

    /// The body that the handler takes as it comes: once.
    pub fn incoming(&self) -> Option<Incoming> {
        self.incoming.borrow_mut().take()
    }

    /// Gives back what the handler has not read to its end.
    pub fn give_back(&self, incoming: Incoming) {
        *self.incoming.borrow_mut() = Some(incoming);
    }

    pub fn registry(&self) -> &Arc<Registry> {
        &self.shared.registry
    }

    /// The kind that the route is about.
    ///
    /// # Errors
    /// The route is about none.
    pub fn kind(&self) -> Result<&'static Kind, Failure> {
        self.kind.ok_or_else(|| Failure::NoRoute { path: self.path().to_owned(), hint: "" })
    }

    /// A part of the path, decoded.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(found, _)| *found == name).map_or("", |(_, value)| value)
    }

    /// The configuration that the route is about.
    pub fn configuration(&self) -> &str {
        let named = self.parameters.iter().find(|(name, _)| *name == "config");
        named.map_or(&self.shared.azure_configuration, |(_, name)| name)
    }

    /// Scheme and host as the client sees them, for links that must be whole.
    pub fn origin(&self) -> String {
        let info = self.request.connection_info();
        format!("{}://{}", info.scheme(), info.host())
    }

    /// The entry that the path names.
    ///
    /// # Errors
    /// The route is about none.
    pub fn place(&self) -> Result<Place<'_>, Failure> {
        Ok(Place { configuration: self.configuration(), kind: self.kind()?, id: self.parameter("id") })
    }

    /// Who asks.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The request itself.
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// Whether only the head of the answer is asked for.
    pub fn is_head(&self) -> bool {
        self.request.method() == Method::HEAD
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.request.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// Who is named where a change has an author.
    pub fn author(&self) -> Identity {
        match self.caller.principal() {
            Some(principal) => Identity::new(&principal.name, &principal.email),
            None => self.shared.anonymous.clone(),
        }
    }

    /// How the write is to be done.
    pub fn write(&self) -> Write {
        Write {
            author: self.author(),
            message: self.query.text("message").map(|message| message.trim().to_owned()),
            dry_run: self.query.flag("dry_run"),
            conditions: self.conditions.clone(),
            share: self.share.clone(),
        }
    }

    /// Whether a text diff is wanted, where there is one.
    pub fn prefers_diff(&self) -> bool {
        accept::prefers_diff(&self.request)
    }

    /// The path of the request, as it came.
    pub fn path(&self) -> &str {
        self.request.uri().path()
    }

    /// The request's own query without one of its parameters, for a link to another page.
    pub fn query_without(&self, name: &str) -> String {
        let named = |pair: &str| {
            let found = percent_decode_str(pair.split('=').next().unwrap_or_default()).decode_utf8();
            found.is_ok_and(|found| found == name)
        };
        let others = self.request.query_string().split('&').filter(|pair| !pair.is_empty() && !named(pair));
        others.collect::<Vec<_>>().join("&")
    }
}

/// One of the parts of a path that a template names, as [`Call::parameter`] gives it.
pub fn parameter<'p>(path: &'p str, template: &'static str, name: &str) -> Option<Cow<'p, str>> {
    parameters(path, template).find(|(found, _)| *found == name).map(|(_, raw)| decoded(raw))
}

/// The parts of a path that a template names, as they were sent.
fn parameters<'p>(
    path: &'p str,
    template: &'static str,
) -> impl Iterator<Item = (&'static str, &'p str)> + use<'p> {
    // A prefix may stand before the template, so they are laid together from their ends.
    let pairs = template.rsplit('/').zip(path.rsplit('/'));
    pairs.filter_map(|(name, raw)| Some((name.strip_prefix('{')?.strip_suffix('}')?, raw)))
}

/// Decoded once and strictly: what is no UTF-8 stays encoded, and its percent signs then break the rules of ids and
/// names.
fn decoded(raw: &str) -> Cow<'_, str> {
    percent_decode_str(raw).decode_utf8().unwrap_or(Cow::Borrowed(raw))
}

#[cfg(test)]
mod tests {
    use super::{decoded, parameters};

    #[test]
    fn parameters_are_decoded_once() {
        let read = |path| {
            let parts = parameters(path, "/conf/{config}/things/{id}");
            parts.map(|(name, raw)| (name, decoded(raw).into_owned())).collect::<Vec<_>>()
        };
        assert_eq!(
            read("/api/v4.0/conf/prod/things/a%20b"),
            [("id", "a b".to_owned()), ("config", "prod".to_owned())]
        );
        assert_eq!(read("/conf/p/things/a%2520")[0].1, "a%20");
        assert_eq!(read("/conf/p/things/%FF")[0].1, "%FF");
        assert_eq!(read("/conf/p/things/a%2Fb")[0].1, "a/b");
    }
}
