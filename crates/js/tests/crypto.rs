//! `k6/crypto`, `k6/encoding` and the global `crypto`. Digests and texts were observed on k6 1.1.

mod common;

use common::{ATTEMPT, evaluate};
use serde_json::json;

fn crypto(body: &str) -> serde_json::Value {
    let head = format!(
        "import crypto from 'k6/crypto'; import encoding, {{ b64decode }} from 'k6/encoding'; {ATTEMPT}
         const bytes = (b) => Array.from(new Uint8Array(b)).join();"
    );
    evaluate(&head, body)
}

#[test]
fn every_algorithm_hashes_as_in_k6() {
    let digests = crypto(
        "return ['md4', 'md5', 'sha1', 'sha256', 'sha384', 'sha512', 'sha512_224', 'sha512_256', 'ripemd160']
           .map(name => {
             const hash = crypto.createHash(name); hash.update('hel'); hash.update('lo');
             if (hash.digest('hex') !== crypto[name]('hello', 'hex')) throw new Error(name);
             const hmac = crypto.createHMAC(name, 'key'); hmac.update('hello');
             if (hmac.digest('hex') !== crypto.hmac(name, 'key', 'hello', 'hex')) throw new Error(name);
             return [crypto[name]('hello', 'hex').slice(0, 16), crypto.hmac(name, 'key', 'hello', 'hex').slice(0, 16)];
           })",
    );
    assert_eq!(
        digests,
        json!([
            ["866437cb7a794bce", "37466b39d12186d0"],
            ["5d41402abc4b2a76", "04130747afca4d79"],
            ["aaf4c61ddcc5e8a2", "b34ceac4516ff23a"],
            ["2cf24dba5fb0a30e", "9307b3b915efb517"],
            ["59e1748777448c69", "eacbad575c301fa6"],
            ["9b71d224bd62f378", "ff06ab3675777781"],
            ["fe8509ed1fb7dcef", "65f0de09201bada1"],
            ["e30d87cfa2a75db5", "6149bdedc72e1cb4"],
            ["108f07b838241261", "43ab51f803a68a8b"]
        ])
    );
}

#[test]
fn digests_come_in_every_encoding() {
    let encodings = crypto(
        "const of = (e) => attempt(() => crypto.md5('hello world', e));
         return [of('hex'), of('base64'), of('base64url'), of('base64rawurl'), bytes(of('binary')), of('nope'), of()]",
    );
    assert_eq!(encodings[0], "5eb63bbbe01eeed093cb22bb8f5acdc3");
    assert_eq!(encodings[1], "XrY7u+Ae7tCTyyK7j1rNww==");
    assert_eq!(encodings[2], "XrY7u-Ae7tCTyyK7j1rNww==");
    assert_eq!(encodings[3], "XrY7u-Ae7tCTyyK7j1rNww");
    assert_eq!(encodings[4], "94,182,59,187,224,30,238,208,147,203,34,187,143,90,205,195");
    for refused in [&encodings[5], &encodings[6]] {
        assert!(refused.as_str().unwrap().contains("no output encoding"), "{refused}");
    }
}

#[test]
fn text_is_hashed_as_utf8_and_buffers_as_their_bytes() {
    let hex = crypto(
        r"const b = new Uint8Array([0, 1, 2, 253, 254, 255]);
          return ['héllo ✓ 😀', '\ud800x', b, b.buffer, b.subarray(1, 3)].map(crypto.hexEncode)
            .concat([crypto.md5(b.buffer, 'hex'), encoding.b64encode(b.subarray(1, 3)), crypto.hmac('md5', b, 'data', 'hex')])",
    );
    assert_eq!(
        hex,
        json!([
            "68c3a96c6c6f20e29c9320f09f9880",
            "efbfbd78",
            "000102fdfeff",
            "000102fdfeff",
            "0102",
            "e72b86456c191c3275e3d55c0ab2e756",
            "AQI=",
            "3e07badd91175ad49498cc58e1f698a0"
        ])
    );
}

