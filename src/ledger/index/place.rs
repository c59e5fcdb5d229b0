//! Where a commit stands in the index: on which line, and how far from the root.

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};

/// So many bits of a place are the height.
const HEIGHT_BITS: u32 = 32;

/// A line's number, and a height: how many first parents lie below. Places on a line are in the order of its commits,
/// so what belongs to a stretch of history lies together in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(i64);

impl Place {
    pub fn new(line: i64, height: i64) -> Self {
        Place(line << HEIGHT_BITS | height)
    }

    pub fn line(self) -> i64 {
        self.0 >> HEIGHT_BITS
    }

    pub fn height(self) -> i64 {
        self.0 & ((1 << HEIGHT_BITS) - 1)
    }

    /// The next one up the same line.
    pub fn above(self) -> Self {
        Place(self.0 + 1)
    }

    /// The next one down the same line; it may lie before the line's first commit.
    pub fn below(self) -> Self {
        Place(self.0 - 1)
    }

    /// No commit of the line lies lower.
    pub fn floor(self) -> Self {
        Place::new(self.line(), 0)
    }
}

impl ToSql for Place {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for Place {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(Place)
    }
}
