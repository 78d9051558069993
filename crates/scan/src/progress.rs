//! What a long scan tells while it runs.

/// A step of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The input is hashed and its containers are opened.
    Read,
    /// What signatures cover is recomputed.
    Verify,
    /// Values are followed through code.
    Follow,
    /// The code of programs and libraries is read.
    Disassemble,
    /// Facts become a phone.
    Assemble,
    /// Detectors run.
    Detect,
    /// Phones are held beside each other.
    Compare,
    /// The report is written together.
    Conclude,
}

impl Phase {
    /// The word for it.
    pub fn title(self) -> &'static str {
        match self {
            Phase::Read => "reading",
            Phase::Verify => "verifying",
            Phase::Follow => "following values",
            Phase::Disassemble => "reading native code",
            Phase::Assemble => "putting together",
            Phase::Detect => "looking",
            Phase::Compare => "comparing",
            Phase::Conclude => "concluding",
        }
    }
}

/// Listens to a scan. Called from many threads.
pub trait Progress: Sync {
    /// A phase begins.
    fn begin(&self, phase: Phase);

    /// So many bytes more are known to lie ahead.
    fn ahead(&self, bytes: u64);

    /// So many bytes are done; the artifact is one of those at work.
    fn done(&self, bytes: u64, name: &str);

    /// A phase ends.
    fn end(&self, phase: Phase);
}

/// Listens to nothing.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: Phase) {}
    fn ahead(&self, _: u64) {}
    fn done(&self, _: u64, _: &str) {}
    fn end(&self, _: Phase) {}
}
