//! What makes a batch last: a log that a batch is appended to before it is written to the repository. After a crash the
//! repository is brought up to the log. Another log, such as a replicated one, can take the place of the local one.

use super::batch::Batch;
use super::record::Record;

/// Why a log did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Nothing has changed.
    #[error("the journal cannot be written: {0}")]
    Refused(String),
    /// What was appended may or may not be there after a crash.
    #[error("the journal could not be written to the end: {0}")]
    Unknown(String),
}

/// A place in a log: what was appended before it may be forgotten together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub u64);

/// A log of batches.
pub trait Log: Send {
    /// When this returns, the batch survives a power cut.
    ///
    /// # Errors
    /// The batch is not in the log, or it is not known whether it is.
    fn append(&mut self, batch: &Batch) -> Result<(), LogError>;

    /// The batch that was appended last never happened.
    ///
    /// # Errors
    /// It may still be there after a crash.
    fn take_back(&mut self) -> Result<(), LogError>;

    /// Everything that was appended and not forgotten, oldest first.
    ///
    /// # Errors
    /// The log cannot be read. A last batch that was not appended to the end is no error: nobody was told of it.
    fn replay(&mut self) -> Result<Vec<Record>, LogError>;

    /// Parts what was appended so far from what comes.
    ///
    /// # Errors
    /// Nothing can be appended beyond the mark; the log goes on as before.
    fn mark(&mut self) -> Result<Mark, LogError>;

    /// Forgets what was appended before a mark.
    ///
    /// # Errors
    /// It may come back with the next replay, which does no harm.
    fn forget(&mut self, mark: Mark) -> Result<(), LogError>;

    /// In bytes, what a replay would read.
    fn size(&self) -> u64;
}
