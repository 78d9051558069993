//! What instructions of all machines are reduced to: which registers and cells they set, and where they lead.

/// A register: its number in the machine's own order.
pub type Reg = u8;

/// The register that is always zero (arm64).
pub const ZERO: Reg = 32;

/// How many registers a state holds.
pub const N_REGS: usize = 33;

/// A machine, in one of its modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// AArch64.
    A64,
    /// AArch32, instructions of four bytes.
    A32,
    /// AArch32, Thumb.
    T32,
    /// x86 in 32 bits.
    X86,
    /// x86 in 64 bits.
    X64,
}

impl Isa {
    /// The bytes of a pointer.
    pub fn pointer(self) -> u8 {
        match self {
            Isa::A64 | Isa::X64 => 8,
            Isa::A32 | Isa::T32 | Isa::X86 => 4,
        }
    }

    /// The stack pointer.
    pub fn stack(self) -> Reg {
        match self {
            Isa::A64 => 31,
            Isa::A32 | Isa::T32 => 13,
            Isa::X86 | Isa::X64 => 4,
        }
    }

    /// The registers that carry arguments, in order; what follows lies on the stack.
    pub fn arguments(self) -> &'static [Reg] {
        match self {
            Isa::A64 => &[0, 1, 2, 3, 4, 5, 6, 7],
            Isa::A32 | Isa::T32 => &[0, 1, 2, 3],
            Isa::X86 => &[],
            // rdi, rsi, rdx, rcx, r8, r9 (System V ABI, figure 3.4).
            Isa::X64 => &[7, 6, 2, 1, 8, 9],
        }
    }

    /// Where a called function leaves nothing as it was.
    pub fn scratch(self) -> &'static [Reg] {
        match self {
            Isa::A64 => &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 30],
            Isa::A32 | Isa::T32 => &[0, 1, 2, 3, 12, 14],
            Isa::X86 => &[0, 1, 2],
            Isa::X64 => &[0, 1, 2, 6, 7, 8, 9, 10, 11],
        }
    }

    /// The least number of bytes between two instructions.
    pub fn step(self) -> u64 {
        match self {
            Isa::A64 | Isa::A32 => 4,
            Isa::T32 => 2,
            Isa::X86 | Isa::X64 => 1,
        }
    }
}

/// An address as instructions state it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addr {
    /// Added, if there.
    pub base: Option<Reg>,
    /// Added after scaling, if there.
    pub index: Option<Reg>,
    /// Added.
    pub offset: i64,
}

impl Addr {
    /// A register and a number.
    pub fn at(base: Reg, offset: i64) -> Addr {
        Addr { base: Some(base), index: None, offset }
    }

    /// A number alone.
    pub fn fixed(address: u64) -> Addr {
        Addr { base: None, index: None, offset: address as i64 }
    }
}

/// A value that is compared or stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Src {
    /// A register.
    Reg(Reg),
    /// A number.
    Const(u64),
    /// Something else.
    Other,
}

/// What a register is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expr {
    /// A number.
    Const(u64),
    /// The same as a register.
    Copy(Reg),
    /// A register and a number.
    Add(Reg, i64),
    /// Two registers.
    Sum(Reg, Reg),
    /// A register and a scaled register.
    Near(Reg, Reg),
    /// Either of two registers.
    Either(Reg, Reg),
    /// A register with 16 bits replaced, at a bit.
    Insert(Reg, u16, u8),
    /// What lies at an address, so many bytes.
    Load(Addr, u8),
    /// An address.
    Address(Addr),
    /// Worked out from two registers in a way that is not followed.
    From(Reg, Reg),
    /// Not known.
    Unknown,
}

/// One effect of an instruction. Effects of one instruction happen in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// A register is set.
    Set(Reg, Expr),
    /// So many bytes are stored.
    Store(Addr, u8, Src),
    /// Flags are set from a comparison.
    Compare(Src, Src),
}

/// Where a jump or call leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// An address; for 32-bit ARM its lowest bit says Thumb.
    Address(u64),
    /// What a register holds.
    Reg(Reg),
    /// What lies at an address.
    Mem(Addr),
}

/// When a branch is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cond {
    /// The register is zero.
    Zero(Reg),
    /// The register is not zero.
    NotZero(Reg),
    /// What was compared last is equal.
    Equal,
    /// It is not.
    NotEqual,
    /// Something else.
    Other,
}

/// What comes after an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// The next one.
    Next,
    /// Another, always.
    Jump(Target),
    /// Another or the next.
    Branch(u64, Cond),
    /// A function, then the next one.
    Call(Target),
    /// One of several, by a table of entries of so many bytes that lies behind the instruction; 0: not in code.
    Table(u8),
    /// The caller.
    Return,
    /// Nothing.
    Stop,
}

/// An instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifted {
    /// How many bytes it has.
    pub size: u8,
    /// What comes after.
    pub flow: Flow,
    /// Whether it takes effect only under a condition.
    pub maybe: bool,
    /// How many instructions it makes conditional (Thumb `it`).
    pub makes_conditional: u8,
}
