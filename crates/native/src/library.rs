//! What functions of the C library and of Android's libraries do with what they are given. A table: one row a function.

use crate::value::Domain;

/// What a library function does.
#[derive(Debug, Clone, Copy)]
pub struct Model {
    /// Its name as it is linked.
    pub name: &'static str,
    /// What it does.
    pub act: Act,
}

/// What a library function does. Numbers are those of arguments, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Fills a buffer, of a length if one is given, from a descriptor.
    Receive { into: u8, len: Option<u8>, from: From },
    /// Does something with what an argument says.
    Sink { kind: &'static str, args: &'static [u8] },
    /// Opens a socket.
    Socket(Domain),
    /// Opens a socket of the domain that an argument states.
    SocketOf(u8),
    /// A socket made from another.
    Accept(u8),
    /// Binds a socket to an address.
    Bind,
    /// A socket that listens on the port that an argument states, on all addresses or on this phone's own.
    ListenOn { port: u8, address: &'static str },
    /// A text as an address of four bytes.
    Address(u8),
    /// Sixteen bits the other way round.
    Swap(u8),
    /// Copies text or bytes.
    Copy { to: u8, from: u8, append: bool },
    /// Writes text by a format; what it takes starts at `rest`.
    Format { to: u8, format: u8, rest: u8, allocates: bool },
    /// Reads text by a format.
    Scan { from: u8, format: u8, rest: u8 },
    /// Sets bytes.
    Fill { to: u8, len: u8 },
    /// Returns something within or about what an argument points to.
    Within(u8),
    /// Returns new memory.
    Allocate,
    /// Returns new memory with a copy.
    Duplicate(u8),
    /// Returns the descriptor that an argument is.
    SameDescriptor(u8),
    /// Compares two texts.
    Compare(u8, u8),
    /// Starts a thread in a function with an argument.
    Thread { function: u8, argument: u8 },
    /// Takes a name (of a host, a device) that is worth telling.
    Named(u8),
    /// Returns text that a caller sent by Binder.
    Sent,
    /// Makes an object of what a caller sent, where the result is to lie.
    SentObject,
    /// Makes a text of Binder from one of C.
    Wide { to: u8, from: u8 },
    /// Ends a text of Binder.
    WideEnd(u8),
    /// Returns the service manager.
    ServiceManager,
    /// Offers an object by Binder under the name that an argument is.
    Offer(u8),
    /// `curl_easy_setopt`.
    Curl,
    /// Nothing that is followed, but worth telling of.
    Listed,
}

/// Where a buffer is filled from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// A network, by its nature.
    Network,
    /// The descriptor or stream that an argument is.
    Descriptor(u8),
    /// A caller by Binder.
    Binder,
}

/// The row of a function. Names that only check lengths (`__read_chk`) are those that they check for.
pub fn model(name: &str) -> Option<&'static Model> {
    let name = name.strip_prefix("__").and_then(|it| it.strip_suffix("_chk")).unwrap_or(name);
    let found = MODELS.binary_search_by_key(&name, |it| it.name).ok().and_then(|it| MODELS.get(it));
    let found = found.or_else(|| BINDER.iter().find(|it| name.starts_with(it.name)));
    found.or_else(|| STRINGS.iter().find(|it| is_string(name) && name.contains(it.name)))
}

/// Whether it is a method of `std::string` of one of the libraries of C++.
fn is_string(name: &str) -> bool {
    name.starts_with("_ZNSs") || name.starts_with("_ZNKSs") || name.contains("12basic_string")
}

/// Whether calls of a function are told of.
pub fn is_listed(act: Act) -> bool {
    matches!(
        act,
        Act::Sink { .. }
            | Act::Socket(_)
            | Act::SocketOf(_)
            | Act::Accept(_)
            | Act::Bind
            | Act::ListenOn { .. }
            | Act::Address(_)
            | Act::Named(_)
            | Act::Listed
    )
}

/// Whether a function that calls it is followed, though nothing is told of the call.
pub fn is_followed(act: Act) -> bool {
    matches!(act, Act::Thread { .. } | Act::ServiceManager | Act::Offer(_))
}

/// Whether an argument is a text, however low its address.
pub fn is_text(act: Act, n: u8) -> bool {
    match act {
        Act::Sink { args, .. } => args.contains(&n),
        Act::Address(text) | Act::Named(text) => text == n,
        _ => false,
    }
}

/// Kinds of sinks by which a program acts; the rest is told of and no more.
pub const COMMAND: &str = "execute-command";
/// Code is loaded.
pub const LOAD: &str = "load-native";
/// A property is set.
pub const PROPERTY: &str = "set-property";

const fn row(name: &'static str, act: Act) -> Model {
    Model { name, act }
}

