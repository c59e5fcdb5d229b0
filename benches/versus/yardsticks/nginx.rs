//! nginx, sending the same bytes as files.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{Running, find, free_address};
use crate::service::is_ready;

/// What to do where it is missing.
pub const MISSING: &str = "not installed: apt-get install nginx-light";

/// nginx with files of its own.
pub struct Nginx {
    pub address: SocketAddr,
    _running: Running,
}

/// The program.
pub fn program() -> Option<PathBuf> {
    find("nginx")
}

impl Nginx {
    /// Serves these files, by name; `None` where nginx is not installed.
    pub fn start(files: &[(&str, &[u8])], scratch: &Path) -> anyhow::Result<Option<Self>> {
        let Some(program) = program() else { return Ok(None) };
        let address = free_address()?;
        let folder = scratch.join("nginx");
        fs::create_dir_all(folder.join("files"))?;
        for (name, bytes) in files {
            fs::write(folder.join("files").join(name), bytes)?;
        }
        fs::write(folder.join("nginx.conf"), settings(address, &folder))?;
        let mut command = Command::new(program);
        command.arg("-c").arg(folder.join("nginx.conf")).arg("-p").arg(&folder).args(["-e", "error.log"]);
        command.stdin(Stdio::null()).stderr(File::create(folder.join("stderr.log"))?);
        let mut running = Running::start(&mut command)?;
        let first = files.first().map_or("/".to_owned(), |(name, _)| format!("/{name}"));
        running.wait_until(|| is_ready(address, &first))?;
        Ok(Some(Nginx { address, _running: running }))
    }
}

/// As fast as it goes: nothing logged, connections kept, the kernel sends the files, as many workers as the service has.
fn settings(address: SocketAddr, folder: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|what| format!("  {what}_temp_path {}/{what};\n", folder.display()))
        .collect();
    format!(
        "daemon off;\nuser root;\nworker_processes {cores};\npid {0}/pid;\nevents {{ worker_connections 1024; }}\n\
         http {{\n{temporary}  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  keepalive_requests 1000000000;\n\
         \x20 open_file_cache max=10;\n  server {{ listen {address}; root {0}/files; default_type application/json; }}\n}}\n",
        folder.display()
    )
}
