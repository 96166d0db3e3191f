//! Real servers for Poolgate's tests and benchmarks, each on its own ports and in its own folder, gone with the value
//! that holds it. Nothing here knows Poolgate.
#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on says so"
)]

mod pgbouncer;
mod ports;
mod postgres;
mod process;
mod proxy;
mod redis;
mod redis_cluster;
mod redis_sentinel;

pub use pgbouncer::PgBouncer;
pub use ports::free_port;
pub use postgres::{Database, Postgres};
pub use proxy::{Proxy, Wire};
pub use redis::Redis;
pub use redis_cluster::RedisCluster;
pub use redis_sentinel::RedisSentinel;
