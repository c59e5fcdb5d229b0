//! The parameters that routes share.

use crate::http::backends::{DEFAULT_TOP, FILTER, LARGEST_TOP, SKIP, TOP};
use crate::http::query::{Form, Parameter};
use crate::http::versions::LARGEST_PAGE;
use crate::http::{git, merges, sets};
use crate::registry::message;

const MESSAGE: Parameter = Parameter {
    name: "message",
    about: "The commit's message; the default says what was done to which entry.",
    form: Form::Message { longest: message::LONGEST },
};
const DRY_RUN: Parameter = Parameter {
    name: "dry_run",
    about: "Check everything, write nothing, and answer what would have changed.",
    form: Form::Flag,
};
const MODE: Parameter = Parameter {
    name: "mode",
    about: "replace: the body becomes the complete set. merge: its entries replace those of the same id or join.",
    form: Form::Choice(&["replace", sets::MERGE]),
};
const PREFER: Parameter = Parameter {
    name: "prefer",
    about: "Whose state an entry is to have that both sides have changed: theirs is the merged configuration's. \
            Without it that is a conflict.",
    form: Form::OneOf(&merges::SIDES),
};
/// Which of git's services a client means to use.
pub const SERVICES: &[Parameter] = &[Parameter {
    name: "service",
    about: "What the client is about to do. Without it a client speaks git's older protocol for plain web servers, which is \
            not spoken here.",
    form: Form::OneOf(&git::SERVICES),
}];
const LIMIT: Parameter = Parameter {
    name: "limit",
    about: "So many versions at most.",
    form: Form::Whole { min: 1, max: LARGEST_PAGE, absent: LARGEST_PAGE },
};
const AFTER: Parameter = Parameter {
    name: "after",
    about: "Only versions that come after this one in the list.",
    form: Form::Text,
};
const AUTHOR: Parameter = Parameter {
    name: "author",
    about: "Only versions with this in the author's name or address, whatever the case.",
    form: Form::Text,
};
const SINCE: Parameter =
    Parameter { name: "since", about: "Only versions of this time or later (RFC 3339).", form: Form::Time };
const UNTIL: Parameter =
    Parameter { name: "until", about: "Only versions of this time or earlier (RFC 3339).", form: Form::Time };
const TEXT: Parameter = Parameter {
    name: "q",
    about: "Only versions with this in the message, whatever the case.",
    form: Form::Text,
};

const VERSION: Parameter =
    Parameter { name: "version", about: "Show it as it was at this version, or release.", form: Form::Text };
const AT: Parameter = Parameter {
    name: "at",
    about: "Show it as it was at this time (RFC 3339): at the newest version that is not younger. Versions are dated to \
            the second; of several of one second the last counts. Not beside version.",
    form: Form::Moment,
};

const AGAINST: Parameter = Parameter {
    name: "against",
    about: "The version or release to compare with; the default is the version's parent, or nothing for the first one.",
    form: Form::Text,
};

const RELEASE_LIMIT: Parameter = Parameter {
    name: "limit",
    about: "So many releases at most.",
    form: Form::Whole { min: 1, max: LARGEST_PAGE, absent: LARGEST_PAGE },
};
const RELEASE_AFTER: Parameter = Parameter {
    name: "after",
    about: "Only releases that come after the one of this name in the list.",
    form: Form::Text,
};

/// Of lists of releases.
pub const RELEASES: &[Parameter] = &[RELEASE_LIMIT, RELEASE_AFTER];
/// Of differences.
pub const DIFF: &[Parameter] = &[AGAINST];
/// Of reads.
pub const READ: &[Parameter] = &[VERSION, AT];
/// Of writes.
pub const WRITE: &[Parameter] = &[MESSAGE, DRY_RUN];
/// Of writes of complete sets.
pub const WRITE_SET: &[Parameter] = &[MODE, MESSAGE, DRY_RUN];
/// Of writes that make no commit.
pub const DRY: &[Parameter] = &[DRY_RUN];
/// Of merges.
pub const MERGE: &[Parameter] = &[PREFER, MESSAGE, DRY_RUN];
/// Of lists of versions.
pub const PAGE: &[Parameter] = &[LIMIT, AFTER, AUTHOR, SINCE, UNTIL, TEXT];

const FROM: Parameter = Parameter {
    name: "since",
    about: "Begin with what came after this version; Last-Event-ID does the same, and counts first. The default is now.",
    form: Form::Text,
};
const KIND: Parameter =
    Parameter { name: "kind", about: "Only commits that changed entries of this kind.", form: Form::Kind };
const ID: Parameter =
    Parameter { name: "id", about: "Only commits that changed this entry, of that kind.", form: Form::Text };

/// Of streams of events.
pub const EVENTS: &[Parameter] = &[FROM, KIND, ID];

const API_VERSION: Parameter = Parameter {
    name: "api-version",
    about: "The version of Azure's API that the client speaks; any is served alike.",
    form: Form::ApiVersion,
};
const FILTER_BY: Parameter = Parameter {
    name: FILTER,
    about: "An OData 4.0 expression over id and host, such as startswith(host,'api') and id ne 'old'.",
    form: Form::Filter,
};
const TOP_MOST: Parameter = Parameter {
    name: TOP,
    about: "So many entities at most.",
    form: Form::Whole { min: 1, max: LARGEST_TOP, absent: DEFAULT_TOP },
};
const SKIPPED: Parameter = Parameter {
    name: SKIP,
    about: "So many of those that match are left out first.",
    form: Form::Whole { min: 0, max: usize::MAX, absent: 0 },
};

/// Of reads in Azure's dialect.
pub const AZURE_READ: &[Parameter] = &[VERSION, AT, API_VERSION];
/// Of its writes.
pub const AZURE_WRITE: &[Parameter] = &[API_VERSION, MESSAGE, DRY_RUN];
/// Of its list.
pub const AZURE_LIST: &[Parameter] = &[FILTER_BY, TOP_MOST, SKIPPED, VERSION, AT, API_VERSION];