const fn receive(name: &'static str, into: u8, len: u8, descriptor: u8) -> Model {
    row(name, Act::Receive { into, len: Some(len), from: From::Descriptor(descriptor) })
}

const fn network(name: &'static str, into: u8, len: u8) -> Model {
    row(name, Act::Receive { into, len: Some(len), from: From::Network })
}

const fn sink(name: &'static str, kind: &'static str, args: &'static [u8]) -> Model {
    row(name, Act::Sink { kind, args })
}

const fn copy(name: &'static str, append: bool) -> Model {
    row(name, Act::Copy { to: 0, from: 1, append })
}

/// Sorted by name. POSIX.1-2017; bionic; libcutils (`sockets.h`, `properties.h`); OpenSSL; libcurl.
const MODELS: &[Model] = &[
    network("BIO_gets", 1, 2),
    network("BIO_read", 1, 2),
    network("SSL_read", 1, 2),
    sink("__system_property_set", PROPERTY, &[0, 1]),
    row("accept", Act::Accept(0)),
    row("accept4", Act::Accept(0)),
    row("android_create_thread", Act::Thread { function: 0, argument: 1 }),
    sink("android_dlopen_ext", LOAD, &[0]),
    sink("android_fork_execvp", COMMAND, &[1]),
    sink("android_fork_execvp_ext", COMMAND, &[1]),
    row("android_get_control_socket", Act::Socket(Domain::Local)),
    row("asprintf", Act::Format { to: 0, format: 1, rest: 2, allocates: true }),
    row("atoi", Act::Within(0)),
    row("basename", Act::Within(0)),
    row("bind", Act::Bind),
    row("calloc", Act::Allocate),
    row("connect", Act::Listed),
    row("curl_easy_setopt", Act::Curl),
    sink("dlopen", LOAD, &[0]),
    sink("execl", COMMAND, &[0, 1, 2, 3, 4, 5]),
    sink("execle", COMMAND, &[0, 1, 2, 3, 4, 5]),
    sink("execlp", COMMAND, &[0, 1, 2, 3, 4, 5]),
    sink("execv", COMMAND, &[0, 1]),
    sink("execve", COMMAND, &[0, 1]),
    sink("execvp", COMMAND, &[0, 1]),
    sink("execvpe", COMMAND, &[0, 1]),
    row("fdopen", Act::SameDescriptor(0)),
    receive("fgets", 0, 1, 2),
    receive("fread", 0, 2, 3),
    row("getaddrinfo", Act::Named(0)),
    row("gethostbyname", Act::Named(0)),
    receive("getline", 0, 1, 2),
    row("htons", Act::Swap(0)),
    row("index", Act::Within(0)),
    row("inet_addr", Act::Address(0)),
    row("inet_aton", Act::Named(0)),
    row("inet_pton", Act::Named(1)),
    sink("init_module", "load-kernel-module", &[]),
    row("listen", Act::Listed),
    row("malloc", Act::Allocate),
    row("memcmp", Act::Compare(0, 1)),
    copy("memcpy", false),
    copy("memmove", false),
    row("memset", Act::Fill { to: 0, len: 2 }),
    row("mount", Act::Named(0)),
    row("ntohs", Act::Swap(0)),
    sink("popen", COMMAND, &[0]),
    sink("posix_spawn", COMMAND, &[1, 4]),
    sink("posix_spawnp", COMMAND, &[1, 4]),
    sink("property_set", PROPERTY, &[0, 1]),
    row("pthread_create", Act::Thread { function: 2, argument: 3 }),
    row("ptrace", Act::Listed),
    receive("read", 1, 2, 0),
    row("realloc", Act::Within(0)),
    row("reboot", Act::Listed),
    receive("recv", 1, 2, 0),
    receive("recvfrom", 1, 2, 0),
    row("recvmsg", Act::Receive { into: 1, len: None, from: From::Descriptor(0) }),
    row("rindex", Act::Within(0)),
    row("setresuid", Act::Listed),
    row("setuid", Act::Listed),
    row("snprintf", Act::Format { to: 0, format: 2, rest: 3, allocates: false }),
    row("socket", Act::SocketOf(0)),
    row("socket_inaddr_any_server", Act::ListenOn { port: 0, address: "0.0.0.0" }),
    row("socket_local_client", Act::Socket(Domain::Local)),
    row("socket_local_server", Act::Socket(Domain::Local)),
    row("socket_loopback_server", Act::ListenOn { port: 0, address: "127.0.0.1" }),
    row("socket_network_client", Act::Socket(Domain::Internet)),
    row("sprintf", Act::Format { to: 0, format: 1, rest: 2, allocates: false }),
    row("sscanf", Act::Scan { from: 0, format: 1, rest: 2 }),
    row("strcasecmp", Act::Compare(0, 1)),
    row("strcasestr", Act::Within(0)),
    copy("strcat", true),
    row("strchr", Act::Within(0)),
    row("strcmp", Act::Compare(0, 1)),
    copy("strcpy", false),
    row("strdup", Act::Duplicate(0)),
    copy("strlcat", true),
    copy("strlcpy", false),
    row("strncasecmp", Act::Compare(0, 1)),
    copy("strncat", true),
    row("strncmp", Act::Compare(0, 1)),
    copy("strncpy", false),
    row("strndup", Act::Duplicate(0)),
    row("strrchr", Act::Within(0)),
    row("strsep", Act::Within(0)),
    row("strstr", Act::Within(0)),
    row("strtok", Act::Within(0)),
    row("strtok_r", Act::Within(0)),
    row("strtol", Act::Within(0)),
    row("strtoul", Act::Within(0)),
    sink("system", COMMAND, &[0]),
];

