//! What the administrator does next.

use std::fmt::Write as _;

use crate::config::Settings;

/// Which settings change, and what is not in the copy. No secret is shown: where it is, is.
pub(super) fn next_steps(settings: &Settings, checked_only: bool) -> String {
    if checked_only {
        return "done: PostgreSQL holds the same as the embedded directory".to_owned();
    }
    let mut text = String::from("done: every row was read back and is the same\n\nSettings that change:\n");
    text.push_str("  POOLGATE_DIRECTORY_URL   the address that was given to --to\n");
    if settings.master_key.is_none() {
        let file = settings.data_dir.join("master.key");
        let _ = writeln!(text, "  POOLGATE_MASTER_KEY      the content of {}", file.display());
    }
    if settings.credentials.is_none() {
        let file = settings.data_dir.join("credentials.json");
        let _ =
            writeln!(text, "  POOLGATE_ACCESS_KEY_ID, POOLGATE_SECRET_ACCESS_KEY   as in {}", file.display());
    }
    text.push_str("  POOLGATE_SESSION_URL     redis://… when more than one replica is to run\n\n");
    text.push_str(
        "Users, links, revocations and refresh tokens go on as they were. Sessions are not copied: whoever uses the \
         hosted pages signs in again.\nThe embedded directory is unchanged: keep it until all is well.",
    );
    text
}
