//! `k6/http` through real scripts against a real server on loopback. What is expected was observed on k6 1.1 with the
//! same scripts, except where a comment says otherwise.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
mod run;
mod server;

use common::Script;
use run::{Ran, script, script_with};
use serde_json::json;
use server::Server;

#[test]
fn a_plain_get_sends_what_k6_sends() {
    let server = Server::start();
    let ran = script(&server, "", "return http.get(B + '/raw?x=1').body");
    let expected =
        format!("GET /raw?x=1 HTTP/1.1\r\nHost: {}\r\nUser-Agent: Grafana k6/1.1.0\r\n\r\n", server.addr());
    assert_eq!(ran.result, json!(expected));
}

#[test]
fn a_response_has_k6s_properties_in_k6s_order() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "const r = http.get(B + '/cookies');
         return { keys: Object.keys(r), shown: JSON.parse(JSON.stringify(http.get(B + '/cookies'))) }",
    );
    assert_eq!(
        ran.result["keys"],
        json!([
            "remote_ip",
            "remote_port",
            "url",
            "status",
            "status_text",
            "proto",
            "headers",
            "cookies",
            "body",
            "timings",
            "tls_version",
            "tls_cipher_suite",
            "ocsp",
            "error",
            "error_code",
            "request",
            "clickLink",
            "html",
            "json",
            "submitForm"
        ])
    );
    let shown = &ran.result["shown"];
    assert_eq!(shown["remote_ip"], "127.0.0.1");
    assert_eq!(shown["remote_port"], server.addr().port());
    assert_eq!(shown["status"], 200);
    assert_eq!(shown["status_text"], "200 OK");
    assert_eq!(shown["proto"], "HTTP/1.1");
    assert_eq!(shown["headers"]["X-Dup"], "1, 2");
    assert_eq!(shown["headers"]["X-Lower"], "z");
    assert_eq!(
        shown["cookies"],
        json!({
            "a": [{ "name": "a", "value": "1", "domain": "", "path": "/", "http_only": true, "secure": false,
                    "max_age": 100, "expires": -6_795_364_578_871_i64 }],
            "b": [{ "name": "b", "value": "q w", "domain": "", "path": "", "http_only": false, "secure": false,
                    "max_age": 0, "expires": 4_096_250_880_000_i64 }],
        })
    );
    assert_eq!(shown["body"], "x");
    assert_eq!((&shown["error"], &shown["error_code"]), (&json!(""), &json!(0)));
    assert_eq!((&shown["tls_version"], &shown["tls_cipher_suite"]), (&json!(""), &json!("")));
    let timings = shown["timings"].as_object().unwrap();
    let names: Vec<_> = timings.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "duration",
            "blocked",
            "looking_up",
            "connecting",
            "tls_handshaking",
            "sending",
            "waiting",
            "receiving"
        ]
    );
    assert!(timings["duration"].as_f64().unwrap() > 0.0);
    assert_eq!(timings["looking_up"], 0);
    // The second request had the cookies that the first one was given.
    assert_eq!(
        shown["request"],
        json!({
            "method": "GET", "url": format!("http://{}/cookies", server.addr()),
            "headers": { "User-Agent": ["Grafana k6/1.1.0"], "Cookie": ["a=1; b=\"q w\""] },
            "body": "",
            "cookies": { "a": [{ "name": "a", "value": "1", "replace": false }],
                         "b": [{ "name": "b", "value": "q w", "replace": false }] },
        })
    );
}

#[test]
fn a_response_can_be_changed_like_any_object() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "const r = http.get(B + '/json');
         r.body = 'x'; r.status = 5; r.timings.duration = 1; r.mine = 2;
         return [r.body, r.status, r.timings.duration, r.mine, { ...r }.proto]",
    );
    assert_eq!(ran.result, json!(["x", 5, 1, 2, "HTTP/1.1"]));
}

