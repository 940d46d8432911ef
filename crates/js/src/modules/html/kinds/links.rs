//! Links: `<a>` and `<area>`, and the parts of where they lead.
//!
//! Addresses are taken apart as Go does it, which k6 shows: nothing is lower-cased but the scheme, no port is left out,
//! paths and fragments are decoded.

use percent_encoding::percent_decode_str;
use throng_quickjs::{Ctx, JsResult};

use super::Get::{Address, OneOf, Other, Text, Words};
use super::{Methods, REFERRER_POLICY, text};
use crate::modules::html::element::Element;

const LINK: Methods = &[
    ("accessKey", Text("accesskey")),
    ("download", Text("download")),
    ("hash", Other(|ctx, this| part(ctx, this, Parts::hash))),
    ("host", Other(|ctx, this| part(ctx, this, Parts::host))),
    ("hostname", Other(|ctx, this| part(ctx, this, |parts| parts.host_and_port().0.to_owned()))),
    ("href", Address("href")),
    ("hrefLang", Text("hreflang")),
    ("origin", Other(|ctx, this| part(ctx, this, Parts::origin))),
    ("password", Other(|ctx, this| part(ctx, this, |parts| parts.password.clone()))),
    ("pathname", Other(|ctx, this| part(ctx, this, |parts| parts.path.clone()))),
    ("port", Other(|ctx, this| part(ctx, this, |parts| parts.host_and_port().1.to_owned()))),
    // Without its colon, as in k6; of a link that leads nowhere there is only the colon.
    ("protocol", Other(|ctx, this| part(ctx, this, Parts::protocol))),
    ("referrerPolicy", OneOf("referrerpolicy", REFERRER_POLICY)),
    ("rel", Text("rel")),
    ("relList", Words("rel")),
    ("search", Other(|ctx, this| part(ctx, this, Parts::search))),
    ("target", Text("target")),
    ("text", Other(text)),
    ("type", Text("type")),
    ("username", Other(|ctx, this| part(ctx, this, |parts| parts.username.clone()))),
];

pub(super) fn methods(name: &str) -> Option<&'static [Methods]> {
    matches!(name, "a" | "area").then_some(&[LINK])
}

fn part(ctx: Ctx, this: &Element, part: impl Fn(&Parts) -> String) -> JsResult {
    let parts = this.attr("href").and_then(|href| {
        // Only what is relative is seen from the page: joining would change the rest.
        let is_relative = Parts::read(&href).is_some_and(|parts| parts.scheme.is_empty());
        Parts::read(&if is_relative { this.page.resolve(&href) } else { href })
    });
    Ok(ctx.string(&part(&parts.unwrap_or_default())))
}

/// An address, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    scheme: String,
    username: String,
    password: String,
    /// With the port.
    host: String,
    path: String,
    query: String,
    fragment: String,
}

impl Parts {
    /// `None` for what is no address.
    fn read(href: &str) -> Option<Self> {
        let (rest, fragment) = href.split_once('#').unwrap_or((href, ""));
        let (scheme, rest) = match rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)) {
            Some(0) if rest.starts_with(':') => return None,
            Some(at)
                if rest[at..].starts_with(':') && rest.starts_with(|c: char| c.is_ascii_alphabetic()) =>
            {
                (rest[..at].to_ascii_lowercase(), &rest[at + 1..])
            }
            _ => (String::new(), rest),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut parts =
            Self { scheme, query: query.to_owned(), fragment: decoded(fragment)?, ..Self::default() };
        let path = match rest.strip_prefix("//") {
            Some(rest) if !parts.scheme.is_empty() || !rest.starts_with('/') => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
                let (username, password) = user.split_once(':').unwrap_or((user, ""));
                parts.username = decoded(username)?;
                parts.password = decoded(password)?;
                host.clone_into(&mut parts.host);
                path
            }
            // `mailto:a@b` has no path.
            _ if !parts.scheme.is_empty() && !rest.starts_with('/') => "",
            _ => rest,
        };
        parts.path = decoded(path)?;
        if parts.scheme.is_empty() && parts.host.is_empty() {
            parts.path = from_the_root(&parts.path);
        }
        Some(parts)
    }

    fn host_and_port(&self) -> (&str, &str) {
        let is_port = |port: &&str| port.bytes().all(|byte| byte.is_ascii_digit());
        let split = self.host.rsplit_once(':').filter(|(_, port)| is_port(port));
        let (host, port) = split.unwrap_or((&self.host, ""));
        (host.trim_start_matches('[').trim_end_matches(']'), port)
    }

    /// Without a port that goes without saying; `port` and `origin` have it all the same.
    fn host(&self) -> String {
        let usual = match self.scheme.as_str() {
            "http" => ":80",
            "https" => ":443",
            _ => "",
        };
        self.host.strip_suffix(usual).unwrap_or(&self.host).to_owned()
    }

    fn protocol(&self) -> String {
        if self.scheme.is_empty() { ":".into() } else { self.scheme.clone() }
    }

    fn origin(&self) -> String {
        if self.scheme.is_empty() { String::new() } else { format!("{}://{}", self.scheme, self.host) }
    }

    fn search(&self) -> String {
        if self.query.is_empty() { String::new() } else { format!("?{}", self.query) }
    }

    fn hash(&self) -> String {
        if self.fragment.is_empty() { String::new() } else { format!("#{}", self.fragment) }
    }
}

/// Text without its percent signs; `None` if one of them means nothing.
fn decoded(text: &str) -> Option<String> {
    let is_code = |rest: &str| {
        let code = rest.as_bytes().get(..2);
        code.is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit))
    };
    let codes = text.match_indices('%');
    let mut codes = codes.map(|(at, _)| is_code(&text[at + 1..]));
    codes.all(|is| is).then(|| percent_decode_str(text).decode_utf8_lossy().into_owned())
}

/// A path that is relative to nothing known: as if it stood at the root, without dots.
fn from_the_root(path: &str) -> String {
    if path.is_empty() {
        return String::new();
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.trim_start_matches('/').split('/') {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    format!("/{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart_as_k6_does_it() {
        let shown = |href: &str| {
            let parts = Parts::read(href).unwrap_or_default();
            let (hostname, port) = parts.host_and_port();
            let (search, hash, origin) = (parts.search(), parts.hash(), parts.origin());
            let whose = format!("{}:{}", parts.username, parts.password);
            [&parts.protocol(), &whose, &parts.host(), hostname, port, &parts.path, &search, &hash, &origin]
                .join("|")
        };
        for (href, expected) in [
            ("HTTP://U:P@Ex.com:80/p?q=1#h", "http|U:P|Ex.com|Ex.com|80|/p|?q=1|#h|http://Ex.com:80"),
            ("http://[::1]:8/a%41?a=b c#%41 x", "http|:|[::1]:8|::1|8|/aA|?a=b c|#A x|http://[::1]:8"),
            ("mailto:a@b", "mailto|:|||||||mailto://"),
            ("//h.t/p", ":|:|h.t|h.t||/p|||"),
            ("../p q", ":|:||||/p q|||"),
            ("?q", ":|:|||||?q||"),
            ("#z", ":|:||||||#z|"),
            ("", ":|:|||||||"),
            ("http://h/%zz", ":|:|||||||"),
            ("http://h", "http|:|h|h|||||http://h"),
        ] {
            assert_eq!(shown(href), expected, "{href}");
        }
    }
}
