//! Which registers an instruction reads and writes.

use crate::insn::{Args, Insn, op};

impl Insn {
    /// The register that it gives a new value, if any; of a pair the lower one.
    #[must_use]
    pub fn writes(&self) -> Option<u16> {
        let writes = matches!(
            self.op,
            op::MOVE..=op::MOVE_EXCEPTION
                | op::CONST_4..=op::CONST_CLASS
                | op::CHECK_CAST..=op::NEW_ARRAY
                | op::CMPL_FLOAT..=op::CMP_LONG
                | op::AGET..=op::AGET_SHORT
                | op::IGET..=op::IGET_SHORT
                | op::SGET..=op::SGET_SHORT
                | op::UNOP_FIRST..=op::BINOP_LIT_LAST
                | op::CONST_METHOD_HANDLE..=op::CONST_METHOD_TYPE
                | op::IGET_QUICK..op::IPUT_QUICK
                | op::IGET_BOOLEAN_QUICK..=op::IGET_SHORT_QUICK
        );
        writes.then_some(self.a)
    }

    /// Names every register that it reads; of a pair the lower one, but for the arguments of a call.
    pub fn each_read(&self, mut read: impl FnMut(u16)) {
        match self.op {
            op::MOVE..=op::MOVE_OBJECT_16
            | op::INSTANCE_OF
            | op::ARRAY_LENGTH
            | op::NEW_ARRAY
            | op::IGET..=op::IGET_SHORT
            | op::IGET_QUICK..op::IPUT_QUICK
            | op::IGET_BOOLEAN_QUICK..=op::IGET_SHORT_QUICK
            | op::UNOP_FIRST..=op::UNOP_LAST
            | op::BINOP_LIT_FIRST..=op::BINOP_LIT_LAST => read(self.b),
            // `monitor-enter` and `monitor-exit` stand between the constants and the casts.
            op::RETURN..=op::RETURN_OBJECT
            | 0x1d
            | 0x1e
            | op::CHECK_CAST
            | op::FILL_ARRAY_DATA
            | op::THROW
            | op::PACKED_SWITCH
            | op::SPARSE_SWITCH
            | op::IF_EQZ..=op::IF_LEZ
            | op::SPUT..=op::SPUT_SHORT => read(self.a),
            op::CMPL_FLOAT..=op::CMP_LONG | op::AGET..=op::AGET_SHORT | op::BINOP_FIRST..=op::BINOP_LAST => {
                read(self.b);
                read(self.c);
            }
            op::IF_EQ..=op::IF_LE
            | op::IPUT..=op::IPUT_SHORT
            | op::IPUT_QUICK..=op::IPUT_OBJECT_QUICK
            | op::IPUT_BOOLEAN_QUICK..=op::IPUT_SHORT_QUICK
            | op::BINOP_2ADDR_FIRST..=op::BINOP_2ADDR_LAST => {
                read(self.a);
                read(self.b);
            }
            op::APUT..=op::APUT_SHORT => {
                read(self.a);
                read(self.b);
                read(self.c);
            }
            op::FILLED_NEW_ARRAY..=op::FILLED_NEW_ARRAY_RANGE
            | op::INVOKE_VIRTUAL..=op::INVOKE_INTERFACE
            | op::INVOKE_VIRTUAL_RANGE..=op::INVOKE_INTERFACE_RANGE
            | op::INVOKE_VIRTUAL_QUICK..=op::INVOKE_VIRTUAL_RANGE_QUICK
            | op::INVOKE_POLYMORPHIC..=op::INVOKE_CUSTOM_RANGE => match self.args {
                Args::List(list, n) => list.into_iter().take(n.into()).for_each(read),
                Args::Range(first, n) => (first..=u16::MAX).take(n.into()).for_each(read),
            },
            _ => {}
        }
    }
}
