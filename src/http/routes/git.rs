//! The door for git: `git clone http://host:port/git`.

use actix_web::http::Method;

use super::parameters::SERVICES;
use crate::http::git;
use crate::http::intent::FETCH;
use crate::http::needs::Needs;
use crate::http::route::{Input, Kinds, Operation, Output, Resource};
use crate::http::shape::Dialect;

/// Which branches somebody sees or moves is decided for each of them.
pub static RESOURCES: &[Resource] = &[
    Resource {
        path: "/git/info/refs",
        prefixed: false,
        kinds: Kinds::None,
        dialect: Dialect::Git,
        operations: &[Operation {
            method: Method::GET,
            name: "git_refs",
            needs: Needs::Something,
            summary: "What git's clients ask first: which branches and releases there are",
            query: SERVICES,
            input: Input::None,
            output: Output::Stream(&git::ADVERTISEMENTS),
            refuses: &[501],
            handle: |call| Box::pin(git::advertise(call)),
        }],
    },
    Resource {
        path: FETCH,
        prefixed: false,
        kinds: Kinds::None,
        dialect: Dialect::Git,
        operations: &[Operation {
            method: Method::POST,
            name: "git_fetch",
            needs: Needs::Something,
            summary: "What git clone and git fetch ask",
            query: &[],
            input: Input::Stream(git::FETCH_REQUEST),
            output: Output::Stream(&["application/x-git-upload-pack-result"]),
            refuses: &[501],
            handle: |call| Box::pin(git::fetch(call)),
        }],
    },
    Resource {
        path: "/git/git-receive-pack",
        prefixed: false,
        kinds: Kinds::None,
        dialect: Dialect::Git,
        operations: &[Operation {
            method: Method::POST,
            name: "git_push",
            needs: Needs::Something,
            summary: "What git push sends",
            query: &[],
            input: Input::Stream(git::PUSH_REQUEST),
            output: Output::Stream(&["application/x-git-receive-pack-result"]),
            refuses: &[501],
            handle: |call| Box::pin(git::push(call)),
        }],
    },
];
