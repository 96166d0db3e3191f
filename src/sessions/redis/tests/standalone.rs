//! One server.

use super::*;
use crate::sessions::conformance::session_conformance;

session_conformance!(Alone::new());
