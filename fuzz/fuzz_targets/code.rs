//! Files of code in every container, read whole and followed as far as little fuel leads. `cargo xtask fuzz --corpus
//! fuzz/corpus/formats` writes its corpus, too.

#![no_main]

#[path = "../../xtask/src/fuzz/code.rs"]
mod code;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| code::touch(data));
