#![no_main]

#[expect(dead_code, reason = "each target runs one body of the shared file")]
#[path = "../../tests/suite/bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::outcome(bytes));
