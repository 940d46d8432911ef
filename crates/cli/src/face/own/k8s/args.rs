//! Telling our own flags from those of the test, which follow its file.

use std::ffi::OsString;

use clap::Command;

/// What a word of the command line is to `command`.
enum Word {
    /// A flag of its own, with its value in the next word or not.
    Own { takes_next: bool },
    /// Another flag.
    Foreign,
    /// No flag.
    Plain,
}

fn word(command: &Command, text: &str) -> Word {
    let (name, has_value) = match text.split_once('=') {
        Some((name, _)) => (name, true),
        None => (text, false),
    };
    let found = command.get_arguments().find(|arg| {
        if let Some(long) = name.strip_prefix("--") {
            return arg.get_long() == Some(long);
        }
        let short = name.strip_prefix('-').filter(|short| short.chars().count() == 1);
        short.is_some_and(|short| arg.get_short() == short.chars().next())
    });
    match found {
        Some(arg) => Word::Own { takes_next: !has_value && arg.get_action().takes_values() },
        None if text.starts_with('-') && text.len() > 1 => Word::Foreign,
        None => Word::Plain,
    }
}

/// `k8s run OWN… FILE MIXED…` becomes `k8s run OWN… -- FILE THE TEST'S…`. Before the file only our own are taken, so that
/// the value of a flag of the test's cannot be taken for the file.
pub(super) fn after_file(command: &Command, args: Vec<OsString>) -> Vec<OsString> {
    reorder(command, args, false)
}

/// `k8s fill MIXED…` becomes `k8s fill OWN… -- THE REST…`.
pub(super) fn after_own(command: &Command, args: Vec<OsString>) -> Vec<OsString> {
    reorder(command, args, true)
}

fn reorder(command: &Command, args: Vec<OsString>, mut in_test: bool) -> Vec<OsString> {
    let mut args = args.into_iter();
    let mut own: Vec<OsString> = args.by_ref().take(2).collect();
    let mut test = Vec::new();
    let begins_in_test = in_test;
    while let Some(arg) = args.next() {
        let text = arg.to_str().unwrap_or_default();
        if text == "--" {
            test.extend(args.by_ref());
            break;
        }
        match word(command, text) {
            Word::Own { takes_next } => {
                own.push(arg);
                if takes_next {
                    own.extend(args.next());
                }
            }
            // Our help is asked for wherever it is.
            Word::Foreign if text == "--help" || (text == "-h" && test.is_empty()) => own.push(arg),
            Word::Foreign if in_test => test.push(arg),
            Word::Foreign => own.push(arg),
            Word::Plain => {
                in_test = true;
                test.push(arg);
            }
        }
    }
    if !test.is_empty() || begins_in_test {
        own.push("--".into());
        own.extend(test);
    }
    own
}

#[cfg(test)]
mod tests {
    use super::super::{fill, run};
    use super::*;

    fn split(text: &str) -> String {
        let args = text.split_whitespace().map(OsString::from).collect();
        let ordered = after_file(&run::command(), args);
        ordered.iter().map(|arg| arg.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn flags_of_the_test_follow_its_file_and_ours_are_taken_anywhere() {
        assert_eq!(
            split("k8s run --image x load.js --workers 3 -u 10 --namespace=perf -e A=b"),
            "k8s run --image x --workers 3 --namespace=perf -- load.js -u 10 -e A=b"
        );
        assert_eq!(split("k8s run load.js -- --workers 3"), "k8s run -- load.js --workers 3");
        assert_eq!(split("k8s run -u 10 load.js"), "k8s run -u -- 10 load.js");
        assert_eq!(split("k8s run --help"), "k8s run --help");
    }

    #[test]
    fn all_that_is_not_ours_is_for_fill() {
        let args = "k8s fill --until 64MB --image x mongodb://db/a".split_whitespace().map(OsString::from);
        let ordered = after_own(&fill::command(), args.collect());
        let expected = "k8s fill --image x -- --until 64MB mongodb://db/a";
        assert_eq!(ordered, expected.split(' ').map(OsString::from).collect::<Vec<_>>());
    }
}
