//! `--limit`, and what Ctrl-C stops.

use std::sync::{LazyLock, OnceLock};

use convoke::{CancelToken, Limits};

static ASKED: OnceLock<String> = OnceLock::new();
static INTERRUPTED: LazyLock<CancelToken> = LazyLock::new(CancelToken::new);

/// The exit code of a command that Ctrl-C ended, as shells give it.
pub(super) const INTERRUPTED_CODE: u8 = 130;

/// Notes what `--limit` says, on top of what the environment says.
pub(super) fn ask(given: &[String]) -> convoke::Result<()> {
    let environment = std::env::var("CONVOKE_LIMITS").unwrap_or_default();
    let all = std::iter::once(environment.as_str()).chain(given.iter().map(String::as_str));
    let limits = all.collect::<Vec<_>>().join(",");
    limits.parse::<Limits>()?;
    ASKED.get_or_init(|| limits);
    Ok(())
}

/// What was asked for.
pub(super) fn asked() -> Limits {
    asked_over("")
}

/// What was asked for, and else what this text says.
pub(super) fn asked_over(own: &str) -> Limits {
    let asked = ASKED.get().map_or("", String::as_str);
    // Both were read before, or are ours.
    format!("{own},{asked}").parse().unwrap_or_default()
}

/// What Ctrl-C cancels.
pub(super) fn token() -> &'static CancelToken {
    &INTERRUPTED
}

/// Has Ctrl-C stop what runs, and a second one the process.
pub(super) fn hear_interrupts() {
    let heard = || {
        if INTERRUPTED.is_cancelled() {
            std::process::exit(INTERRUPTED_CODE.into());
        }
        INTERRUPTED.cancel();
    };
    if let Err(error) = ctrlc::set_handler(heard) {
        log::debug!("Ctrl-C ends the process: {error}");
    }
}
