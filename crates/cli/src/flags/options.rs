//! The options that a script can set too, as flags: from the table of `throng_plan`.

use super::table::{Flag, OWN};

/// Every flag there is.
pub fn all() -> Vec<Flag> {
    OWN.to_vec()
}
