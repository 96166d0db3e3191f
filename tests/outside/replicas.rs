//! Three replicas under load while everything fails.

use std::time::Duration;

use crate::harness::Gateway;
use crate::load::Load;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tmp_embedded() {
    let gateway = Gateway::start().await;
    let load = Load::provision(&gateway.url()).await;
    let run = load.run(6);
    tokio::time::sleep(Duration::from_secs(5)).await;
    load.stop();
    run.join_all().await;
    eprintln!("{}", load.record.figures());
    let wrongs = load.record.wrongs();
    assert!(wrongs.is_empty(), "{} wrong, {:#?}", wrongs.len(), &wrongs[..wrongs.len().min(5)]);
}