#[test]
fn bodies_go_out_as_text_bytes_or_forms() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "const sent = (b, p) => { const lines = http.post(B + '/raw', b, p).body.split('\\r\\n');
           return [lines.filter(l => l.startsWith('Content-')).sort().join(' | '), lines[lines.length - 1]] };
         return [
           sent('hé'), sent(null), sent(new Uint8Array([65, 66]).buffer), sent(new Uint8Array([65, 66, 67]).subarray(1)),
           sent({ b: 'x y', a: [1, 2], c: null, e: true, f: 1.5, g: { z: 1 } }),
           sent({ a: 1 }, { headers: { 'content-type': 'text/x' } }), sent(new String('boxed')),
         ]",
    );
    let form = "Content-Type: application/x-www-form-urlencoded";
    assert_eq!(
        ran.result,
        json!([
            ["Content-Length: 3", "hé"],
            ["Content-Length: 0", ""],
            ["Content-Length: 2", "AB"],
            ["Content-Length: 2", "BC"],
            [
                format!("Content-Length: 55 | {form}"),
                "a=1&a=2&b=x+y&c=%3Cnil%3E&e=true&f=1.5&g=map%5Bz%3A1%5D"
            ],
            ["Content-Length: 3 | Content-Type: text/x", "a=1"],
            ["Content-Length: 5", "boxed"],
        ])
    );
}

#[test]
fn an_object_with_a_file_becomes_multipart() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        r#"const r = http.post(B + '/raw', { z: '1 é', f: http.file('abc', 'f"q\\.txt', 'text/plain'),
             g: http.file(new Uint8Array([65, 66]).buffer, 'g.bin'), l: ['x', 'y'] });
           const type = r.request.headers['Content-Type'][0];
           const boundary = type.split('boundary=')[1];
           return [type.replace(boundary, 'B'), boundary.length,
                   r.body.split('\r\n\r\n').slice(1).join('\r\n\r\n').replaceAll(boundary, 'B')]"#,
    );
    assert_eq!(
        ran.result,
        json!([
            "multipart/form-data; boundary=B",
            60,
            "--B\r\nContent-Disposition: form-data; name=\"z\"\r\n\r\n1 é\r\n\
             --B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\\\"q\\\\.txt\"\r\n\
             Content-Type: text/plain\r\n\r\nabc\r\n\
             --B\r\nContent-Disposition: form-data; name=\"g\"; filename=\"g.bin\"\r\n\
             Content-Type: application/octet-stream\r\n\r\nAB\r\n\
             --B\r\nContent-Disposition: form-data; name=\"l\"\r\n\r\n[x y]\r\n--B--\r\n"
        ])
    );
}

#[test]
fn files_have_defaults_and_are_checked() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "const f = http.file('x');
         return [Object.keys(f), f.content_type, /^\\d{19}$/.test(f.filename), thrown(() => http.file(5))]",
    );
    assert_eq!(ran.result[0], json!(["data", "filename", "content_type"]));
    assert_eq!((&ran.result[1], &ran.result[2]), (&json!("application/octet-stream"), &json!(true)));
    assert!(ran.result[3].as_str().unwrap().contains("string or an ArrayBuffer"));
}

#[test]
fn every_method_has_its_function() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "const line = r => r.body.split('\\r\\n')[0] + (r.body.includes('Content-Length') ? ' +' : '');
         return [http.put(B + '/raw'), http.patch(B + '/raw', 'x'), http.del(B + '/raw'), http.del(B + '/raw', 'x'),
                 http.options(B + '/raw', 'x'), http.request('propfind', B + '/raw'), http.request('', B + '/raw'),
                 http.request('GET', B + '/raw', 'b')].map(line).concat([http.head(B + '/raw').body])",
    );
    assert_eq!(
        ran.result,
        json!([
            "PUT /raw HTTP/1.1 +",
            "PATCH /raw HTTP/1.1 +",
            "DELETE /raw HTTP/1.1",
            "DELETE /raw HTTP/1.1 +",
            "OPTIONS /raw HTTP/1.1 +",
            "propfind /raw HTTP/1.1",
            "GET /raw HTTP/1.1",
            "GET /raw HTTP/1.1 +",
            ""
        ])
    );
}

