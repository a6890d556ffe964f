//! A packet taken apart.

use ssh_wire::{Corrupt, Layout, packet::LENGTH_SIZE};

/// What is authenticated of a packet, `packet_length` to padding, and the tag.
pub(super) fn split(packet: &mut [u8], layout: Layout) -> Result<(&mut [u8], &mut [u8]), Corrupt> {
    let covered = packet.len().checked_sub(layout.tag).ok_or(Corrupt)?;
    let body = covered.checked_sub(LENGTH_SIZE).filter(|&body| body > 0).ok_or(Corrupt)?;
    let aligned = if layout.length_aligned { covered } else { body };
    if !aligned.is_multiple_of(layout.align) {
        return Err(Corrupt);
    }
    Ok(packet.split_at_mut(covered))
}

/// Makes sure that a packet that could not be sealed is not sent in the clear. The peer refuses the zeros.
pub(super) fn wipe(packet: &mut [u8]) {
    packet.fill(0);
}
