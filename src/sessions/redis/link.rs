//! One connection to one server, made when it is needed, and made again when it breaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use poolgate_providers::Random;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, IntoConnectionInfo as _, Pipeline, ProtocolVersion,
    PushInfo, PushKind, RedisConnectionInfo, RedisError, TlsCertificates, Value,
};
use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::address::{HostPort, Login, RedisAddress};
use super::failure::Failure;

/// Pause after the first failed attempt to connect, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Commands that may wait to be written before further ones wait outside.
const BUFFER: usize = 256;

/// How servers are connected to.
#[derive(Clone)]
pub(super) struct Dialing {
    tls: Option<TlsCertificates>,
    login: Login,
    database: i64,
    pub(super) timeout: Duration,
    answer_within: Duration,
    random: Arc<dyn Random>,
}

/// What a server must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The master: only it is read from and written to.
    Master,
    /// Anything.
    Any,
}

impl Dialing {
    /// To the servers that hold data.
    pub(super) fn new(address: &RedisAddress, roots: Option<Vec<u8>>, random: Arc<dyn Random>) -> Self {
        Self {
            tls: address.tls.then_some(TlsCertificates { client_tls: None, root_cert: roots }),
            login: address.login.clone(),
            database: address.database,
            timeout: address.timeout,
            answer_within: address.timeout,
            random,
        }
    }

    /// To Sentinels, in the same way, with another login.
    pub(super) fn to_sentinels(&self, login: Login) -> Self {
        Self { login, database: 0, ..self.clone() }
    }

    /// The same, for a connection whose server may let an answer wait for so long. Redis looks at the time every
    /// 100 ms.
    pub(super) fn that_waits(&self, patience: Duration) -> Self {
        let answer_within = patience + self.timeout.div_f64(2.0).max(Duration::from_millis(200));
        Self { answer_within, ..self.clone() }
    }

    /// A pause of about `base`: three quarters to five quarters of it, so that replicas do not come at once.
    pub(super) fn about(&self, base: Duration) -> Duration {
        let mut byte = [0];
        self.random.fill(&mut byte);
        base.mul_f64(0.75 + f64::from(byte[0]) / 510.0)
    }

    fn client(&self, to: &HostPort) -> Result<Client, RedisError> {
        let (host, port) = (to.host.clone(), to.port);
        let addr = match self.tls {
            None => ConnectionAddr::Tcp(host, port),
            Some(_) => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
        };
        // RESP3 tells of a connection that ended before the next step finds out.
        let mut settings = RedisConnectionInfo::default()
            .set_db(self.database)
            .set_protocol(ProtocolVersion::RESP3)
            .set_skip_set_lib_name();
        if let Some(user) = &self.login.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.login.password {
            settings = settings.set_password(password.expose_secret());
        }
        let tcp = TcpSettings::default().set_nodelay(true);
        let info = addr.into_connection_info()?.set_redis_settings(settings).set_tcp_settings(tcp);
        match &self.tls {
            None => Client::open(info),
            Some(certificates) => Client::build_with_tls(info, certificates.clone()),
        }
    }

    /// A new connection. `heard` is called for what the server sends unasked.
    pub(super) async fn dial(
        &self,
        to: &HostPort,
        role: Role,
        heard: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> Result<MultiplexedConnection, Failure> {
        let unreachable = |why: &str| Failure::Unreachable(format!("Redis at {to}: {why}"));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.answer_within))
            .set_pipeline_buffer_size(BUFFER)
            .set_push_sender(move |push| {
                heard(push);
                Ok::<(), std::convert::Infallible>(())
            });
        let connecting = async {
            let client = self.client(to)?;
            let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
            let master = match role {
                Role::Any => true,
                Role::Master => is_master(connection.send_packed_command(&redis::cmd("ROLE")).await?),
            };
            Ok::<_, RedisError>((connection, master))
        };
        match timeout(self.timeout, connecting).await {
            Err(_) => Err(unreachable("no connection in time")),
            Ok(Ok((connection, true))) => Ok(connection),
            Ok(Ok((_, false))) => {
                Err(unreachable("it is no master; only the master is read from and written to"))
            }
            // Nothing of ours was sent yet: whatever it was, the step did not run.
            Ok(Err(error)) => Err(match Failure::of(&error) {
                Failure::Refused(why) => Failure::Refused(format!("{to}: {why}")),
                Failure::Late => unreachable("no answer in time"),
                Failure::Lost(why)
                | Failure::Later(why)
                | Failure::NotMaster(why)
                | Failure::Unreachable(why) => unreachable(&why),
                _ => unreachable("an answer that makes no sense"),
            }),
        }
    }
}

