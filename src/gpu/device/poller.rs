//! The thread that drives a device for those who await its results, and for those who wait no longer than something lets them.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::error::{Error, Result};
use crate::lock::lock;

/// One thread for a device, started when somebody first awaits a result and gone with the device's context.
#[derive(Debug, Default)]
pub(crate) struct Poller(Mutex<Option<Thread>>);

#[derive(Debug)]
struct Thread {
    submissions: Sender<Awaited>,
    handle: JoinHandle<()>,
}

/// A submission, and who is told how waiting for it ended.
type Awaited = (wgpu::SubmissionIndex, Sender<Polled>);
type Polled = std::result::Result<wgpu::PollStatus, wgpu::PollError>;

impl Poller {
    /// Has the thread wait for this submission, so that what waits for its end is told, and whoever receives.
    ///
    /// Errors: a thread that the system does not start.
    pub(crate) fn watch(&self, device: &wgpu::Device, submission: wgpu::SubmissionIndex) -> Result<Receiver<Polled>> {
        let (told, ended) = channel();
        let mut running = lock(&self.0);
        let awaited = match &*running {
            None => (submission, told),
            Some(thread) => match thread.submissions.send((submission, told)) {
                Ok(()) => return Ok(ended),
                // The thread is gone: another takes its place.
                Err(error) => error.0,
            },
        };
        let (sender, receiver) = channel::<Awaited>();
        let device = device.clone();
        let poll = move || {
            for (submission, told) in receiver {
                let polled = device.poll(wgpu::PollType::Wait {
                    submission_index: Some(submission),
                    timeout: None,
                });
                // Nobody may listen: what went wrong the device's handlers tell as well, and the mapping that is awaited.
                let _ = told.send(polled);
            }
        };
        let handle = std::thread::Builder::new()
            .name("convoke-poll".to_owned())
            .spawn(poll)
            .map_err(|error| Error::Thread(format!("wait for results: {error}")))?;
        // The thread has just begun to receive.
        let _ = sender.send(awaited);
        *running = Some(Thread {
            submissions: sender,
            handle,
        });
        Ok(ended)
    }
}

impl Drop for Poller {
    /// Waits for the thread, which has the device: that must not outlive its context, and be gone only while the process ends and the
    /// driver with it.
    fn drop(&mut self) {
        let running = self.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let Some(Thread { submissions, handle }) = running else {
            return;
        };
        drop(submissions);
        // What a mapping tells on this very thread may have held the context last.
        if handle.thread().id() != std::thread::current().id() {
            // It does not panic but where wgpu does, which has said so.
            let _ = handle.join();
        }
    }
}
