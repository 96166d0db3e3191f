//! JSON objects from a provider, parsed once and strictly.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

pub(crate) use crate::error::shown;

/// A JSON object that has no member twice: two readers could take different ones.
pub(crate) struct Object(pub(crate) Map<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Object, A::Error> {
                let mut map = Map::new();
                while let Some((name, value)) = members.next_entry::<String, Value>()? {
                    if map.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member comes twice"));
                    }
                }
                Ok(Object(map))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// The object in `bytes`. The error says no more than that it is none: the text may hold secrets.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, &'static str> {
    serde_json::from_slice::<Object>(bytes)
        .map(|object| object.0)
        .map_err(|_| "it is not a JSON object with each member once")
}
