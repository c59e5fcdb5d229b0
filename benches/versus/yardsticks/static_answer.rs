//! The framework that the service is built on, answering the same bytes from memory, in a process of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{App, HttpResponse, HttpServer, web};
use bytes::Bytes;
use clap::Args;

use crate::documents::Sample;
use crate::process::{Running, free_address};
use crate::service::is_ready;

/// The hidden command that this program starts itself with.
pub const COMMAND: &str = "static-answer";

/// What the process is told.
#[derive(Args)]
pub struct Served {
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long)]
    body: PathBuf,
    #[arg(long)]
    header: Vec<String>,
}

/// Answers until it is ended.
pub fn serve(served: &Served) -> anyhow::Result<()> {
    let body = Bytes::from(fs::read(&served.body)?);
    let mut headers = Vec::new();
    for header in &served.header {
        let (name, value) = header.split_once(": ").unwrap_or((header, ""));
        headers.push((name.parse::<HeaderName>()?, value.parse::<HeaderValue>()?));
    }
    let factory = move || {
        let (body, headers) = (body.clone(), headers.clone());
        App::new().default_service(web::to(move || {
            let mut answer = HttpResponse::Ok();
            for (name, value) in &headers {
                answer.insert_header((name.clone(), value.clone()));
            }
            std::future::ready(answer.body(body.clone()))
        }))
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let server = HttpServer::new(factory).workers(cores).bind(served.listen)?.run();
    Ok(actix_web::rt::System::new().block_on(server)?)
}

/// The process.
pub struct StaticAnswer {
    pub address: SocketAddr,
    _running: Running,
}

impl StaticAnswer {
    pub fn start(sample: &Sample, scratch: &Path) -> anyhow::Result<Self> {
        let address = free_address()?;
        let body = scratch.join(format!("static-answer-{}", address.port()));
        fs::write(&body, &sample.body)?;
        let mut command = Command::new("/proc/self/exe");
        command.arg(COMMAND).args(["--listen", &address.to_string()]).arg("--body").arg(&body);
        for (name, value) in &sample.headers {
            command.args(["--header", &format!("{name}: {value}")]);
        }
        let mut running = Running::start(command.stdin(Stdio::null()))?;
        running.wait_until(|| is_ready(address, "/"))?;
        Ok(StaticAnswer { address, _running: running })
    }
}
