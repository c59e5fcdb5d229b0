//! The command line.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use revconf::access::key::{Hash, Key};
use revconf::access::{Grant, key, principals};
use revconf::app;
use revconf::client;
use revconf::document::{KINDS, Kind};
use revconf::ledger::bundle::deliver::Service;
use revconf::ledger::bundle::fates::{Fate, Restored};
use revconf::ledger::bundle::restore::Restoration;
use revconf::ledger::remote::Key as ServiceKey;
use revconf::registry::import::Import;
use revconf::registry::{Error, Identity, Mode, name};
use revconf::settings::{Flags, Settings};

/// Versioned configuration for the back-ends behind reverse proxies, kept in a git repository.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API; also what happens without any command.
    Serve(Serve),
    /// Read every branch, commit and document of a repository, and say what is wrong.
    Check {
        #[command(flatten)]
        shared: Shared,
    },
    /// Take documents from a file into a configuration; no service may be using the data directory. Settings come from
    /// the file that REVCONF_CONFIG names, and the environment.
    Import(ImportFlags),
    /// Write everything that the repository holds into one file, and check that; a service may be using it. Exit status 1
    /// if that fails.
    Backup {
        #[command(flatten)]
        shared: Shared,
        /// Remove older backups in the folder, but for so many together with this one
        #[arg(long, value_name = "NUMBER")]
        keep: Option<NonZeroUsize>,
        /// The folder; it is made where there is none
        folder: PathBuf,
    },
    /// Check a backup and make it the repository, or bring what is missing into the one that is there. A service that is using
    /// the data directory is asked to take it in, by --server. Exit status 4 if something differs, and was left as it is.
    Restore(RestoreFlags),
    /// Make keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Print the description of the API (OpenAPI 3.1).
    Openapi {
        /// A file with settings
        #[arg(long, value_name = "FILE", env = "REVCONF_CONFIG")]
        config: Option<PathBuf>,
    },
    #[command(flatten)]
    Client(client::Command),
    /// Do the work of a hook for a push: git calls this.
    #[command(hide = true)]
    Hook {
        /// The hook's name
        name: String,
    },
    /// Print what makes a shell complete these commands.
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Print a new key, which nothing else will ever tell again, and what to store of it.
    New(NewKey),
}

#[derive(Args)]
struct NewKey {
    /// Whose it is; the author of the commits that are made with it
    #[arg(long)]
    name: String,
    /// The author's e-mail address [default: NAME@localhost]
    #[arg(long)]
    email: Option<String>,
    /// What may be done with which configurations, such as editor=staging-*; may be said more than once
    #[arg(long, value_name = "ROLE=PATTERN")]
    role: Vec<Grant>,
    /// A second key as well, for Azure's SharedAccessSignature
    #[arg(long)]
    signing: bool,
}

#[derive(Args)]
struct Shared {
    /// The data directory [default: ./data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A file with settings
    #[arg(long, value_name = "FILE", env = "REVCONF_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(Args)]
struct RestoreFlags {
    #[command(flatten)]
    shared: Shared,
    /// Bring it into the service that runs there, instead of into a data directory: configurations and releases, through its
    /// door for git. Takes an installed git
    #[arg(long, value_name = "URL", conflicts_with = "data", help_heading = "Service")]
    server: Option<String>,
    /// A file with the key to show to the service; or the key itself is in REVCONF_KEY
    #[arg(long, value_name = "FILE", env = "REVCONF_KEY_FILE", help_heading = "Service")]
    key_file: Option<PathBuf>,
    /// Certificates (PEM) to trust instead of the system's, where the URL begins with https
    #[arg(long, value_name = "FILE", env = "REVCONF_CA", help_heading = "Service")]
    ca: Option<PathBuf>,
    /// The backup, or a folder of which the newest is taken
    backup: PathBuf,
}

#[derive(Args)]
struct Serve {
    #[command(flatten)]
    shared: Shared,
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Listen on other than loopback addresses although there are no principals, so that everybody may do everything
    #[arg(long)]
    insecure_open: bool,
}

#[derive(Args)]
struct ImportFlags {
    /// The data directory [default: ./data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The configuration; it is created where there is none
    #[arg(long, value_name = "NAME", value_parser = configuration)]
    config: String,
    /// What the documents are
    #[arg(long, default_value = KINDS[0].name, value_parser = kind)]
    kind: &'static Kind,
    /// The documents become the complete set; else they replace those of the same id or join
    #[arg(long)]
    replace: bool,
    /// The commits' author, as "Name <mail@example.org>"
    #[arg(long, value_parser = author)]
    author: Option<Identity>,
    /// The message of the commit that takes the documents in
    #[arg(long, value_parser = message)]
    message: Option<String>,
    /// An array of documents, an object with such an array as "items", or one document; - is standard input
    file: PathBuf,
}

fn configuration(text: &str) -> Result<String, String> {
    name::parse(text).map(|name| name.to_string()).map_err(|fault| format!("a configuration's name {fault}"))
}

fn kind(name: &str) -> Result<&'static Kind, String> {
    let known = || KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
    Kind::named(name).ok_or_else(|| format!("the kinds are {}", known()))
}