#[test]
fn parameters_shape_the_request() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "const headers = (path, p) => http.get(B + path, p).body.split('\\r\\n').slice(2, -2);
         const out = [
           headers('/raw', { headers: { 'x-a': 1, 'X-B': null, 'x-e': ['1', '2'], 'User-Agent': 'me' } }),
           headers('/raw', { cookies: { c1: 'v1', c2: { value: 'v2', replace: true }, no: null }, unknown: 1 }),
           headers('/raw', null), headers('/raw', { headers: undefined, tags: null, jar: undefined }),
         ];
         http.cookieJar().set(B, 'c', 'jar');
         out.push(headers('/raw', { cookies: { c: '2' } }), headers('/raw', { cookies: { c: { value: '2', replace: true } } }));
         out.push(http.get(B + '/raw', { headers: { host: 'h.test' } }).body.split('\\r\\n')[1]);
         return out",
    );
    assert_eq!(
        ran.result,
        json!([
            ["User-Agent: me", "X-A: 1", "X-B: null", "X-E: 1,2"],
            ["User-Agent: Grafana k6/1.1.0", "Cookie: c1=v1; c2=v2"],
            ["User-Agent: Grafana k6/1.1.0"],
            ["User-Agent: Grafana k6/1.1.0"],
            ["User-Agent: Grafana k6/1.1.0", "Cookie: c=2; c=jar"],
            ["User-Agent: Grafana k6/1.1.0", "Cookie: c=2"],
            "Host: h.test"
        ])
    );
}

#[test]
fn a_wrong_content_length_is_ignored_with_a_warning() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "return http.post(B + '/raw', 'abc', { headers: { 'Content-Length': '99' } }).body.includes('Content-Length: 3')",
    );
    assert_eq!(ran.result, json!(true));
    assert!(
        ran.log.iter().any(|line| line.starts_with("Warn") && line.contains("Content-Length \"99\"")),
        "{:?}",
        ran.log
    );
}

#[test]
fn the_body_follows_the_response_type() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "const text = http.get(B + '/bytes').body;
         const binary = http.get(B + '/bytes', { responseType: 'binary' }).body;
         return [text, text.length, Array.from(new Uint8Array(binary)), http.get(B + '/bytes', { responseType: 'none' }).body,
                 http.get(B + '/204').body, http.get(B + '/empty').body,
                 http.get(B + '/bytes', { responseType: 'foo' }).error !== '']",
    );
    assert_eq!(
        ran.result,
        json!(["\u{0}\u{fffd}A\u{fffd}B", 5, [0, 255, 65, 200, 66], null, null, "", true])
    );
    let discarding = script(
        &server,
        "export const options = { discardResponseBodies: true };",
        "return [http.get(B + '/raw').body, http.get(B + '/json', { responseType: 'text' }).json('s')]",
    );
    assert_eq!(discarding.result, json!([null, "str"]));
}

#[test]
fn json_reads_the_body_or_a_part_of_it() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "const r = http.get(B + '/json'), broken = http.get(B + '/broken.json');
         return [r.json().a.b[1].c, r.json('a.b.1.c'), r.json('a.b.#'), r.json('nothing') === undefined, r.json('n'),
                 r.json('a'), broken.json('a') === undefined, thrown(() => broken.json()), r.json('{s,k:a.@keys}|@values'),
                 thrown(() => http.get(B + '/204').json()), Object.keys(r).length,
                 http.get(B + '/json', { responseType: 'binary' }).json('s'), r.json(undefined) === undefined]",
    );
    let result = ran.result.as_array().unwrap();
    assert_eq!(
        result[..7],
        [
            json!("x"),
            json!("x"),
            json!(2),
            json!(true),
            json!(null),
            json!({"b": [1, {"c": "x"}]}),
            json!(true)
        ]
    );
    let error = |i: usize| result[i].as_str().unwrap();
    assert!(error(7).contains("line 2, column 8"), "{}", error(7));
    assert_eq!(result[8], json!(["str", ["b"]]));
    assert!(error(9).contains("no body"), "{}", error(9));
    assert_eq!(result[10..], [json!(20), json!("str"), json!(true)]);
}

