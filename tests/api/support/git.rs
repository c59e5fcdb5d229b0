//! The repository as the real `git` sees it: what the service writes must mean the same to everybody else.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The id of the tree with nothing in it.
pub const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// One repository, bare or not.
pub struct Git {
    directory: PathBuf,
}

/// One commit as `git log` prints it.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    pub id: String,
    pub tree: String,
    pub parents: Vec<String>,
    pub author: String,
    pub email: String,
    pub committer: String,
    pub committer_email: String,
    /// Seconds since 1970, of the committer.
    pub time: i64,
    pub subject: String,
    pub body: String,
}

impl Git {
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// A new bare repository, as `git init` makes it, whose `HEAD` names this branch.
    #[track_caller]
    pub fn init(directory: impl Into<PathBuf>, branch: &str) -> Self {
        let git = Self::at(directory);
        std::fs::create_dir_all(&git.directory).expect("a directory for the repository");
        git.text(&["init", "--quiet", "--bare", "--initial-branch", branch]);
        git
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The commits of a branch or other revision, newest first, all parents followed.
    #[track_caller]
    pub fn log(&self, revision: &str) -> Vec<Commit> {
        self.log_with(&[revision])
    }

    /// The same for any further arguments of `git log`, such as `--first-parent` or `-- path`.
    #[track_caller]
    pub fn log_with(&self, arguments: &[&str]) -> Vec<Commit> {
        let format = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%ct%x00%s%x00%b%x01";
        let text = self.text(&[&["log", format], arguments].concat());
        text.split('\u{1}')
            .map(|record| record.trim_start_matches('\n'))
            .filter(|record| !record.is_empty())
            .map(parse_commit)
            .collect()
    }

    /// The newest commit of a branch or other revision.
    #[track_caller]
    pub fn head(&self, revision: &str) -> Commit {
        self.log_with(&["-1", revision]).remove(0)
    }

    /// The bytes of a file at a revision.
    #[track_caller]
    pub fn show(&self, revision: &str, path: &str) -> Vec<u8> {
        self.bytes(&["cat-file", "blob", &format!("{revision}:{path}")])
    }

    /// The paths of all files at a revision, in git's order.
    #[track_caller]
    pub fn ls(&self, revision: &str) -> Vec<String> {
        self.text(&["ls-tree", "-r", "-z", "--name-only", revision])
            .split_terminator('\0')
            .map(str::to_owned)
            .collect()
    }

    /// The object that a revision, such as `prod:backend-services`, names; `None` if there is none.
    pub fn find(&self, revision: &str) -> Option<String> {
        let output = self
            .command(&["rev-parse", "--verify", "--quiet", revision])
            .output()
            .unwrap_or_else(|error| missing(&error));
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    #[track_caller]
    pub fn rev_parse(&self, revision: &str) -> String {
        self.find(revision).unwrap_or_else(|| panic!("git finds no {revision}"))
    }

    /// All refs and what they point at.
    #[track_caller]
    pub fn refs(&self) -> Vec<(String, String)> {
        let text = self.text(&["for-each-ref", "--format=%(refname) %(objectname)"]);
        text.lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, id)| (name.to_owned(), id.to_owned()))
            .collect()
    }

    /// The bytes of every object, unpacked, one after the other.
    #[track_caller]
    pub fn contents(&self) -> Vec<u8> {
        self.bytes(&["cat-file", "--batch-all-objects", "--batch"])
    }

    /// Every ref and every object, in one text: what must stay the same where nothing may be written.
    #[track_caller]
    pub fn everything(&self) -> String {
        let objects = self.text(&["cat-file", "--batch-all-objects", "--batch-check"]);
        format!("{:#?}\n{objects}", self.refs())
    }

    /// The id that git gives a blob of these bytes; nothing is written.
    #[track_caller]
    pub fn hash_object(&self, bytes: &[u8]) -> String {
        self.fed(&["hash-object", "--stdin"], bytes)
    }

    /// Panics unless git finds the whole repository sound.
    #[track_caller]
    pub fn fsck(&self) {
        loop {
            let packs = self.packs();
            let output = self
                .command(&["fsck", "--strict", "--full", "--no-dangling", "--no-progress"])
                .output()
                .unwrap_or_else(|error| missing(&error));
            let said = [output.stdout, output.stderr].concat();
            if output.status.success() && said.is_empty() {
                return;
            }
            // git lists the packs first and reads them later: one that was merged into another in between, by the
            // service or by a `git gc`, is an error to it. That says nothing of what there is now.
            let merged = packs.iter().any(|pack| !pack.exists());
            assert!(merged, "git fsck complains: {}", String::from_utf8_lossy(&said));
        }
    }