fn author(text: &str) -> Result<Identity, String> {
    let parts = text.strip_suffix('>').and_then(|text| text.split_once('<'));
    let (name, email) = parts.ok_or("an author looks like \"Name <mail@example.org>\"")?;
    Ok(Identity::new(name, email))
}

fn message(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        1..=1000 => Ok(text.to_owned()),
        found => Err(format!("a message has 1 to 1000 characters, this one has {found}")),
    }
}

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let outcome = match command_line.command.unwrap_or(Command::Serve(command_line.serve)) {
        Command::Serve(flags) => serve(&flags),
        Command::Check { shared } => check(&shared),
        Command::Import(flags) => import(flags),
        Command::Backup { shared, keep, folder } => backup(&shared, keep, &folder),
        Command::Restore(flags) => restore(&flags),
        Command::Key(KeyCommand::New(flags)) => new_key(&flags),
        Command::Openapi { config } => openapi(config),
        Command::Hook { name } => hook(&name),
        Command::Client(command) => Ok(client::run(&command)),
        Command::Completions { shell } => completions(shell),
    };
    outcome.unwrap_or_else(|error| {
        // The exit status tells it too, if standard error is gone.
        writeln!(io::stderr(), "revconf: {error:#}").map_or(ExitCode::FAILURE, |()| ExitCode::FAILURE)
    })
}

fn settings(shared: &Shared, listen: Option<SocketAddr>) -> anyhow::Result<Settings> {
    let flags = Flags { data: shared.data.clone(), listen };
    Ok(Settings::read(shared.config.as_deref(), &flags)?)
}

fn serve(flags: &Serve) -> anyhow::Result<ExitCode> {
    let settings = settings(&flags.shared, flags.listen)?;
    let _log = app::start_log(&settings.log)?;
    app::serve(&settings, flags.insecure_open)?;
    Ok(ExitCode::SUCCESS)
}

/// Something of the backup differs from what is there.
const DIFFERS: u8 = 4;

fn backup(shared: &Shared, keep: Option<NonZeroUsize>, folder: &Path) -> anyhow::Result<ExitCode> {
    let data = settings(shared, None)?.data;
    let made = app::backup(&data, folder, keep.map(NonZeroUsize::get)).context("nothing was backed up")?;
    let mut lines = format!("{}\n", made.path.display());
    lines += &format!(
        "holds {}, {} in {}; all of it was read again and is sound\n",
        count(made.refs as u64, "ref", "refs"),
        count(made.commits, "commit", "commits"),
        count(made.bytes, "byte", "bytes"),
    );
    lines.extend(made.removed.iter().map(|older| format!("removed {}\n", older.display())));
    lines += &format!("to restore: revconf restore --data {} {}\n", data.display(), made.path.display());
    print(&lines)?;
    Ok(ExitCode::SUCCESS)
}

fn restore(flags: &RestoreFlags) -> anyhow::Result<ExitCode> {
    let settings = settings(&flags.shared, None)?;
    let done = match &flags.server {
        None => app::restore(&settings.data, &flags.backup),
        Some(url) => {
            let key = match client::key(flags.key_file.as_deref()) {
                Ok(key) => key.map(ServiceKey::new),
                Err(failure) => {
                    writeln!(io::stderr(), "revconf: {failure}").ok();
                    return Ok(ExitCode::from(failure.status()));
                }
            };
            let service = Service { url: url.clone(), key, certificates: flags.ca.clone() };
            app::deliver(&settings.git.program, &service, &flags.backup)
        }
    };
    let done = done.context("the backup was not restored")?;
    let (lines, refused) = told(&done);
    print(&lines)?;
    if !refused.is_empty() {
        return Err(anyhow!("not all of the backup was restored:{refused}"));
    }
    let left = done.refs.iter().any(|restored| matches!(restored.fate, Fate::Left { .. }));
    Ok(if left { ExitCode::from(DIFFERS) } else { ExitCode::SUCCESS })
}

