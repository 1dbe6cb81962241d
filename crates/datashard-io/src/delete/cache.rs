//! What delete files held, kept while a scan goes on: each file is loaded once, whoever asks first, within a bound of memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

/// Values by key. The least lately used ones go when together they are larger than the limit; those in use live on where they are used.
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    limit_bytes: u64,
    slots: Mutex<Slots<K, V>>,
}

#[derive(Debug)]
struct Slots<K, V> {
    by_key: HashMap<K, Slot<V>>,
    clock: u64,
    size_bytes: u64,
}

#[derive(Debug)]
struct Slot<V> {
    cell: Arc<OnceCell<V>>,
    size_bytes: u64,
    used: u64,
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    pub(super) fn new(limit_bytes: u64) -> Self {
        let slots = Slots { by_key: HashMap::new(), clock: 0, size_bytes: 0 };
        Self { limit_bytes, slots: Mutex::new(slots) }
    }

    /// The value of a key; `load` runs if it is not there. Others who ask for it meanwhile wait; if loading fails or is given up, the next
    /// one of them tries.
    pub(super) async fn load<E>(
        &self,
        key: K,
        load: impl Future<Output = Result<V, E>>,
        size_bytes: impl Fn(&V) -> u64,
    ) -> Result<V, E> {
        let cell = self.slot(&key);
        let value = cell.get_or_try_init(|| load).await?.clone();
        self.account(&key, &cell, size_bytes(&value));
        Ok(value)
    }

    fn slot(&self, key: &K) -> Arc<OnceCell<V>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.clock = slots.clock.saturating_add(1);
        let used = slots.clock;
        let fresh = || Slot { cell: Arc::new(OnceCell::new()), size_bytes: 0, used };
        let slot = slots.by_key.entry(key.clone()).or_insert_with(fresh);
        slot.used = used;
        Arc::clone(&slot.cell)
    }

    fn account(&self, key: &K, cell: &Arc<OnceCell<V>>, size_bytes: u64) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = &mut *slots;
        match slots.by_key.get_mut(key) {
            Some(slot) if Arc::ptr_eq(&slot.cell, cell) && slot.size_bytes == 0 => {
                slot.size_bytes = size_bytes.max(1);
                slots.size_bytes = slots.size_bytes.saturating_add(slot.size_bytes);
            }
            _ => return,
        }
        while slots.size_bytes > self.limit_bytes {
            let loaded = slots.by_key.iter().filter(|(there, slot)| slot.size_bytes > 0 && *there != key);
            let Some(oldest) = loaded.min_by_key(|(_, slot)| slot.used).map(|(key, _)| key.clone()) else {
                break;
            };
            if let Some(gone) = slots.by_key.remove(&oldest) {
                slots.size_bytes = slots.size_bytes.saturating_sub(gone.size_bytes);
            }
        }
        if slots.size_bytes > self.limit_bytes
            && let Some(gone) = slots.by_key.remove(key)
        {
            slots.size_bytes = slots.size_bytes.saturating_sub(gone.size_bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn values_are_loaded_once_while_they_fit_and_again_after_they_had_to_go() {
        let cache: Cache<&str, u64> = Cache::new(10);
        let loads = Cell::new(0);
        let get = async |key, value: u64| {
            let load = async {
                loads.set(loads.get() + 1);
                Ok::<u64, ()>(value)
            };
            cache.load(key, load, |value| *value).await.unwrap()
        };
        assert_eq!((get("a", 4).await, get("b", 4).await, get("a", 9).await), (4, 4, 4));
        assert_eq!(loads.get(), 2);
        // `b` was used before `a`, so it makes room.
        get("c", 5).await;
        assert_eq!((get("a", 4).await, loads.get()), (4, 3));
        get("b", 4).await;
        assert_eq!(loads.get(), 4);
        // What is larger than the whole cache is given out and not kept.
        assert_eq!((get("huge", 11).await, get("huge", 12).await), (11, 12));
    }

    #[tokio::test]
    async fn a_failed_load_is_tried_again() {
        let cache: Cache<u8, u64> = Cache::new(10);
        assert_eq!(cache.load(1, async { Err("down") }, |_| 1).await, Err("down"));
        assert_eq!(cache.load(1, async { Ok::<u64, &str>(7) }, |_| 1).await, Ok(7));
    }
}