/// Whether an answer to ROLE is a master's.
pub(super) fn is_master(role: Value) -> bool {
    let Value::Array(parts) = role else { return false };
    match parts.first() {
        Some(Value::BulkString(name)) => name == b"master",
        Some(Value::SimpleString(name)) => name == "master",
        _ => false,
    }
}

/// One live connection.
#[derive(Clone)]
pub(super) struct Live {
    connection: MultiplexedConnection,
    ended: Arc<AtomicBool>,
}

impl Live {
    fn works(&self) -> bool {
        !self.ended.load(Ordering::Acquire)
    }

    /// Sends one command and waits for its answer.
    pub(super) async fn command(&self, command: &Cmd) -> Result<Value, Failure> {
        let answer = self.connection.clone().send_packed_command(command).await;
        self.judge(answer.map_err(|error| Failure::of(&error)).and_then(Failure::or_value))
    }

    /// Sends several in one go; each has its own answer.
    pub(super) async fn commands(
        &self,
        commands: &Pipeline,
        count: usize,
    ) -> Result<Vec<Result<Value, Failure>>, Failure> {
        let answers = self.connection.clone().send_packed_commands(commands, 0, count).await;
        let answers = self.judge(answers.map_err(|error| Failure::of(&error)))?;
        if answers.len() != count {
            self.end();
            return Err(Failure::Lost("Redis sent another number of answers than it was asked".to_owned()));
        }
        Ok(answers.into_iter().map(|answer| self.judge(Failure::or_value(answer))).collect())
    }

    /// A connection on which something stayed open is not used again, so that unanswered questions do not pile up;
    /// nor one to a server that is no master any more.
    fn judge<T>(&self, answer: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(Failure::Lost(_) | Failure::Late | Failure::NotMaster(_)) = answer {
            self.end();
        }
        answer
    }

    /// Not to be used again.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }
}

/// The connection to one server, shared by all.
pub(super) struct Link {
    dialing: Dialing,
    to: HostPort,
    role: Role,
    live: ArcSwapOption<Live>,
    attempts: Mutex<Attempts>,
}

struct Attempts {
    failed: u32,
    not_before: Instant,
    last: Failure,
}

impl Link {
    /// No connection yet.
    pub(super) fn new(dialing: Dialing, to: HostPort, role: Role) -> Self {
        let last = Failure::Unreachable("no connection yet".to_owned());
        let attempts = Attempts { failed: 0, not_before: Instant::now(), last };
        Self { dialing, to, role, live: ArcSwapOption::empty(), attempts: Mutex::new(attempts) }
    }

    fn usable(&self) -> Option<Arc<Live>> {
        self.live.load_full().filter(|live| live.works())
    }

    /// The connection: the one there is, or a new one. One attempt at a time; between attempts that fail, the last
    /// failure is told at once.
    pub(super) async fn get(&self) -> Result<Arc<Live>, Failure> {
        if let Some(live) = self.usable() {
            return Ok(live);
        }
        let mut attempts = self.attempts.lock().await;
        if let Some(live) = self.usable() {
            return Ok(live);
        }
        if Instant::now() < attempts.not_before {
            return Err(attempts.last.clone());
        }
        let ended = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ended);
        let heard = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                told.store(true, Ordering::Release);
            }
        };
        // A caller who gives up in the middle leaves this mark: the next one does not try at once again.
        attempts.not_before = Instant::now() + self.pause(attempts.failed);
        attempts.failed = attempts.failed.saturating_add(1);
        match self.dialing.dial(&self.to, self.role, heard).await {
            Ok(connection) => {
                attempts.failed = 0;
                attempts.not_before = Instant::now();
                let live = Arc::new(Live { connection, ended });
                self.live.store(Some(Arc::clone(&live)));
                Ok(live)
            }
            Err(failure) => {
                attempts.not_before = Instant::now() + self.pause(attempts.failed);
                attempts.last = failure.clone();
                Err(failure)
            }
        }
    }

    fn pause(&self, failed: u32) -> Duration {
        self.dialing.about((FIRST_PAUSE * 2_u32.saturating_pow(failed.min(10))).min(LONGEST_PAUSE))
    }

    /// Drops the connection.
    pub(super) fn drop_connection(&self) {
        if let Some(live) = self.live.swap(None) {
            live.end();
        }
    }
}