/// What became of the refs of a backup, and what was not taken.
fn told(done: &Restoration) -> (String, String) {
    let (mut lines, mut refused) = (String::new(), String::new());
    let [mut same, mut left, mut failed, mut out] = [0, 0, 0, 0];
    for Restored { name, id, fate } in &done.refs {
        match fate {
            Fate::Created if done.is_new => {}
            Fate::Created => lines += &format!("created {name} at {id}\n"),
            Fate::Forwarded { from } => lines += &format!("moved {name} on from {from} to {id}\n"),
            Fate::Unchanged | Fate::Newer => same += 1,
            Fate::Left { here, reason } => {
                left += 1;
                let here = here.map_or_else(|| "is not here".to_owned(), |here| format!("is at {here}"));
                lines += &format!("left {name}, which {here}, and at {id} in the backup: {reason}\n");
            }
            Fate::Refused { reason } => {
                failed += 1;
                refused += &format!("\n  {name}, at {id} in the backup: {reason}");
            }
            Fate::LeftOut => out += 1,
        }
    }
    let all = done.refs.len();
    let refs = |number: usize| count(number as u64, "ref", "refs");
    if out > 0 {
        lines += &format!(
            "left out {}, such as archives, which a service takes from nobody; revconf restore --data brings them while it is \
             stopped\n",
            refs(out)
        );
    }
    lines += &match done.is_new {
        true => format!("restored {} and {}", refs(all), count(done.commits, "commit", "commits")),
        false => format!(
            "restored {}; of {} nothing was missing, {left} left as they are",
            refs(all - same - left - failed - out),
            refs(same)
        ),
    };
    lines += &format!(" from {}\n", done.bundle.display());
    (lines, refused)
}

fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn check(shared: &Shared) -> anyhow::Result<ExitCode> {
    let report = app::check(&settings(shared, None)?.data)?;
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

fn openapi(config: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let settings = settings(&Shared { data: None, config }, None)?;
    print(&format!("{:#}\n", app::description(&settings)))?;
    Ok(ExitCode::SUCCESS)
}

fn hook(name: &str) -> anyhow::Result<ExitCode> {
    let (mut input, mut output, mut screen) = (io::stdin().lock(), io::stdout().lock(), io::stderr().lock());
    let well = app::hook(name, &mut input, &mut output, &mut screen)?;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "revconf", &mut text);
    print(&String::from_utf8(text)?)?;
    Ok(ExitCode::SUCCESS)
}

fn new_key(flags: &NewKey) -> anyhow::Result<ExitCode> {
    let key = Key::new()?;
    let hash = Hash::new(&key)?;
    let signing_key = flags.signing.then(key::new_signing_key).transpose()?;
    let email = flags.email.clone().unwrap_or_else(|| format!("{}@localhost", flags.name.replace(' ', ".")));
    let entry = principals::entry(&flags.name, &email, &flags.role, &key, &hash, signing_key.as_deref());
    principals::Principals::parse(&entry).map_err(|faults| anyhow!("no key was made: {faults}"))?;
    print(&format!(
        "The key, told this once; whoever has it is {}:\n\n{}\n\nFor the file that access.principals names, which \
         must be its owner's alone:\n\n{entry}",
        flags.name,
        key.reveal(),
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn import(flags: ImportFlags) -> anyhow::Result<ExitCode> {
    let shared = Shared { data: flags.data, config: std::env::var_os("REVCONF_CONFIG").map(PathBuf::from) };
    let settings = settings(&shared, None)?;
    let _log = app::start_log(&settings.log)?;
    let mut bytes = Vec::new();
    let from_stdin = flags.file.as_os_str() == "-";
    if from_stdin {
        io::stdin().read_to_end(&mut bytes).context("standard input cannot be read")?;
    } else {
        bytes =
            std::fs::read(&flags.file).with_context(|| format!("{} cannot be read", flags.file.display()))?;
    }
    let commits = &settings.commits;
    let import = Import {
        configuration: flags.config.clone(),
        kind: flags.kind,
        mode: if flags.replace { Mode::Replace } else { Mode::Merge },
        author: flags
            .author
            .unwrap_or_else(|| Identity::new(&commits.anonymous_name, &commits.anonymous_email)),
        message: flags.message,
    };
    let imported =
        app::import(&settings, import, &bytes).map_err(|error| match error.downcast::<Error>() {
            Ok(Error::Invalid(faults)) => {
                let faults: String = faults.iter().map(|fault| format!("\n  {fault}")).collect();
                anyhow!("nothing was imported:{faults}")
            }
            Ok(Error::NotJson(error)) if from_stdin => {
                anyhow!("nothing was imported: standard input is {error}")
            }
            Ok(Error::NotJson(error)) => anyhow!("nothing was imported: {} is {error}", flags.file.display()),
            Ok(error) => anyhow!("nothing was imported: {error}"),
            Err(error) => error,
        })?;
    let (count, kind) = (imported.documents, flags.kind);
    let noun = if count == 1 { kind.singular } else { kind.plural };
    print(&format!("{count} {noun} of format {} imported into {}\n", imported.format, flags.config))?;
    Ok(ExitCode::SUCCESS)
}

/// A reader that has gone, as `head` does, is no failure worth a panic.
fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("standard output cannot be written"),
    }
}
