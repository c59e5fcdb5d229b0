//! The only place that joins the parts: settings, log, metrics, registry and server.

mod lines;
mod text;

use std::io::{self, BufRead, IsTerminal, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use anyhow::{Context, anyhow};
use ipnet::IpNet;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use rustix::net::listen;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use self::lines::{Lines, Writing};
use self::text::Text;
use crate::access::audit::{self, Trail};
use crate::access::file::read_secret;
use crate::access::webhook::{Secret, Secrets};
use crate::access::{Gate, Grant, gate};
use crate::http::authentication::Trust;
use crate::http::body::Bodies;
use crate::http::call::Shared;
use crate::http::crowd::Crowd;
use crate::http::limits::Limits;
use crate::http::{openapi, server, tls};
use crate::ledger::bundle;
use crate::ledger::bundle::backup::Backup;
use crate::ledger::bundle::deliver::Service;
use crate::ledger::bundle::restore::Restoration;
use crate::ledger::repository;
use crate::ledger::wire::hook;
use crate::ledger::wire::hooks::Stage;
use crate::registry::check::{self, Report};
use crate::registry::door::{Door, GitOptions};
use crate::registry::import::{Import, Imported};
use crate::registry::mirrors::{self, Mirrors, Wanted};
use crate::registry::{Checkpoints, Identity, Options, Registry, name};
use crate::settings::{Access, Archives, Direction, Git, Http, Log, LogFormat, LogLevel, Mirror, Settings};

/// In seconds. Upper ends of the classes in which durations are counted: from what memory answers to what a busy disk
/// takes.
const DURATIONS: [f64; 12] = [1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 0.25, 1.0, 5.0];
/// Upper ends of the classes in which sizes of batches are counted.
const BATCHES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// How often measurements are put into their classes, which bounds the memory that they take till then.
const UPKEEP: Duration = Duration::from_secs(5);

/// How often it is looked whether the principals' file and the certificate have changed.
const LOOK: Duration = Duration::from_secs(1);

/// So long a stop waits for what mirrors are at.
const MIRRORS_END: Duration = Duration::from_secs(10);

/// Writes the log to standard error from here on, and all that is left of it when what is returned goes.
///
/// # Errors
/// There is a log already.
pub fn start_log(log: &Log) -> anyhow::Result<Writing> {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // What the framework tells of its own threads is of no use to an operator while all is well.
    let framework = if level > LevelFilter::INFO { level } else { level.min(LevelFilter::WARN) };
    // And what it calls an error is what strangers send, which must not wake anybody.
    let malformed = if level > LevelFilter::INFO { level } else { LevelFilter::OFF };
    let filter = Targets::new()
        .with_default(level)
        .with_target("actix_server", framework)
        .with_target("actix_http", malformed)
        .with_target("rustls", malformed);
    let (lines, writing) = Lines::begin(io::stderr())?;
    let lines = fmt::layer().with_writer(lines).with_target(false);
    let lines = match log.format {
        LogFormat::Text if io::stderr().is_terminal() => lines.with_ansi(true).boxed(),
        LogFormat::Text => lines.with_ansi(false).event_format(Text).boxed(),
        LogFormat::Json => lines.json().with_span_list(false).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).try_init()?;
    Ok(writing)
}

/// Serves until a signal says to stop, and finishes what was accepted.
///
/// # Errors
/// The data directory or the address cannot be used.
pub fn serve(settings: &Settings, insecure_open: bool) -> anyhow::Result<()> {
    let prometheus = start_metrics()?;
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

async fn open(settings: &Settings) -> anyhow::Result<Arc<Registry>> {
    name::parse(&settings.azure.config).map_err(|fault| anyhow!("the setting azure.config {fault}"))?;
    let registry = Registry::open(&settings.data, options(settings), mirrors(settings)?).await?;
    Ok(registry)
}

/// Answers whether all that was begun has ended.
async fn answer(
    settings: &Settings,
    doors: Doors,
    registry: &Arc<Registry>,
    prometheus: PrometheusHandle,
) -> anyhow::Result<bool> {
    let Http { listen: wanted, max_body, max_uri, body_memory, .. } = settings.http;
    let connections = connections(settings.http.max_connections);
    let Http { body_timeout, send_timeout, .. } = settings.http;
    let [body_timeout, send_timeout] = [body_timeout, send_timeout].map(Duration::from_secs);
    // Signals are heeded from before anyone can know that the service is there.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let listener = TcpListener::bind(wanted).with_context(|| format!("cannot listen on {wanted}"))?;
    listener.set_nonblocking(true)?;
    // The standard library lets 128 wait to be accepted; of more, some would have to try again after a second.
    listen(&listener, BACKLOG).with_context(|| format!("cannot listen on {wanted}"))?;
    let address = listener.local_addr()?;
    let upkeep = prometheus.clone();
    let measured = Arc::clone(registry);
    let Doors { gate, trust, trail, certificate, secrets } = doors;
    let tls = certificate.as_ref().map(tls::Certificate::config).transpose()?;
    let door = Door::open(Arc::clone(registry), &settings.data, git_options(&settings.git))
        .context("the folder for git in the data directory cannot be made")?;
    let shared = web::Data::new(Shared {
        registry: Arc::clone(registry),
        door: Arc::clone(&door),
        anonymous: Identity::new(&settings.commits.anonymous_name, &settings.commits.anonymous_email),
        gate: Arc::clone(&gate),
        trust,
        limits: Limits::new(settings.limits.principal, settings.limits.address, settings.limits.burst),
        public: settings.access.public.clone(),
        origins: settings.http.cors_origins.clone(),
        trail,
        bodies: Bodies::new(max_body, body_timeout, body_memory),
        crowd: Arc::new(Crowd::new(connections, send_timeout)),
        max_uri,
        heartbeat: Duration::from_secs(settings.http.heartbeat),
        prefixes: settings.http.prefixes.clone(),
        azure_configuration: settings.azure.config.clone(),
        openapi: description(settings).to_string().into(),
        secrets,
        metrics: Box::new(move || {
            measured.measure_mirrors();
            prometheus.render()
        }),
    });
    let server = server::serve(listener, tls, shared, &server_options(&settings.http, connections))?;
    let handle = server.handle();
    let running = tokio::task::spawn_local(server);
    let upkeep = tokio::task::spawn_local(async move {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    let look = tokio::task::spawn_local(async move {
        let mut ticks = tokio::time::interval(LOOK);
        loop {
            ticks.tick().await;
            gate.refresh();
            if let Some(certificate) = &certificate {
                certificate.refresh();
            }
        }
    });
    let mirrors: Vec<_> = registry.keep_mirrors().into_iter().map(tokio::task::spawn_local).collect();
    let hear = tokio::task::spawn_local(Arc::clone(&door).hear());
    let find = tokio::task::spawn_local(async move { door.look().await });
    tracing::info!(%address, data = %settings.data.display(), version = env!("CARGO_PKG_VERSION"), "listening");
    tokio::select! {
        _ = terminate.recv() => tracing::info!(signal = "SIGTERM", "stopping"),
        _ = interrupt.recv() => tracing::info!(signal = "SIGINT", "stopping"),
    }
    // Those who follow would not end by themselves.
    registry.let_go();
    registry.stop_mirrors();
    handle.stop(true).await;
    upkeep.abort();
    look.abort();
    hear.abort();
    find.abort();
    let have_ended = end_mirrors(mirrors).await;
    running.await.context("the server's task failed")?.context("the server failed")?;
    Ok(have_ended)
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

/// Does the work of a hook for a push, in a process that git has started: its words come from `input` and go to `output`, and
/// what is for people to `screen`. Answers whether the push goes on.
///
/// # Errors
/// There is no such hook, or git or the service cannot be heard.
pub fn hook(
    name: &str,
    input: &mut impl BufRead,
    output: &mut impl Write,
    screen: &mut impl Write,
) -> anyhow::Result<bool> {
    let stage = Stage::named(name).with_context(|| format!("there is no hook {name}"))?;
    hook::run(stage, input, output, screen).context("the service cannot be reached")
}

fn git_options(git: &Git) -> Option<GitOptions> {
    let Git { enabled, program, processes, timeout, max_push } = git.clone();
    let timeout = Duration::from_secs(timeout);
    enabled.then_some(GitOptions { program, processes, timeout, max_push })
}

/// The description of the API as these settings have it.
pub fn description(settings: &Settings) -> Value {
    openapi::document(&settings.http.prefixes)
}

/// Other git servers, with everything that is wrong told at once.
fn mirrors(settings: &Settings) -> anyhow::Result<Mirrors> {
    let wanted = settings.mirrors.iter().map(|mirror| Wanted {
        name: mirror.name.clone(),
        url: mirror.url.clone(),
        direction: match mirror.direction {
            Direction::Push => mirrors::Direction::Push,
            Direction::Follow => mirrors::Direction::Follow,
        },
        configurations: mirror.configurations.clone(),
        archives: mirror.archives.map(|archives| match archives {
            Archives::Sent => mirrors::Archives::Sent,
            Archives::There => mirrors::Archives::There,
            Archives::Nowhere => mirrors::Archives::Nowhere,
        }),
        configuration: mirror.configuration.clone(),
        branch: mirror.branch.clone(),
        interval: mirror.interval,
        has_secret: path(&mirror.secret_file).is_some(),
        user: mirror.user.clone(),
        token_file: mirror.token_file.clone(),
        ssh_key: mirror.ssh_key.clone(),
        known_hosts: mirror.known_hosts.clone(),
    });
    let (read, mut faults) = match mirrors::read(&wanted.collect::<Vec<_>>(), &settings.git.program) {
        Ok(read) => (read, Vec::new()),
        Err(faults) => (Vec::new(), faults),
    };
    faults.extend(wrong_files(settings));
    if faults.is_empty() {
        Ok(Mirrors::new(read))
    } else {
        Err(anyhow!("the settings are wrong: {}", faults.join("; ")))
    }
}

/// What mirrors' servers show, by the names of the mirrors.
fn secrets(settings: &Settings) -> anyhow::Result<Secrets> {
    let with_secret = settings.mirrors.iter().filter_map(|mirror| Some((mirror, path(&mirror.secret_file)?)));
    let read = with_secret.map(|(mirror, file)| {
        let secret = Secret::parse(&read_secret(&file)?)
            .with_context(|| format!("mirror {:?}: the secret in {}", mirror.name, file.display()))?;
        Ok((mirror.name.clone(), secret))
    });
    read.collect()
}

/// Files of mirrors that cannot be read, or that others may read.
fn wrong_files(settings: &Settings) -> Vec<String> {
    let of_mirror = |mirror: &Mirror| {
        let secret = [&mirror.token_file, &mirror.ssh_key, &mirror.secret_file]
            .into_iter()
            .filter_map(|file| path(file));
        let secret = secret.filter_map(|file| read_secret(&file).err().map(|error| error.to_string()));
        let open = path(&mirror.known_hosts)
            .filter(|file| std::fs::File::open(file).is_err())
            .map(|file| format!("{} cannot be read", file.display()));
        let faults = secret.chain(open).map(|fault| format!("mirror {:?}: {fault}", mirror.name));
        faults.collect::<Vec<_>>()
    };
    settings.mirrors.iter().flat_map(of_mirror).collect()
}

/// What stands between the world and the registry.
struct Doors {
    gate: Arc<Gate>,
    trust: Trust,
    trail: Option<Trail>,
    certificate: Option<Arc<tls::Certificate>>,
    secrets: Secrets,
}

impl Doors {
    fn open(settings: &Settings, insecure_open: bool) -> anyhow::Result<Self> {
        let Settings { access, tls, audit, http, .. } = settings;
        let gate = Arc::new(gate(access)?);
        let certificate = path(&tls.certificate).map(|certificate| {
            let client_ca = path(&tls.client_ca);
            tls::Certificate::open(tls::Options { certificate, key: tls.key.clone(), client_ca })
        });
        let certificate = certificate.transpose().context("TLS")?;
        check_listening(http.listen, &gate, certificate.is_some(), insecure_open)?;
        let trail = path(&audit.file).map(|file| {
            let shown = file.display().to_string();
            let (size, keep, required) = (audit.size, audit.keep, audit.required);
            Trail::open(audit::Options { file, size, keep, required })
                .with_context(|| format!("the audit trail {shown} cannot be written"))
        });
        let secrets = secrets(settings)?;
        Ok(Doors { gate, trust: trust(access)?, trail: trail.transpose()?, certificate, secrets })
    }
}

/// Empty in the settings is none.
fn path(setting: &Path) -> Option<PathBuf> {
    (!setting.as_os_str().is_empty()).then(|| setting.to_owned())
}

fn gate(access: &Access) -> anyhow::Result<Gate> {
    let strangers: Vec<Grant> = access
        .proxy_roles
        .iter()
        .map(|role| role.parse().map_err(|fault| anyhow!("access.proxy_roles has {role:?}, which {fault}")))
        .collect::<anyhow::Result<_>>()?;
    let Some(file) = path(&access.principals) else { return Ok(Gate::Open) };
    let (remember, guesses) = (Duration::from_secs(access.remember), access.guesses);
    let options = gate::Options { file, remember, guesses, strangers };
    Gate::open(options).context("the principals' file (access.principals)")
}

fn trust(access: &Access) -> anyhow::Result<Trust> {
    let header = |name: &str| (!name.is_empty()).then(|| name.parse()).transpose();
    let network = |text: &String| {
        let single = text.parse::<IpAddr>().map(IpNet::from);
        single.or_else(|_| text.parse()).with_context(|| {
            format!(
                "access.proxies has {text:?}, which is neither an address nor a network such as 10.0.0.0/8"
            )
        })
    };
    Ok(Trust {
        proxies: access.proxies.iter().map(network).collect::<anyhow::Result<_>>()?,
        user: header(&access.proxy_user).context("access.proxy_user")?,
        email: header(&access.proxy_email).context("access.proxy_email")?,
        address: header(&access.proxy_address).context("access.proxy_address")?,
    })
}

/// Who reaches an open service may do everything, so only this machine reaches one unless that is asked for in words.
fn check_listening(
    listen: SocketAddr,
    gate: &Gate,
    encrypted: bool,
    insecure_open: bool,
) -> anyhow::Result<()> {
    let here = listen.ip().to_canonical().is_loopback();
    if gate.is_open() && !here {
        if !insecure_open {
            return Err(anyhow!(
                "{listen} can be reached by others, and without principals everybody may do everything: set \
                 access.principals, listen on 127.0.0.1, or say --insecure-open"
            ));
        }
        tracing::warn!(%listen, "everybody who reaches this address may do everything (--insecure-open)");
    } else if !encrypted && !here {
        tracing::warn!(%listen, "keys come over the network unencrypted; set tls.certificate, unless a proxy is before it");
    }
    Ok(())
}

fn options(settings: &Settings) -> Options {
    let Settings { commits, journal, .. } = settings;
    Options {
        queue: commits.queue,
        largest_batch: commits.batch,
        committer: Identity::new(&commits.committer_name, &commits.committer_email),
        largest_file: settings.http.max_body,
        checkpoints: Checkpoints { size: journal.size, period: Duration::from_secs(journal.period) },
    }
}

/// So many connections wait to be accepted; the system may allow fewer.
const BACKLOG: i32 = 4096;

/// Files that are open beside connections: the repository, the index, the log.
const OTHER_FILES: u64 = 768;

/// How many connections there can be, each of which is an open file: the system's soft limit is taken up to the hard one.
fn connections(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            limit
        }
    };
    let Some(files) = limit.current else { return wanted };
    // Where there are very few, half of them are for connections.
    let room = files.saturating_sub(OTHER_FILES).max(files / 2);
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if room < wanted {
        tracing::warn!(
            open_files = files,
            connections = room,
            wanted,
            "the limit of open files allows fewer connections"
        );
    }
    wanted.min(room)
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

fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    use metrics_exporter_prometheus::Matcher;
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

/// Takes documents into the repository of a data directory that no service uses.
///
/// # Errors
/// The directory is in use, or the documents break rules.
pub fn import(settings: &Settings, import: Import, bytes: &[u8]) -> anyhow::Result<Imported> {
    let system = actix_web::rt::System::new();
    let registry = system.block_on(open(settings))?;
    let outcome = system.block_on(registry.import(import, bytes));
    registry.close();
    outcome.map_err(|rejection| anyhow::Error::new(rejection.error))
}

/// Checks the repository of a data directory; a service may be using it.
///
/// # Errors
/// There is no repository.
pub fn check(data: &Path) -> anyhow::Result<Report> {
    Ok(check::check(data)?)
}

/// Makes a backup of the repository of a data directory in a folder; a service may be using it.
///
/// # Errors
/// There is no repository, it is damaged, or the disk fails.
pub fn backup(data: &Path, folder: &Path, keep: Option<usize>) -> anyhow::Result<Backup> {
    Ok(bundle::backup::backup(&data.join(repository::FOLDER), folder, keep)?)
}

/// Restores a data directory that no service uses.
///
/// # Errors
/// The backup is not sound, the directory is in use, or the disk fails.
pub fn restore(data: &Path, from: &Path) -> anyhow::Result<Restoration> {
    Ok(bundle::restore::restore(data, from)?)
}

/// Restores into a service that runs.
///
/// # Errors
/// The backup is not sound, there is no git, or the service cannot be reached.
pub fn deliver(program: &Path, service: &Service, from: &Path) -> anyhow::Result<Restoration> {
    Ok(bundle::deliver::deliver(program, service, from)?)
}
