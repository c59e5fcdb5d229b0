//! `hook`, which git calls.

use std::io;
use std::process::ExitCode;

use clap::Args;
use revconf::app;

#[derive(Args)]
pub struct Hook {
    /// The hook's name
    name: String,
}

pub fn hook(command: &Hook) -> anyhow::Result<ExitCode> {
    let (mut input, mut output, mut screen) = (io::stdin().lock(), io::stdout().lock(), io::stderr().lock());
    let well = app::hook(&command.name, &mut input, &mut output, &mut screen)?;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
