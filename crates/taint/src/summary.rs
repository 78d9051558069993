//! What a method does, told in terms of what its caller passes.

use std::sync::Arc;

use dalvik::MethodId;

use crate::value::{Key, ObjId, SetId};

/// What a method does.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Summary {
    /// What it returns.
    pub returns: SetId,
    /// What it throws.
    pub throws: SetId,
    /// Parts that it writes: of objects of the caller, and of objects it made that outlive it.
    pub heap: Vec<(ObjId, Key, SetId)>,
    /// What is left to do once the caller's values are known.
    pub effects: Vec<Effect>,
    /// Objects of the caller whose class would tell which methods run.
    pub wants: Vec<ObjId>,
    /// Whether every way through it ends the program.
    pub never_returns: bool,
}

/// Classes of objects of the caller.
pub(crate) type Types = Vec<(ObjId, Vec<dalvik::ClassId>)>;

/// Something that happens in a method, or in one that it calls, and depends on what the caller passes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Effect {
    pub deed: Deed,
    pub args: Vec<SetId>,
    pub trail: TrailId,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Deed {
    /// A value reaches a sink.
    Sink { kind: Arc<str>, what: Arc<str> },
    /// A capability is used, whatever with.
    Reach { kind: Arc<str>, what: Arc<str> },
    /// Code outside the program keeps an object and may call it later.
    Keep,
    /// An intent is sent: what for, sender, intent. Or a provider is asked: its address for the sender, all else for the
    /// intent. Or a binder is called: the binder for the sender, the parcel for the intent.
    Send(Icc),
    /// The framework calls a method of an object: receiver, arguments.
    CallLater(dalvik::Name),
}

/// What an intent is sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Icc {
    Activity,
    ActivityForResult,
    Service,
    Bind,
    Broadcast,
    Result,
    Provider,
    Binder,
}

/// The way from a method down to where something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TrailId(pub u32);

/// One step of such a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Step {
    pub method: MethodId,
    pub pc: u32,
    pub next: Option<TrailId>,
    pub len: u16,
}

impl Default for SetId {
    fn default() -> SetId {
        SetId::EMPTY
    }
}
