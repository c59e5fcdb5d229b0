//! The service, from its start to its end.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{Instant, timeout_at};

use super::doors::{self, Doors};
use super::open::open;
use super::{description, listening, metrics};
use crate::http::body::Bodies;
use crate::http::call::Shared;
use crate::http::crowd::Crowd;
use crate::http::limits::Limits;
use crate::http::{server, tls};
use crate::registry::door::{Door, GitOptions};
use crate::registry::{Identity, Registry};
use crate::settings::{Git, Http, Settings};

/// So long a stop waits for what mirrors are at.
const MIRRORS_END: Duration = Duration::from_secs(10);

/// Serves until a signal says to stop, and finishes what was accepted.
///
/// # Errors
/// The data directory or the address cannot be used.
pub fn serve(settings: &Settings, insecure_open: bool) -> anyhow::Result<()> {
    let prometheus = metrics::start()?;
    // Who may come in is settled before anything is opened.
    let doors = Doors::open(settings, insecure_open)?;
    // Whatever is not the server's own runs on its first thread; the registry needs a runtime to be opened.
    let system = actix_web::rt::System::new();
    let registry = system.block_on(open(settings))?;
    let outcome = system.block_on(answer(settings, doors, &registry, prometheus));
    // Out here nothing asynchronous is left that closing could hold up.
    registry.close();
    // The runtime would wait for what a mirror has begun on a thread, however long that takes.
    if matches!(outcome, Ok(false)) {
        std::mem::forget(system);
    }
    outcome.map(drop)
}

/// Answers whether all that was begun has ended.
async fn answer(
    settings: &Settings,
    doors: Doors,
    registry: &Arc<Registry>,
    prometheus: PrometheusHandle,
) -> anyhow::Result<bool> {
    let connections = listening::connections(settings.http.max_connections);
    // Signals are heeded from before anyone can know that the service is there.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let listener = listening::listener(settings.http.listen)?;
    let address = listener.local_addr()?;
    let (gate, certificate) = (Arc::clone(&doors.gate), doors.certificate.clone());
    let tls = certificate.as_ref().map(tls::Certificate::config).transpose()?;
    let door = Door::open(Arc::clone(registry), &settings.data, git_options(&settings.git))
        .context("the folder for git in the data directory cannot be made")?;
    let upkeep = metrics::keep_up(prometheus.clone());
    let shared = shared(settings, doors, registry, &door, connections, prometheus);
    let options = server_options(&settings.http, connections);
    let server = server::serve(listener, tls, web::Data::new(shared), &options)?;
    let handle = server.handle();
    let running = spawn_local(server);
    let beside = [
        spawn_local(upkeep),
        spawn_local(doors::refresh(gate, certificate)),
        spawn_local(Arc::clone(&door).hear()),
        spawn_local(async move { door.look().await }),
    ];
    let mirrors: Vec<_> = registry.keep_mirrors().into_iter().map(spawn_local).collect();
    tracing::info!(%address, data = %settings.data.display(), version = env!("CARGO_PKG_VERSION"), "listening");
    tokio::select! {
        _ = terminate.recv() => tracing::info!(signal = "SIGTERM", "stopping"),
        _ = interrupt.recv() => tracing::info!(signal = "SIGINT", "stopping"),
    }
    // Those who follow would not end by themselves.
    registry.let_go();
    registry.stop_mirrors();
    handle.stop(true).await;
    for task in beside {
        task.abort();
    }
    let have_ended = end_mirrors(mirrors).await;
    running.await.context("the server's task failed")?.context("the server failed")?;
    Ok(have_ended)
}

/// What all handlers share.
fn shared(
    settings: &Settings,
    doors: Doors,
    registry: &Arc<Registry>,
    door: &Arc<Door>,
    connections: usize,
    prometheus: PrometheusHandle,
) -> Shared {
    let Settings { http, limits, commits, .. } = settings;
    let [body_timeout, send_timeout] = [http.body_timeout, http.send_timeout].map(Duration::from_secs);
    let Doors { gate, trust, trail, secrets, certificate: _ } = doors;
    let measured = Arc::clone(registry);
    Shared {
        registry: Arc::clone(registry),
        door: Arc::clone(door),
        anonymous: Identity::new(&commits.anonymous_name, &commits.anonymous_email),
        gate,
        trust,
        limits: Limits::new(limits.principal, limits.address, limits.burst),
        public: settings.access.public.clone(),
        origins: http.cors_origins.clone(),
        trail,
        bodies: Bodies::new(http.max_body, body_timeout, http.body_memory),
        crowd: Arc::new(Crowd::new(connections, send_timeout)),
        max_uri: http.max_uri,
        heartbeat: Duration::from_secs(http.heartbeat),
        prefixes: http.prefixes.clone(),
        azure_configuration: settings.azure.config.clone(),
        openapi: description(settings).to_string().into(),
        secrets,
        metrics: Box::new(move || {
            measured.measure_mirrors();
            prometheus.render()
        }),
    }
}

/// Waits a while until what mirrors are at has ended. Answers whether it has: what was fetched may be large, and is looked
/// through to the end. Nothing of it counts before that is done, so it can be left.
async fn end_mirrors(mirrors: Vec<JoinHandle<()>>) -> bool {
    let end = Instant::now() + MIRRORS_END;
    let mut have_ended = true;
    for mut mirror in mirrors {
        match timeout_at(end, &mut mirror).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "a mirror's task failed"),
            Err(_) => {
                tracing::warn!("what a mirror is at takes long, and is left undone");
                mirror.abort();
                have_ended = false;
            }
        }
    }
    have_ended
}

fn git_options(git: &Git) -> Option<GitOptions> {
    let Git { enabled, program, processes, timeout, max_push } = git.clone();
    let timeout = Duration::from_secs(timeout);
    enabled.then_some(GitOptions { program, processes, timeout, max_push })
}

fn server_options(http: &Http, connections: usize) -> server::Options {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    server::Options {
        workers: if http.workers == 0 { cores } else { http.workers },
        connections,
        keep_alive: Duration::from_secs(http.keep_alive),
        client_timeout: Duration::from_secs(http.client_timeout),
        shutdown_timeout: Duration::from_secs(http.shutdown_timeout),
    }
}
