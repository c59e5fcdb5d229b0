//! A hook of a push, in a process of its own, which git has started: it asks the service, and tells git what that says.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::{env, fmt};

use super::hooks::{SOCKET, Stage, parse_move};
use super::lines::{self, FLUSH};

/// The variable with which a push tells the service which one it is.
pub(super) const TOKEN: &str = "REVCONF_PUSH";
/// What the service says when it has stopped.
const GONE: &str = "the service has stopped; look whether it was done";

/// What the service says of one ref.
struct Verdict {
    name: String,
    /// Why it has not moved.
    refused: Option<String>,
}

/// All that the service says.
struct Answer {
    well: bool,
    verdicts: Vec<Verdict>,
}

/// Does a hook's work: git's words come from `input`, and go to `output`; what goes to `screen` is shown to whoever pushes.
/// Answers whether the push goes on.
///
/// # Errors
/// Git or the service cannot be heard.
pub fn run(
    stage: Stage,
    input: &mut impl BufRead,
    output: &mut impl Write,
    screen: &mut impl Write,
) -> io::Result<bool> {
    match stage {
        Stage::PreReceive => {
            let mut moves = String::new();
            input.read_to_string(&mut moves)?;
            let moves: Vec<_> = moves.split_terminator('\n').map(str::to_owned).collect();
            Ok(ask(stage, &moves, screen)?.well)
        }
        Stage::ProcReceive => proc_receive(input, output, screen),
    }
}

/// githooks, "proc-receive".
fn proc_receive(input: &mut impl Read, output: &mut impl Write, screen: &mut impl Write) -> io::Result<bool> {
    // The versions and features that git knows; nothing but the first version is needed.
    while read_line(input)?.is_some() {}
    output.write_all(&lines::line("version=1"))?;
    output.write_all(FLUSH)?;
    output.flush()?;
    let mut moves = Vec::new();
    while let Some(line) = read_line(input)? {
        moves.push(line.strip_suffix('\n').unwrap_or(&line).to_owned());
    }
    let answer = ask(Stage::ProcReceive, &moves, screen)?;
    for name in moves.iter().filter_map(|text| text.splitn(3, ' ').nth(2)) {
        let verdict = answer.verdicts.iter().find(|verdict| verdict.name == name);
        let line = match verdict {
            Some(Verdict { refused: None, .. }) => format!("ok {name}"),
            Some(Verdict { refused: Some(reason), .. }) => format!("ng {name} {reason}"),
            None => format!("ng {name} {GONE}"),
        };
        output.write_all(&lines::line(&line))?;
    }
    output.write_all(FLUSH)?;
    output.flush()?;
    Ok(true)
}

/// A line of git's; `None` at the end of a part.
fn read_line(input: &mut impl Read) -> io::Result<Option<String>> {
    let strange = |error: &dyn fmt::Display| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let digits = std::str::from_utf8(&length).map_err(|error| strange(&error))?;
    let number = u64::from_str_radix(digits, 16).map_err(|error| strange(&error))?;
    if number < 4 {
        return Ok(None);
    }
    let mut text = Vec::new();
    input.take(number - 4).read_to_end(&mut text)?;
    String::from_utf8(text).map(Some).map_err(|error| strange(&error))
}

/// Asks the service. What it says for people is shown at once.
fn ask(stage: Stage, moves: &[String], screen: &mut impl Write) -> io::Result<Answer> {
    // Git hands on what a client calls a ref, whatever that is; a line in it would be another move, which nobody looked at.
    let is_one = |text: &String| !text.contains(char::is_control) && parse_move(text).is_some();
    if !moves.iter().all(is_one) {
        writeln!(screen, "the name of a ref is none: it is empty, or has a control character in it")?;
        return Err(io::ErrorKind::InvalidData.into());
    }
    let token = env::var(TOKEN).unwrap_or_default();
    let mut question = format!("stage {}\ntoken {token}\n", stage.name());
    if let Some(folder) = env::var_os("GIT_QUARANTINE_PATH") {
        let name = Path::new(&folder).file_name().unwrap_or_default().to_string_lossy();
        question += &format!("quarantine {name}\n");
    }
    question.extend(moves.iter().map(|text| format!("move {text}\n")));
    question += "end\n";
    // Git calls hooks in the folder that stands for the repository, two below that of the socket; so its path is short.
    let mut stream = UnixStream::connect(Path::new("../..").join(SOCKET))?;
    stream.write_all(question.as_bytes())?;
    let mut answer = Answer { well: false, verdicts: Vec::new() };
    let mut ended = false;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match word {
            "say" => writeln!(screen, "{rest}")?,
            "ok" => answer.verdicts.push(Verdict { name: rest.to_owned(), refused: None }),
            "ng" => {
                let (name, reason) = rest.split_once(' ').unwrap_or((rest, "it is refused"));
                answer.verdicts.push(Verdict { name: name.to_owned(), refused: Some(reason.to_owned()) });
            }
            _ => {
                answer.well = word == "well";
                ended = true;
            }
        }
    }
    if !ended {
        writeln!(screen, "{GONE}")?;
    }
    Ok(answer)
}
