//! Whether tokens still hold: what is asked at the same time is read in one statement.

use sqlx::Row as _;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use tokio::sync::{mpsc, oneshot};

use super::endings::endings_column;
use super::pace::Pace;
use super::rows::{read_user, user_columns};
use super::writer::away;
use crate::directory::stored::{json, read_endings, read_rotated};
use crate::directory::{DirectoryError, TokenState};

/// Most questions in one statement.
const BATCH: usize = 128;

/// A question, and who waits for the answer.
pub(super) struct Question {
    pub(super) pool_id: String,
    pub(super) sub: String,
    pub(super) origin_jti: String,
    pub(super) reply: oneshot::Sender<Result<TokenState, DirectoryError>>,
}

/// Answers until nobody can ask any more.
pub(super) async fn run(readers: SqlitePool, mut queue: mpsc::UnboundedReceiver<Question>) {
    let mut questions = Vec::with_capacity(BATCH);
    let mut pace = Pace::default();
    while queue.recv_many(&mut questions, BATCH).await > 0 {
        if pace.gather(questions.len()).await && !queue.is_empty() {
            let room = BATCH - questions.len();
            queue.recv_many(&mut questions, room).await;
        }
        pace.serves(questions.len());
        match read(&readers, &questions).await {
            Ok(states) => {
                for (question, state) in questions.drain(..).zip(states) {
                    let _ = question.reply.send(state.map_err(|error| away(&error)));
                }
            }
            Err(error) => {
                for question in questions.drain(..) {
                    let _ = question.reply.send(Err(away(&error)));
                }
            }
        }
    }
}

type Answer = Result<TokenState, sqlx::Error>;

/// One answer for each question, in their order. A row that cannot be read fails alone.
async fn read(readers: &SqlitePool, questions: &[Question]) -> Result<Vec<Answer>, sqlx::Error> {
    let asked: Vec<[&str; 3]> = questions
        .iter()
        .map(|question| [&*question.pool_id, &*question.sub, &*question.origin_jti])
        .collect();
    let rows = sqlx::query(concat!(
        "SELECT w.key, EXISTS (SELECT 1 FROM revoked_families r \
          WHERE r.pool_id = w.value ->> 0 AND r.origin_jti = w.value ->> 2), ",
        endings_column!(),
        ", g.generation, g.replaced, ",
        user_columns!(),
        " FROM json_each(?1) w LEFT JOIN users u ON u.pool_id = w.value ->> 0 AND u.sub = w.value ->> 1 \
         LEFT JOIN rotations g ON g.pool_id = w.value ->> 0 AND g.origin_jti = w.value ->> 2"
    ))
    .bind(json(&asked)?)
    .fetch_all(readers)
    .await?;
    // The join gives a row for every question: one without is a fault, never a "not revoked".
    let mut answers: Vec<Answer> = questions.iter().map(|_| Err(sqlx::Error::RowNotFound)).collect();
    for row in &rows {
        let place = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX);
        if let Some(answer) = answers.get_mut(place) {
            *answer = read_state(row);
        }
    }
    Ok(answers)
}

fn read_state(row: &SqliteRow) -> Answer {
    let user = read_user(row, 5)?.map(|(_, user)| user);
    let endings = read_endings(row.try_get(2)?)?;
    let rotated = read_rotated(row.try_get(3)?, row.try_get(4)?)?;
    Ok(TokenState { user, revoked: row.try_get::<i64, _>(1)? != 0, endings, rotated })
}
