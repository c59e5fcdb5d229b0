//! What every command of the client takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Which service, which configuration, who asks, and how the answer is shown.
#[derive(Args, Debug, Clone)]
pub struct Options {
    /// The service, with its prefix if it has one
    #[arg(
        long,
        value_name = "URL",
        env = "REVCONF_SERVER",
        default_value = "http://127.0.0.1:8080",
        help_heading = "Service"
    )]
    pub server: String,
    /// The configuration
    #[arg(
        long,
        value_name = "NAME",
        env = "REVCONF_CONFIGURATION",
        default_value = "prod",
        help_heading = "Service"
    )]
    pub config: String,
    /// A file with the key to show; or the key itself is in REVCONF_KEY
    #[arg(long, value_name = "FILE", env = "REVCONF_KEY_FILE", help_heading = "Service")]
    pub key_file: Option<PathBuf>,
    /// Certificates (PEM) to trust instead of the system's, where the URL begins with https
    #[arg(long, value_name = "FILE", env = "REVCONF_CA", help_heading = "Service")]
    pub ca: Option<PathBuf>,
    /// How to show what comes
    #[arg(short, long, value_enum, default_value_t = Format::Text, value_name = "FORMAT", help_heading = "Output")]
    pub output: Format,
    /// When to use colours; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, default_value_t = Colours::Auto, value_name = "WHEN", help_heading = "Output")]
    pub color: Colours,
}

/// How a command shows what it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// As the API has it
    Json,
}

/// When there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colours {
    Auto,
    Always,
    Never,
}

/// What every write takes.
#[derive(Args, Debug, Clone)]
pub struct Change {
    /// The commit's message; the default says what was done
    #[arg(short, long, value_name = "TEXT")]
    pub message: Option<String>,
    /// Show what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

impl Change {
    /// As the query has it.
    pub fn dry(&self) -> Option<&'static str> {
        self.dry_run.then_some("true")
    }
}
