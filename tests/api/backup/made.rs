//! What a backup holds, as git sees it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::{assert_sound, backed_up, backup, filled, names, repository, restore, text};
use crate::support::Git;

#[test]
fn git_verifies_and_clones_a_backup_of_everything() {
    let (server, _) = filled();
    server.git().text(&["update-ref", "refs/notes/of-an-operator", "refs/heads/prod"]);
    server.git().text(&["pack-refs", "--all"]);
    let folder = TempDir::new().expect("a folder");
    let to = folder.path().join("nightly/here");
    let said = backup(server.data(), &to).expect_success().stdout;
    let file = to.join(&names(&to)[0]);
    let commits = server.git().text(&["rev-list", "--all", "--count"]);
    let bytes = fs::metadata(&file).expect("the file").len();
    let refs = server.git().refs();
    let told = format!(
        "{}\nholds {} refs, {commits} commits in {bytes} bytes; all of it was read again and is sound\nto restore: revconf \
         restore --data {} {}\n",
        file.display(),
        refs.len(),
        server.data().display(),
        file.display(),
    );
    assert_eq!(said, told);
    let bare = folder.path().join("mirror.git");
    let git = Git::init(&bare, "prod");
    git.text(&["bundle", "verify", text(&file)]);
    let mut listed: Vec<_> =
        git.text(&["bundle", "list-heads", text(&file)]).lines().map(str::to_owned).collect();
    let prod = server.git().rev_parse("prod");
    let mut expected: Vec<_> = refs.iter().map(|(name, id)| format!("{id} {name}")).collect();
    expected.push(format!("{prod} HEAD"));
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
    git.text(&["fetch", "--quiet", text(&file), "refs/*:refs/*"]);
    git.fsck();
    assert_eq!(git.refs(), refs);
    let clone = folder.path().join("clone");
    git.text(&["clone", "--quiet", text(&file), text(&clone)]);
    assert_eq!(Git::at(&clone).head("HEAD").id, prod);
    // `staging` is at another commit, `prod` is what is checked out.
    assert_eq!(Git::at(&clone).text(&["branch", "--show-current"]), "prod");
}

#[test]
fn a_backup_is_its_owners_alone_and_is_named_by_its_sum() {
    let (server, _) = filled();
    let folder = TempDir::new().expect("a folder");
    let to = folder.path().join("backups");
    let file = backed_up(server.data(), &to);
    let mode = |path: &std::path::Path| fs::metadata(path).expect("there").permissions().mode() & 0o7777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(&to), 0o700);
    let output = std::process::Command::new("sha256sum").arg(&file).output().expect("sha256sum");
    let sum = String::from_utf8_lossy(&output.stdout)[..16].to_owned();
    assert!(text(&file).ends_with(&format!("Z-{sum}.bundle")), "{file:?} {sum}");
}

#[test]
fn nothing_in_the_data_directory_changes() {
    let (mut server, _) = filled();
    server.stop();
    let before = (server.git().everything(), names(server.data()));
    let folder = TempDir::new().expect("a folder");
    backed_up(server.data(), folder.path());
    assert_eq!((server.git().everything(), names(server.data())), before);
}

#[test]
fn a_history_of_thousands_of_versions_of_a_large_set_stays_small() {
    let (mut server, _) = filled();
    server.stop();
    let document = |nth: usize, text: &str| {
        crate::support::documents::file(&crate::support::documents::described(&format!("s{nth:03}"), text))
    };
    let mut stream = format!(
        "commit refs/heads/prod\ncommitter A <a@b> 1700000000 +0000\ndata 1\na\nfrom {}\n",
        server.git().rev_parse("prod")
    );
    let put = |stream: &mut String, nth: usize, bytes: Vec<u8>| {
        stream.push_str(&format!("M 100644 inline backend-services/s{nth:03}.json\ndata {}\n", bytes.len()));
        stream.push_str(&String::from_utf8(bytes).expect("text"));
        stream.push('\n');
    };
    (0..300).for_each(|nth| put(&mut stream, nth, document(nth, "")));
    for count in 0..1500 {
        stream.push_str(&format!(
            "commit refs/heads/prod\ncommitter A <a@b> {} +0000\ndata 1\na\n",
            1_700_000_001 + count
        ));
        put(&mut stream, count % 300, document(count % 300, &count.to_string()));
    }
    server.git().fed(&["fast-import", "--quiet"], stream.as_bytes());
    let folder = TempDir::new().expect("a folder");
    let file = backed_up(server.data(), folder.path());
    // Whole, the trees alone would have 25 MiB, of which deflating would leave more than half.
    let bytes = fs::metadata(&file).expect("the file").len();
    assert!(bytes < 2 << 20, "{bytes}");
    let git = Git::init(folder.path().join("mirror.git"), "prod");
    git.text(&["fetch", "--quiet", text(&file), "refs/*:refs/*"]);
    git.fsck();
    assert_eq!(git.refs(), server.git().refs());
}

#[test]
fn a_name_for_a_ref_that_is_not_there_is_passed_over() {
    let (server, _) = filled();
    let home = TempDir::new().expect("a folder");
    let refs = server.git().refs();
    server.git().text(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/nowhere"]);
    backed_up(server.data(), home.path());
    let data = home.path().join("data");
    restore(&data, home.path()).expect_success();
    assert_eq!(repository(&data).refs(), refs);
    assert_sound(&data);
}
