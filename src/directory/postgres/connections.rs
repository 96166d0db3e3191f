//! Connections: a bounded number, each used by one caller at a time, none trusted after anything went wrong on it.
//!
//! sqlx's own pool asks a server for a sign of life with every use and waits for one that is frozen; here a
//! connection goes back only after an answer, and is closed otherwise: also when the caller went away.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout_at};

use super::address::Address;
use super::trouble::Trouble;

/// A statement with its values.
pub(super) type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// How often a statement is asked anew that PostgreSQL gave up for the sake of others.
const TRIES: u32 = 5;

/// First pause before a server that has no connection left is asked for one again; it doubles.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) struct Connections {
    options: PgConnectOptions,
    room: Semaphore,
    idle: Mutex<Vec<PgConnection>>,
    timeout: Duration,
    /// Behind PgBouncer: nothing outlives a transaction.
    bouncer: bool,
    schema: String,
}

/// A connection in use. What is open when it is dropped is rolled back, by closing the connection.
pub(super) struct Session<'a> {
    home: &'a Connections,
    /// `None` once it has failed.
    connection: Option<PgConnection>,
    in_transaction: bool,
    /// Made for this session.
    fresh: bool,
    limit: Duration,
    deadline: Instant,
    _permit: SemaphorePermit<'a>,
}

impl Connections {
    pub(super) fn new(address: &Address) -> Self {
        let mut options = address.options.clone();
        if address.bouncer {
            // PgBouncer refuses startup parameters that it does not know.
            options = options.extra_float_digits(None).statement_cache_capacity(0);
        } else {
            let timeout = address.timeout.as_millis();
            options = options.options([
                ("search_path", address.schema.clone()),
                ("statement_timeout", timeout.to_string()),
                ("idle_in_transaction_session_timeout", (timeout * 2).to_string()),
                ("default_transaction_isolation", "read committed".to_owned()),
            ]);
        }
        Self {
            options,
            room: Semaphore::new(usize::try_from(address.max_connections).unwrap_or(1)),
            idle: Mutex::default(),
            timeout: address.timeout,
            bouncer: address.bouncer,
            schema: address.schema.clone(),
        }
    }

