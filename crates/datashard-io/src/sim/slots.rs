//! The tasks of a simulation, in slots that are used again, and the queue of those that can go on.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;

use super::process::ProcessId;
use super::schedule::lock;
use super::task::TaskWaker;

/// A slot and how often it was used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskId {
    slot: usize,
    generation: u64,
}

pub(super) type BoxedTask = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The tasks that can go on. Apart from the rest, because a waker may be woken while anything else is locked.
#[derive(Default)]
pub(super) struct ReadyTasks(Mutex<Vec<Arc<TaskWaker>>>);

impl ReadyTasks {
    pub(super) fn push(&self, waker: Arc<TaskWaker>) {
        self.all().push(waker);
    }

    pub(super) fn all(&self) -> MutexGuard<'_, Vec<Arc<TaskWaker>>> {
        lock(&self.0)
    }
}

pub(super) struct Slot {
    generation: u64,
    pub(super) process: ProcessId,
    /// The number in the order of starting, for messages.
    pub(super) number: u64,
    /// Taken out while it is polled; and none for the root, which lies on the stack of `run`.
    pub(super) future: Option<BoxedTask>,
    pub(super) waker: Option<Waker>,
    in_use: bool,
}

#[derive(Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    free: Vec<usize>,
    started: u64,
}

impl Slots {
    /// `future` is `None` for the root.
    pub(super) fn add(
        &mut self,
        process: ProcessId,
        future: Option<BoxedTask>,
        ready: &Arc<ReadyTasks>,
    ) -> (TaskId, Waker) {
        self.started = self.started.saturating_add(1);
        let index = self.free.pop().unwrap_or(self.slots.len());
        let generation = self.slots.get(index).map_or(0, |slot| slot.generation.wrapping_add(1));
        let id = TaskId { slot: index, generation };
        let queued = AtomicBool::new(false);
        let waker = Waker::from(Arc::new(TaskWaker { id, queued, ready: Arc::clone(ready) }));
        let (number, kept) = (self.started, Some(waker.clone()));
        let slot = Slot { generation, process, number, future, waker: kept, in_use: true };
        match self.slots.get_mut(index) {
            Some(old) => *old = slot,
            None => self.slots.push(slot),
        }
        (id, waker)
    }

    pub(super) fn get_mut(&mut self, id: TaskId) -> Option<&mut Slot> {
        self.slots.get_mut(id.slot).filter(|slot| slot.in_use && slot.generation == id.generation)
    }

    /// Frees a slot; its future must have been taken before.
    pub(super) fn free(&mut self, id: TaskId) {
        if let Some(slot) = self.get_mut(id) {
            slot.in_use = false;
            // Holds nothing but the queue, so it may be dropped here.
            slot.waker = None;
            self.free.push(id.slot);
        }
    }

    /// Takes all tasks of a process out, but for one, to be dropped by the caller.
    pub(super) fn take_all(&mut self, process: ProcessId, except: Option<TaskId>) -> Vec<Option<BoxedTask>> {
        let mut taken = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            let id = TaskId { slot: index, generation: slot.generation };
            if slot.in_use && slot.process == process && Some(id) != except {
                taken.push(slot.future.take());
                slot.in_use = false;
                slot.waker = None;
                self.free.push(index);
            }
        }
        taken
    }

    /// The tasks that have not ended.
    pub(super) fn live(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| slot.in_use)
    }
}