#[test]
fn a_body_that_the_script_replaced_is_what_is_read() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "const body = (value, params) => { const r = http.get(B + '/json', params); r.body = value; return r };
         const kept = http.get(B + '/json'), before = kept.json(); kept.body = '{\"s\":2}';
         const read = http.get(B + '/json'); read.body.length;
         return [body('{\"s\":1}').json().s, body('{\"s\":1}').json('s'), kept.json().s === before.s, kept.json('s'), read.json('s'),
                 body('<p>x</p>').html('p').text(), body(new Uint8Array([91, 55, 93]).buffer).json('0'),
                 body('[8]', { responseType: 'none' }).json('0'), thrown(() => body(null).json()), thrown(() => body(5).html()),
                 body('<a href=\"/json\">z</a>').clickLink().status, (kept.body = 5, kept.json().s),
                 (read.body = new Uint8Array([91, 55, 93]).buffer, read.json('0')),
                 (new Uint8Array(read.body)[1] = 56, read.json('0'))]",
    );
    let result = ran.result.as_array().unwrap();
    assert_eq!(result[..5], [json!(1), json!(1), json!(true), json!(2), json!("str")]);
    assert_eq!(result[5..8], [json!("x"), json!(7), json!(8)]);
    assert!(result[8].as_str().unwrap().contains("no body"), "{}", result[8]);
    assert!(result[9].as_str().unwrap().contains("neither a string nor an ArrayBuffer"), "{}", result[9]);
    assert_eq!(result[10..], [json!(200), json!("str"), json!(7), json!(8)]);
}

#[test]
fn redirects_are_followed_and_each_is_a_request_of_its_own() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "const r = http.get(B + '/redirect/2');
         return [r.status, r.url, r.request.url, r.body.includes('Cookie: r2=v; r1=v'), http.get(B + '/redirect/2', { redirects: 0 }).status,
                 http.get(B + '/redirect/3', { redirects: 1 }).url, http.get(B + '/redirect/15').url]",
    );
    let url = |path: &str| format!("http://{}{path}", server.addr());
    assert_eq!(
        ran.result,
        json!([200, url("/raw"), url("/redirect/2"), true, 302, url("/redirect/2"), url("/redirect/5")])
    );
    assert_eq!(ran.requests(), 3.0 + 1.0 + 2.0 + 11.0);
    let warnings = ran.log.iter().filter(|line| line.contains("redirects")).count();
    assert_eq!(warnings, 1, "only the default limit is spoken of: {:?}", ran.log);
}

#[test]
fn samples_carry_k6s_tags() {
    let server = Server::start();
    let tags = |body: &str| script(&server, "", body).tags();
    let expect = |tags: std::collections::BTreeMap<String, String>, pairs: &[(&str, &str)]| {
        let expected = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(tags, expected);
    };
    let url = |path: &str| format!("http://{}{path}", server.addr());
    let raw = url("/raw");
    let common =
        [("expected_response", "true"), ("group", "::setup"), ("method", "GET"), ("proto", "HTTP/1.1")];
    let with = |more: &[(&'static str, &str)]| -> Vec<(String, String)> {
        common.iter().chain(more).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    let check = |body: &str, more: &[(&'static str, &str)]| {
        let pairs = with(more);
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        expect(tags(body), &pairs);
    };
    check("http.get(B + '/raw'); http.get(B + '/raw')", &[("status", "200"), ("name", &raw), ("url", &raw)]);
    // A name stands for the URL too; what the system knows goes before a tag of the same name.
    check(
        "http.get(B + '/raw', { tags: { name: 'N', x: 1, url: 'zz', status: 'no' } })",
        &[("status", "200"), ("name", "N"), ("url", "N"), ("x", "1")],
    );
    check(
        "http.get(http.url`${B}/raw?id=${5}`)",
        &[("status", "200"), ("name", "${}/raw?id=${}"), ("url", "${}/raw?id=${}")],
    );
    check(
        "http.get(http.url`${B}/raw?id=${5}`, { tags: { name: 'zz' } })",
        &[("status", "200"), ("name", "zz"), ("url", "zz")],
    );
    let masked = raw.replace("http://", "http://****:****@");
    check(
        "http.get(B.replace('http://', 'http://u:p@') + '/raw')",
        &[("status", "200"), ("name", &masked), ("url", &masked)],
    );
    let missing = url("/status/404");
    check(
        "http.get(B + '/status/404', { responseCallback: http.expectedStatuses(404) })",
        &[("status", "404"), ("error_code", "1404"), ("name", &missing), ("url", &missing)],
    );
}

#[test]
fn a_request_that_fails_is_logged_and_gives_a_response_without_a_status() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "const r = http.get('http://127.0.0.1:1/x');
         return [r.status, r.error, r.error_code, r.body, r.headers, r.url, r.request.method, r.timings.duration, r.remote_ip, r.remote_port]",
    );
    assert_eq!(
        ran.result,
        json!([0, "dial: connection refused", 1212, null, {}, "http://127.0.0.1:1/x", "GET", 0, "", 0])
    );
    assert_eq!(ran.log, ["Warn Request Failed error=Get \"http://127.0.0.1:1/x\": dial: connection refused"]);
    let tags = ran.tags();
    assert_eq!(tags["status"], "0");
    assert_eq!(tags["error"], "dial: connection refused");
    assert_eq!(tags["error_code"], "1212");
    assert_eq!(tags["expected_response"], "false");
    assert!(!tags.contains_key("proto"));
    assert_eq!(ran.series("http_req_failed")[0].2, 1.0);
}

#[test]
fn timeouts_and_closed_connections_are_errors_with_k6s_codes() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "const e = (path, p) => { const r = http.get(B + path, p); return [r.error, r.error_code] };
         return [e('/sleep/3000', { timeout: 80 }), e('/sleep/3000', { timeout: '80ms' }), e('/close'),
                 e('/raw', { timeout: -5 }), e('/raw', { timeout: 'abc' })[1]]",
    );
    assert_eq!(
        ran.result,
        json!([
            ["request timeout", 1050],
            ["request timeout", 1050],
            ["EOF", 1000],
            ["request timeout", 1050],
            0
        ])
    );
}

