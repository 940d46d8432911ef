//! What k6's dashboard does beside being there: a report at the end, and a browser at the start.

use std::path::Path;
use std::process::{Command, Stdio};

use throng_outputs::raw::Target;

use crate::spec::RunSpec;

/// Writes the report of a run that is over. That it cannot be is an error of the log and no other, as in k6 1.1.
pub(super) fn write(spec: &RunSpec, path: &Path, report: Option<String>) {
    let file = Target::File(path.to_owned());
    let done = match report {
        Some(html) => file.write_all(html.as_bytes()).map_err(|error| error.to_string()),
        None => Err("the page has ended already".to_owned()),
    };
    match done {
        Ok(()) => spec.log.debug(&format!("the report is in {}", path.display())),
        Err(why) => spec.log.error(&format!(
            "cannot write the report to {}, which K6_WEB_DASHBOARD_EXPORT names: {why}",
            path.display()
        )),
    }
}

/// Opens the page in the desktop's browser, and waits for nothing.
pub(super) fn open(spec: &RunSpec, url: &str) {
    let mut browser = Command::new("xdg-open");
    browser.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match browser.spawn() {
        // Somebody has to take its exit code.
        Ok(mut child) => drop(std::thread::spawn(move || child.wait())),
        Err(error) => spec.log.warn(&format!("cannot open a browser with xdg-open: {error}")),
    }
}
