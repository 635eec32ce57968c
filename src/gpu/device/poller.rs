//! The thread that drives a device for those who await its results, and for those who wait no longer than something lets them.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::error::{Error, Result};
use crate::lock::lock;

/// One thread for a device, started when somebody first awaits a result and gone with the device's context.
#[derive(Debug, Default)]
pub(crate) struct Poller {
    submissions: Mutex<Option<Sender<Awaited>>>,
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
        let mut submissions = lock(&self.submissions);
        let awaited = match &*submissions {
            None => (submission, told),
            Some(thread) => match thread.send((submission, told)) {
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
        std::thread::Builder::new()
            .name("convoke-poll".to_owned())
            .spawn(poll)
            .map_err(|error| Error::Thread(format!("wait for results: {error}")))?;
        // The thread has just begun to receive.
        let _ = sender.send(awaited);
        *submissions = Some(sender);
        Ok(ended)
    }
}
