//! Commits that the service would refuse to write, or that a release of long ago has written.

use super::git::Git;

/// Makes a commit whose files are exactly these, on top of the branch or as its first, and returns its id. The service
/// must not be running.
#[track_caller]
pub fn plant(git: &Git, branch: &str, files: &[(&str, &[u8])], message: &str) -> String {
    commit(git, branch, "deleteall\n", files, message)
}

/// The same for one more file: the branch's others stay.
#[track_caller]
pub fn add(git: &Git, branch: &str, path: &str, bytes: &[u8]) -> String {
    commit(git, branch, "", &[(path, bytes)], "By hand")
}

#[track_caller]
fn commit(git: &Git, branch: &str, first: &str, files: &[(&str, &[u8])], message: &str) -> String {
    let branch = format!("refs/heads/{branch}");
    let parent = git.find(&branch).map(|id| format!("from {id}\n")).unwrap_or_default();
    let head = format!(
        "commit {branch}\ncommitter Somebody <somebody@example.com> 1767225600 +0000\ndata {}\n{message}\n{parent}{first}",
        message.len()
    );
    let mut stream = head.into_bytes();
    for (path, bytes) in files {
        stream.extend(format!("M 100644 inline {path}\ndata {}\n", bytes.len()).into_bytes());
        stream.extend_from_slice(bytes);
        stream.push(b'\n');
    }
    git.fed(&["fast-import", "--quiet"], &stream);
    git.rev_parse(&branch)
}
