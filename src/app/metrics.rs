//! What is measured.

use std::time::Duration;

use anyhow::anyhow;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// In seconds. Upper ends of the classes in which durations are counted: from what memory answers to what a busy disk
/// takes.
const DURATIONS: [f64; 12] = [1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 0.25, 1.0, 5.0];
/// Upper ends of the classes in which sizes of batches are counted.
const BATCHES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// How often measurements are put into their classes, which bounds the memory that they take till then.
const UPKEEP: Duration = Duration::from_secs(5);

/// Measures from here on, and says in words what each metric is.
///
/// # Errors
/// There are metrics already.
pub fn start() -> anyhow::Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &DURATIONS)?
        .set_buckets_for_metric(Matcher::Suffix("_changes".to_owned()), &BATCHES)?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| anyhow!("metrics are recorded elsewhere already"))?;
    metrics::describe_counter!("revconf_http_requests_total", "Requests that were answered");
    metrics::describe_histogram!("revconf_http_request_seconds", "How long answers took");
    metrics::describe_counter!("revconf_commits_total", "Commits that were made");
    metrics::describe_histogram!("revconf_batch_changes", "How many changes were written at a time");
    metrics::describe_gauge!(
        "revconf_queue_changes",
        "How many changes waited when the last batch was taken"
    );
    metrics::describe_counter!(
        "revconf_checkpoints_total",
        "How often the repository was synced and the journal emptied"
    );
    metrics::describe_counter!("revconf_key_checks_total", "Keys that were hashed to be checked");
    metrics::describe_gauge!("revconf_followers", "How many follow a configuration");
    metrics::describe_gauge!("revconf_git_processes", "How many of git's clients are served now");
    metrics::describe_gauge!("revconf_waiting", "How many reads are held until something changes");
    describe_mirrors();
    metrics::describe_gauge!("revconf_index_ready", "Whether the history index is up to date");
    metrics::describe_counter!(
        "revconf_index_commits_total",
        "Commits that were taken into the history index"
    );
    metrics::describe_counter!("revconf_index_rebuilds_total", "How often the history index was made again");
    metrics::describe_counter!(
        "revconf_history_walks_total",
        "How often git was walked because the history index could not tell"
    );
    // A page that has a counter from the first moment on lets a graph begin at nothing.
    metrics::counter!("revconf_commits_total").absolute(0);
    metrics::counter!("revconf_key_checks_total").absolute(0);
    Ok(handle)
}

fn describe_mirrors() {
    metrics::describe_gauge!(
        "revconf_mirror_lag_seconds",
        "Since when a mirror lacks something; 0 if it does not"
    );
    metrics::describe_gauge!(
        "revconf_mirror_lag_commits",
        "How many commits a mirror lacks, as far as that is known"
    );
    metrics::describe_gauge!("revconf_mirror_lag_refs", "How many branches, releases and archives differ");
    metrics::describe_gauge!(
        "revconf_mirror_last_success_timestamp_seconds",
        "When a mirror was last found or made up to date, in seconds since 1970; 0 is never"
    );
    metrics::describe_counter!(
        "revconf_mirror_attempts_total",
        "How often it was tried to bring a mirror up to date"
    );
    metrics::describe_counter!("revconf_mirror_failures_total", "How often that came to nothing");
}

/// Puts measurements into their classes, for ever.
pub async fn keep_up(prometheus: PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        prometheus.run_upkeep();
    }
}
