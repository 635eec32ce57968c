//! What stops work that is under way: a token that somebody cancels, and moments by which work must be done.
//!
//! Whoever begins work lays down what may stop it ([`Watch::entered`]), and what takes long asks ([`check`], [`is_over`]) on the
//! same thread. `cpu::parallel` takes the watch along to other threads; a loop over threads that asks goes through it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(target_family = "wasm"))]
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// Stops what it was given to: a [`Session`](crate::Session)'s runs ([`Session::until`](crate::Session::until)), or the reading of a
/// model. Clones are the same token, on whatever thread.
///
/// ```
/// use convoke::{Backend, CancelToken, Error, Session, graph::Graph, ops::Unary};
/// use ndarray::ArrayD;
///
/// let mut graph = Graph::new();
/// let x = graph.input("x");
/// let relu = graph.node("relu", Unary::Relu, &[x])?;
/// graph.output(relu)?;
/// let session = Session::new(graph, &Backend::auto())?;
///
/// let token = CancelToken::new();
/// let stoppable = session.until(&token);
/// let input = ArrayD::from_elem(vec![8, 3], -1.0);
/// assert_eq!(stoppable.run(&[input.view()])?[0].sum(), 0.0);
/// token.cancel(); // on any thread, also while it runs
/// assert!(matches!(stoppable.run(&[input.view()]), Err(Error::Cancelled)));
/// assert_eq!(session.run(&[input.view()])?[0].sum(), 0.0);
/// # Ok::<(), convoke::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// One that nobody has cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops whatever has this token or a clone of it, now and later.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What may stop the work of a thread; by default nothing does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch(Option<Arc<Stops>>);

#[derive(Debug, Default)]
struct Stops {
    tokens: Vec<CancelToken>,
    #[cfg(not(target_family = "wasm"))]
    deadlines: Vec<Deadline>,
}

/// When work must be done, and which limit says so.
#[cfg(not(target_family = "wasm"))]
#[derive(Clone, Debug)]
struct Deadline {
    at: Instant,
    limit: &'static str,
    allowed: Duration,
}

thread_local! {
    static CURRENT: RefCell<Watch> = RefCell::default();
}

impl Watch {
    /// What stops this thread's work now.
    pub(crate) fn current() -> Self {
        CURRENT.with_borrow(Clone::clone)
    }

    /// The same, and this token.
    pub(crate) fn until(&self, token: &CancelToken) -> Self {
        let mut stops = self.stops();
        stops.tokens.push(token.clone());
        Self(Some(Arc::new(stops)))
    }

    /// The same, and the end of so much time from now on, by a limit of this name. A browser's one thread has no clock to ask.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn within(&self, limit: &'static str, allowed: Duration) -> Self {
        let Some(at) = Instant::now().checked_add(allowed) else {
            return self.clone();
        };
        let mut stops = self.stops();
        stops.deadlines.push(Deadline { at, limit, allowed });
        Self(Some(Arc::new(stops)))
    }

    fn stops(&self) -> Stops {
        self.0.as_ref().map_or_else(Stops::default, |stops| Stops {
            tokens: stops.tokens.clone(),
            #[cfg(not(target_family = "wasm"))]
            deadlines: stops.deadlines.clone(),
        })
    }

    /// Does something that this may stop, on this thread.
    pub(crate) fn entered<T>(self, work: impl FnOnce() -> T) -> T {
        /// Puts back what was there, also when the work panics.
        struct Back(Watch);
        impl Drop for Back {
            fn drop(&mut self) {
                CURRENT.set(std::mem::take(&mut self.0));
            }
        }
        let _back = Back(CURRENT.replace(self));
        work()
    }

    /// Awaits something that this may stop.
    pub(crate) async fn awaiting<T>(self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| self.clone().entered(|| work.as_mut().poll(context))).await
    }

    /// Refuses to go on where something stops the work.
    pub(crate) fn check(&self) -> Result<()> {
        let Some(stops) = &self.0 else { return Ok(()) };
        if stops.tokens.iter().any(CancelToken::is_cancelled) {
            return Err(Error::Cancelled);
        }
        #[cfg(not(target_family = "wasm"))]
        if !stops.deadlines.is_empty() {
            let now = Instant::now();
            if let Some(Deadline { limit, allowed, .. }) = stops.deadlines.iter().find(|deadline| deadline.at <= now) {
                return Err(Error::OverLimit {
                    limit,
                    message: format!("not done within {} s", allowed.as_secs_f64()),
                });
            }
        }
        Ok(())
    }

    /// Whether the work need not go on: whoever began it asks [`check`](Self::check) before it uses what came of it.
    #[cfg(feature = "cpu")]
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_some() && self.check().is_err()
    }

    /// Whether something may stop the work at all.
    #[cfg(any(feature = "cpu", not(target_family = "wasm")))]
    pub(crate) fn may_stop(&self) -> bool {
        self.0.is_some()
    }
}

/// Refuses to go on where something stops this thread's work.
pub(crate) fn check() -> Result<()> {
    CURRENT.with_borrow(Watch::check)
}

/// Whether this thread's work need not go on.
#[cfg(feature = "cpu")]
pub(crate) fn is_over() -> bool {
    CURRENT.with_borrow(Watch::is_over)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stop_what_entered_with_them_and_nothing_after_it() {
        let token = CancelToken::new();
        let watch = Watch::default().until(&token);
        watch.clone().entered(|| {
            assert!(check().is_ok());
            token.clone().cancel();
            assert!(matches!(check(), Err(Error::Cancelled)));
            Watch::default().entered(|| assert!(check().is_ok()));
            assert!(check().is_err());
        });
        assert!(check().is_ok());
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| watch.entered(|| panic!("on purpose"))));
        assert!(panicked.is_err() && check().is_ok());
    }

    #[test]
    fn a_deadline_names_its_limit() {
        let watch = Watch::default().within("run-seconds", Duration::from_secs(3600));
        let both = watch.within("planning-seconds", Duration::ZERO);
        assert!(watch.check().is_ok());
        let message = both.check().unwrap_err().to_string();
        assert!(message.contains("planning-seconds") && message.contains("0 s"), "{message}");
        assert!(Watch::default().within("run-seconds", Duration::MAX).check().is_ok());
    }
}
