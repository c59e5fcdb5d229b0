//! Why a request is not done, and the one table from error to status.

use std::time::Duration;

use actix_web::http::header::{self, HeaderName};
use actix_web::http::{Method, StatusCode};

use crate::access::{Denial, Role};
use crate::document::Fault;
use crate::document::json::NotJson;
use crate::registry::door::{DoorError, WireError};
use crate::registry::{CommitId, Conflict, Error, OperationFault, Reason, Refused, Rejection};

/// Everything that a request can fail of.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Rejected(#[from] Rejection),
    #[error("there is nothing at {path}{hint}")]
    NoRoute { path: String, hint: &'static str },
    #[error("{method} cannot be used here; what can be used is {allow}")]
    MethodNotAllowed { method: Method, allow: String },
    #[error("this is answered as {forms} only, which Accept does not take")]
    NotAcceptable { forms: &'static str },
    #[error("this is answered as identity, gzip, br or zstd, none of which Accept-Encoding takes")]
    EncodingNotAcceptable,
    #[error("the body must be application/json in UTF-8, not {0}")]
    UnsupportedMediaType(String),
    #[error("the body must be {wanted}, not {found}")]
    NotOfType { wanted: &'static str, found: String },
    #[error("{0}")]
    Door(#[from] DoorError),
    #[error("the body is larger than {limit} bytes, which is the limit here")]
    BodyTooLarge { limit: u64 },
    #[error("the body has not arrived within {} s, which is the limit here", .time.as_secs())]
    BodyLate { time: Duration },
    #[error("the head of the request is larger than {limit} bytes, which is the limit here")]
    HeadTooLarge { limit: usize },
    #[error("the URL is longer than {limit} bytes, which is the limit here")]
    UrlTooLong { limit: usize },
    #[error("the header {name} is malformed: {reason}")]
    BadHeader { name: &'static str, reason: String },
    #[error("the parameter {name} {reason}")]
    BadParameter { name: &'static str, reason: String },
    #[error("the header If-Match is required here; * means any version")]
    IfMatchRequired,
    #[error("the body could not be read: {0}")]
    BodyLost(String),
    #[error("Request does not match schema")]
    BadQuery(Vec<Fault>),
    #[error("there is no memory for another body now; try again in a moment")]
    Busy,
    #[error("there are too many connections and requests now; try again in a moment")]
    Crowded,
    #[error("writes are not taken now")]
    NotReady,
    #[error("{}", reason_of(*.0))]
    Unauthenticated(Denial),
    #[error("neither X-Hub-Signature-256 nor X-Gitlab-Token shows the secret of a mirror of this name")]
    WrongSecret,
    #[error("this needs the role {role}{}", for_which(.configuration.as_deref()))]
    Forbidden { role: Role, configuration: Option<String> },
    #[error("a page of another origin asks for this write; http.cors_origins lists those that may")]
    ForeignPage,
    #[error("this is too often; try again in {} s", .wait.as_secs())]
    TooOften { wait: Duration },
    #[error("writes are not taken while the audit trail cannot be written")]
    NoTrail,
    /// What the framework refuses by itself.
    #[error("{}", .0.canonical_reason().unwrap_or("the request cannot be answered"))]
    Framework(StatusCode),
}

/// In seconds: by then a queue of changes has been worked off many times over.
const RETRY_AFTER: &str = "1";

/// What is asked of who has shown nothing, or nothing that is right (RFC 9110 section 11.6.1).
const CHALLENGES: [&str; 3] = [
    "Bearer realm=\"revconf\"",
    "Basic realm=\"revconf\", charset=\"UTF-8\"",
    "SharedAccessSignature realm=\"revconf\"",
];

/// Which part of what was shown is wrong is nobody's to know who has shown it.
fn reason_of(denial: Denial) -> &'static str {
    match denial {
        Denial::Nothing => {
            "who asks? Authorization takes a key as Bearer or Basic, or a SharedAccessSignature"
        }
        Denial::Expired => "the signature has expired",
        Denial::Wrong | Denial::Later(_) => "what Authorization or the certificate shows is not known here",
    }
}

fn for_which(configuration: Option<&str>) -> String {
    configuration.map(|name| format!(" for configuration {name:?}")).unwrap_or_default()
}

/// The status of a reason why an operation cannot be done: that of a request about its entry alone.
pub fn of_operation(reason: Reason) -> StatusCode {
    match reason {
        Reason::Absent => StatusCode::NOT_FOUND,
        Reason::Exists => StatusCode::CONFLICT,
        Reason::Stale => StatusCode::PRECONDITION_FAILED,
        Reason::Rule => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// Of several reasons the one decides that a request about one entry would be told first.
fn of_operations(faults: &[OperationFault]) -> StatusCode {
    let first = faults.iter().map(|fault| fault.reason).min();
    of_operation(first.unwrap_or(Reason::Rule))
}

impl Failure {
    /// Whole seconds, so that who waits them is not told to wait again.
    pub fn too_often(wait: Duration) -> Self {
        Failure::TooOften { wait: Duration::from_secs(wait.as_secs() + 1) }
    }

    /// The table.
    pub fn status(&self) -> StatusCode {
        match self {
            Failure::Rejected(rejection) => match &rejection.error {
                Error::NoConfiguration(_)
                | Error::NoEntry { .. }
                | Error::NoVersion { .. }
                | Error::NotYet { .. }
                | Error::NotInVersion { .. }
                | Error::NoRelease { .. }
                | Error::NotListed { .. }
                | Error::NoArchive { .. }
                | Error::NoMirror(_) => StatusCode::NOT_FOUND,
                Error::ConfigurationExists(_)
                | Error::EntryExists { .. }
                | Error::ReleaseExists { .. }
                | Error::SetNotEmpty { .. }
                | Error::NotToday { .. }
                | Error::Conflicts { .. } => StatusCode::CONFLICT,
                Error::OriginForbidden(_) | Error::Followed { .. } => StatusCode::FORBIDDEN,
                Error::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
                Error::NotJson(_) | Error::TwoMessages => StatusCode::BAD_REQUEST,
                Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
                Error::Operations(faults) => of_operations(faults),
                Error::NotTaken(_) | Error::Raced => StatusCode::SERVICE_UNAVAILABLE,
                Error::Damaged(_) | Error::Broken => StatusCode::INTERNAL_SERVER_ERROR,
            },
            Failure::Door(error) => match error {
                DoorError::Closed | DoorError::Wire(WireError::Missing(_)) => StatusCode::NOT_IMPLEMENTED,
                DoorError::Wire(WireError::Busy) => StatusCode::SERVICE_UNAVAILABLE,
                DoorError::Wire(WireError::Io(_) | WireError::Damage(_)) | DoorError::Broken => {
                    StatusCode::INTERNAL_SERVER_ERROR
                }
                DoorError::Malformed(_) => StatusCode::BAD_REQUEST,
            },
            Failure::NoRoute { .. } => StatusCode::NOT_FOUND,
            Failure::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Failure::NotAcceptable { .. } | Failure::EncodingNotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Failure::UnsupportedMediaType(_) | Failure::NotOfType { .. } => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Failure::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Failure::BodyLate { .. } => StatusCode::REQUEST_TIMEOUT,
            Failure::HeadTooLarge { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Failure::UrlTooLong { .. } => StatusCode::URI_TOO_LONG,
            Failure::BadHeader { .. }
            | Failure::BadParameter { .. }
            | Failure::IfMatchRequired
            | Failure::BodyLost(_) => StatusCode::BAD_REQUEST,
            Failure::BadQuery(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Failure::Busy | Failure::Crowded | Failure::NotReady | Failure::NoTrail => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Failure::Unauthenticated(_) | Failure::WrongSecret => StatusCode::UNAUTHORIZED,
            Failure::Forbidden { .. } | Failure::ForeignPage => StatusCode::FORBIDDEN,
            Failure::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
            Failure::Framework(status) => *status,
        }
    }

    /// Whether whoever sent the request is to be rid of: what follows on the connection is of no use, or one too many.
    pub fn ends_connection(&self) -> bool {
        matches!(self, Failure::BodyLate { .. } | Failure::HeadTooLarge { .. } | Failure::Crowded)
    }

    /// Every rule that is broken, with its place.
    pub fn faults(&self) -> Option<&[Fault]> {
        match self {
            Failure::Rejected(Rejection { error: Error::Invalid(faults), .. })
            | Failure::BadQuery(faults) => Some(faults),
            _ => None,
        }
    }

    /// All that is wrong with a transaction.
    pub fn operations(&self) -> Option<&[OperationFault]> {
        match self {
            Failure::Rejected(Rejection { error: Error::Operations(faults), .. }) => Some(faults),
            _ => None,
        }
    }

    /// How many conflicts a merge has, and those that are told.
    pub fn conflicts(&self) -> Option<(usize, &[Conflict])> {
        match self {
            Failure::Rejected(Rejection { error: Error::Conflicts { total, conflicts }, .. }) => {
                Some((*total, conflicts))
            }
            _ => None,
        }
    }

    /// Where the body is not JSON.
    pub fn not_json(&self) -> Option<&NotJson> {
        match self {
            Failure::Rejected(Rejection { error: Error::NotJson(error), .. }) => Some(error),
            _ => None,
        }
    }

    /// Which version of the configuration the failure was found in.
    pub fn version(&self) -> Option<CommitId> {
        match self {
            Failure::Rejected(Rejection { version, .. }) => *version,
            _ => None,
        }
    }

    /// The headers that belong to the status.
    pub fn headers(&self) -> Vec<(HeaderName, String)> {
        match self {
            Failure::MethodNotAllowed { allow, .. } => vec![(header::ALLOW, allow.clone())],
            Failure::Rejected(Rejection { error: Error::NotTaken(refused), .. }) => match refused {
                // To ask again helps nothing before somebody has looked.
                Refused::Unknown(_) | Refused::Astray(_) => Vec::new(),
                _ => vec![(header::RETRY_AFTER, RETRY_AFTER.to_owned())],
            },
            Failure::Unauthenticated(_) | Failure::WrongSecret => {
                CHALLENGES.map(|challenge| (header::WWW_AUTHENTICATE, challenge.to_owned())).to_vec()
            }
            Failure::TooOften { wait } => vec![(header::RETRY_AFTER, wait.as_secs().to_string())],
            Failure::Door(DoorError::Wire(WireError::Busy))
            | Failure::Rejected(Rejection { error: Error::Raced, .. })
            | Failure::Busy
            | Failure::Crowded
            | Failure::NotReady
            | Failure::NoTrail => {
                vec![(header::RETRY_AFTER, RETRY_AFTER.to_owned())]
            }
            _ => Vec::new(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Rejected(error.into())
    }
}
