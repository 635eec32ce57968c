//! The thread that drives a device for those who await its results.

use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use crate::error::{Error, Result};
use crate::lock::lock;

/// One thread for a device, started when somebody first awaits a result and gone with the device's context.
#[derive(Debug, Default)]
pub(crate) struct Poller {
    submissions: Mutex<Option<Sender<wgpu::SubmissionIndex>>>,
}

impl Poller {
    /// Has the thread wait for this submission, so that what waits for its end is told.
    ///
    /// Errors: a thread that the system does not start.
    pub(crate) fn watch(&self, device: &wgpu::Device, submission: wgpu::SubmissionIndex) -> Result<()> {
        let mut submissions = lock(&self.submissions);
        let submission = match &*submissions {
            None => submission,
            Some(thread) => match thread.send(submission) {
                Ok(()) => return Ok(()),
                // The thread is gone: another takes its place.
                Err(error) => error.0,
            },
        };
        let (sender, receiver) = channel();
        let device = device.clone();
        let poll = move || {
            for submission in receiver {
                // What went wrong is told by the device's handlers and by the mapping that is awaited.
                let _ = device.poll(wgpu::PollType::Wait {
                    submission_index: Some(submission),
                    timeout: None,
                });
            }
        };
        std::thread::Builder::new()
            .name("convoke-poll".to_owned())
            .spawn(poll)
            .map_err(|error| Error::Thread(format!("wait for results: {error}")))?;
        // The thread has just begun to receive.
        let _ = sender.send(submission);
        *submissions = Some(sender);
        Ok(())
    }
}