/// Methods of libbinder and of the texts of libutils (AOSP `frameworks/native/libs/binder`, `system/core/libutils`), by how their
/// mangled names begin: the object is the first argument, or the second where the result lies in the caller's frame.
const BINDER: &[Model] = &[
    row("AServiceManager_addService", Act::Offer(1)),
    row("_ZN7android21defaultServiceManagerEv", Act::ServiceManager),
    row("_ZN7android7String8C1ERK", Act::Copy { to: 0, from: 1, append: false }),
    row("_ZN7android7String8C2ERK", Act::Copy { to: 0, from: 1, append: false }),
    row("_ZN7android7String8C1EP", Act::Copy { to: 0, from: 1, append: false }),
    row("_ZN7android7String8C2EP", Act::Copy { to: 0, from: 1, append: false }),
    row("_ZN7android7String86append", Act::Copy { to: 0, from: 1, append: true }),
    row("_ZN7android7String85setTo", Act::Copy { to: 0, from: 1, append: false }),
    row("_ZN7android8String16C1EPKc", Act::Wide { to: 0, from: 1 }),
    row("_ZN7android8String16C2EPKc", Act::Wide { to: 0, from: 1 }),
    row("_ZN7android8String16D1Ev", Act::WideEnd(0)),
    row("_ZN7android8String16D2Ev", Act::WideEnd(0)),
    row("_ZN7android8String16C1ERK", Act::Copy { to: 0, from: 1, append: false }),
    row("_ZN7android8String16C2ERK", Act::Copy { to: 0, from: 1, append: false }),
    row("_ZNK7android6Parcel11readCStringEv", Act::Sent),
    row("_ZNK7android6Parcel11readInplaceE", Act::Sent),
    row("_ZNK7android6Parcel18readString8InplaceE", Act::Sent),
    row("_ZNK7android6Parcel19readString16InplaceE", Act::Sent),
    row("_ZNK7android6Parcel11readString8Ev", Act::SentObject),
    row("_ZNK7android6Parcel12readString16Ev", Act::SentObject),
    row("_ZNK7android6Parcel11readString8EP", Act::Receive { into: 1, len: None, from: From::Binder }),
    row("_ZNK7android6Parcel12readString16EP", Act::Receive { into: 1, len: None, from: From::Binder }),
    row("_ZNK7android6Parcel21readUtf8FromUtf16E", Act::Receive { into: 1, len: None, from: From::Binder }),
    row("_ZNK7android6Parcel4readEPv", Act::Receive { into: 1, len: Some(2), from: From::Binder }),
];

/// Methods of `std::string`, by a part of their mangled names: the object is the first argument.
const STRINGS: &[Model] = &[
    row("6append", Act::Copy { to: 0, from: 1, append: true }),
    row("6assign", Act::Copy { to: 0, from: 1, append: false }),
    row("7compare", Act::Compare(0, 1)),
    row("C1", Act::Copy { to: 0, from: 1, append: false }),
    row("C2", Act::Copy { to: 0, from: 1, append: false }),
    row("aS", Act::Copy { to: 0, from: 1, append: false }),
    row("pL", Act::Copy { to: 0, from: 1, append: true }),
    row("c_str", Act::Within(0)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_each_row_is_found() {
        assert!(MODELS.is_sorted_by_key(|it| it.name));
        assert!(MODELS.iter().all(|it| model(it.name).is_some_and(|found| found.name == it.name)));
    }

    #[test]
    fn a_checking_name_is_the_one_that_it_checks_for() {
        assert_eq!(model("__recvfrom_chk").map(|it| it.name), Some("recvfrom"));
        assert_eq!(model("_ZNSs6appendEPKc").map(|it| it.name), Some("6append"));
        assert!(model("_ZN7android6appendEv").is_none());
    }
}
