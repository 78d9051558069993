//! Instructions as text, as smali writes them.

use std::fmt::Write;

use crate::insn::{Args, Insn, op};
use crate::program::Program;

/// An instruction of a dex file of a program: `invoke-static {v0, v1}, Ljava/lang/Math;->max(II)I`. Branches name the
/// code unit to which they lead; what the file does not name is `?`.
pub fn text_of(program: &Program, dex: u32, insn: &Insn) -> String {
    let mut out = String::from(mnemonic(insn.op));
    let name = |idx: u32| program.type_name(dex, idx).map_or("?", |it| program.names.text(it));
    let field = || {
        program.field_ref(dex, insn.idx).map_or("?".to_owned(), |it| {
            let text = |name| program.names.text(name);
            format!("{}->{}:{}", text(it.class), text(it.name), text(it.ty))
        })
    };
    let method = || program.method_ref(dex, insn.idx).map_or("?".to_owned(), |it| program.title(it));
    let target = format!(":{:04x}", insn.target);
    let rest = match insn.op {
        // The payload of a switch or an array.
        0 if 1 < insn.len => format!("({} code units of data)", insn.len),
        0 | op::RETURN_VOID => String::new(),
        op::MOVE..=op::MOVE_OBJECT_16 | op::ARRAY_LENGTH | op::UNOP_FIRST..=op::UNOP_LAST => {
            format!("v{}, v{}", insn.a, insn.b)
        }
        op::BINOP_2ADDR_FIRST..=op::BINOP_2ADDR_LAST => format!("v{}, v{}", insn.a, insn.b),
        op::MOVE_RESULT..=op::RETURN_OBJECT | 0x1d | 0x1e | op::THROW => format!("v{}", insn.a),
        op::CONST_4..=op::CONST_WIDE_HIGH16 => format!("v{}, {}", insn.a, insn.lit),
        op::CONST_STRING | op::CONST_STRING_JUMBO => match program.text(dex, insn.idx) {
            Some(text) => format!("v{}, {text:?}", insn.a),
            None => format!("v{}, ?", insn.a),
        },
        op::CONST_CLASS | op::CHECK_CAST | op::NEW_INSTANCE => format!("v{}, {}", insn.a, name(insn.idx)),
        op::INSTANCE_OF | op::NEW_ARRAY => format!("v{}, v{}, {}", insn.a, insn.b, name(insn.idx)),
        op::FILLED_NEW_ARRAY | op::FILLED_NEW_ARRAY_RANGE => format!("{}, {}", args(insn.args), name(insn.idx)),
        op::GOTO..=op::GOTO_32 => target,
        op::FILL_ARRAY_DATA | op::PACKED_SWITCH | op::SPARSE_SWITCH => format!("v{}, {target}", insn.a),
        op::IF_EQ..=op::IF_LE => format!("v{}, v{}, {target}", insn.a, insn.b),
        op::IF_EQZ..=op::IF_LEZ => format!("v{}, {target}", insn.a),
        op::CMPL_FLOAT..=op::CMP_LONG | op::AGET..=op::APUT_SHORT | op::BINOP_FIRST..=op::BINOP_LAST => {
            format!("v{}, v{}, v{}", insn.a, insn.b, insn.c)
        }
        op::IGET..=op::IPUT_SHORT => format!("v{}, v{}, {}", insn.a, insn.b, field()),
        op::SGET..=op::SPUT_SHORT => format!("v{}, {}", insn.a, field()),
        op::INVOKE_VIRTUAL..=op::INVOKE_INTERFACE | op::INVOKE_VIRTUAL_RANGE..=op::INVOKE_INTERFACE_RANGE => {
            format!("{}, {}", args(insn.args), method())
        }
        op::INVOKE_POLYMORPHIC | op::INVOKE_POLYMORPHIC_RANGE => {
            format!("{}, {}, proto {}", args(insn.args), method(), insn.proto)
        }
        op::INVOKE_CUSTOM | op::INVOKE_CUSTOM_RANGE => format!("{}, call site {}", args(insn.args), insn.idx),
        op::INVOKE_VIRTUAL_QUICK | op::INVOKE_VIRTUAL_RANGE_QUICK => {
            format!("{}, vtable {}", args(insn.args), insn.idx)
        }
        op::BINOP_LIT_FIRST..=op::BINOP_LIT_LAST => format!("v{}, v{}, {}", insn.a, insn.b, insn.lit),
        op::IGET_QUICK..=op::IGET_SHORT_QUICK => format!("v{}, v{}, offset {}", insn.a, insn.b, insn.idx),
        op::CONST_METHOD_HANDLE => format!("v{}, handle {}", insn.a, insn.idx),
        op::CONST_METHOD_TYPE => format!("v{}, proto {}", insn.a, insn.idx),
        _ => String::new(),
    };
    if !rest.is_empty() {
        out.push(' ');
        out.push_str(&rest);
    }
    out
}

fn args(args: Args) -> String {
    match args {
        Args::Range(first, n) if n != 0 => {
            format!("{{v{first} .. v{}}}", u32::from(first).saturating_add(u32::from(n)).saturating_sub(1))
        }
        _ => {
            let mut out = String::from("{");
            for n in 0..args.len() {
                let comma = if n == 0 { "" } else { ", " };
                // Writing to a string cannot fail.
                let _ = write!(out, "{comma}v{}", args.reg(n).unwrap_or(0));
            }
            out.push('}');
            out
        }
    }
}

