//! What can be wrong with the index. None of it concerns a client: git has the answer too.

use rusqlite::ErrorCode;

use crate::ledger::reader::Damage;

/// Why the index cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// What it says cannot be: it is thrown away and made again.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    /// The disk is full, or the system refuses something; later may be better.
    #[error("{0}")]
    Failed(String),
    /// Git cannot be read where the index needs it.
    #[error("{0}")]
    Git(#[from] Damage),
}

impl Fault {
    pub fn damaged(what: impl Into<String>) -> Self {
        Fault::Damaged(what.into())
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        let damaged = match &error {
            // `Unknown` is an error in a statement: the tables are not those that this program made.
            E::SqliteFailure(failure, _) => matches!(
                failure.code,
                ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
                    | ErrorCode::ConstraintViolation
                    | ErrorCode::TypeMismatch
                    | ErrorCode::Unknown
            ),
            E::SqlInputError { .. }
            | E::FromSqlConversionFailure(..)
            | E::IntegralValueOutOfRange(..)
            | E::InvalidColumnType(..)
            | E::QueryReturnedNoRows
            | E::Utf8Error(..) => true,
            _ => false,
        };
        let said = error.to_string();
        if damaged { Fault::Damaged(said) } else { Fault::Failed(said) }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Fault::Failed(error.to_string())
    }
}
