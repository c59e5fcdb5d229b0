//! What a route is, and how a request that came to it is answered.

use std::borrow::Cow;
use std::pin::Pin;

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

use super::admission;
use super::answer::Reply;
use super::body::Incoming;
use super::call::{self, Brings, Call, Expected, Shared};
use super::failure::Failure;
use super::headers::REVCONF_VERSION;
use super::needs::Needs;
use super::query::Parameter;
use super::sending;
use super::shape::Dialect;
use super::waiting;
use crate::access::Role;
use crate::document::{KINDS, Kind};

/// A handler.
pub type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Reply>>>;

/// A path and what can be done there.
pub struct Resource {
    /// `{kind}` stands for each kind's name in turn.
    pub path: &'static str,
    /// Whether the path is about the matter of the service, and so under each prefix; else it is at the root only.
    pub prefixed: bool,
    pub kinds: Kinds,
    pub dialect: Dialect,
    pub operations: &'static [Operation],
}

/// Which kinds a path is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinds {
    /// The path is not about documents.
    None,
    /// Every kind but these.
    AllBut(&'static [&'static str]),
    /// The kind of this name.
    Only(&'static str),
}

/// One method at a path.
pub struct Operation {
    pub method: Method,
    /// Unique; for paths with a kind, the kind's name is put after it.
    pub name: &'static str,
    /// What is asked of whoever wants it.
    pub needs: Needs,
    pub summary: &'static str,
    pub query: &'static [Parameter],
    pub input: Input,
    pub output: Output,
    /// Statuses that are this operation's own; those that many share follow from the rest.
    pub refuses: &'static [u16],
    pub handle: Handler,
}

/// What a request brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    None,
    Document,
    Set,
    Creation,
    Description,
    Release,
    Transaction,
    Merge,
    /// What Azure's clients send to create a backend.
    Entity,
    /// What they send to change one.
    EntityPatch,
    /// Bytes of this media type, which the handler takes as they come.
    Stream(&'static str),
}

/// What a request that is done gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Document,
    Set,
    Versions,
    Whole,
    /// What differs between two versions: patches, or a text diff.
    Difference,
    Configuration,
    Configurations,
    Release,
    Releases,
    /// A release that was made, or was there already.
    Released,
    Created,
    Updated,
    Deleted,
    Archived,
    /// A transaction that was done.
    Applied,
    /// A merge that was made.
    Merged,
    /// An entity of Azure's.
    Entity,
    /// A page of them.
    Entities,
    /// The entity that was created.
    CreatedEntity,
    /// A write's answer without a body.
    Nothing,
    Health,
    OpenApi,
    /// A stream of events.
    Events,
    /// How it goes with the mirrors.
    Mirrors,
    /// It is going to be done.
    Noted,
    /// Text that is no JSON, of this media type.
    Text(&'static str),
    /// Bytes of one of these media types, as they come.
    Stream(&'static [&'static str]),
}

impl Output {
    /// Whether the answer is JSON.
    pub fn is_json(self) -> bool {
        !matches!(self, Output::Events | Output::Text(_) | Output::Stream(_))
    }

    /// Whether the answer is to a write.
    pub fn is_write(self) -> bool {
        matches!(
            self,
            Output::Created
                | Output::Released
                | Output::Updated
                | Output::Deleted
                | Output::Archived
                | Output::Applied
                | Output::Merged
                | Output::CreatedEntity
                | Output::Nothing
        )
    }
}

impl Operation {
    fn expected(&self, resource: &Resource) -> Expected {
        Expected {
            template: resource.path,
            brings: match self.input {
                Input::None => Brings::Nothing,
                Input::Stream(_) => Brings::Stream,
                _ => Brings::Json,
            },
            json: self.output.is_json(),
            diff: self.output == Output::Difference,
            dialect: resource.dialect,
            needs: self.needs,
            query: self.query,
        }
    }
}

