//! `poolgate apply` and `poolgate export`: what an administrator types, on data that nobody else has open.

use std::fmt::Write as _;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::harness::Gateway;

/// The example of the manual, as it stands there.
fn example() -> String {
    let manual = include_str!("../../docs/apply.md");
    let (_, rest) = manual.split_once("```yaml\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// A data directory, and a file to apply to it.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new(file: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("pools.yaml"), file).unwrap();
        Self { folder }
    }

    fn start(&self, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_poolgate"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("POOLGATE_DATA_DIR", self.folder.path().join("data"))
            .env("CORP_SECRET", "corpsecret")
            .env("ROBOT_SECRET", "robotsecretrobotsecretrobotsecretrobotsecretrobot000")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    async fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output: Output = self.start(arguments).wait_with_output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    async fn said(&self, arguments: &[&str]) -> String {
        let (code, out, err) = self.run(arguments).await;
        assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments:?}: {out}");
        out
    }

    async fn refused(&self, arguments: &[&str], code: i32) -> String {
        let (ended, out, err) = self.run(arguments).await;
        assert_eq!((ended, out.as_str()), (Some(code), ""), "{arguments:?}: {err}");
        assert!(err.starts_with("poolgate: ") && err.trim().lines().count() == 1, "{err}");
        err
    }
}

#[tokio::test]
async fn the_example_of_the_manual_is_applied_repeated_and_exported() {
    let desk = Desk::new(&example());
    let why = desk.refused(&["apply", "--plan", "pools.yaml"], 1).await;
    assert!(why.contains("there is no directory"), "{why}");
    let said = desk.said(&["apply", "pools.yaml"]).await;
    assert!(
        said.contains("+ user pool acme (us-east-1_Acme00001)") && said.ends_with("7 changed\n"),
        "{said}"
    );
    let again = desk.said(&["apply", "--prune", "pools.yaml"]).await;
    assert_eq!(again, "nothing to change: everything is as the file says\n");
    let exported = desk.said(&["export", "--pool", "us-east-1_Acme00001"]).await;
    assert!(!exported.contains("secret\n") && exported.contains("GenerateSecret: true"), "{exported}");
    std::fs::write(desk.folder.path().join("exported.yaml"), exported).unwrap();
    let back = desk.said(&["apply", "--prune", "exported.yaml"]).await;
    assert_eq!(back, "nothing to change: everything is as the file says\n");

    std::fs::write(desk.folder.path().join("wrong.yaml"), "UserPools:\n- PoolName: a\n  Colour: red\n")
        .unwrap();
    let why = desk.refused(&["apply", "wrong.yaml"], 1).await;
    assert!(why.contains("wrong.yaml: line 3: Colour is not known here"), "{why}");
    let why = desk.refused(&["export", "--pool", "us-east-1_Nobody"], 1).await;
    assert!(why.contains("us-east-1_Nobody"), "{why}");
    assert!(desk.refused(&["apply", "nothing.yaml"], 1).await.contains("nothing.yaml"));
}

#[tokio::test]
async fn a_running_gateway_keeps_its_data_and_serves_what_is_applied_while_it_stands_still() {
    let mut gateway = Gateway::start().await;
    let desk = Desk::new(&example());
    let here = |command: &[&str]| {
        let mut told = Command::new(env!("CARGO_BIN_EXE_poolgate"));
        told.args(command)
            .current_dir(desk.folder.path())
            .env("POOLGATE_DATA_DIR", gateway.data())
            .env("CORP_SECRET", "corpsecret")
            .env("ROBOT_SECRET", "robotsecretrobotsecretrobotsecretrobotsecretrobot000");
        told
    };
    let (mut first, mut second) = (here(&["apply", "pools.yaml"]), here(&["apply", "pools.yaml"]));
    let refused = first.output().await.unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("stop it first"), "{refused:?}");
    gateway.stop().await;
    let done = second.output().await.unwrap();
    assert!(done.status.success(), "{done:?}");
    gateway.restart().await;
    let issuer = format!("{}/us-east-1_Acme00001/.well-known/openid-configuration", gateway.url());
    assert!(reqwest::get(issuer).await.unwrap().status().is_success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_it_has_done_all_or_nothing() {
    const POOLS: usize = 4;
    const TIMES: u32 = 12;
    let mut file = "UserPools:\n".to_owned();
    for number in 0..POOLS {
        writeln!(file, "- PoolName: pool{number}\n  Groups:\n  - GroupName: first\n  - GroupName: second")
            .unwrap();
    }
    let count = async |desk: &Desk| {
        let exported = desk.said(&["export"]).await;
        (exported.matches("PoolName: pool").count(), exported.matches("GroupName: ").count())
    };
    // An installation that is there already, and how long it takes.
    let whole = Desk::new(&file);
    std::fs::write(whole.folder.path().join("none.yaml"), "UserPools: []\n").unwrap();
    whole.said(&["apply", "none.yaml"]).await;
    let begun = Instant::now();
    whole.said(&["apply", "pools.yaml"]).await;
    let long = begun.elapsed();
    assert_eq!(count(&whole).await, (POOLS, 2 * POOLS));

    for time in 1..=TIMES {
        let desk = Desk::new(&file);
        std::fs::write(desk.folder.path().join("none.yaml"), "UserPools: []\n").unwrap();
        desk.said(&["apply", "none.yaml"]).await;
        let mut child = desk.start(&["apply", "pools.yaml"]);
        let part: Duration = long * time / TIMES;
        // Sooner, where it is done sooner: then it has done all.
        let ended = tokio::time::timeout(part, child.wait()).await;
        child.start_kill().ok();
        child.wait().await.unwrap();
        let done = count(&desk).await;
        let all = (POOLS, 2 * POOLS);
        assert!(done == all || (done == (0, 0) && ended.is_err()), "after {part:?}: {done:?}");
        // Whatever came of it, the same file makes the rest.
        desk.said(&["apply", "pools.yaml"]).await;
        assert_eq!(count(&desk).await, all);
    }
}
