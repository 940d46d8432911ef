//! Says what is wrong with a response head that httparse refused, in the words k6 would use.
//!
//! Only errors come here, so it starts from scratch and does not care for speed.

/// The text for a head that does not parse.
pub(crate) fn explain(head: &[u8]) -> String {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
    let first = lines.next().unwrap_or_default();
    let Some((proto, status)) = first.split_once(' ') else {
        return format!("malformed HTTP response {first:?}");
    };
    let status = status.trim_start_matches(' ');
    let code = status.split(' ').next().unwrap_or_default();
    if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return format!("malformed HTTP status code {code:?}");
    }
    let is_version = proto
        .strip_prefix("HTTP/")
        .and_then(|v| v.split_once('.'))
        .is_some_and(|(a, b)| [a, b].iter().all(|v| v.len() == 1 && v.bytes().all(|c| c.is_ascii_digit())));
    if !is_version {
        return format!("malformed HTTP version {proto:?}");
    }
    for line in lines.take_while(|line| !line.is_empty()) {
        let continuation = line.starts_with([' ', '\t']);
        match line.split_once(':') {
            None if !continuation => return format!("malformed MIME header: missing colon: {line:?}"),
            Some((name, _)) if !continuation && !name.bytes().all(crate::request::is_token) => {
                return format!("malformed MIME header line: {line}");
            }
            _ => {}
        }
    }
    format!("malformed HTTP response {first:?}")
}

/// The text for a head that the connection's end cut off.
pub(crate) fn explain_cut(head: &[u8]) -> String {
    let text = String::from_utf8_lossy(head);
    match text.rsplit_once('\n') {
        // Observed on k6 1.1: a header line cut before its colon is reported as such.
        Some((_, line)) if !line.is_empty() && !line.contains(':') => {
            format!("malformed MIME header: missing colon: {line:?}")
        }
        _ => "unexpected EOF".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{explain, explain_cut};

    /// Observed on k6 1.1.
    #[test]
    fn a_head_cut_short_is_told_by_its_last_line() {
        assert_eq!(
            explain_cut(b"HTTP/1.1 200 OK\r\nTransfer-"),
            r#"malformed MIME header: missing colon: "Transfer-""#
        );
        assert_eq!(explain_cut(b"HTTP/1.1 2"), "unexpected EOF");
    }

    /// Observed on k6 1.1.
    #[test]
    fn the_words_are_k6s() {
        assert_eq!(explain(b"blah blah\r\n\r\n"), r#"malformed HTTP status code "blah""#);
        assert_eq!(explain(b"HTTP/1.1 abc OK\r\n\r\n"), r#"malformed HTTP status code "abc""#);
        assert_eq!(explain(b"HTTQ/1.1 200 OK\r\n\r\n"), r#"malformed HTTP version "HTTQ/1.1""#);
        assert_eq!(
            explain(b"HTTP/1.1 200 OK\r\nfoo bar\r\n\r\n"),
            r#"malformed MIME header: missing colon: "foo bar""#
        );
    }
}
