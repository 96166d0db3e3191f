//! The canonical request: the one spelling of a request that both sides hash.

use std::fmt::Write as _;

use super::Request;

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Method, path, query, headers, names of headers and body hash, each in its canonical form.
pub(super) fn canonical_request(request: &Request<'_>, signed: &[&str], body_hash: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(1024);
    text.extend_from_slice(request.method.as_bytes());
    text.push(b'\n');
    text.extend_from_slice(canonical_path(request.path).as_bytes());
    text.push(b'\n');
    text.extend_from_slice(canonical_query(request.query.unwrap_or_default()).as_bytes());
    text.push(b'\n');
    for name in signed {
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        let values = request.headers.iter().filter(|(known, _)| known == name);
        for (index, (_, value)) in values.enumerate() {
            if index > 0 {
                text.push(b',');
            }
            fold_spaces(value, &mut text);
        }
        text.push(b'\n');
    }
    text.push(b'\n');
    text.extend_from_slice(signed.join(";").as_bytes());
    text.push(b'\n');
    text.extend_from_slice(body_hash.as_bytes());
    text
}

/// Spaces at both ends go, several in a row become one.
fn fold_spaces(value: &[u8], out: &mut Vec<u8>) {
    let mut after_space = false;
    for byte in value.trim_ascii() {
        if *byte == b' ' && after_space {
            continue;
        }
        after_space = *byte == b' ';
        out.push(*byte);
    }
}

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn encode(bytes: &[u8], keep_slash: bool) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len()), |mut text, byte| {
        if unreserved(*byte) || (keep_slash && *byte == b'/') {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let digit = |offset: usize| {
            let digit = bytes.get(at + offset).and_then(|byte| char::from(*byte).to_digit(16));
            digit.and_then(|digit| u8::try_from(digit).ok())
        };
        match (byte, digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high * 16 + low);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

/// Dot segments and doubled slashes go; the path as sent is encoded once more (every service but S3).
fn canonical_path(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    let mut normal = String::from("/");
    normal.push_str(&segments.join("/"));
    if normal.len() > 1 && (path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..")) {
        normal.push('/');
    }
    encode(normal.as_bytes(), true)
}

/// Names and values encoded in one way, sorted by name, then by value.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode(&decode(name), false), encode(&decode(value), false))
        })
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}
