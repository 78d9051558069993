//! What the code of an ELF file does: read from its instructions, as far as they were understood.

use serde::{Deserialize, Serialize};

/// The code of a program or library.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Native {
    /// How many functions were found: by symbols, by tables for unwinding, by pointers and by calls.
    pub n_functions: u64,
    /// Those in which every instruction was understood and every jump's target is known.
    pub n_understood: u64,
    /// Those that were run on abstract values: the ones that receive or act, and what lies between.
    pub n_followed: u64,
    /// Bytes of code.
    pub code_size: u64,
    /// Bytes of code that belong to the functions that were found.
    pub covered_size: u64,
    /// Whether a bound on work was reached.
    pub cut: bool,
    /// Calls that matter: commands, loaded code, identities, mounts, sockets.
    pub calls: Vec<Call>,
    /// Sockets that are bound.
    pub bound: Vec<Bound>,
    /// Objects that are offered to other programs by Binder.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub offers: Vec<Offer>,
    /// Ways from what comes in to what acts on it.
    pub ways: Vec<Way>,
    /// Constants that decide whether something that acts is reached.
    pub gates: Vec<Gate>,
    /// Hosts and URLs that calls are given.
    pub hosts: Vec<Host>,
    /// Functions that Java calls.
    pub jni: Vec<JniMethod>,
}

/// A call of a library function.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The function that calls: its name, or `sub_` and its address.
    pub function: String,
    /// The call, as an offset in the file.
    pub offset: u64,
    /// The library function.
    pub name: String,
    /// Arguments: a text in quotes, a number, or nothing where it is not known.
    pub args: Vec<Option<String>>,
}

/// A socket that is bound to an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// The function that binds.
    pub function: String,
    /// The call, as an offset in the file.
    pub offset: u64,
    /// `internet`, `local`, `kernel` or `unknown`.
    pub domain: String,
    /// The address, where it is known.
    pub address: Option<String>,
    /// The port, where it is known.
    pub port: Option<u16>,
}

/// An object that is offered to other programs by Binder, under a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Offer {
    /// The call, as an offset in the file.
    pub offset: u64,
    /// The function that calls.
    pub function: String,
    /// The name (`media.player`), or the interface (`android.hardware.power@1.2::IPower`).
    pub name: String,
    /// Whether it is an interface of HIDL, offered to the service manager of hardware.
    pub hidl: bool,
}

/// A way from what comes in to what acts on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// `network-input` (from other machines), `socket-input` (from a socket, of which kind is not known),
    /// `local-socket-input` (from programs of this phone), `binder-input` (from callers of an object that it offers) or
    /// `input` (from something).
    pub source: String,
    /// `execute-command`, `load-native`, `set-property`, `load-kernel-module`.
    pub sink: String,
    /// Whether what came in was followed to what acts on it; else the one is only reached from where the other is.
    pub traced: bool,
    /// The calls, in order: to where it comes in, then to where it acts.
    pub steps: Vec<Step>,
    /// Comparisons with constants without which its end is not reached, or what comes in is not passed on.
    pub gates: Vec<Gate>,
}

/// A call on a way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The function that calls.
    pub function: String,
    /// The call, as an offset in the file.
    pub offset: u64,
    /// What is called.
    pub callee: String,
}

/// A comparison with a constant that decides whether something that acts is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The function that compares.
    pub function: String,
    /// The comparison, as an offset in the file.
    pub offset: u64,
    /// What compares (`strcmp`).
    pub name: String,
    /// The constant.
    pub text: String,
    /// Whether what acts is reached if it is equal; else if it is not.
    pub equal: bool,
    /// The call that is reached, as an offset in the file.
    pub leads_to: u64,
}

/// A host or URL that a call is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// The function that calls.
    pub function: String,
    /// The call, as an offset in the file.
    pub offset: u64,
    /// The host, address or URL.
    pub text: String,
}

/// A function that Java calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JniMethod {
    /// The class, in Java notation; none where a table is registered for a class that is named elsewhere.
    pub class: Option<String>,
    /// The method.
    pub method: String,
    /// Its descriptor, where it is stated.
    pub descriptor: Option<String>,
    /// The function, as an offset in the file.
    pub offset: u64,
    /// Calls that matter which it makes, or functions that it calls; sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reaches: Vec<String>,
}

impl Native {
    /// Whether enough of it was understood to say that it was analysed: nine in ten functions, nine tenths of the code,
    /// and no bound was reached.
    pub fn is_analysed(&self) -> bool {
        let most = |part: u64, all: u64| u128::from(all) * ANALYSED_PERCENT <= u128::from(part) * 100;
        !self.cut && most(self.n_understood, self.n_functions) && most(self.covered_size, self.code_size)
    }
}

/// From this share on a file counts as analysed.
const ANALYSED_PERCENT: u128 = 90;