impl Resource {
    /// The kinds that the path stands for; one that is not about documents stands for itself.
    pub fn each(&self) -> Vec<Option<&'static Kind>> {
        match self.kinds {
            Kinds::None => vec![None],
            Kinds::Only(name) => vec![Kind::named(name)],
            Kinds::AllBut(others) => {
                KINDS.iter().filter(|kind| !others.contains(&kind.name)).map(|kind| Some(*kind)).collect()
            }
        }
    }

    /// The path for one of these kinds.
    pub fn path_for(&self, kind: Option<&Kind>) -> String {
        self.path.replace("{kind}", kind.map_or("{kind}", |kind| kind.name))
    }

    /// The methods, as `Allow` lists them.
    pub fn allow(&self) -> String {
        let mut methods = Vec::new();
        for operation in self.operations {
            methods.push(operation.method.as_str());
            if operation.method == Method::GET {
                methods.push("HEAD");
            }
        }
        methods.push("OPTIONS");
        methods.join(", ")
    }

    /// Answers a request that came to the resource, for one of its kinds.
    pub async fn answer(
        &'static self,
        kind: Option<&'static Kind>,
        request: HttpRequest,
        mut incoming: Incoming,
        shared: web::Data<Shared>,
    ) -> HttpResponse {
        let response = self.answer_to(kind, &request, &mut incoming, shared).await;
        unread(response, incoming)
    }

    async fn answer_to(
        &'static self,
        kind: Option<&'static Kind>,
        request: &HttpRequest,
        incoming: &mut Incoming,
        shared: web::Data<Shared>,
    ) -> HttpResponse {
        let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        let operation = self.operations.iter().find(|operation| operation.method == *method);
        // Not even which version is there is told to who is not let in.
        let needs = operation.map_or_else(|| self.least(), |operation| operation.needs);
        let configuration = self.configuration(request, &shared);
        let configuration = configuration.as_deref();
        if let Err(failure) = admission::admit(request, needs, configuration, &shared).await {
            return self.dialect.shape(request).answer(&failure);
        }
        let reply = match operation {
            Some(operation) => {
                let there = check_configuration(configuration, operation.input == Input::Creation, &shared);
                let there = there.and_then(|()| check_own(configuration, operation, &shared));
                match there {
                    Ok(()) => self.operate(operation, kind, request, incoming, shared.clone()).await,
                    Err(failure) => Err(failure),
                }
            }
            None if request.method() == Method::OPTIONS => {
                let response = HttpResponse::NoContent().insert_header(("allow", self.allow())).finish();
                return with_version(response, configuration, &shared);
            }
            None => {
                let creates = self.operations.iter().any(|operation| operation.input == Input::Creation);
                let refused =
                    Failure::MethodNotAllowed { method: request.method().clone(), allow: self.allow() };
                Err(check_configuration(configuration, creates, &shared).err().unwrap_or(refused))
            }
        };
        let response = match reply {
            Ok(answer) => answer.into_response(sending::piece(shared.crowd.connections())),
            Err(failure) => self.dialect.shape(request).answer(&failure),
        };
        with_version(response, configuration, &shared)
    }

    async fn operate(
        &'static self,
        operation: &'static Operation,
        kind: Option<&'static Kind>,
        request: &HttpRequest,
        incoming: &mut Incoming,
        shared: web::Data<Shared>,
    ) -> Reply {
        let call = Call::read(request, incoming, shared.clone(), kind, &operation.expected(self)).await?;
        if operation.expected(self).brings == Brings::Stream {
            let reply = (operation.handle)(call.clone()).await;
            if let Some(unread) = call.incoming() {
                *incoming = unread;
            }
            return reply;
        }
        let answer = match waiting::asked(request, &call) {
            None => (operation.handle)(call).await?,
            Some(seconds) => {
                let configuration = self.configuration(request, &shared);
                waiting::answer(operation.handle, call, configuration.as_deref(), seconds).await?
            }
        };
        match answer.weight() {
            Some(weight) => Ok(answer.share(shared.bodies.send(weight).await?)),
            None => Ok(answer),
        }
    }

    /// What somebody needs who asks what can be done here.
    pub fn least(&self) -> Needs {
        if self.kinds != Kinds::None || self.path.contains("{config}") {
            return Needs::Role(Role::Reader);
        }
        let open = self.operations.iter().all(|operation| operation.needs == Needs::Nothing);
        if open { Needs::Nothing } else { Needs::Something }
    }

    /// The configuration that a request is about: documents without one in their path are Azure's at the root. It is
    /// read from the path as handlers read it, so that who may is asked about the very one that they use.
    fn configuration<'a>(&self, request: &'a HttpRequest, shared: &'a Shared) -> Option<Cow<'a, str>> {
        let named = call::parameter(request.uri().path(), self.path, "config");
        let at_root = || (self.kinds != Kinds::None).then_some(Cow::Borrowed(&*shared.azure_configuration));
        named.or_else(at_root)
    }
}

/// What has not been read of a request, kept with its answer until `edge` gives it a place in the body.
pub struct Unread(pub Incoming);

/// Keeps what has not been read of a request until its answer is sent. The framework, once nobody wants it, would read
/// chunks until their sender ends them; so it closes the connection instead.
pub fn unread(mut response: HttpResponse, incoming: Incoming) -> HttpResponse {
    // What was done was read; 204 may be for OPTIONS, which reads nothing.
    let read = response.status().is_success() && response.status() != StatusCode::NO_CONTENT;
    if !read && response.status() != StatusCode::NOT_MODIFIED {
        response.extensions_mut().insert(Unread(incoming));
    }
    response
}

/// A configuration that is not there is told before anything else that is wrong with a request about it.
fn check_configuration(name: Option<&str>, may_be_new: bool, shared: &Shared) -> Result<(), Failure> {
    match name {
        Some(name) if !may_be_new => Ok(shared.registry.find(name).map(drop)?),
        _ => Ok(()),
    }
}

/// What follows another server is changed there, so that not even a dry run says what would be.
fn check_own(name: Option<&str>, operation: &Operation, shared: &Shared) -> Result<(), Failure> {
    match name {
        Some(name) if operation.output.is_write() => Ok(shared.registry.check_own(name)?),
        _ => Ok(()),
    }
}

/// Every answer about a configuration tells its version; one that was found wrong before the configuration was looked
/// at tells the newest.
fn with_version(mut response: HttpResponse, configuration: Option<&str>, shared: &Shared) -> HttpResponse {
    if !response.headers().contains_key(REVCONF_VERSION)
        && let Some(version) = configuration.and_then(|name| shared.registry.version_of(name))
        && let Ok(value) = version.to_string().parse()
    {
        response.headers_mut().insert(REVCONF_VERSION, value);
    }
    response
}
