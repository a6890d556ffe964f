//! Bytes to send, of which none can be lost, doubled or misplaced unnoticed.

use std::iter;

/// `size` bytes that do not repeat soon, the same at each call.
pub fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = iter::repeat_with(step).take(size.div_ceil(8)).flatten().collect();
    bytes.truncate(size);
    bytes
}
