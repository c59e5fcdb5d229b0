//! Black-box tests: the real program, asked over HTTP, with the real `git` beside.

#![allow(
    clippy::allow_attributes,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::print_stderr,
    clippy::redundant_closure_for_method_calls,
    reason = "a test says by a panic that it failed, and so does what tests share"
)]

mod support;

mod access;
mod answers;
mod azure;
mod backup;
mod bad_input;
mod behind_the_back;
mod client;
mod command_line;
mod concurrency;
mod conditional;
mod configuration_copies;
mod configuration_versions;
mod configurations;
mod crash;
mod crash_loop;
mod damage;
mod diffs;
mod entries;
mod entry_ids;
mod entry_versions;
mod events;
mod faults;
mod git_door;
mod hand_made;
mod history_index;
mod house;
mod linearizability;
mod load;
mod looking_back;
mod maintenance;
mod merges;
mod migrations;
mod mirrors;
mod model;
mod openapi;
mod power_cut;
mod readme;
mod refused_sets;
mod releases;
mod requests;
mod restart;
mod reverts;
mod sets;
mod transactions;
mod version_filters;
mod version_pages;
mod versions;
mod waiting;
