//! A call of a library function: what it does by the table.

use crate::isa::Isa;
use crate::library::{self, Act, From};
use crate::value::{Domain, Mask, Object, State, Value, What};

use super::{BUFFER, Bound, Compare, Hop, Run, Site, Use};

impl Run<'_> {
    /// A call of a library function; whether it is a sink.
    pub fn library(&mut self, state: &mut State, at: u64, model: &'static library::Model) -> bool {
        let mut acts = false;
        let arg = |run: &Self, state: &State, n: u8| run.argument(state, n);
        let all = |run: &Self, state: &State, n: u8| run.all_from(state, run.argument(state, n));
        let function = self.number;
        let hop = || vec![Hop { function, at, callee: model.name.to_owned() }];
        if library::is_listed(model.act) {
            self.tell(state, at, model);
        }
        let mut result = Value::UNKNOWN;
        let mut after: Vec<(Value, i64, Mask, bool)> = Vec::new();
        match model.act {
            Act::Receive { into, len, from } => {
                let from = match from {
                    From::Network => Mask::INTERNET,
                    From::Binder => Mask::BINDER,
                    From::Descriptor(n) => match (model.name, read_from(arg(self, state, n))) {
                        // Nothing else than a socket can be received from.
                        ("recv" | "recvfrom" | "recvmsg", from) if from.and(KNOWN).is_none() => {
                            Mask(from.0 & !Mask::INPUT.0).or(Mask::SOCKET)
                        }
                        (_, from) => from,
                    },
                };
                let len = len.and_then(|it| arg(self, state, it).number()).unwrap_or(BUFFER as u64);
                let hops = hop();
                self.add_source(from, || hops);
                after.push((arg(self, state, into), (len as i64).clamp(1, LEN_MAX), from, true));
                if model.name == "fgets" {
                    result = arg(self, state, into);
                }
            }
            Act::Sink { kind, args } => {
                acts = true;
                let mut from = Mask::NONE;
                for n in args {
                    let value = arg(self, state, *n);
                    from = from.or(all(self, state, *n));
                    // The words of a command.
                    if let Some((Object::Stack, offset, _)) = value.place().filter(|_| *n != 0) {
                        let words: Vec<Value> = state.cells_from(offset, WORDS).collect();
                        from = words.into_iter().fold(from, |all, it| all.or(it.from).or(state.content(it)));
                    }
                }
                if !from.is_none() {
                    let hops = hop();
                    self.add_use(Use { kind, from, hops });
                }
            }
            Act::Socket(domain) => result = Value::of(What::Socket(domain)),
            Act::SocketOf(n) => {
                let domain = arg(self, state, n).number().map_or(Domain::Unknown, Domain::of);
                result = Value::of(What::Socket(domain));
            }
            Act::Accept(n) => {
                result = match arg(self, state, n).what {
                    What::Socket(domain) => Value::of(What::Socket(domain)),
                    _ => Value::of(What::Socket(Domain::Unknown)),
                };
            }
            Act::Bind => self.bind(state, at),
            Act::ListenOn { port, address } => {
                let port = arg(self, state, port).number().and_then(|it| u16::try_from(it).ok());
                let address = Some(address.to_owned());
                let bound = Bound { function: self.number, at, domain: Domain::Internet, address, port };
                self.add_bound(bound);
                result = Value::of(What::Socket(Domain::Internet));
            }
            Act::Address(n) => {
                let text = arg(self, state, n).number().and_then(|it| self.context.image.text(it));
                let address = text.and_then(|it| it.parse::<std::net::Ipv4Addr>().ok());
                if let Some(address) = address {
                    result = Value::of(What::Const(u32::from_le_bytes(address.octets()).into()));
                }
            }
            Act::Swap(n) => {
                let value = arg(self, state, n).number().map(|it| u64::from((it as u16).swap_bytes()));
                result = value.map_or(Value::UNKNOWN, |it| Value::of(What::Const(it)));
            }
            Act::Copy { to, from, append } => {
                let source = all(self, state, from);
                after.push((arg(self, state, to), BUFFER, source, !append));
                result = arg(self, state, to);
                result.from = result.from.or(source.and(Mask::OUTSIDE));
            }
            Act::Format { to, format, rest, allocates } => {
                let mut from = Mask::NONE;
                for n in self.taken(state, format, rest) {
                    from = from.or(all(self, state, n));
                }
                from = from.or(state.content(arg(self, state, format)));
                let place = arg(self, state, to);
                if allocates {
                    let memory = Value::of(What::At(Object::Heap(at), 0));
                    if let Some((Object::Stack, offset, true)) = place.place() {
                        let size = self.isa.pointer().into();
                        self.forget(state);
                        state.put(offset, size, memory);
                        state.write(memory, BUFFER, from);
                        return false;
                    }
                } else {
                    after.push((place, BUFFER, from, true));
                }
            }
            Act::Scan { from, format, rest } => {
                let source = all(self, state, from);
                for n in self.taken(state, format, rest) {
                    after.push((arg(self, state, n), BUFFER, source, true));
                }
            }
            Act::Fill { to, len } => {
                let place = arg(self, state, to);
                let len = arg(self, state, len).number().unwrap_or(0).min(LEN_MAX as u64) as i64;
                let zero = arg(self, state, 1).number() == Some(0);
                self.forget(state);
                if let Some((Object::Stack, offset, true)) = place.place().filter(|_| 0 < len) {
                    state.forget_cells(offset, len);
                    if zero {
                        state.put(offset, len, Value::of(What::Const(0)));
                    }
                }
                state.write(place, len, Mask::NONE);
                state.set(0, place);
                return false;
            }
            Act::Within(n) => {
                let value = arg(self, state, n);
                let near = value.near();
                result = Value { what: near.what, from: all(self, state, n) };
            }
            Act::Allocate => result = Value::of(What::At(Object::Heap(at), 0)),
            Act::Duplicate(n) => {
                let memory = Value::of(What::At(Object::Heap(at), 0));
                after.push((memory, BUFFER, all(self, state, n), true));
                result = memory;
            }
            Act::SameDescriptor(n) => result = arg(self, state, n),
            Act::Compare(a, b) => {
                let texts = [a, b].map(|it| arg(self, state, it).number().and_then(|it| self.context.image.text(it)));
                if let [Some(text), None] | [None, Some(text)] = texts
                    && !text.is_empty()
                {
                    result = Value::of(What::Compared(self.compare(at, model.name, text)));
                }
            }
            Act::Thread { function, argument } => {
                let to = arg(self, state, function).number();
                let plain = to.map(|it| if self.context.image.isa == Isa::A32 { it & !1 } else { it });
                if let Some(n) = plain.and_then(|it| self.context.functions.starting(it)) {
                    self.add_call(at, n);
                    let given = arg(self, state, argument);
                    let mut inner = state.clone();
                    match self.isa.arguments().first() {
                        Some(reg) => inner.set(*reg, given),
                        None => {
                            if let Some((Object::Stack, offset, true)) = state.reg(self.isa.stack()).place() {
                                inner.put(offset, self.isa.pointer().into(), given);
                            }
                        }
                    }
                    acts = self.own(&mut inner, at, n);
                }
            }
            Act::Sent => {
                let hops = hop();
                self.add_source(Mask::BINDER, || hops);
                result = Value::from(Mask::BINDER);
            }
            Act::SentObject => {
                let hops = hop();
                self.add_source(Mask::BINDER, || hops);
                // On arm64 a register of its own says where the result is to lie (AAPCS64, 6.9).
                let place = if self.isa == Isa::A64 { state.reg(8) } else { arg(self, state, 0) };
                after.push((place, BUFFER, Mask::BINDER, true));
            }
            Act::Wide { to, from } => {
                let text = arg(self, state, from).number().and_then(|it| self.context.image.text(it));
                if let (Some((Object::Stack, offset, true)), Some(text)) = (arg(self, state, to).place(), text) {
                    self.wide.insert(offset, text.to_owned());
                }
            }
            Act::WideEnd(n) => {
                if let Some((Object::Stack, offset, true)) = arg(self, state, n).place() {
                    self.wide.remove(&offset);
                }
            }
            Act::Offer(name) => {
                let text = arg(self, state, name).number().and_then(|it| self.context.image.text(it));
                if let Some(text) = text {
                    self.offer(at, text.to_owned());
                }
            }
            Act::Curl => {
                // CURLOPT_WRITEFUNCTION (curl.h).
                let function = arg(self, state, 2).number().filter(|_| arg(self, state, 1).number() == Some(20_011));
                if let Some(to) = function.filter(|it| !self.seen.callbacks.contains(it)) {
                    self.seen.callbacks.push(if self.context.image.isa == Isa::A32 { to & !1 } else { to });
                }
            }
            Act::ServiceManager | Act::Named(_) | Act::Listed => {}
        }
        self.forget(state);
        for (place, len, from, replaces) in after {
            self.fill(state, place, len, from, replaces);
        }
        state.set(0, result);
        acts
    }

    fn add_call(&mut self, at: u64, callee: usize) {
        if !self.seen.calls.contains(&(at, callee)) {
            self.seen.calls.push((at, callee));
        }
    }

    /// A call by a table of methods: `addService` of the service manager, if a text of Binder is its first argument.
    pub fn virtual_call(&mut self, state: &State, at: u64, skip: Option<i64>) {
        let size = i64::from(self.isa.pointer());
        if skip != Some(ADD_SERVICE.wrapping_mul(size)) {
            return;
        }
        if let Some((Object::Stack, offset, true)) = self.argument(state, 1).place()
            && let Some(name) = self.wide.get(&offset).cloned()
        {
            self.offer(at, name);
        }
    }

    fn offer(&mut self, at: u64, name: String) {
        if !self.seen.offers.iter().any(|it| it.0 == at) {
            self.seen.offers.push((at, name));
        }
    }

    fn compare(&mut self, at: u64, name: &'static str, text: &str) -> usize {
        if let Some(known) = self.compares.iter().position(|it| it.at == at) {
            return known;
        }
        self.compares.push(Compare { at, name, text: text.to_owned(), branch: None });
        self.compares.len().saturating_sub(1)
    }

    /// The arguments that a format takes as text. Where the format is not known, all.
    fn taken(&self, state: &State, format: u8, rest: u8) -> Vec<u8> {
        let text = self.argument(state, format).number().and_then(|it| self.context.image.text(it));
        let Some(text) = text else { return (rest..rest.saturating_add(4)).collect() };
        let mut taken = Vec::new();
        let mut n = rest;
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            if byte != b'%' {
                continue;
            }
            for byte in bytes.by_ref() {
                match byte {
                    b'%' => break,
                    // The length as an argument.
                    b'*' => n = n.saturating_add(1),
                    b's' | b'[' | b'S' => {
                        taken.push(n);
                        n = n.saturating_add(1);
                        break;
                    }
                    b'a'..=b'z' | b'A'..=b'Z' if !matches!(byte, b'l' | b'h' | b'z' | b'j' | b't' | b'L' | b'q') => {
                        n = n.saturating_add(1);
                        break;
                    }
                    _ => {}
                }
            }
        }
        taken
    }

    fn bind(&mut self, state: &State, at: u64) {
        let socket = match self.argument(state, 0).what {
            What::Socket(domain) => Some(domain),
            _ => None,
        };
        let place = self.argument(state, 1).place();
        let field = |skip: i64, len: i64| match place {
            Some((Object::Stack, offset, true)) => state.cell(offset.wrapping_add(skip), len)?.number(),
            _ => None,
        };
        let family = field(0, 2).map(Domain::of);
        let domain = match (family, socket) {
            (Some(domain), _) | (None, Some(domain)) => domain,
            _ => Domain::Unknown,
        };
        let internet = domain == Domain::Internet;
        let port = field(2, 2).filter(|_| internet).map(|it| (it as u16).swap_bytes());
        let address = field(4, 4).filter(|_| internet && field(0, 2) == Some(2));
        let address = address.map(|it| std::net::Ipv4Addr::from((it as u32).to_le_bytes()).to_string());
        self.add_bound(Bound { function: self.number, at, domain, address, port });
    }

    pub fn add_bound(&mut self, bound: Bound) {
        match self.seen.bound.iter_mut().find(|it| it.at == bound.at) {
            // The last round knows best.
            Some(known) => *known = bound,
            None => self.seen.bound.push(bound),
        }
    }

    /// Tells of a call.
    fn tell(&mut self, state: &State, at: u64, model: &'static library::Model) {
        let args =
            (0..ARGS_TOLD).map(|it| self.text_of(self.argument(state, it), library::is_text(model.act, it))).collect();
        let site = Site { function: self.number, at, name: model.name, args };
        match self.seen.sites.iter_mut().find(|it| it.at == at) {
            Some(known) => *known = site,
            None => self.seen.sites.push(site),
        }
    }

    fn text_of(&self, value: Value, is_text: bool) -> Option<String> {
        let number = value.number()?;
        let image = self.context.image;
        let pointer = is_text || NULL_END <= number;
        match image.text(number).filter(|_| pointer && !image.is_code(number)) {
            Some(text) => Some(format!("{text:?}")),
            None if number < 1 << 16 => Some(number.to_string()),
            None => Some(format!("{number:#x}")),
        }
    }

    pub fn tell_hosts(&mut self, state: &State, at: u64) {
        for n in 0..4 {
            let Some(address) = self.argument(state, n).number().filter(|it| HEADER_SIZE <= *it) else { continue };
            if !self.told.insert((at, n)) || self.context.image.is_code(address) {
                continue;
            }
            let Some(text) = self.context.image.text(address).filter(|it| HOST_MIN <= it.len()) else { continue };
            use formats::elf::strings::{is_address, is_host, is_url};
            if is_url(text) || is_host(text) || is_address(text) {
                self.seen.hosts.push((at, text.to_owned()));
            }
        }
    }
}

