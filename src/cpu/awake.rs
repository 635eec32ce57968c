//! The pool's other threads during a run: awake, since its parallel loops last microseconds and follow one another in microseconds. Going to
//! sleep after each and being woken for the next would take longer than many of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::Yield;

/// How often a thread looks for work in vain, some tenths of a microsecond apart, before it leaves it to the pool to wake it.
const PATIENCE: u32 = 1000;

/// Runs of this process at this moment. Where there are several, threads find enough to do as it is.
static RUNS: AtomicUsize = AtomicUsize::new(0);

/// Has the pool's other threads look for parts of this thread's loops as long as it lives.
pub(super) struct Awake(Arc<State>);

#[derive(Default)]
struct State {
    is_over: AtomicBool,
    watching: AtomicUsize,
}

impl Awake {
    /// To be made on a thread of the pool.
    pub(super) fn new() -> Self {
        RUNS.fetch_add(1, Ordering::Relaxed);
        let awake = Self(Arc::default());
        awake.call();
        awake
    }

    /// Calls the others again where they have lost their patience.
    pub(super) fn call(&self) {
        let others = rayon::current_num_threads() - 1;
        if others == 0 || self.0.watching.load(Ordering::Relaxed) > 0 || RUNS.load(Ordering::Relaxed) > 1 {
            return;
        }
        self.0.watching.store(others, Ordering::Relaxed);
        let (state, own) = (Arc::clone(&self.0), rayon::current_thread_index());
        rayon::spawn_broadcast(move |thread| {
            if Some(thread.index()) != own {
                state.watch(thread.num_threads());
                state.watching.fetch_sub(1, Ordering::Relaxed);
            }
        });
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
        RUNS.fetch_sub(1, Ordering::Relaxed);
    }
}

impl State {
    fn watch(&self, threads: usize) {
        let mut in_vain = 0;
        while !self.is_over.load(Ordering::Relaxed) && RUNS.load(Ordering::Relaxed) == 1 && in_vain < PATIENCE {
            if rayon::yield_now() == Some(Yield::Executed) {
                in_vain = 0;
                continue;
            }
            in_vain += 1;
            // The more threads look, the less often each has to.
            for _ in 0..10 * threads {
                std::hint::spin_loop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn threads_look_for_work_until_the_run_is_over() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let state = pool.install(|| {
            let awake = Awake::new();
            assert_eq!(rayon::join(|| 1, || 2), (1, 2));
            awake.call();
            Arc::clone(&awake.0)
        });
        let start = Instant::now();
        while state.watching.load(Ordering::Relaxed) > 0 {
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "a thread watches a run that is over"
            );
            std::thread::yield_now();
        }
    }
}