#[test]
fn arguments_that_make_no_request_give_a_response_with_the_error() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "return [http.get('http://a b/'), http.get(), http.post(B, 5), http.get(B, { tags: { a: null } }),
                 http.get(B, { responseCallback: 5 })].map(r => [r.status, r.error_code, r.error !== '', r.request,
                     r.body, r.body.includes('x'), typeof r.json('a'), r.html().text()])",
    );
    let refused = |code: u16| json!([0, code, true, null, [], false, "undefined", ""]);
    assert_eq!(ran.result, json!([refused(1020), refused(1020), refused(0), refused(0), refused(0)]));
    assert_eq!(ran.requests(), 0.0);
    assert_eq!(ran.log.len(), 5, "{:?}", ran.log);
    assert!(ran.log[0].contains("invalid URL: parse \"http://a b/\""), "{}", ran.log[0]);
}

#[test]
fn failures_throw_where_that_is_asked_for() {
    let server = Server::start();
    let refused = "Get \"http://127.0.0.1:1/\": dial: connection refused";
    let ran = script(
        &server,
        "",
        "return [thrown(() => http.get('http://127.0.0.1:1/', { throw: true })), thrown(() => http.get('http://a b/', { throw: true }))]",
    );
    assert_eq!(ran.result, json!([refused, "nothing"]));
    let ran = script(
        &server,
        "export const options = { throw: true };",
        "return [thrown(() => http.get('http://127.0.0.1:1/')), thrown(() => http.get('http://127.0.0.1:1/', { throw: false })),
                 thrown(() => http.get(B + '/status/404')), thrown(() => http.post(B, 5)) !== 'nothing',
                 thrown(() => http.batch(['http://127.0.0.1:1/']))]",
    );
    assert_eq!(ran.result, json!([refused, "nothing", "nothing", true, refused]));
}

#[test]
fn response_callbacks_decide_what_failed() {
    let server = Server::start();
    let failed = |head: &str, body: &str| -> Vec<f64> {
        let ran: Ran = script(&server, head, body);
        ran.series("http_req_failed").into_iter().map(|(_, _, failed)| failed).collect()
    };
    assert_eq!(failed("", "http.get(B + '/status/404')"), [1.0]);
    assert_eq!(
        failed("", "http.get(B + '/status/404', { responseCallback: http.expectedStatuses(404) })"),
        [0.0]
    );
    assert_eq!(
        failed(
            "",
            "http.get(B + '/status/450', { responseCallback: http.expectedStatuses({ min: 440, max: 460 }, 200) })"
        ),
        [0.0]
    );
    assert_eq!(
        failed("http.setResponseCallback(http.expectedStatuses(201));", "http.get(B + '/raw')"),
        [1.0]
    );
    let ran = script(&server, "", "http.get(B + '/status/404', { responseCallback: null })");
    assert!(ran.series("http_req_failed").is_empty());
    assert!(!ran.tags().contains_key("expected_response"));
    let ran = script(
        &server,
        "",
        "return [thrown(() => http.expectedStatuses()), thrown(() => http.expectedStatuses('a')),
                 thrown(() => http.expectedStatuses({ min: 1 })), thrown(() => http.setResponseCallback(5))].map(e => e !== 'nothing')",
    );
    assert_eq!(ran.result, json!([true, true, true, true]));
}

