//! Servers whose disk is full: a file system of a few megabytes.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::postgres::Postgres;
use super::{TEMPLATE, Template, fill};

/// A file system in memory with so much room, gone when dropped.
struct Small(PathBuf);

impl Small {
    /// Nothing, and a word on it, where there is no right to make one.
    #[expect(clippy::print_stderr, reason = "a test that is skipped has to say so")]
    fn new(name: &str, size: &str) -> Option<Self> {
        let place = std::env::temp_dir().join(format!("throng-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&place).unwrap();
        let made = Self(place);
        let size = format!("size={size}");
        if !mount(&["-t", "tmpfs", "-o", &size, "tmpfs"], &made.0) {
            eprintln!("skipped: a small file system takes the rights of root");
            return None;
        }
        Some(made)
    }

    fn grow(&self, size: &str) {
        assert!(mount(&["-o", &format!("remount,size={size}")], &self.0));
    }
}

fn mount(options: &[&str], place: &Path) -> bool {
    Command::new("mount").args(options).arg(place).output().is_ok_and(|output| output.status.success())
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn postgres_with_a_full_disk_keeps_what_it_took_and_goes_on_when_there_is_room() {
    let Some(small) = Small::new("fill-full-pg-disk", "8m") else { return };
    let Some(server) = Postgres::start("fill-full-pg") else { return };
    Postgres::owns(&small.0);
    server.sql(&format!("CREATE TABLESPACE small LOCATION '{}'", small.0.display()));
    server.sql("ALTER DATABASE demo SET default_tablespace = 'small'");
    let template = Template::new(TEMPLATE);
    let path = template.path();
    let args = ["--table", "people", "--rows", "60000", "--template", &path];
    for more in [&[][..], &["--workers", "2"]] {
        let done = fill(&server.url(), &[&args[..], more].concat()).expect_code(112);
        done.expect_error("No space left on device");
        done.expect_error("make room and run the same command again");
    }
    let there = server.sql("SELECT count(*) = count(DISTINCT id) AND count(*) > 1000 FROM people");
    assert_eq!(there.trim(), "t");
    small.grow("64m");
    fill(&server.url(), &args).expect_code(0);
    let all = server.sql("SELECT count(*), count(DISTINCT id), max(id) FROM people");
    assert_eq!(all.trim(), "60000|60000|60000");
}
