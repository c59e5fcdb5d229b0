//! What goes back when a request is done.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::http::{StatusCode, header};
use bytes::Bytes;
use serde::Serialize;

use super::failure::Failure;
use super::headers::{IDENTITY, PREFERENCE_APPLIED, REVCONF_VERSION};
use super::sending::{PIECE, Pieces};
use crate::registry::{BlobId, CommitId, Conditions, Error, ObjectId, Rejection, Share, Shown, Verdict};

const JSON: &str = "application/json";

/// What a handler gives.
pub type Reply = Result<Answer, Failure>;

/// An answer in the making.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    content_type: Cow<'static, str>,
    body: Bytes,
    /// What comes bit by bit, in the place of the body.
    stream: Option<BoxBody>,
    version: Option<CommitId>,
    tag: Option<ObjectId>,
    location: Option<String>,
    link: Option<String>,
    /// Others are sent the same bytes.
    shared: bool,
    /// What the body takes of the memory for answers.
    share: Share,
    /// The commit that the request made, for the log.
    commit: Option<CommitId>,
    /// In seconds: so long the request was ready to wait.
    waited: Option<u64>,
}

/// Carried along with a response, for the log.
#[derive(Debug, Clone, Copy)]
pub struct MadeCommit(pub CommitId);

impl Answer {
    /// An answer with a body.
    pub fn new(
        status: StatusCode,
        content_type: impl Into<Cow<'static, str>>,
        body: impl Into<Bytes>,
    ) -> Self {
        Answer {
            status,
            content_type: content_type.into(),
            body: body.into(),
            stream: None,
            version: None,
            tag: None,
            location: None,
            link: None,
            shared: false,
            share: Share::default(),
            commit: None,
            waited: None,
        }
    }

    /// An answer that goes on until it ends or nobody reads it. It is not compressed, which would hold it back.
    pub fn stream(content_type: &'static str, stream: impl MessageBody + 'static) -> Self {
        Answer {
            stream: Some(BoxBody::new(stream)),
            ..Answer::new(StatusCode::OK, content_type, Bytes::new())
        }
    }

    /// A file that belongs to the program.
    pub fn file(content_type: &str, body: impl Into<Bytes>) -> Self {
        Answer::new(StatusCode::OK, content_type.to_owned(), body)
    }

    /// A JSON answer.
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        let mut body = serde_json::to_vec(value).unwrap_or_default();
        body.push(b'\n');
        Answer::new(status, JSON, body)
    }

    /// The answer to a read: 200, 304 or 412 by the request's conditions.
    ///
    /// # Errors
    /// `If-Match` does not hold.
    pub fn read(shown: Shown, conditions: &Conditions) -> Result<Self, Failure> {
        let Shown { version, tag, body } = shown;
        Answer::new(StatusCode::OK, JSON, body).version(version).tagged(tag, conditions)
    }

    /// Gives a read's answer its tag, and holds the request's conditions against it.
    ///
    /// # Errors
    /// `If-Match` does not hold.
    pub fn tagged(self, tag: ObjectId, conditions: &Conditions) -> Result<Self, Failure> {
        let answer = self.tag(tag);
        match conditions.of_read(tag) {
            Verdict::Proceed => Ok(answer),
            Verdict::NotModified => {
                Ok(Answer { status: StatusCode::NOT_MODIFIED, body: Bytes::new(), ..answer })
            }
            Verdict::Failed => {
                Err(Rejection { error: Error::PreconditionFailed, version: answer.version }.into())
            }
        }
    }

    /// As [`Answer::tagged`], where what is shown is no object of the repository: its tag is what git would name it.
    ///
    /// # Errors
    /// `If-Match` does not hold.
    pub fn tagged_by_body(self, conditions: &Conditions) -> Result<Self, Failure> {
        let tag = BlobId::of(&self.body).into();
        self.tagged(tag, conditions)
    }

    pub fn version(self, version: CommitId) -> Self {
        Answer { version: Some(version), ..self }
    }

    pub fn tag(self, tag: ObjectId) -> Self {
        Answer { tag: Some(tag), ..self }
    }

    /// The tag of what was written, where it is still there.
    pub fn tags(self, tag: Option<ObjectId>) -> Self {
        Answer { tag, ..self }
    }

    pub fn location(self, location: &str) -> Self {
        // Only what was made is somewhere.
        let location = (self.status == StatusCode::CREATED).then(|| location.to_owned());
        Answer { location, ..self }
    }

    pub fn link(self, link: Option<String>) -> Self {
        Answer { link, ..self }
    }

    /// Of a body that is kept anyway, and sent to all who ask.
    pub fn shared(self) -> Self {
        Answer { shared: true, ..self }
    }

    /// In bytes, what the body takes until it is sent, where it is large and there for this answer alone.
    pub fn weight(&self) -> Option<usize> {
        // What was done must not be answered by anything else.
        let own = !self.shared && self.commit.is_none();
        Some(self.body.len()).filter(|length| own && *length > PIECE)
    }

    pub fn share(self, share: Share) -> Self {
        Answer { share, ..self }
    }

    pub fn commit(self, commit: Option<CommitId>) -> Self {
        Answer { commit, ..self }
    }

    /// The answer says that the request might have waited.
    pub fn waited(self, seconds: u64) -> Self {
        Answer { waited: Some(seconds), ..self }
    }

    /// Whether it says that what the client has is still so.
    pub fn is_not_modified(&self) -> bool {
        self.status == StatusCode::NOT_MODIFIED
    }

    /// As the framework sends it, `piece` bytes at a time.
    pub fn into_response(self, piece: usize) -> HttpResponse {
        let mut builder = HttpResponse::build(self.status);
        if let Some(version) = self.version {
            builder.insert_header((REVCONF_VERSION, version.to_string()));
        }
        if let Some(tag) = self.tag {
            builder.insert_header((header::ETAG, format!("\"{tag}\"")));
        }
        if let Some(location) = self.location {
            builder.insert_header((header::LOCATION, location));
        }
        if let Some(link) = self.link {
            builder.insert_header((header::LINK, link));
        }
        if let Some(seconds) = self.waited {
            builder.insert_header((PREFERENCE_APPLIED, format!("wait={seconds}")));
        }
        // A text diff of what is the same is empty, and a text nevertheless.
        let bare = matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let mut response = if let Some(stream) = self.stream {
            builder.insert_header((header::CONTENT_TYPE, self.content_type.as_ref()));
            builder.insert_header((header::CONTENT_ENCODING, IDENTITY));
            // Proxies that gather an answer before they pass it on are told not to.
            builder.insert_header(("x-accel-buffering", "no")).body(stream)
        } else if bare {
            builder.finish()
        } else {
            builder.insert_header((header::CONTENT_TYPE, self.content_type.as_ref()));
            if self.body.len() > PIECE {
                builder.body(Pieces::new(self.body, piece, self.share))
            } else {
                builder.body(self.body)
            }
        };
        if let Some(commit) = self.commit {
            response.extensions_mut().insert(MadeCommit(commit));
        }
        response
    }
}
