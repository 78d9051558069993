//! Instructions, one at a time, from bytes to [`Op`]s. Only what moves pointers, numbers and control is told apart;
//! everything else sets its registers to something unknown.

mod a32;
mod a64;
mod t32;
mod x86;

use crate::isa::{Isa, Lifted, Op};

/// Reads the instruction at an address. `None`: these bytes are no instruction that is known.
pub fn lift(isa: Isa, bytes: &[u8], at: u64, ops: &mut Vec<Op>) -> Option<Lifted> {
    match isa {
        Isa::A64 => a64::lift(word(bytes)?, at, ops),
        Isa::A32 => a32::lift(word(bytes)?, at, ops),
        Isa::T32 => t32::lift(bytes, at, ops),
        Isa::X86 => x86::lift(bytes, at, 32, ops),
        Isa::X64 => x86::lift(bytes, at, 64, ops),
    }
}

fn word(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|it| u32::from_le_bytes(*it))
}

fn half(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|it| u32::from(u16::from_le_bytes(*it)))
}

/// `len` bits of a word from bit `low`.
fn bits(word: u32, low: u32, len: u32) -> u32 {
    word.wrapping_shr(low) & 1u32.wrapping_shl(len).wrapping_sub(1)
}

/// A number of `len` bits with its sign.
fn signed(value: u32, len: u32) -> i64 {
    let unused = 32u32.wrapping_sub(len);
    i64::from((value.wrapping_shl(unused) as i32).wrapping_shr(unused))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Addr, Cond, Expr, Flow, Src, Target};

    /// What `objdump` shows of these bytes is the comment beside them; all lie at 0x1000.
    fn check(isa: Isa, code: u64, size: u8, wanted: &[Op], flow: Flow) {
        let mut ops = Vec::new();
        let lifted = lift(isa, &code.to_le_bytes(), 0x1000, &mut ops);
        assert_eq!(lifted.map(|it| (it.size, it.flow)), Some((size, flow)), "{isa:?} {code:#x}");
        assert_eq!(ops, wanted, "{isa:?} {code:#x}");
    }

    #[test]
    fn instructions_of_arm64() {
        use Op::{Compare, Set, Store};
        let check = |code, ops: &[Op], flow| check(Isa::A64, code, 4, ops, flow);
        check(0xb240_7fe0, &[Set(0, Expr::Const(0xffff_ffff))], Flow::Next); // mov x0, #0xffffffff
        check(0x3200_f3e0, &[Set(0, Expr::Const(0x5555_5555))], Flow::Next); // mov w0, #0x55555555
        check(0xb208_9fe1, &[Set(1, Expr::Const(0xff00_ff00_ff00_ff00))], Flow::Next); // mov x1, #0xff00ff00ff00ff00
        check(0x9000_0002, &[Set(2, Expr::Const(0x1000))], Flow::Next); // adrp x2, 1000
        check(0xf2a2_4683, &[Set(3, Expr::Insert(3, 0x1234, 16))], Flow::Next); // movk x3, #0x1234, lsl #16
        // ldp x19, x20, [sp], #32
        let ops = [
            Set(19, Expr::Load(Addr::at(31, 0), 8)),
            Set(20, Expr::Load(Addr::at(31, 8), 8)),
            Set(31, Expr::Add(31, 32)),
        ];
        check(0xa8c2_53f3, &ops, Flow::Next);
        // str x0, [x1, #8]!
        check(0xf800_8c20, &[Store(Addr::at(1, 8), 8, Src::Reg(0)), Set(1, Expr::Add(1, 8))], Flow::Next);
        check(0x3400_0045, &[], Flow::Branch(0x1008, Cond::Zero(5))); // cbz w5, 1008
        check(0xea03_007f, &[Compare(Src::Reg(3), Src::Const(0))], Flow::Next); // tst x3, x3
        check(0x9a82_0020, &[Set(0, Expr::Either(1, 2))], Flow::Next); // csel x0, x1, x2, eq
        check(0xd65f_03c0, &[], Flow::Return); // ret
        assert_eq!(lift(Isa::A64, &[0; 4], 0, &mut Vec::new()), None, "udf #0");
    }

    #[test]
    fn instructions_of_arm() {
        use Op::{Set, Store};
        let check = |code, ops: &[Op], flow| check(Isa::A32, code, 4, ops, flow);
        let push = [
            Store(Addr::at(13, -8), 4, Src::Reg(4)),
            Store(Addr::at(13, -4), 4, Src::Reg(14)),
            Set(13, Expr::Add(13, -8)),
        ];
        check(0xe92d_4010, &push, Flow::Next); // push {r4, lr}
        check(0xe59f_0008, &[Set(0, Expr::Load(Addr::fixed(0x1010), 4))], Flow::Next); // ldr r0, [pc, #8]
        check(0xe301_1234, &[Set(1, Expr::Const(0x1234))], Flow::Next); // movw r1, #0x1234
        check(0xe345_1678, &[Set(1, Expr::Insert(1, 0x5678, 16))], Flow::Next); // movt r1, #0x5678
        let pair = [Set(2, Expr::Load(Addr::at(13, 8), 4)), Set(3, Expr::Load(Addr::at(13, 12), 4))];
        check(0xe1cd_20d8, &pair, Flow::Next); // ldrd r2, [sp, #8]
        let pop = [Set(4, Expr::Load(Addr::at(13, 0), 4)), Set(13, Expr::Add(13, 8))];
        check(0x18bd_8010, &pop, Flow::Return); // popne {r4, pc}
        check(0xfa00_003e, &[], Flow::Call(Target::Address(0x1101))); // blx 1100
        let vpush = [Store(Addr::at(13, -16), 16, Src::Other), Set(13, Expr::Add(13, -16))];
        check(0xed2d_8b04, &vpush, Flow::Next); // vpush {d8-d9}
    }

    #[test]
    fn instructions_of_thumb() {
        use Op::{Set, Store};
        let push = [
            Store(Addr::at(13, -8), 4, Src::Reg(4)),
            Store(Addr::at(13, -4), 4, Src::Reg(14)),
            Set(13, Expr::Add(13, -8)),
        ];
        let pop = [Set(4, Expr::Load(Addr::at(13, 0), 4)), Set(13, Expr::Add(13, 8))];
        check(Isa::T32, 0xb510, 2, &push, Flow::Next); // push {r4, lr}
        check(Isa::T32, 0x4802, 2, &[Set(0, Expr::Load(Addr::fixed(0x100c), 4))], Flow::Next); // ldr r0, [pc, #8]
        check(Isa::T32, 0x4478, 2, &[Set(0, Expr::Add(0, 0x1004))], Flow::Next); // add r0, pc
        check(Isa::T32, 0x2134_f241, 4, &[Set(1, Expr::Const(0x1234))], Flow::Next); // movw r1, #0x1234
        check(Isa::T32, 0x22ff_f04f, 4, &[Set(2, Expr::Const(0xff00_ff00))], Flow::Next); // mov.w r2, #0xff00ff00
        let pair = [Store(Addr::at(13, 8), 4, Src::Reg(2)), Store(Addr::at(13, 12), 4, Src::Reg(3))];
        check(Isa::T32, 0x2302_e9cd, 4, &pair, Flow::Next); // strd r2, r3, [sp, #8]
        check(Isa::T32, 0xb91b, 2, &[], Flow::Branch(0x100b, Cond::NotZero(3))); // cbnz r3, 100a
        check(Isa::T32, 0x807e_f000, 4, &[], Flow::Branch(0x1101, Cond::Equal)); // beq.w 1100
        check(Isa::T32, 0xbd10, 2, &pop, Flow::Return); // pop {r4, pc}
        check(Isa::T32, 0x0a10_ee11, 4, &[Set(0, Expr::Unknown)], Flow::Next); // vmov r0, s2
        check(Isa::T32, 0xf8fe_f000, 4, &[], Flow::Call(Target::Address(0x1201))); // bl 1200
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_an_instruction_of_some_length_or_none(bytes: [u8; 15], at: u64) {
            for isa in [Isa::A64, Isa::A32, Isa::T32, Isa::X86, Isa::X64] {
                for len in 0..bytes.len() {
                    let mut ops = Vec::new();
                    let bytes = bytes.get(..len).unwrap_or_default();
                    if let Some(lifted) = lift(isa, bytes, at, &mut ops) {
                        proptest::prop_assert!(0 < lifted.size && usize::from(lifted.size) <= len);
                    }
                }
            }
        }
    }
}
