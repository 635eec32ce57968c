//! What a device reports of convoke's calls on it, and of nothing else.
//!
//! A device may be the application's own, with handlers of its own for errors that nobody caught and for its loss; a device
//! has room for one of each. So every call that can fail stands between error scopes ([`Faults::caught`]), which belong to a
//! thread, and that a device was lost is found by trying it once a call has failed.

use std::sync::{Arc, Mutex, OnceLock};

use crate::error::{Error, Result};
use crate::lock::lock;

/// What a device reported since the last check.
#[derive(Default)]
pub(crate) struct Faults {
    reported: Arc<Reported>,
    /// Errors that the browser has not told yet.
    #[cfg(target_family = "wasm")]
    untold: Mutex<Vec<Untold>>,
}

/// What handlers write to, on whatever thread.
#[derive(Debug, Default)]
struct Reported {
    lost: OnceLock<String>,
    first: Mutex<Option<Error>>,
    #[cfg(test)]
    planted: Mutex<Planted>,
}

/// For tests: which call fails, and how.
#[cfg(test)]
#[derive(Debug, Default)]
struct Planted {
    /// How many calls are left until one fails, and what happens there.
    next: Option<(usize, Fault)>,
    /// What the call failed with, until it is told.
    error: Option<Error>,
}

/// What befalls a call.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// The device has no memory left for it.
    Memory,
    /// The device reports that it failed for another reason.
    Refusal,
    /// The device is lost just before.
    Loss,
}

impl Reported {
    fn keep(&self, error: Error) {
        lock(&self.first).get_or_insert(error);
    }
}

#[cfg(target_family = "wasm")]
type Untold = std::pin::Pin<Box<dyn Future<Output = Option<wgpu::Error>>>>;

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faults")
            .field("reported", &self.reported)
            .finish_non_exhaustive()
    }
}

