//! What commands take that work on a data directory.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use revconf::settings::{Flags, Settings};

#[derive(Args)]
pub struct Data {
    /// The data directory [default: ./data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A file with settings
    #[arg(long, value_name = "FILE", env = "REVCONF_CONFIG")]
    pub config: Option<PathBuf>,
}

impl Data {
    /// The settings.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        self.listening(None)
    }

    /// The settings, with the address where to listen as the command line has it.
    pub fn listening(&self, listen: Option<SocketAddr>) -> anyhow::Result<Settings> {
        let flags = Flags { data: self.data.clone(), listen };
        Ok(Settings::read(self.config.as_deref(), &flags)?)
    }
}
