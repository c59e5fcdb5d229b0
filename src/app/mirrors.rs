//! Other git servers, as the settings have them.

use anyhow::{Context, anyhow};

use crate::access::file::read_secret;
use crate::access::webhook::{Secret, Secrets};
use crate::registry::mirrors::{self, Mirrors, Wanted};
use crate::settings::{Archives, Direction, Mirror, Settings, path};

/// Other git servers, with everything that is wrong told at once.
///
/// # Errors
/// Something is wrong with the settings of one, or a file that they name cannot be read.
pub fn mirrors(settings: &Settings) -> anyhow::Result<Mirrors> {
    let wanted = settings.mirrors.iter().map(|mirror| Wanted {
        name: mirror.name.clone(),
        url: mirror.url.clone(),
        direction: match mirror.direction {
            Direction::Push => mirrors::Direction::Push,
            Direction::Follow => mirrors::Direction::Follow,
        },
        configurations: mirror.configurations.clone(),
        archives: mirror.archives.map(|archives| match archives {
            Archives::Sent => mirrors::Archives::Sent,
            Archives::There => mirrors::Archives::There,
            Archives::Nowhere => mirrors::Archives::Nowhere,
        }),
        configuration: mirror.configuration.clone(),
        branch: mirror.branch.clone(),
        interval: mirror.interval,
        has_secret: path(&mirror.secret_file).is_some(),
        user: mirror.user.clone(),
        token_file: mirror.token_file.clone(),
        ssh_key: mirror.ssh_key.clone(),
        known_hosts: mirror.known_hosts.clone(),
    });
    let (read, mut faults) = match mirrors::read(&wanted.collect::<Vec<_>>(), &settings.git.program) {
        Ok(read) => (read, Vec::new()),
        Err(faults) => (Vec::new(), faults),
    };
    faults.extend(wrong_files(settings));
    if faults.is_empty() {
        Ok(Mirrors::new(read))
    } else {
        Err(anyhow!("the settings are wrong: {}", faults.join("; ")))
    }
}

/// What mirrors' servers show, by the names of the mirrors.
///
/// # Errors
/// A file with a secret cannot be read, may be read by others, or holds no secret.
pub fn secrets(settings: &Settings) -> anyhow::Result<Secrets> {
    let with_secret = settings.mirrors.iter().filter_map(|mirror| Some((mirror, path(&mirror.secret_file)?)));
    let read = with_secret.map(|(mirror, file)| {
        let secret = Secret::parse(&read_secret(&file)?)
            .with_context(|| format!("mirror {:?}: the secret in {}", mirror.name, file.display()))?;
        Ok((mirror.name.clone(), secret))
    });
    read.collect()
}

/// Files of mirrors that cannot be read, or that others may read.
fn wrong_files(settings: &Settings) -> Vec<String> {
    let of_mirror = |mirror: &Mirror| {
        let secret = [&mirror.token_file, &mirror.ssh_key, &mirror.secret_file]
            .into_iter()
            .filter_map(|file| path(file));
        let secret = secret.filter_map(|file| read_secret(&file).err().map(|error| error.to_string()));
        let open = path(&mirror.known_hosts)
            .filter(|file| std::fs::File::open(file).is_err())
            .map(|file| format!("{} cannot be read", file.display()));
        let faults = secret.chain(open).map(|fault| format!("mirror {:?}: {fault}", mirror.name));
        faults.collect::<Vec<_>>()
    };
    settings.mirrors.iter().flat_map(of_mirror).collect()
}