impl Faults {
    /// Sets the handlers of a device that is ours alone: what is not caught after all, and why it was lost. wgpu's own
    /// handler panics.
    pub(crate) fn watch(&self, device: &wgpu::Device) {
        let reported = Arc::clone(&self.reported);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| reported.keep(told(error))));
        #[cfg(not(target_family = "wasm"))]
        self.watch_loss(device);
    }

    /// Hears why the device was lost. Natively that replaces whoever heard it before; in a browser any number may.
    pub(crate) fn watch_loss(&self, device: &wgpu::Device) {
        let reported = Arc::clone(&self.reported);
        device.set_device_lost_callback(move |reason, message| {
            // The first reason stands; a loss reported twice is the same loss.
            let _ = reported.lost.set(format!("{reason:?}: {message}"));
        });
    }

    /// What `act` gives, and the first error that the device reports of it.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn caught<T>(device: &wgpu::Device, act: impl FnOnce() -> T) -> (T, Option<Error>) {
        let scopes = scopes(device);
        let made = act();
        // Closed in the opposite order.
        let errors = scopes.into_iter().rev().map(|scope| pollster::block_on(scope.pop()));
        let errors: Vec<_> = errors.collect();
        (made, errors.into_iter().flatten().next().map(told))
    }

    /// Has a call fail once so many others were made; `None` has none fail.
    #[cfg(test)]
    pub(crate) fn plant(&self, fault: Option<(usize, Fault)>) {
        *lock(&self.reported.planted) = Planted {
            next: fault,
            error: None,
        };
    }

    /// Whether the call that is to fail has not come yet.
    #[cfg(test)]
    pub(crate) fn is_planted(&self) -> bool {
        lock(&self.reported.planted).next.is_some()
    }

    /// Stands before each call on the device that can fail: here tests have it fail.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only tests have calls fail"))]
    pub(crate) fn before_call(&self, device: &wgpu::Device) {
        #[cfg(not(test))]
        let _ = device;
        #[cfg(test)]
        {
            let mut planted = lock(&self.reported.planted);
            match &mut planted.next {
                Some((0, fault)) => {
                    planted.error = match fault {
                        Fault::Memory => Some(Error::OutOfMemory("a test's doing".to_owned())),
                        Fault::Refusal => Some(Error::Gpu("a test's doing".to_owned())),
                        Fault::Loss => {
                            device.destroy();
                            None
                        }
                    };
                    planted.next = None;
                }
                Some((calls, _)) => *calls -= 1,
                None => {}
            }
        }
    }

    /// What a test had the last call fail with.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only tests have calls fail"))]
    pub(crate) fn planted(&self) -> Option<Error> {
        #[cfg(test)]
        return lock(&self.reported.planted).error.take();
        #[cfg(not(test))]
        None
    }

    /// Does something; the error that the device reports of it is for the next check.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn scoped<T>(&self, device: &wgpu::Device, act: impl FnOnce() -> T) -> T {
        self.before_call(device);
        let (made, error) = Self::caught(device, act);
        if let Some(error) = error.or_else(|| self.planted()) {
            self.reported.keep(error);
        }
        made
    }

    /// Does something; the error that the device reports of it is for a later check, since a browser tells it later.
    #[cfg(target_family = "wasm")]
    pub(crate) fn scoped<T>(&self, device: &wgpu::Device, act: impl FnOnce() -> T) -> T {
        let scopes = scopes(device);
        let made = act();
        let errors = scopes.into_iter().rev().map(|scope| Box::pin(scope.pop()) as Untold);
        lock(&self.untold).extend(errors);
        made
    }

    /// Does something of whose errors nobody is told.
    pub(crate) fn ignored<T>(device: &wgpu::Device, act: impl FnOnce() -> T) -> T {
        let scopes = scopes(device);
        let made = act();
        for scope in scopes.into_iter().rev() {
            drop(scope.pop());
        }
        made
    }

    /// The first error since the last check; a lost device stays lost.
    pub(crate) fn check(&self, device: &wgpu::Device) -> Result<()> {
        #[cfg(target_family = "wasm")]
        self.hear();
        if let Some(reason) = self.reported.lost.get() {
            return Err(Error::DeviceLost(reason.clone()));
        }
        let first = lock(&self.reported.first).take();
        match first {
            Some(error) => Err(self.explained(device, error)),
            None => Ok(()),
        }
    }

    /// Whether the device is lost.
    pub(crate) fn is_lost(&self, device: &wgpu::Device) -> bool {
        if self.reported.lost.get().is_none() && is_lost(device) {
            let _ = self.reported.lost.set("destroyed, or given up by its driver".to_owned());
        }
        self.reported.lost.get().is_some()
    }

    /// An error as it is, or that the device is lost: its calls then fail in one way or another.
    pub(crate) fn explained(&self, device: &wgpu::Device, error: Error) -> Error {
        if matches!(error, Error::Gpu(_)) {
            self.is_lost(device);
        }
        match self.reported.lost.get() {
            Some(reason) => Error::DeviceLost(reason.clone()),
            None => error,
        }
    }

    /// Takes what the browser has told by now.
    #[cfg(target_family = "wasm")]
    fn hear(&self) {
        use std::task::{Context, Poll, Waker};

        lock(&self.untold).retain_mut(|untold| match untold.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => true,
            Poll::Ready(error) => {
                if let Some(error) = error {
                    self.reported.keep(told(error));
                }
                false
            }
        });
    }
}

/// Scopes of this thread for whatever a device reports.
fn scopes(device: &wgpu::Device) -> [wgpu::ErrorScopeGuard; 3] {
    use wgpu::ErrorFilter::{Internal, OutOfMemory, Validation};

    [Validation, OutOfMemory, Internal].map(|filter| device.push_error_scope(filter))
}

/// Whether a device is lost. A lost one makes nothing and reports no error of it: of that its callback tells, which may be
/// the application's. So a buffer is made that is mapped from the beginning.
#[cfg(not(target_family = "wasm"))]
fn is_lost(device: &wgpu::Device) -> bool {
    let scopes = scopes(device);
    let probe = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("convoke.probe"),
        size: 16,
        usage: wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: true,
    });
    let is_mapped = probe.get_mapped_range(..).is_ok();
    let errors = scopes.into_iter().rev().filter_map(|scope| pollster::block_on(scope.pop()));
    errors.count() == 0 && !is_mapped
}

/// A browser's device has a promise that any number may wait for ([`Faults::watch_loss`]).
#[cfg(target_family = "wasm")]
fn is_lost(_: &wgpu::Device) -> bool {
    false
}

/// The device's error as one of ours.
fn told(error: wgpu::Error) -> Error {
    match error {
        wgpu::Error::OutOfMemory { source } => Error::OutOfMemory(source.to_string()),
        wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => Error::Gpu(description),
    }
}
