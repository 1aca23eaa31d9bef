//! What the demo claims, and whether it holds.

use super::super::{Verdict, output};

/// Claims checked so far.
#[derive(Debug, Default)]
pub(super) struct Claims {
    checked: u32,
    failed: u32,
}

impl Claims {
    /// Prints a claim with its evidence.
    ///
    /// # Errors
    /// Standard output can't be written.
    pub(super) fn check(&mut self, claim: &str, holds: bool, detail: &str) -> anyhow::Result<()> {
        self.checked += 1;
        self.failed += u32::from(!holds);
        output::print(&format!("{} {claim}\n       {detail}", if holds { "holds " } else { "FAILS " }))
    }

    /// Prints how many hold; bad unless all do.
    ///
    /// # Errors
    /// Standard output can't be written.
    pub(super) fn conclude(&self) -> anyhow::Result<Verdict> {
        output::print(&format!("\n{} of {} claims hold", self.checked - self.failed, self.checked))?;
        Ok(Verdict::good_if(self.failed == 0))
    }
}
