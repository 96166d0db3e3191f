//! Rows as PostgreSQL's `COPY … FROM STDIN` reads them, in its text format.

use aws_lc_rs::digest::{SHA256, digest};

use super::tables::{Row, Value};

/// Adds one row, and behind it the SHA-256 of a text where the table wants one. Numbers do for booleans too:
/// PostgreSQL reads 0 and 1.
pub(super) fn push(out: &mut Vec<u8>, row: &Row, digested: Option<&Value>) {
    let digest = digested.map(|value| match value {
        Value::Text(text) => Value::Bytes(digest(&SHA256, text.as_bytes()).as_ref().to_vec()),
        _ => Value::Null,
    });
    for (place, value) in row.iter().chain(&digest).enumerate() {
        if place > 0 {
            out.push(b'\t');
        }
        match value {
            Value::Null => out.extend_from_slice(b"\\N"),
            Value::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Value::Text(text) => push_text(out, text),
            Value::Bytes(bytes) => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\\\x");
                for byte in bytes {
                    let digits = [byte >> 4, byte & 15].map(|half| DIGITS.get(usize::from(half)));
                    out.extend(digits.into_iter().flatten());
                }
            }
        }
    }
    out.push(b'\n');
}

/// What has a meaning in the format is written with a backslash; all else is itself.
fn push_text(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_taken_for_another_value_or_for_two() {
        let row = vec![
            Value::Null,
            Value::Text("\\N".into()),
            Value::Text("a\tb\nc\rd\\.".into()),
            Value::Integer(-7),
            Value::Bytes(vec![0, 0xab, 0xff]),
            Value::Text(String::new()),
        ];
        let mut out = Vec::new();
        push(&mut out, &row, None);
        assert_eq!(out, b"\\N\t\\\\N\ta\\tb\\nc\\rd\\\\.\t-7\t\\\\x00abff\t\n");
    }

    #[test]
    fn a_digest_follows_its_row() {
        let row = vec![Value::Text("abc".into())];
        let mut out = Vec::new();
        push(&mut out, &row, row.first());
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(out, format!("abc\t\\\\x{known}\n").as_bytes());
    }
}