    /// Rows of one statement, which has been committed by then. It must be one that may be done twice: where the
    /// connection turns out to have gone, it is asked anew on another.
    pub(super) async fn fetch<'q>(
        &self,
        statement: impl Fn() -> Result<Statement<'q>, sqlx::Error>,
    ) -> Result<Vec<PgRow>, Trouble> {
        let deadline = Instant::now() + self.timeout;
        let mut tries = 0;
        loop {
            let mut session = self.session(self.timeout, deadline).await?;
            match session.alone(statement()?).await {
                Err(trouble) if trouble.lost_connection() && !session.fresh => {}
                Err(trouble) if trouble.was_given_up() && tries < TRIES => tries += 1,
                answer => return answer,
            }
        }
    }

    /// A transaction (read committed) in which each statement, and all together, may take as long as `limit`.
    pub(super) async fn begin(&self, limit: Duration) -> Result<Session<'_>, Trouble> {
        let deadline = Instant::now() + limit;
        loop {
            let mut session = self.session(limit, deadline).await?;
            match session.begin().await {
                // Nothing has been asked yet.
                Err(trouble) if trouble.lost_connection() && !session.fresh => {}
                Err(trouble) => return Err(trouble),
                Ok(()) => return Ok(session),
            }
        }
    }

    /// How long a statement may take.
    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The schema that unqualified names are of.
    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    /// A connection to try what cannot be repeated, or what needs no transaction.
    async fn session(&self, limit: Duration, deadline: Instant) -> Result<Session<'_>, Trouble> {
        let permit = match timeout_at(deadline, self.room.acquire()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(Trouble::Closed),
            Err(_) => return Err(Trouble::Busy(limit)),
        };
        let idle = self.idle().pop();
        let fresh = idle.is_none();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect(limit, deadline).await?,
        };
        let connection = Some(connection);
        Ok(Session { home: self, connection, in_transaction: false, fresh, limit, deadline, _permit: permit })
    }

    /// A connection that is not one of these.
    pub(super) async fn dedicated(&self) -> Result<PgConnection, Trouble> {
        self.connect(self.timeout, Instant::now() + self.timeout).await
    }

    async fn connect(&self, limit: Duration, deadline: Instant) -> Result<PgConnection, Trouble> {
        let mut pause = PAUSE;
        loop {
            let made = timeout_at(deadline, PgConnection::connect_with(&self.options)).await;
            match made {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => {
                    let full = super::trouble::code(&error).is_some_and(|code| code == "53300");
                    if !full || Instant::now() + pause >= deadline {
                        return Err(Trouble::Unreachable(error));
                    }
                }
                Err(_) => return Err(Trouble::Late(limit)),
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where one connection has gone, the others made before it have most likely gone too.
    fn forget(&self) {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    /// Lets nobody in any more, and says good-bye on every connection that is not in use.
    pub(super) async fn close(&self) {
        self.room.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            let _ = timeout_at(Instant::now() + Duration::from_secs(1), connection.close()).await;
        }
    }
}

impl Session<'_> {
    /// One statement by itself.
    async fn alone(&mut self, statement: Statement<'_>) -> Result<Vec<PgRow>, Trouble> {
        if !self.home.bouncer {
            return self.fetch(statement).await;
        }
        // sqlx parses and executes in two steps, between which PgBouncer could change the server.
        self.begin().await?;
        match self.fetch(statement).await {
            Ok(rows) => {
                self.commit().await?;
                Ok(rows)
            }
            Err(trouble) => {
                self.roll_back().await;
                Err(trouble)
            }
        }
    }

    async fn begin(&mut self) -> Result<(), Trouble> {
        let mut text = "BEGIN ISOLATION LEVEL READ COMMITTED".to_owned();
        let limit = self.limit.as_millis();
        if self.home.bouncer {
            text += &format!(
                "; SET LOCAL search_path = \"{}\"; SET LOCAL statement_timeout = {limit}; \
                 SET LOCAL idle_in_transaction_session_timeout = {}",
                self.home.schema,
                limit * 2
            );
        } else if self.limit != self.home.timeout {
            text += &format!("; SET LOCAL statement_timeout = {limit}");
        }
        self.in_transaction = true;
        self.say(text).await
    }

    /// Keeps what was done. After an error nobody knows whether it was kept, unless PostgreSQL itself refused.
    pub(super) async fn commit(&mut self) -> Result<(), Trouble> {
        self.say("COMMIT".to_owned()).await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Undoes what was done.
    pub(super) async fn roll_back(&mut self) {
        if self.in_transaction && self.say("ROLLBACK".to_owned()).await.is_ok() {
            self.in_transaction = false;
        }
    }

    /// The rows of a statement.
    pub(super) async fn fetch(&mut self, statement: Statement<'_>) -> Result<Vec<PgRow>, Trouble> {
        let mut connection = self.take()?;
        let statement = statement.persistent(!self.home.bouncer);
        let answer = timeout_at(self.deadline, statement.fetch_all(&mut connection)).await;
        self.settle(connection, answer)
    }

    /// How many rows a statement wrote.
    pub(super) async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, Trouble> {
        let mut connection = self.take()?;
        let statement = statement.persistent(!self.home.bouncer);
        let answer = timeout_at(self.deadline, statement.execute(&mut connection)).await;
        Ok(self.settle(connection, answer)?.rows_affected())
    }

    /// Statements without values, of the product's own making.
    pub(super) async fn say(&mut self, text: String) -> Result<(), Trouble> {
        let mut connection = self.take()?;
        let statements = sqlx::raw_sql(AssertSqlSafe(text));
        let answer = timeout_at(self.deadline, statements.execute(&mut connection)).await;
        self.settle(connection, answer).map(|_| ())
    }

    /// Out of the session for as long as it is asked: a caller that goes away takes it along.
    fn take(&mut self) -> Result<PgConnection, Trouble> {
        self.connection.take().ok_or(Trouble::Sql(sqlx::Error::Protocol("the connection has failed".into())))
    }

    fn settle<T>(
        &mut self,
        connection: PgConnection,
        answer: Result<Result<T, sqlx::Error>, tokio::time::error::Elapsed>,
    ) -> Result<T, Trouble> {
        match answer {
            Ok(Ok(answer)) => {
                self.connection = Some(connection);
                Ok(answer)
            }
            Ok(Err(error)) => {
                let answered = matches!(error, sqlx::Error::Database(_));
                let trouble = Trouble::Sql(error);
                if trouble.lost_connection() {
                    self.home.forget();
                } else if answered {
                    self.connection = Some(connection);
                }
                Err(trouble)
            }
            Err(_) => Err(Trouble::Late(self.limit)),
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && !self.in_transaction
            && !self.home.room.is_closed()
        {
            self.home.idle().push(connection);
        }
    }
}
