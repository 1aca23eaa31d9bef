#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| satisfice_fuzz::frames(data));
