//! `openapi`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use revconf::app;

use super::data::Data;
use super::output::print;

#[derive(Args)]
pub struct Openapi {
    /// A file with settings
    #[arg(long, value_name = "FILE", env = "REVCONF_CONFIG")]
    config: Option<PathBuf>,
}

pub fn openapi(command: Openapi) -> anyhow::Result<ExitCode> {
    let settings = Data { data: None, config: command.config }.settings()?;
    print(&format!("{:#}\n", app::description(&settings)))?;
    Ok(ExitCode::SUCCESS)
}
