//! The rows of the table, in groups that can be chosen by name.

mod endurance;
mod followers;
mod looking_back;
mod one_writer;
mod reads;
mod start;
mod writes;

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;

use crate::documents::{Changes, Documents, number};
use crate::histories::{Histories, Shape};
use crate::load::{Load, Report};
use crate::process;
use crate::service::Service;
use crate::table::Row;

/// How long everything takes.
pub struct Plan {
    /// So often is each measurement taken beside its yardstick.
    pub rounds: usize,
    /// How long a load lasts, and how long one of writes goes on before that.
    pub load: Duration,
    pub warm_up: Duration,
    /// How long questions are asked one by one, at most; one is in any case.
    pub questions: Duration,
    /// The commits of the short and of the long history.
    pub short: u64,
    pub long: u64,
    /// How long writes go on at full load, and of how much of that the beginning and the end are compared.
    pub endurance: Duration,
    pub window: Duration,
}

/// What all measurements share.
pub struct Bench<'a> {
    pub plan: Plan,
    pub documents: &'a Documents,
    pub histories: &'a Histories<'a>,
    /// On the file system that everything is measured on.
    pub scratch: &'a Path,
    /// The largest share of a load in which the client was on a processor.
    pub busiest: Cell<f64>,
    /// So many places in the scratch folder are taken.
    pub places: Cell<usize>,
}

/// Rows that are measured together.
pub struct Group {
    pub name: &'static str,
    pub measure: fn(&Bench<'_>) -> anyhow::Result<Vec<Row>>,
}

pub const GROUPS: [Group; 8] = [
    Group { name: "writes", measure: writes::measure },
    Group { name: "one-writer", measure: one_writer::measure },
    Group { name: "reads", measure: reads::measure },
    Group { name: "pages", measure: looking_back::pages },
    Group { name: "old-versions", measure: looking_back::old_versions },
    Group { name: "start", measure: start::measure },
    Group { name: "followers", measure: followers::measure },
    Group { name: "endurance", measure: endurance::measure },
];

/// The sizes of configurations that writes are measured on.
const SIZES: [u32; 3] = [10, 1_000, 10_000];
/// The size that all else is measured on.
const ENTRIES: u32 = 1_000;
/// Clients at full load.
const CLIENTS: usize = 64;

impl Bench<'_> {
    /// A data directory with that history, for one measurement.
    ///
    /// Nothing is removed before all is done: for minutes after files were removed, ext4 takes long to make new ones,
    /// because it passes over their inodes one by one.
    fn data(&self, shape: Shape) -> anyhow::Result<PathBuf> {
        let data = self.place("data")?;
        self.histories.copy(shape, &data)?;
        Ok(data)
    }

    /// A path that nothing else uses, in a folder of its own.
    fn place(&self, name: &str) -> anyhow::Result<PathBuf> {
        self.places.set(self.places.get() + 1);
        let folder = self.scratch.join(self.places.get().to_string());
        fs::create_dir(&folder)?;
        Ok(folder.join(name))
    }

    /// Lets the disk come to rest before the next measurement.
    fn settle(&self) -> anyhow::Result<()> {
        process::run(Command::new("sync").arg("--file-system").arg(self.scratch)).map(|_| ())
    }

    /// Notes how busy the client was.
    fn noted(&self, report: Report) -> Report {
        self.busiest.set(self.busiest.get().max(report.busy));
        report
    }

    /// Loads a service that is just started upon the base with changes of random entries, and stops it, so that nothing
    /// of its work is left for what is measured next. Tells which entries were changed while it was measured.
    fn puts(&self, entries: u32, clients: usize, seed: u64) -> anyhow::Result<(Report, Vec<u32>)> {
        let base = Shape::base(entries);
        let data = self.data(base)?;
        let service = Service::start(&data, &[])?;
        self.settle()?;
        let mut changes = Changes::of(entries, seed);
        let report = self.put(&service, &mut changes, clients)?;
        service.stop()?;
        let mut git = process::git(&data.join("repository.git"));
        let commits = number(&process::run(git.args(["rev-list", "--count", "prod"]))?)?;
        let mut changed = changes.made;
        let made = changed.len() as u64;
        ensure!(commits == base.commits + made, "there are {commits} commits after {made} changes");
        self.settle()?;
        let measured = changed.split_off(changed.len() - report.answers.len());
        Ok((report, measured))
    }

    /// Begins with a while that does not count: a new repository makes the folders of its objects as it goes, which is
    /// slow.
    fn put(&self, service: &Service, changes: &mut Changes, clients: usize) -> anyhow::Result<Report> {
        let mut load = |duration| {
            Load { address: service.address, clients, duration }.run(|out| {
                let (entry, revision) = changes.next();
                self.documents.write_put(entry, revision, out);
            })
        };
        load(self.plan.warm_up)?;
        Ok(self.noted(load(self.plan.load)?))
    }
}
