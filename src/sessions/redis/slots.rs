//! Slots of a cluster: which one a key falls into, and who serves it.

use redis::Value;

use super::address::HostPort;
use super::failure::Failure;

/// How many there are.
pub(super) const SLOTS: usize = 16_384;

/// Slots `first` to `last`, served by this master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) master: HostPort,
}

/// The slot of a key: CRC-16/XMODEM of the part in the first braces, where that is not empty, else of all of it
/// (Redis Cluster Specification, "Hash tags").
pub(super) fn slot_of(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let behind = key.get(open + 1..)?;
        let close = behind.iter().position(|byte| *byte == b'}')?;
        behind.get(..close).filter(|tag| !tag.is_empty())
    });
    crc16(tag.unwrap_or(key)) % 16_384
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

/// Reads an answer to `CLUSTER SLOTS`. A node without a name there is the one that was asked.
pub(super) fn read(answer: &Value, asked: &HostPort) -> Result<Vec<Range>, Failure> {
    let wrong = || Failure::Unreachable(format!("Redis at {asked}: its CLUSTER SLOTS cannot be read"));
    let Value::Array(rows) = answer else { return Err(wrong()) };
    let ranges: Option<Vec<Range>> = rows.iter().map(|row| read_row(row, asked)).collect();
    match ranges {
        Some(ranges) if ranges.is_empty() => {
            Err(Failure::Unreachable(format!("Redis at {asked}: no slot of the cluster is served")))
        }
        Some(ranges) => Ok(ranges),
        None => Err(wrong()),
    }
}

fn read_row(row: &Value, asked: &HostPort) -> Option<Range> {
    let Value::Array(parts) = row else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &parts[..] else { return None };
    let [host, Value::Int(port), ..] = &master[..] else { return None };
    let host = match host {
        Value::BulkString(name) => String::from_utf8(name.clone()).ok()?,
        Value::SimpleString(name) => name.clone(),
        Value::Nil => String::new(),
        _ => return None,
    };
    // "?": the node does not know its own name.
    let host = if host.is_empty() || host == "?" { asked.host.clone() } else { host };
    let slot = |number: i64| u16::try_from(number).ok().filter(|slot| usize::from(*slot) < SLOTS);
    Some(Range {
        first: slot(*first)?,
        last: slot(*last)?,
        master: HostPort { host, port: u16::try_from(*port).ok()? },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot_of(b"foo"), 12_182);
        assert_eq!(slot_of(b"{user1000}.following"), slot_of(b"{user1000}.followers"));
        assert_eq!(slot_of(b"{user1000}.following"), slot_of(b"user1000"));
        assert_eq!(slot_of(b"foo{}{bar}"), crc16(b"foo{}{bar}") % 16_384);
        assert_eq!(slot_of(b"foo{{bar}}zap"), slot_of(b"{bar"));
        assert_eq!(slot_of(b"foo{bar}{zap}"), slot_of(b"bar"));
        assert_eq!(slot_of(b"foo{bar"), crc16(b"foo{bar") % 16_384);
    }

    #[test]
    fn a_node_without_a_name_is_the_one_that_was_asked() {
        let row = |host: Value| {
            let master = Value::Array(vec![host, Value::Int(7000), Value::BulkString(b"id".to_vec())]);
            Value::Array(vec![Value::Array(vec![Value::Int(0), Value::Int(16_383), master])])
        };
        let asked = HostPort { host: "asked".to_owned(), port: 1 };
        for (host, expected) in [
            (Value::BulkString(b"10.0.0.1".to_vec()), "10.0.0.1"),
            (Value::BulkString(Vec::new()), "asked"),
            (Value::BulkString(b"?".to_vec()), "asked"),
            (Value::Nil, "asked"),
        ] {
            let ranges = read(&row(host), &asked).unwrap();
            let master = HostPort { host: expected.to_owned(), port: 7000 };
            assert_eq!(ranges, [Range { first: 0, last: 16_383, master }]);
        }
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_no_map() {
        let asked = HostPort { host: "asked".to_owned(), port: 1 };
        let node = Value::Array(vec![Value::Nil, Value::Int(70_000)]);
        for answer in [
            Value::Nil,
            Value::Array(Vec::new()),
            Value::Array(vec![Value::Array(vec![Value::Int(0), Value::Int(16_384), node.clone()])]),
            Value::Array(vec![Value::Array(vec![Value::Int(0), Value::Int(1), node])]),
        ] {
            assert!(read(&answer, &asked).is_err(), "{answer:?}");
        }
    }
}