#[test]
fn a_batch_runs_at_once_and_keeps_its_shape() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "const first = r => r.body.split(' ')[0] + r.body.split('\\r\\n\\r\\n')[1];
         const list = http.batch([B + '/raw', ['GET', B + '/raw', null, { tags: { a: 'b' } }],
           { method: 'POST', url: B + '/raw', body: 'q' }, ['POST', B + '/raw', 'zz'], { url: B + '/raw', body: 'kept' },
           http.url`${B}/raw`]).map(first);
         const named = http.batch({ a: B + '/raw', b: { url: B + '/status/404' } });
         const began = Date.now();
         const slow = http.batch(Array(6).fill(B + '/sleep/150')).map(r => r.status);
         return [list, Object.keys(named), named.b.status, slow, Date.now() - began < 600, http.batch([])]",
    );
    assert_eq!(
        ran.result,
        json!([
            ["GET", "GET", "POSTq", "POSTzz", "GETkept", "GET"],
            ["a", "b"],
            404,
            [200, 200, 200, 200, 200, 200],
            true,
            []
        ])
    );
}

#[test]
fn a_batch_keeps_to_its_limits() {
    let server = Server::start();
    let ran = script(
        &server,
        "export const options = { batchPerHost: 2 };",
        "const began = Date.now(); http.batch(Array(4).fill(B + '/sleep/100')); return Date.now() - began >= 200",
    );
    assert_eq!(ran.result, json!(true));
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_malformed_batch_sends_nothing() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "const shape = rs => rs.map(r => r && [r.status, r.error !== '']);
         return [shape(http.batch([B + '/raw', 'http://a b/', B + '/raw'])), shape(http.batch([['GET']])),
                 shape(http.batch([{ method: 'GET' }])), Object.keys(http.batch({ a: B + '/raw', b: 5 })),
                 thrown(() => http.batch()) !== 'nothing', thrown(() => http.batch('x')) !== 'nothing']",
    );
    assert_eq!(
        ran.result,
        json!([[[0, false], [0, true], null], [[0, true]], [[0, true]], ["a", "b"], true, true])
    );
    assert_eq!(ran.requests(), 0.0);
    assert!(
        ran.log.iter().all(|line| line.starts_with("Warn A batch request failed error=")),
        "{:?}",
        ran.log
    );
}

#[test]
fn asynchronous_requests_settle_promises() {
    let server = Server::start();
    let ran = script(
        &server,
        "",
        "const p = http.asyncRequest('GET', B + '/raw');
         const rejected = async f => { try { await f(); return 'nothing' } catch (e) { return e.message } };
         const began = Date.now();
         const both = await Promise.all([http.asyncRequest('GET', B + '/sleep/150'), http.asyncRequest('POST', B + '/sleep/150', 'x')]);
         return [p instanceof Promise, (await p).status, both.map(r => r.body), Date.now() - began < 290,
                 (await http.asyncRequest('GET', 'http://127.0.0.1:1/')).error, (await http.asyncRequest('GET', 'http://a b/')).error_code,
                 await rejected(() => http.asyncRequest('GET', 'http://127.0.0.1:1/', null, { throw: true }))]",
    );
    assert_eq!(
        ran.result,
        json!([
            true,
            200,
            ["slept", "slept"],
            true,
            "dial: connection refused",
            1020,
            "Get \"http://127.0.0.1:1/\": dial: connection refused"
        ])
    );
    assert_eq!(ran.requests(), 5.0);
}

