//! Channels by number.

use crate::channel::Slot;
use std::{collections::VecDeque, fmt};

/// A channel of one [`Mux`](crate::Mux). It is never used again for another channel, though its number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId {
    number: u32,
    generation: u32,
}

impl ChannelId {
    /// Our number for the channel, as it is on the wire.
    pub fn number(self) -> u32 {
        self.number
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}

/// Free numbers that rest before the oldest is used again, so that a late reply to a closed channel does not meet its
/// successor.
const RESTING: usize = 32;

/// Channels by number, with the numbers kept small.
#[derive(Debug)]
pub(crate) struct Table {
    entries: Vec<Entry>,
    /// Longest free first.
    free: VecDeque<u32>,
    limit: usize,
}

#[derive(Debug)]
struct Entry {
    generation: u32,
    slot: Slot,
    /// Whether it is in the queue of channels that have something to send.
    listed: bool,
}

impl Table {
    /// For at most `limit` channels at a time.
    pub(crate) fn new(limit: usize) -> Self {
        Self { entries: Vec::new(), free: VecDeque::new(), limit }
    }

    /// Channels at present.
    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() >= self.limit
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.entries.shrink_to_fit();
        self.free.shrink_to_fit();
    }

    /// Gives `slot` a number; `None` if the table is full.
    pub(crate) fn insert(&mut self, slot: Slot) -> Option<ChannelId> {
        if self.is_full() {
            return None;
        }
        let resting = if self.entries.len() < self.limit { RESTING } else { 0 };
        if self.free.len() > resting
            && let Some(number) = self.free.pop_front()
        {
            let entry = &mut self.entries[number as usize];
            entry.slot = slot;
            return Some(ChannelId { number, generation: entry.generation });
        }
        let number = u32::try_from(self.entries.len()).ok()?;
        self.entries.push(Entry { generation: 0, slot, listed: false });
        Some(ChannelId { number, generation: 0 })
    }

    /// What the number stands for now; `None` if it never stood for anything.
    pub(crate) fn number(&mut self, number: u32) -> Option<(ChannelId, &mut Slot)> {
        let entry = self.entries.get_mut(number as usize)?;
        Some((ChannelId { number, generation: entry.generation }, &mut entry.slot))
    }

    /// The channel, unless it is gone.
    pub(crate) fn get_mut(&mut self, id: ChannelId) -> Option<&mut Slot> {
        let entry = self.entries.get_mut(id.number as usize)?;
        (entry.generation == id.generation).then_some(&mut entry.slot)
    }

    /// The channel, unless it is gone.
    pub(crate) fn get(&self, id: ChannelId) -> Option<&Slot> {
        let entry = self.entries.get(id.number as usize)?;
        (entry.generation == id.generation).then_some(&entry.slot)
    }

    /// Frees the number.
    pub(crate) fn remove(&mut self, number: u32) {
        if let Some(entry) = self.entries.get_mut(number as usize)
            && !matches!(entry.slot, Slot::Free)
        {
            entry.slot = Slot::Free;
            entry.generation = entry.generation.wrapping_add(1);
            self.free.push_back(number);
        }
    }

    /// Notes whether the number is listed; answers whether it was.
    pub(crate) fn set_listed(&mut self, number: u32, listed: bool) -> bool {
        match self.entries.get_mut(number as usize) {
            Some(entry) => std::mem::replace(&mut entry.listed, listed),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_small_and_ids_are_never_used_again() {
        let mut table = Table::new(100);
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1000 {
            let id = table.insert(Slot::Finished(7)).unwrap();
            assert!(id.number() <= RESTING as u32);
            assert!(seen.insert(id));
            table.remove(id.number());
            assert!(table.get(id).is_none_or(|slot| matches!(slot, Slot::Free)));
            assert!(table.get_mut(id).is_none());
        }
    }

    #[test]
    fn the_limit_is_reached_exactly() {
        let mut table = Table::new(3);
        let ids: Vec<_> = std::iter::from_fn(|| table.insert(Slot::Finished(0))).collect();
        assert_eq!(ids.len(), 3);
        table.remove(ids[1].number());
        table.remove(ids[1].number());
        assert_eq!(table.len(), 2);
        assert_eq!(table.insert(Slot::Finished(0)).map(ChannelId::number), Some(1));
        assert_eq!(table.insert(Slot::Finished(0)), None);
        assert!(table.number(3).is_none());
    }
}
