//! Work that is awaited while another thread does it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use futures_intrusive::channel::shared::oneshot_channel;

use crate::cancel::Watch;
use crate::error::{Error, Result};

/// What `spawn` hands to another thread.
pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// Has `spawn` begin the work elsewhere and awaits what comes of it; a panic goes on here.
///
/// What may stop the thread that calls this may stop the work.
///
/// Errors: what `spawn` and the work give; work that is dropped before it is done.
pub(crate) fn elsewhere<T: Send + 'static>(
    spawn: impl FnOnce(Work) -> Result<()>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> impl Future<Output = Result<T>> {
    let watch = Watch::current();
    async move {
        let (sender, receiver) = oneshot_channel();
        spawn(Box::new(move || {
            // The receiver is gone where the caller lost interest.
            let _ = sender.send(catch_unwind(AssertUnwindSafe(|| watch.entered(work))));
        }))?;
        match receiver.receive().await {
            Some(Ok(outcome)) => outcome,
            Some(Err(panic)) => resume_unwind(panic),
            None => Err(Error::Internal("a run was dropped before it was done".to_owned())),
        }
    }
}

/// A thread of its own for one piece of work that takes long: compiling, or a run that waits for a device again and again.
///
/// Errors: a thread that the system does not start.
pub(crate) fn on_a_thread(work: Work) -> Result<()> {
    std::thread::Builder::new()
        .name("convoke-work".to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|error| Error::Thread(format!("work on: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_and_panics_come_back_and_dropped_work_is_an_error() {
        let drop_it = |work: Work| {
            drop(work);
            Ok(())
        };
        let here = std::thread::current().id();
        let there = pollster::block_on(elsewhere(on_a_thread, || Ok(std::thread::current().id())));
        assert_ne!(there.unwrap(), here);
        let dropped = pollster::block_on(elsewhere(drop_it, || Ok(1)));
        assert!(dropped.unwrap_err().to_string().contains("dropped"));
        let panicked = catch_unwind(|| pollster::block_on(elsewhere(on_a_thread, || -> Result<()> { panic!("on purpose") })));
        assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"on purpose"));
    }
}
