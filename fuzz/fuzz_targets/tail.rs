//! The end of a segment.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u32, bool, &[u8])| {
    let (size, knows_length, bytes) = input;
    thermocline::rubbish::read_tail(bytes, u64::from(size), knows_length);
});