#[test]
fn cookie_jars_keep_set_show_and_forget() {
    let server = Server::start();
    let ran = script(
        &server,
        "const early = new http.CookieJar(); early.set(B, 'early', 'bird');",
        "const j = http.cookieJar();
         j.set(B + '/', 'k', 'v'); j.set(B, 'k2', 'v 2', { path: '/x', max_age: 10 });
         j.set(B + '/q', 'k', 'w', { path: '/q' });
         const out = [j.cookiesForURL(B), j.cookiesForURL(B + '/x/y'), j.cookiesForURL(B + '/q')];
         j.delete(B, 'k'); out.push(j.cookiesForURL(B));
         j.set(B, 'm', 'n'); j.clear(B); out.push(j.cookiesForURL(B));
         j.set(B, 'e', 'v', { expires: 'Mon, 02 Jan 2099 15:04:05 GMT' }); j.set(B, 'p', 'v', { expires: 'Mon, 02 Jan 1999 15:04:05 GMT' });
         j.set(B, 'd', 'v', { domain: 'other.com' }); out.push(j.cookiesForURL(B));
         const mine = new http.CookieJar();
         const r = http.get(B + '/cookies', { jar: mine });
         out.push(mine.cookiesForURL(B), Object.keys(r.request.cookies), early.cookiesForURL(B), mine instanceof http.CookieJar,
                  thrown(() => j.set(B, 'a', 'b', { expires: 'foo' })) !== 'nothing', j.set(B, 'a', 'b'));
         return out",
    );
    assert_eq!(
        ran.result,
        json!([
            { "k": ["v"] }, { "k2": ["v 2"], "k": ["v"] }, { "k": ["w", "v"] }, {}, {}, { "e": ["v"] },
            { "a": ["1"], "b": ["q w"] }, [], { "early": ["bird"] }, true, true, true
        ])
    );
}

#[test]
fn nothing_is_sent_in_the_init_context() {
    let server = Server::start();
    let ran = script(
        &server,
        "const early = [() => http.get(B), () => http.batch([B]), () => http.cookieJar(), () => http.file('x')].map(thrown);",
        "return early",
    );
    let early: Vec<_> =
        ran.result.as_array().unwrap().iter().map(|e| e.as_str().unwrap().contains("init context")).collect();
    assert_eq!(early, [true, true, true, false]);
    assert_eq!(server.connections(), 0);
}

#[test]
fn what_we_do_not_have_says_so() {
    let server = Server::start();
    let ran = script(&server, "", "return thrown(() => http.get(B, { auth: 'ntlm' }))");
    assert!(ran.result.as_str().unwrap().ends_with("is not supported yet"), "{}", ran.result);
}

#[test]
fn connections_are_kept_and_bytes_are_counted() {
    let server = Server::start();
    let ran = script(&server, "", "for (let i = 0; i < 5; i++) http.get(B + '/raw')");
    assert_eq!(server.connections(), 1);
    let request =
        format!("GET /raw HTTP/1.1\r\nHost: {}\r\nUser-Agent: Grafana k6/1.1.0\r\n\r\n", server.addr());
    let sent = ran.series("data_sent");
    assert_eq!(sent[0].2, 5.0 * request.len() as f64);
    assert_eq!(sent[0].1.iter().collect::<Vec<_>>(), [(&"group".to_owned(), &"::setup".to_owned())]);
    assert!(ran.series("data_received")[0].2 > sent[0].2);
    // k6 emits both even when nothing was sent.
    assert_eq!(script(&server, "", "return 1").series("data_sent")[0].2, 0.0);
}

#[test]
fn options_reach_the_client() {
    let server = Server::start();
    let port = server.addr().port();
    let ran = script(
        &server,
        &format!(
            "export const options = {{ hosts: {{ 'foo.test': '127.0.0.1:{port}' }}, userAgent: 'mine', noConnectionReuse: true,
               blockHostnames: ['*.blocked.test'], blacklistIPs: ['10.0.0.0/8'], maxRedirects: 1 }};"
        ),
        "return [http.get('http://foo.test/raw').body.split('\\r\\n').slice(1, 3), http.get(B + '/raw').status,
                 http.get('http://x.blocked.test/').error_code, http.get('http://10.1.2.3/').error_code,
                 http.get(B + '/redirect/3').url]",
    );
    assert_eq!(
        ran.result,
        json!([
            ["Host: foo.test", "User-Agent: mine"],
            200,
            1111,
            1110,
            format!("http://{}/redirect/2", server.addr())
        ])
    );
    assert_eq!(server.connections(), 4);
    assert!(!ran.log.iter().any(|line| line.contains("redirects")), "{:?}", ran.log);
}