#[test]
fn a_digest_can_be_read_while_more_is_fed() {
    let digests = crypto(
        "const h = crypto.createHash('sha256'); h.update('xy'); const first = h.digest('hex'); h.update('z');
         return [first, h.digest('hex')].map(d => d.slice(0, 16))",
    );
    assert_eq!(digests, json!(["769a4e6d0003189c", "3608bca1e44ea6c4"]));
}

#[test]
fn what_cannot_be_hashed_is_refused() {
    let errors = crypto(
        "return [() => crypto.md5(5, 'hex'), () => crypto.md5(null, 'hex'), () => crypto.md5({}, 'hex'),
           () => crypto.createHash('nope'), () => crypto.createHMAC('nope', 'k'), () => crypto.randomBytes(0),
           () => crypto.randomBytes(-1), () => crypto.randomBytes('x')].map(attempt)",
    );
    for error in errors.as_array().unwrap() {
        assert!(error.as_str().unwrap().contains("Error: "), "{error}");
    }
}

#[test]
fn random_bytes_differ() {
    let sizes = crypto(
        "const [a, b] = [crypto.randomBytes(16), crypto.randomBytes(16)];
         return [a instanceof ArrayBuffer, a.byteLength, bytes(a) !== bytes(b), crypto.randomBytes(1.5).byteLength]",
    );
    assert_eq!(sizes, json!([true, 16, true, 1]));
}

#[test]
fn base64_is_spelt_and_read_as_asked_for() {
    let texts = crypto(
        r"const b = new Uint8Array([255, 239, 190, 1]).buffer;
          const read = (...args) => attempt(() => bytes(b64decode(...args)));
          return [[undefined, 'std', 'rawstd', 'url', 'rawurl', 'bad'].map(e => encoding.b64encode(b, e)),
            read('aGVsbG8='), read('aGVsbG8', 'rawstd'), read('_-8=', 'url'), read('_-8', 'rawurl'), read('aGVs\nbG8='),
            read('aGVsbG9='), b64decode('aGVsbG8=', 'std', 's'), b64decode('gICA', 'std', 's'), read('')]",
    );
    assert_eq!(
        texts,
        json!([
            ["/+++AQ==", "/+++AQ==", "/+++AQ", "_---AQ==", "_---AQ", "/+++AQ=="],
            "104,101,108,108,111",
            "104,101,108,108,111",
            "255,239",
            "255,239",
            "104,101,108,108,111",
            "104,101,108,108,111",
            "hello",
            "\u{fffd}\u{fffd}\u{fffd}",
            ""
        ])
    );
    let errors = crypto(
        "return [['aGVsbG8='], ['aGVsbG8'], ['aGVs bG8='], ['!!!'], ['_-8='], ['aGVsbG8=', 'rawstd'], ['/+8', 'url']]
           .map(args => attempt(() => bytes(b64decode(...args))))",
    );
    let refused: Vec<bool> =
        errors.as_array().unwrap().iter().map(|e| e.as_str().unwrap().contains("Error")).collect();
    assert_eq!(refused, [false, true, true, true, true, true, true]);
}

#[test]
fn the_global_crypto_makes_random_values_and_ids() {
    let values = evaluate(
        ATTEMPT,
        "const a = new Uint32Array(8), same = crypto.getRandomValues(a) === a;
         return [same, a.some(n => n > 65535), crypto.randomUUID(), crypto.randomUUID() === crypto.randomUUID(),
           attempt(() => crypto.getRandomValues(new Float64Array(1))), attempt(() => crypto.getRandomValues(new Uint8Array(65537))),
           attempt(() => { crypto.subtle.encrypt('AES-GCM').catch((e) => { globalThis.refused = e.message }) })]",
    );
    assert_eq!((&values[0], &values[1], &values[3]), (&json!(true), &json!(true), &json!(false)));
    let uuid = values[2].as_str().unwrap();
    assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    assert_eq!(&uuid[14..15], "4");
    assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    assert!(values[4].as_str().unwrap().starts_with("TypeError"), "{}", values[4]);
    assert!(values[5].as_str().unwrap().starts_with("QuotaExceededError"), "{}", values[5]);
}
