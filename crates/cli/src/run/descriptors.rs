//! Open files: every connection takes one, and a run that lacks them measures its own limit.

use crate::logging::Logger;

/// What the process needs beside connections: event loops, outputs, standard streams, name lookups.
const SPARE: u64 = 32;

/// Takes as many as the system gives, and says before the run when that is fewer than the virtual users may need.
pub(super) fn prepare(log: &Logger, max_vus: u64) {
    match throng_js::raise_descriptor_limit() {
        Ok(limit) => {
            if let Some(warning) = warning(limit, max_vus) {
                log.warn(&warning);
            }
        }
        Err(error) => log.warn(&format!("cannot raise the limit of open files: {error}")),
    }
}

fn warning(limit: u64, max_vus: u64) -> Option<String> {
    let needed = max_vus + SPARE;
    (limit < needed).then(|| {
        format!(
            "the limit of {limit} open files is low for {max_vus} virtual users, each of which holds at least one \
             connection: requests may fail with \"too many open files\"; raise it to {needed} or more (ulimit -n)"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_limit_below_what_the_users_need_is_worth_a_warning() {
        assert_eq!(warning(1_048_576, 15_000), None);
        assert_eq!(warning(132, 100), None);
        let text = warning(131, 100).unwrap();
        assert!(text.contains("131 open files") && text.contains("100 virtual users"), "{text}");
    }
}