/// Where what is read from a descriptor comes from.
pub fn read_from(descriptor: Value) -> Mask {
    match descriptor.what {
        What::Socket(Domain::Internet) => Mask::INTERNET,
        What::Socket(Domain::Local) => Mask::LOCAL,
        What::Socket(Domain::Kernel) => Mask::NONE,
        What::Socket(Domain::Unknown) => Mask::SOCKET,
        What::At(Object::Param(n), 0) => Mask::read_from(n),
        _ => Mask::INPUT,
    }
}

/// Places that are told apart.
const KNOWN: Mask = Mask(Mask::INTERNET.0 | Mask::LOCAL.0);

const LEN_MAX: i64 = 1 << 20;

/// The words of a command that lie in the frame.
const WORDS: i64 = 64;

/// Where `addService` stands among the methods of the service manager: behind two destructors, `onAsBinder`,
/// `getInterfaceDescriptor`, `getService` and `checkService` (AOSP `IServiceManager.h`, `IInterface.h`; the same from Android 4 on).
const ADD_SERVICE: i64 = 6;

/// How many arguments of a call are told.
const ARGS_TOLD: u8 = 4;

/// Addresses below are no pointers.
const NULL_END: u64 = 4096;

/// An ELF header holds no texts.
const HEADER_SIZE: u64 = 64;

/// Shorter texts are no hosts.
const HOST_MIN: usize = 5;
