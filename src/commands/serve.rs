//! `serve`, which is also what happens without any command.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use revconf::app;

use super::data::Data;

#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    data: Data,
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Listen on other than loopback addresses although there are no principals, so that everybody may do everything
    #[arg(long)]
    insecure_open: bool,
}

pub fn serve(command: &Serve) -> anyhow::Result<ExitCode> {
    let settings = command.data.listening(command.listen)?;
    let _log = app::start_log(&settings.log)?;
    app::serve(&settings, command.insecure_open)?;
    Ok(ExitCode::SUCCESS)
}
