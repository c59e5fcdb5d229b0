//! The sums of a bundle: of its pack, which git's format has at the end, and of the whole file, which its name begins
//! to tell.

use std::io;

use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::ledger::pack::entry::ID;

/// Takes in a file from its beginning.
#[derive(Default)]
pub struct Sums {
    sha1: Sha1,
    sha256: Sha256,
}

impl Sums {
    /// The pack begins here.
    pub fn begin_pack(&mut self) {
        self.sha1 = Sha1::new();
    }

    /// The sum of the pack so far, and that of the whole file with `last` at its end.
    pub fn finish(self, last: impl FnOnce([u8; ID]) -> [u8; ID]) -> ([u8; ID], [u8; 32]) {
        let pack: [u8; ID] = self.sha1.finalize().into();
        (pack, self.sha256.chain_update(last(pack)).finalize().into())
    }
}

impl io::Write for Sums {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sha1.update(bytes);
        self.sha256.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