    fn packs(&self) -> Vec<PathBuf> {
        let is_pack = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "pack");
        files(&self.directory.join("objects/pack")).into_iter().filter(is_pack).collect()
    }

    /// Panics unless the repository is sound and has exactly these branches, sorted by name.
    #[track_caller]
    pub fn assert_sound(&self, branches: &[&str]) {
        self.fsck();
        let refs = self.refs();
        let heads: Vec<_> = refs.iter().filter_map(|(name, _)| name.strip_prefix("refs/heads/")).collect();
        assert_eq!(heads, branches, "the branches are the configurations");
    }

    /// Panics if there are lock files or temporary files in the repository, as a crash leaves them.
    #[track_caller]
    pub fn assert_no_leftovers(&self) {
        let stale = self.leftovers();
        assert!(stale.is_empty(), "left behind: {stale:?}");
    }

    /// Lock files and temporary files: what somebody is at work on, or what a crash left.
    pub fn leftovers(&self) -> Vec<PathBuf> {
        let is_stale = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".lock") || name.starts_with("tmp_")
        };
        files(&self.directory).into_iter().filter(is_stale).collect()
    }

    /// A clone with files checked out, as a user would make one; it goes when the directory is dropped.
    #[track_caller]
    pub fn clone(&self) -> (TempDir, Git) {
        let home = TempDir::new().expect("a temporary directory");
        let target = home.path().join("clone");
        let from = self.directory.to_str().expect("a path in UTF-8");
        self.text(&["clone", "--quiet", from, target.to_str().expect("a path in UTF-8")]);
        (home, Git::at(target))
    }

    /// The bytes of many blobs by their revisions, such as `prod:config.json`; `None` for what is not there.
    #[track_caller]
    pub fn blobs(&self, revisions: &[String]) -> Vec<Option<Vec<u8>>> {
        let lines = revisions.join("\n") + "\n";
        let printed = finish(self.command(&["cat-file", "--batch"]), lines.as_bytes());
        let mut rest = printed.as_slice();
        let next = |_: &String| {
            let end = rest.iter().position(|byte| *byte == b'\n').expect("a line for each revision");
            let header = String::from_utf8_lossy(&rest[..end]).into_owned();
            rest = &rest[end + 1..];
            if header.ends_with(" missing") {
                return None;
            }
            let size: usize =
                header.rsplit(' ').next().and_then(|size| size.parse().ok()).expect("an object's size");
            let bytes = rest[..size].to_vec();
            rest = &rest[size + 1..];
            Some(bytes)
        };
        revisions.iter().map(next).collect()
    }

    /// Whether a git command does what it should.
    #[track_caller]
    pub fn succeeds(&self, arguments: &[&str]) -> bool {
        let output = self.command(arguments).output().unwrap_or_else(|error| missing(&error));
        output.status.success()
    }

    /// What a git command says that fails.
    #[track_caller]
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap_or_else(|error| missing(&error));
        assert!(!output.status.success(), "git {arguments:?} is refused");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Any other git command; what it prints.
    #[track_caller]
    pub fn text(&self, arguments: &[&str]) -> String {
        text(self.bytes(arguments))
    }

    #[track_caller]
    fn bytes(&self, arguments: &[&str]) -> Vec<u8> {
        finish(self.command(arguments), b"")
    }

    /// The same for a command that reads its standard input.
    #[track_caller]
    pub fn fed(&self, arguments: &[&str], stdin: &[u8]) -> String {
        text(finish(self.command(arguments), stdin))
    }

    /// git, with no settings but those of the repository itself.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("GIT_")) {
                command.env_remove(name);
            }
        }
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("LC_ALL", "C");
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0");
        // `git clone` has no repository to be in yet; its arguments say all.
        if arguments.first() != Some(&"clone") {
            command.arg("-C").arg(&self.directory);
        }
        command.args(arguments);
        command
    }
}

#[track_caller]
fn finish(mut command: Command, stdin: &[u8]) -> Vec<u8> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| missing(&error));
    let mut input = child.stdin.take().expect("standard input is piped");
    // Written beside the reading: neither pipe may fill up while the other is waited for.
    let output = std::thread::scope(|threads| {
        threads.spawn(move || input.write_all(stdin));
        child.wait_with_output().expect("git ends")
    });
    assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// All files under a directory.
/// Folders may go meanwhile: the service and `git gc` remove those that became empty.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => panic!("{}: {error}", directory.display()),
    };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("git prints UTF-8").trim_end_matches('\n').to_owned()
}

fn missing(error: &std::io::Error) -> ! {
    panic!(
        "the tests need the program `git`, 2.30 or newer ({error}); install it, for example with `apt-get install git`"
    )
}

fn parse_commit(record: &str) -> Commit {
    let fields: Vec<&str> = record.split('\0').collect();
    let [id, tree, parents, author, email, committer, committer_email, time, subject, body] = fields[..]
    else {
        panic!("git log printed {record:?}");
    };
    Commit {
        id: id.to_owned(),
        tree: tree.to_owned(),
        parents: parents.split_whitespace().map(str::to_owned).collect(),
        author: author.to_owned(),
        email: email.to_owned(),
        committer: committer.to_owned(),
        committer_email: committer_email.to_owned(),
        time: time.parse().expect("a time in seconds"),
        subject: subject.to_owned(),
        body: body.trim_end().to_owned(),
    }
}
