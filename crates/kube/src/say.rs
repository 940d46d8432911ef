//! What a run tells while it goes on; the command line decides how that looks.

/// Somebody who is told.
pub trait Say: Send + Sync {
    /// A step, or something that was noticed.
    fn note(&self, text: &str);
    /// Something that goes wrong without ending the run.
    fn warn(&self, text: &str);
    /// A line of the controller's output, without its end.
    fn line(&self, line: &[u8]);
}
