use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::*;
use crate::observe::labels::Audited;
use crate::registry::Surface;
use crate::testing::{NOW, surface};

fn event<'a>(surface: &'a Surface, id: usize, request: Value) -> Event<'a> {
    Event {
        name: "CreateUserPool",
        kind: Kind::ApiCall,
        actor: Actor::Anonymous,
        at: NOW,
        id: id.to_string(),
        request_id: "r",
        source: "192.0.2.1",
        user_agent: "test",
        read_only: false,
        request,
        response: Value::Null,
        error: None,
        more: Map::new(),
        surface,
    }
}

fn record(audit: &Audit, id: usize) {
    audit.record(&event(&surface(), id, Value::Null));
}

/// Ids of the events in a file, in order.
fn ids(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.map(|event| event["eventID"].as_str().unwrap().to_owned()).collect()
}

fn open(path: &Path) -> (Audit, Arc<Metrics>) {
    let metrics = Arc::<Metrics>::default();
    (Audit::open(&Place::File(path.to_owned()), Arc::clone(&metrics)).unwrap(), metrics)
}

#[tokio::test]
async fn events_of_many_threads_stand_each_on_its_own_line_in_a_file_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let (audit, metrics) = open(&path);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let audit = &audit;
            scope.spawn(move || (0..100).for_each(|number| record(audit, thread * 100 + number)));
        }
    });
    audit.close().await;
    let mut found: Vec<usize> = ids(&path).iter().map(|id| id.parse().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, (0..800).collect::<Vec<_>>());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(metrics.audited.of(Audited::Written).get(), 800);
}

#[tokio::test]
async fn a_restart_appends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    for run in 0..2 {
        let (audit, _) = open(&path);
        record(&audit, run);
        audit.close().await;
    }
    assert_eq!(ids(&path), ["0", "1"]);
}

#[tokio::test]
async fn after_a_rotation_events_go_to_the_new_file_and_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("audit.jsonl"), folder.path().join("audit.jsonl.1"));
    let (audit, _) = open(&path);
    record(&audit, 1);
    std::fs::rename(&path, &moved).unwrap();
    audit.reopen();
    while !path.exists() {
        tokio::task::yield_now().await;
    }
    record(&audit, 2);
    audit.close().await;
    assert_eq!((ids(&moved), ids(&path)), (vec!["1".to_owned()], vec!["2".to_owned()]));
}

#[tokio::test]
async fn a_full_disk_is_counted_and_stops_nobody() {
    let (audit, metrics) = open(Path::new("/dev/full"));
    for id in 0..10 {
        record(&audit, id);
    }
    audit.close().await;
    assert_eq!(metrics.audited.of(Audited::Failed).get(), 10);
    record(&audit, 11);
    assert_eq!(metrics.audited.of(Audited::Dropped).get(), 1, "nothing is taken once it was closed");
}

#[test]
fn a_reader_that_has_stopped_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    // Both ends, so that opening does not wait; nobody reads.
    let _pipe = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let (audit, metrics) = open(&path);
    let surface = surface();
    let large = json!({ "text": "x".repeat(32 * 1024) });
    while metrics.audited.of(Audited::Dropped).get() == 0 {
        audit.record(&event(&surface, 0, large.clone()));
    }
}

#[test]
fn what_is_too_large_for_a_line_is_left_out_and_said_so() {
    let surface = surface();
    let line = event(&surface, 1, json!({ "text": "x".repeat(100 * 1024) })).line();
    let record: Value = serde_json::from_slice(&line).unwrap();
    assert_eq!(
        (&record["requestParameters"], &record["additionalEventData"]["omitted"]),
        (&Value::Null, &json!(true))
    );
    assert!(line.len() < 2048 && line.ends_with(b"}\n"));
}

#[test]
fn what_somebody_outside_writes_cannot_begin_a_line() {
    let surface = surface();
    let forged = "x\n{\"eventName\":\"DeleteUserPool\"}";
    let mut one = event(&surface, 1, json!({ "text": forged }));
    (one.user_agent, one.error) = (forged, Some(("Code", forged)));
    let line = String::from_utf8(one.line()).unwrap();
    assert_eq!(line.matches('\n').count(), 1);
}

#[test]
fn a_place_that_cannot_be_written_to_is_refused_at_the_start() {
    let error = Audit::open(&Place::File("/nowhere/audit.jsonl".into()), Arc::default()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(!Audit::default().is_on());
}