#[test]
fn system_tags_can_be_chosen() {
    let server = Server::start();
    let only: throng_metrics::SystemTags =
        ["ip", "status", "vu"].iter().map(|tag| tag.parse().unwrap()).collect();
    let recorder = throng_metrics::RecorderConfig { system_tags: only, ..Default::default() };
    let ran =
        script_with(&server, "", "http.get(B + '/raw', { tags: { name: 'n', method: 'm' } })", recorder);
    let tags: Vec<_> = ran.tags().into_iter().collect();
    let expected = [("ip", "127.0.0.1"), ("method", "m"), ("name", "n"), ("status", "200")];
    assert_eq!(tags, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
}

#[test]
fn http_debug_writes_requests_and_responses_into_the_log() {
    let server = Server::start();
    let debug = |level: &str| {
        let head = format!("export const options = {{ httpDebug: '{level}' }};");
        script(&server, &head, "http.post(B + '/status/201', 'the body')").log
    };
    let full = debug("full");
    assert_eq!(full.len(), 2, "{full:?}");
    let id = full[0].split("request_id=").nth(1).unwrap().split(' ').next().unwrap();
    let fields = format!(" group=::setup iter=0 request_id={id} source=http-debug vu=0");
    let request = format!(
        "Info Request:\nPOST /status/201 HTTP/1.1\nHost: {}\nUser-Agent: Grafana k6/1.1.0\nContent-Length: 8\n\nthe body\n",
        server.addr()
    );
    assert_eq!(full[0], request + &fields);
    assert_eq!(full[1], format!("Info Response:\nHTTP/1.1 201 Whatever\nContent-Length: 2\n\nst\n{fields}"));
    let heads = debug("headers");
    assert!(!heads[0].contains("the body") && heads[0].contains("POST /status/201"), "{heads:?}");
}

#[test]
fn every_iteration_begins_without_cookies_unless_they_are_to_stay() {
    let server = Server::start();
    let cookies = |options: &str| {
        let script = Script::new(format!(
            "import http from 'k6/http';
             export const options = {{ iterations: 2, {options} }};
             export default function () {{
               console.log(Object.keys(http.cookieJar().cookiesForURL('http://{0}')).join());
               http.get('http://{0}/cookies');
             }}",
            server.addr()
        ));
        script.run();
        script.console()
    };
    assert_eq!(cookies(""), ["", ""]);
    assert_eq!(cookies("noCookiesReset: true"), ["", "a,b"]);
}

#[test]
fn connections_outlive_iterations_unless_they_are_not_to() {
    let connections = |options: &str| {
        let server = Server::start();
        let ran = Script::new(format!(
            "import http from 'k6/http';
             export const options = {{ iterations: 3, {options} }};
             export default function () {{ http.get('http://{0}/raw'); http.get('http://{0}/raw') }}",
            server.addr()
        ))
        .run();
        assert_eq!((ran.count("http_reqs"), ran.count("data_sent")), (6, 3));
        server.connections()
    };
    assert_eq!(connections(""), 1);
    assert_eq!(connections("noVUConnectionReuse: true"), 3);
    assert_eq!(connections("noConnectionReuse: true"), 6);
}

#[test]
fn an_interrupted_request_ends_at_once_and_its_bytes_are_counted() {
    let server = Server::start();
    let began = std::time::Instant::now();
    let script = Script::new(format!(
        "import http from 'k6/http';
         export const options = {{ scenarios: {{ s: {{ executor: 'constant-vus', vus: 1, duration: '1s', gracefulStop: '0s' }} }} }};
         export default function () {{ try {{ http.get('http://{}/sleep/5000') }} finally {{ console.log('finally') }} }}",
        server.addr()
    ));
    let ran = script.run();
    assert!(began.elapsed().as_secs() < 4);
    assert_eq!((ran.count("http_reqs"), ran.count("iterations"), script.console().len()), (0, 0, 0));
    let sent = ran.samples("data_sent");
    assert!(sent.len() == 1 && !sent[0].starts_with("0 "), "{sent:?}");
}
