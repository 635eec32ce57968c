//! Loops over all threads where there is enough to do. They end before they are done where something stops the run, which whoever
//! began it notices.

use rayon::prelude::*;

use crate::cancel::{self, Watch};

/// Elements that are worth a task of their own.
const GRAIN: usize = 1 << 14;
/// Elements after which is asked whether the run is stopped.
const ASKED_AFTER: usize = 1 << 10;

/// Does the work of each task, until something stops the run.
pub(super) fn for_each<I: ParallelIterator>(tasks: I, work: impl Fn(I::Item) + Sync) {
    until_stopped(tasks, &work);
}

/// Does all the work, whatever stops the run.
pub(super) fn for_all<I: ParallelIterator>(tasks: I, work: impl Fn(I::Item) + Sync) {
    // While this thread waits it may be given others' work.
    Watch::default().entered(|| shared(tasks, &work));
}

/// `work` is called through a pointer, so that all of Rayon's machinery is compiled once for a form of tasks and not for each kernel:
/// that was a sixth of the library.
fn until_stopped<I: ParallelIterator>(tasks: I, work: &(dyn Fn(I::Item) + Sync)) {
    let watch = Watch::current();
    if !watch.may_stop() {
        return shared(tasks, work);
    }
    // While this thread waits it may be given others' work, which this run's end does not stop; and its work may go to others.
    Watch::default().entered(|| {
        shared(tasks, &|task| {
            if !watch.is_over() {
                watch.clone().entered(|| work(task));
            }
        });
    });
}

fn shared<I: ParallelIterator>(tasks: I, work: &(dyn Fn(I::Item) + Sync)) {
    tasks.for_each(work);
}

/// Elements of an output with those of an input at the same places, in pieces.
pub(super) fn pairs(output: &mut [f32], input: &[f32], work: impl Fn(&mut [f32], &[f32]) + Sync) {
    if output.len() <= GRAIN {
        work(output, input);
        return;
    }
    let pieces = output.par_chunks_mut(GRAIN).zip(input.par_chunks(GRAIN));
    for_each(pieces, |(output, input)| work(output, input));
}

/// Planes of `plane` elements with their numbers.
pub(super) fn planes<T: Send>(output: &mut [T], plane: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    if plane == 0 {
        return;
    }
    let together = (GRAIN / plane).max(1);
    let asked_after = (ASKED_AFTER / plane).max(1);
    let some = |first: usize, planes: &mut [T]| {
        for (index, plane) in planes.chunks_mut(plane).enumerate() {
            if index.is_multiple_of(asked_after) && cancel::is_over() {
                return;
            }
            work(first + index, plane);
        }
    };
    if output.len() <= GRAIN {
        some(0, output);
        return;
    }
    let tasks = output.par_chunks_mut(together * plane).enumerate();
    for_each(tasks, |(task, planes)| some(task * together, planes));
}
