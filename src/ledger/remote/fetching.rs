//! Fetching a branch of another repository, first into a repository of its own, where it can be looked through.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use git2::{Repository, RepositoryInitOptions};

use super::{Remote, RemoteError};
use crate::ledger::id::ObjectId;
use crate::ledger::repository;
use crate::ledger::wire::LARGEST_PIECE;

/// Where the fetched branch is, in a repository that nobody else sees.
const FETCHED: &str = "refs/fetched/branch";

/// A repository for what was fetched and not looked through yet. It has all objects of the service's repository by
/// reference, so that only what is new is fetched. It goes when this is dropped, and may be removed at any time.
#[derive(Debug)]
pub struct Workplace {
    folder: PathBuf,
}

impl Workplace {
    /// Makes one at `folder`, in the place of what may be there, for the repository at `repository`, a sibling of
    /// `folder`'s own folder.
    ///
    /// # Errors
    /// The disk fails.
    pub fn make(folder: &Path, repository: &Path) -> io::Result<Self> {
        // A relative one could be taken for a place that ssh leads to.
        let folder = std::path::absolute(folder)?;
        remove(&folder)?;
        let mut options = RepositoryInitOptions::new();
        options.bare(true).external_template(false).mkpath(true);
        Repository::init_opts(&folder, &options).map_err(io::Error::other)?;
        let workplace = Workplace { folder };
        let name = repository.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Relative to its own objects, so that the data directory may have any name and be moved.
        let information = workplace.objects().join("info");
        fs::create_dir_all(&information)?;
        fs::write(information.join("alternates"), format!("../../../{name}/objects\n"))?;
        Ok(workplace)
    }

    /// The folder of its objects.
    pub fn objects(&self) -> PathBuf {
        self.folder.join("objects")
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.folder) {
            tracing::warn!(%error, folder = %self.folder.display(), "what was fetched cannot be removed");
        }
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Remote {
    /// Fetches a branch, and answers where it is.
    ///
    /// # Errors
    /// The other side cannot be reached or has no such branch, or what it sends is malformed.
    pub fn fetch(&self, branch: &str, into: &Workplace) -> Result<ObjectId, RemoteError> {
        let mut command = self.command()?;
        fetch(&mut command, &into.folder);
        let refspec = format!("+refs/heads/{branch}:{FETCHED}");
        command.args(["--", self.address.url(), &refspec]);
        self.call(command)?.good()?;
        let repository = Repository::open_bare(&into.folder).map_err(io::Error::other)?;
        let found = repository.refname_to_id(FETCHED).map_err(io::Error::other)?;
        Ok(ObjectId(found))
    }

    /// Fetches objects and all that they lead to into the repository at `into`, where refs below `below` name them then.
    ///
    /// # Errors
    /// The other side cannot be reached, or does not give them.
    pub fn fetch_objects(&self, ids: &[ObjectId], below: &str, into: &Path) -> Result<(), RemoteError> {
        let mut command = self.command()?;
        fetch(&mut command, into);
        command.args(["--", self.address.url()]).args(ids.iter().map(|id| format!("+{id}:{below}{id}")));
        self.call(command)?.good().map(drop)
    }

    /// Brings what was fetched into the repository at `into`. No ref of it is moved.
    ///
    /// # Errors
    /// The disk fails.
    pub fn bring(&self, from: &Workplace, into: &Path) -> Result<(), RemoteError> {
        let mut command = self.local_command("file")?;
        fetch(&mut command, into);
        command.arg("--").arg(&from.folder).arg(FETCHED);
        let said = self.call(command)?;
        let leader = said.leader;
        said.good().map(drop).inspect_err(|_| {
            // As git names who holds a pack until a ref leads to it.
            let mark = format!("fetch-pack {leader} on ");
            if let Err(error) = repository::clear_marks(&into.join("objects/pack"), &[&mark]) {
                tracing::warn!(%error, "what an interrupted fetch left stays until the next start");
            }
        })
    }
}

fn fetch(command: &mut std::process::Command, into: &Path) {
    command.env("GIT_ALLOC_LIMIT", LARGEST_PIECE);
    command.args([
        "-c",
        "fetch.fsckObjects=true",
        "-c",
        "fetch.unpackLimit=16",
        "-c",
        "fetch.writeCommitGraph=false",
    ]);
    command.arg("--git-dir").arg(into);
    command.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"]);
    command.args(["--no-recurse-submodules", "--refmap=", "--no-prune"]);
}
