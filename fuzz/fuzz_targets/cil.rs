//! Policies in CIL, linked and asked.

#![no_main]

#[path = "../../xtask/src/fuzz/cil.rs"]
mod cil;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| cil::touch(data));
