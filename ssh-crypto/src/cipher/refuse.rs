//! What takes the place of a suite whose key or IV has the wrong size, which is a fault of the caller: nothing is
//! opened, and zeros are sent.

use super::Transform;
use crate::Mac;
use ssh_wire::{Corrupt, Layout, Open, Seal};

/// In the place of a cipher or a MAC.
#[derive(Debug)]
pub(crate) struct Refuse;

impl Transform for Refuse {
    fn apply(&mut self, blocks: &mut [u8]) {
        blocks.fill(0);
    }
}

impl Mac for Refuse {
    fn sign(&mut self, _seq: u32, _packet: &[u8], tag: &mut [u8]) {
        tag.fill(0);
    }

    fn verify(&mut self, _seq: u32, _packet: &[u8], _tag: &[u8]) -> Result<(), Corrupt> {
        Err(Corrupt)
    }
}

/// In the place of a whole suite, with packets of its shape.
#[derive(Debug)]
pub(super) struct RefuseAll(pub(super) Layout);

impl Open for RefuseAll {
    fn layout(&self) -> Layout {
        self.0
    }

    fn length(&mut self, _seq: u32, _head: &mut [u8]) -> u32 {
        0
    }

    fn open(&mut self, _seq: u32, _packet: &mut [u8]) -> Result<(), Corrupt> {
        Err(Corrupt)
    }
}

impl Seal for RefuseAll {
    fn layout(&self) -> Layout {
        self.0
    }

    fn seal(&mut self, _seq: u32, packet: &mut [u8]) {
        packet.fill(0);
    }
}
