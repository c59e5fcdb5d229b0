//! `check`.

use std::process::ExitCode;

use clap::Args;
use revconf::app;

use super::data::Data;
use super::output::{count, print};

#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    data: Data,
}

pub fn check(command: &Check) -> anyhow::Result<ExitCode> {
    let report = app::check(&command.data.settings()?.data)?;
    let mut lines: String = report.findings.iter().map(|finding| format!("{finding}\n")).collect();
    let count = |number: usize, one: &str, many: &str| count(number as u64, one, many);
    let wrong = match report.findings.len() {
        0 => "nothing is wrong".to_owned(),
        number => count(number, "thing is wrong", "things are wrong"),
    };
    lines += &format!(
        "{}, {}, {}, {}: {wrong}\n",
        count(report.branches, "branch", "branches"),
        count(report.archives, "archive", "archives"),
        count(report.commits, "commit", "commits"),
        count(report.documents, "version of a document", "versions of documents"),
    );
    print(&lines)?;
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
