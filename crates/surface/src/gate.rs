//! The words of the graph: outsiders, gates, and where gates lead.

use model::Location;
use model::fact::native;

use crate::Barrier;

/// Someone who is not meant to have power over the phone, from the farthest to the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outsider {
    /// A server that the phone talks to, or whoever is on the way to it.
    Internet,
    /// Who knows the phone number.
    Sms,
    /// On the same network, or within radio range.
    Nearby,
    /// Any app on the phone, without a permission that the user is asked for.
    App,
    /// An app with permissions that users give.
    AskingApp,
    /// A computer at the cable.
    Usb,
    /// Who holds the phone.
    Physical,
}

impl Outsider {
    /// All of them, from the farthest to the nearest.
    pub const ALL: &'static [Outsider] = &[
        Outsider::Internet,
        Outsider::Sms,
        Outsider::Nearby,
        Outsider::App,
        Outsider::AskingApp,
        Outsider::Usb,
        Outsider::Physical,
    ];

    /// The id.
    pub fn id(self) -> &'static str {
        match self {
            Outsider::Internet => "internet",
            Outsider::Sms => "sms",
            Outsider::Nearby => "nearby",
            Outsider::App => "app",
            Outsider::AskingApp => "asking-app",
            Outsider::Usb => "usb",
            Outsider::Physical => "physical",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Outsider::Internet => "the internet",
            Outsider::Sms => "who sends a message",
            Outsider::Nearby => "who is near",
            Outsider::App => "any app",
            Outsider::AskingApp => "an app with permissions",
            Outsider::Usb => "a computer at the cable",
            Outsider::Physical => "who holds the phone",
        }
    }
}

/// Declares [`GateKind`] with its id.
macro_rules! kinds {
    ($($variant:ident $id:literal $words:literal;)*) => {
        /// What kind of place a gate is. Ids are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum GateKind {
            $(#[doc = $words] $variant,)*
        }

        impl GateKind {
            /// All of them, in order.
            pub const ALL: &'static [GateKind] = &[$(GateKind::$variant,)*];

            /// The id.
            pub fn id(self) -> &'static str {
                match self { $(GateKind::$variant => $id,)* }
            }

            /// A few words.
            pub fn words(self) -> &'static str {
                match self { $(GateKind::$variant => $words,)* }
            }
        }
    };
}

kinds! {
    Network "network" "what servers say to an app";
    UpdateChannel "update-channel" "updates and packages that are loaded";
    Push "push" "push messages";
    Sms "sms" "text messages";
    CellBroadcast "cell-broadcast" "cell broadcasts";
    Modem "modem" "the modem";
    ListeningSocket "listening-socket" "sockets of the network";
    Bluetooth "bluetooth" "Bluetooth";
    Nfc "nfc" "NFC";
    Activity "activity" "screens that apps may open";
    Service "service" "services that apps may start";
    Receiver "receiver" "receivers of broadcasts";
    DynamicReceiver "dynamic-receiver" "receivers that code registers";
    Provider "provider" "content providers";
    BinderService "binder-service" "services by name";
    LocalSocket "local-socket" "sockets inside the phone";
    Property "property" "properties that something reacts to";
    DeviceNode "device-node" "device nodes";
    WritableFile "writable-file" "files that are run or read from writable places";
    Adb "adb" "adb";
    Accessibility "accessibility" "what is on the screen";
    Usb "usb" "USB devices";
    Recovery "recovery" "recovery and fastboot";
    DialerCode "dialer-code" "codes that are dialled";
}

/// A place where someone from outside can come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// What it is.
    pub kind: GateKind,
    /// Its name: a component, a socket, a property, a path.
    pub name: String,
    /// Whose it is: a package, a service, a program.
    pub owner: String,
    /// Where the phone has what it belongs to.
    pub device_path: String,
    /// Where it is stated.
    pub at: Location,
    /// Who can come up to it.
    pub from: Vec<Outsider>,
    /// What stands before it.
    pub barriers: Vec<Barrier>,
    /// Of a connection by which updates and packages are loaded: how.
    pub channel: Option<Channel>,
    /// Where it leads, as far as is known: the shortest way to each capability.
    pub leads: Vec<Lead>,
}

/// A connection by which updates and packages are loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Addresses that the code on the way names.
    pub urls: Vec<String>,
    /// Whether they, or what the manifest allows, say that it is encrypted.
    pub transport: Transport,
    /// Verifications on the way to what is installed or loaded; that they guard it is not shown.
    pub verification: Vec<String>,
}

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// It is.
    Tls,
    /// It is not.
    Clear,
    /// Some addresses say so and some not.
    Both,
    /// Nothing says.
    Unknown,
}

impl Transport {
    /// By the schemes of addresses; without any by whether other connections are forbidden to the app.
    pub fn of(urls: &[String], only_tls: bool) -> Transport {
        let is_tls = |it: &String| it.starts_with("https://") || it.starts_with("wss://");
        match (urls.iter().any(is_tls), urls.iter().any(|it| !is_tls(it))) {
            (true, true) => Transport::Both,
            (true, false) => Transport::Tls,
            (false, true) => Transport::Clear,
            (false, false) if only_tls => Transport::Tls,
            (false, false) => Transport::Unknown,
        }
    }

    /// The id.
    pub fn id(self) -> &'static str {
        match self {
            Transport::Tls => "tls",
            Transport::Clear => "clear",
            Transport::Both => "both",
            Transport::Unknown => "unknown",
        }
    }
}

impl Gate {
    /// Who gets through all that stands before it, from the farthest to the nearest.
    pub fn open_to(&self) -> impl Iterator<Item = Outsider> {
        self.from.iter().copied().filter(|it| self.barriers.iter().all(|barrier| barrier.passes.contains(it)))
    }

    /// Who gets through these barriers, too.
    pub fn open_along(&self, lead: &Lead) -> impl Iterator<Item = Outsider> {
        self.open_to().filter(|it| lead.barriers.iter().all(|barrier| barrier.passes.contains(it)))
    }
}

/// A way from a gate to a capability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// What is gained (`execute-command`).
    pub capability: String,
    /// As whom: a user of the system, or the package of an app.
    pub acts_as: String,
    /// Whether what the outsider says reaches it; else it only happens.
    pub told: bool,
    /// Whether the order in time, or the link between two steps, is not shown.
    pub loose: bool,
    /// What stands in the way behind the gate.
    pub barriers: Vec<Barrier>,
    /// The way, step by step.
    pub steps: Vec<LeadStep>,
}

/// A step of a way across the phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadStep {
    /// The layer: `app`, `property`, `init`, `script`, `native`, `file`.
    pub layer: &'static str,
    /// What happens.
    pub what: String,
    /// Where it stands.
    pub at: Location,
}

impl Lead {
    /// The layers that it crosses, each once, in order.
    pub fn layers(&self) -> Vec<&'static str> {
        let mut layers: Vec<&'static str> = Vec::new();
        for step in &self.steps {
            if layers.last() != Some(&step.layer) {
                layers.push(step.layer);
            }
        }
        layers
    }
}

/// The source of a native way in the words of a gate.
pub(crate) fn is_of_network(way: &native::Way) -> bool {
    way.source == "network-input"
}
