//! Copies of a real file in a real PostgreSQL.

mod filled;
mod refusals;
mod same;

use std::path::PathBuf;

use poolgate_testing::Database;

use super::*;

/// A filled file and an empty database.
struct Move {
    folder: tempfile::TempDir,
    database: Database,
}

impl Move {
    /// With everything in it that there is.
    async fn new() -> Self {
        let this = Self::empty();
        filled::directory(&this.file()).await;
        this
    }

    /// Nothing is there yet, on either side.
    fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: Database::new() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("directory.sqlite")
    }

    async fn source(&self) -> Result<Source, MigrateError> {
        Source::open(&self.file()).await
    }

    async fn target(&self) -> Target {
        Target::open(&self.address(), true).await.unwrap()
    }

    fn address(&self) -> Address {
        Address::parse(self.database.url()).unwrap()
    }

    /// The whole of it; what was said.
    async fn transfer(&self) -> Result<Vec<String>, MigrateError> {
        let mut said = Vec::new();
        let (mut source, mut target) = (self.source().await?, self.target().await);
        let done = transfer(&mut source, &mut target, &mut |line| said.push(line.to_owned())).await;
        target.close().await;
        done.map(|()| said)
    }

    /// The first half: what is there is not compared yet.
    async fn copied(&self) -> (Source, Target) {
        let (mut source, mut target) = (self.source().await.unwrap(), self.target().await);
        target.mark_unfinished().await.unwrap();
        target.begin_empty().await.unwrap();
        for table in &TABLES {
            copy(&mut source, &mut target, table, &mut |_| {}).await.unwrap();
        }
        (source, target)
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        let count = |table: &Table| self.database.sql(&format!("SELECT count(*) FROM {}", table.name));
        TABLES.iter().map(|table| (table.name, count(table).parse().unwrap())).collect()
    }

    fn unfinished(&self) -> bool {
        self.database.sql("SELECT importing FROM poolgate_directory") == "t"
    }
}