/// The name of an opcode in the specification.
pub fn mnemonic(op: u8) -> &'static str {
    MNEMONICS.get(usize::from(op)).copied().unwrap_or("?")
}

#[rustfmt::skip]
static MNEMONICS: [&str; 256] = [
    "nop", "move", "move/from16", "move/16", "move-wide", "move-wide/from16", "move-wide/16", "move-object",
    "move-object/from16", "move-object/16", "move-result", "move-result-wide", "move-result-object",
    "move-exception", "return-void", "return", "return-wide", "return-object", "const/4", "const/16", "const",
    "const/high16", "const-wide/16", "const-wide/32", "const-wide", "const-wide/high16", "const-string",
    "const-string/jumbo", "const-class", "monitor-enter", "monitor-exit", "check-cast", "instance-of",
    "array-length", "new-instance", "new-array", "filled-new-array", "filled-new-array/range", "fill-array-data",
    "throw", "goto", "goto/16", "goto/32", "packed-switch", "sparse-switch", "cmpl-float", "cmpg-float",
    "cmpl-double", "cmpg-double", "cmp-long", "if-eq", "if-ne", "if-lt", "if-ge", "if-gt", "if-le", "if-eqz",
    "if-nez", "if-ltz", "if-gez", "if-gtz", "if-lez", "unused", "unused", "unused", "unused", "unused", "unused",
    "aget", "aget-wide", "aget-object", "aget-boolean", "aget-byte", "aget-char", "aget-short", "aput", "aput-wide",
    "aput-object", "aput-boolean", "aput-byte", "aput-char", "aput-short", "iget", "iget-wide", "iget-object",
    "iget-boolean", "iget-byte", "iget-char", "iget-short", "iput", "iput-wide", "iput-object", "iput-boolean",
    "iput-byte", "iput-char", "iput-short", "sget", "sget-wide", "sget-object", "sget-boolean", "sget-byte",
    "sget-char", "sget-short", "sput", "sput-wide", "sput-object", "sput-boolean", "sput-byte", "sput-char",
    "sput-short", "invoke-virtual", "invoke-super", "invoke-direct", "invoke-static", "invoke-interface",
    "return-void-no-barrier", "invoke-virtual/range", "invoke-super/range", "invoke-direct/range",
    "invoke-static/range", "invoke-interface/range", "unused", "unused", "neg-int", "not-int", "neg-long",
    "not-long", "neg-float", "neg-double", "int-to-long", "int-to-float", "int-to-double", "long-to-int",
    "long-to-float", "long-to-double", "float-to-int", "float-to-long", "float-to-double", "double-to-int",
    "double-to-long", "double-to-float", "int-to-byte", "int-to-char", "int-to-short", "add-int", "sub-int",
    "mul-int", "div-int", "rem-int", "and-int", "or-int", "xor-int", "shl-int", "shr-int", "ushr-int", "add-long",
    "sub-long", "mul-long", "div-long", "rem-long", "and-long", "or-long", "xor-long", "shl-long", "shr-long",
    "ushr-long", "add-float", "sub-float", "mul-float", "div-float", "rem-float", "add-double", "sub-double",
    "mul-double", "div-double", "rem-double", "add-int/2addr", "sub-int/2addr", "mul-int/2addr", "div-int/2addr",
    "rem-int/2addr", "and-int/2addr", "or-int/2addr", "xor-int/2addr", "shl-int/2addr", "shr-int/2addr",
    "ushr-int/2addr", "add-long/2addr", "sub-long/2addr", "mul-long/2addr", "div-long/2addr", "rem-long/2addr",
    "and-long/2addr", "or-long/2addr", "xor-long/2addr", "shl-long/2addr", "shr-long/2addr", "ushr-long/2addr",
    "add-float/2addr", "sub-float/2addr", "mul-float/2addr", "div-float/2addr", "rem-float/2addr",
    "add-double/2addr", "sub-double/2addr", "mul-double/2addr", "div-double/2addr", "rem-double/2addr",
    "add-int/lit16", "rsub-int", "mul-int/lit16", "div-int/lit16", "rem-int/lit16", "and-int/lit16", "or-int/lit16",
    "xor-int/lit16", "add-int/lit8", "rsub-int/lit8", "mul-int/lit8", "div-int/lit8", "rem-int/lit8",
    "and-int/lit8", "or-int/lit8", "xor-int/lit8", "shl-int/lit8", "shr-int/lit8", "ushr-int/lit8", "iget-quick",
    "iget-wide-quick", "iget-object-quick", "iput-quick", "iput-wide-quick", "iput-object-quick",
    "invoke-virtual-quick", "invoke-virtual/range-quick", "iput-boolean-quick", "iput-byte-quick",
    "iput-char-quick", "iput-short-quick", "iget-boolean-quick", "iget-byte-quick", "iget-char-quick",
    "iget-short-quick", "unused", "unused", "unused", "unused", "unused", "unused", "unused", "invoke-polymorphic",
    "invoke-polymorphic/range", "invoke-custom", "invoke-custom/range", "const-method-handle", "const-method-type",
];
