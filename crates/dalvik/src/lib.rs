//! Bytecode as a program: classes, hierarchy, instructions and calls. Nothing here knows a source or a sink.
//!
//! [`container`] finds the dex files in whatever file holds them, [`Dex`] reads one in place, [`insn`] decodes
//! instructions without allocating, [`Program`] joins the dex files of one app into classes and methods with names of
//! their own.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects
    )
)]

pub mod container;
mod dex;
mod extras;
mod inline;
pub mod insn;
mod normal;
mod program;
mod quick;
mod registers;
mod text;

pub use dex::{ClassDef, CodeItem, Dex, Handler, Member, Members, Try, access};
pub use extras::{Annotation, Annotations, Hidden, HiddenMembers, Line, Value, Visibility};
pub use insn::{Args, Insn, Insns, op};
pub use normal::{Normal, Normaliser, Own, ResourceName};
pub use program::{Class, ClassId, FieldRef, Method, MethodId, MethodRef, Name, Names, Program, RefId};
pub use text::{mnemonic, text_of};
